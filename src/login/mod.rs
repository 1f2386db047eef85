//! The pages of signing in: each step its own path under `/login`.
//!
//! ```text
//! /login ─ /login/password ─┬─ /login/challenge ─ /login/{totp,email,passkey,recovery} ─┬─ the end
//! /login/passkey/found ─────┤                                                           │
//! /login/{activate,reset} ──┴─ /login/enroll ─ /login/enroll/{totp,email,passkey} ─ /login/recovery-codes
//! ```
//! Steps never route to one another: each proves something to the flow (`sessions::flow`), and
//! [`outcome::advance`] asks what the flow must do next. [`step::Step::located`] says the same when a page
//! is opened, so that no step can be reached out of order. At the end [`outcome`] sets the cookie and
//! goes on to `/authorize/resume`, or to a page of this server.
//!
//! `/login/join` is a mailed question to somebody who has an account: whether to join another organization.
//!
//! Leaves to `sessions::flow` the states, to `mfa` the factors and which of them count, to `attempts` the
//! counters, to `oauth` what a signed-in user is given.
//!
//! Invariants: GET changes nothing but begins an empty flow; whoever was typed sees the same pages, at
//! the same cost, until the password is right; every try of a password or a code is counted
//! before it is judged (a passkey cannot be guessed).

mod activate;
mod challenge;
mod choice;
mod consent;
mod enroll;
mod events;
mod forgotten;
mod identify;
mod join;
mod letters;
mod new_password;
mod outcome;
mod passkey;
mod password;
mod recovery_codes;
mod reset;
mod step;
mod step_up;
mod tries;

use axum::{
    Router,
    routing::{get, post},
};

use crate::app::App;

pub use forgotten::mail_password_reset;

/// The pages of this room.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/login", get(identify::show).post(identify::submit))
        .route("/login/password", get(password::show).post(password::submit))
        .route("/login/challenge", get(choice::choose).post(choice::chosen))
        .route("/login/totp", get(challenge::show_totp).post(challenge::submit_totp))
        .route("/login/email", get(challenge::show_email).post(challenge::submit_email))
        .route("/login/recovery", get(challenge::show_recovery).post(challenge::submit_recovery))
        .route("/login/enroll", get(enroll::choose).post(enroll::chosen))
        .route("/login/enroll/totp", get(enroll::show_totp).post(enroll::submit_totp))
        .route("/login/enroll/email", get(enroll::show_email).post(enroll::submit_email))
        .route("/login/passkey", get(passkey::show).post(passkey::submit))
        .route("/login/passkey/options", post(passkey::challenge))
        .route("/login/passkey/discover", post(passkey::discover))
        .route("/login/passkey/found", post(passkey::found))
        .route("/login/enroll/passkey", get(passkey::show_enroll).post(passkey::submit_enroll))
        .route("/login/enroll/passkey/options", post(passkey::begin_enroll))
        .route("/login/recovery-codes", get(recovery_codes::show).post(recovery_codes::submit))
        .route("/login/recovery-codes.txt", get(recovery_codes::download))
        .route("/login/stuck", get(choice::stuck).post(choice::give_up))
        .route("/login/forgotten", get(forgotten::show).post(forgotten::submit))
        .route("/login/activate", get(activate::show).post(activate::submit))
        .route("/login/reset", get(reset::show).post(reset::submit))
        .route("/login/join", get(join::show).post(join::submit))
        .route("/consent", get(consent::show).post(consent::submit))
        .route("/login/step-up", get(step_up::show))
        .route("/login/cancel", post(identify::cancel))
}
