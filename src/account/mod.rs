//! Everybody's own account pages, whatever their realm: password, second factors, sessions, consents.
//!
//! Every page takes [`Account`], which only a whole session makes; half a session gets nothing here.
//! What could lose the account (password, factors, recovery codes) also asks for a factor shown within
//! the last ten minutes (product.md M7) and sends the person through `/login/step-up` and back.
//!
//! Leaves to `mfa`, `users::password` and `sessions` what the acts mean, to `login` all proving.
//!
//! Invariants: a GET changes nothing. Ids in paths are looked up under the person's own id, so that
//! another's factor or session is "not found".

mod consents;
mod door;
mod email;
mod factors;
mod overview;
mod passkey;
mod password;
mod recovery_codes;
mod sessions;
mod totp;
mod words;

use axum::{
    Router,
    routing::{get, post},
};

use crate::app::App;

use door::{Account, Stop};

/// The pages below `/account`.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/account", get(overview::show))
        .route("/account/password", get(password::show).post(password::change))
        .route("/account/totp", get(totp::show).post(totp::begin))
        .route("/account/totp/confirm", post(totp::confirm))
        .route("/account/passkey", get(passkey::show).post(passkey::enroll))
        .route("/account/passkey/options", post(passkey::options))
        .route("/account/email", get(email::show).post(email::send))
        .route("/account/email/confirm", post(email::confirm))
        .route("/account/recovery-codes", get(recovery_codes::show).post(recovery_codes::renew))
        .route("/account/recovery-codes/file", post(recovery_codes::file))
        .route("/account/factors/{id}", get(factors::show).post(factors::rename))
        .route("/account/factors/{id}/remove", post(factors::remove))
        .route("/account/sessions/end-others", post(sessions::end_others))
        .route("/account/sessions/{id}/end", post(sessions::end))
        .route("/account/consents/{client}/withdraw", post(consents::withdraw))
}
