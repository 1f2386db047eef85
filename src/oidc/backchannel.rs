//! Telling relying parties that a session has ended (OpenID Connect Back-Channel Logout 1.0).

use std::time::Duration;

use serde_json::json;

use crate::{
    app::App,
    clients::{self, Client},
    clock::Timestamp,
    id::{ClientRowId, SessionId, UserId, uuid_at},
    jobs::Failure,
    keys::Algorithm,
};

/// How long a logout token lives (§2.4 asks for two minutes at most).
const LIFE: Duration = Duration::from_secs(120);

/// The event that makes it a logout token (§2.4).
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// Sends one logout token. Without a session, all of the person's sessions at that client have ended.
///
/// # Errors
/// The client did not take it; whether it is worth trying again.
pub async fn notify(
    app: &App,
    client: ClientRowId,
    subject: UserId,
    session: Option<SessionId>,
    now: Timestamp,
) -> Result<(), Failure> {
    let client = clients::find(&mut app.store.reader().await?, client).await?;
    let Some(client) = client else { return Err(Failure::Never("the client is gone".to_owned())) };
    let Some(uri) = client.settings.backchannel_logout_uri.clone() else {
        return Err(Failure::Never("the client has no logout URI any more".to_owned()));
    };
    let token = logout_token(app, &client, subject, session, now).await?;
    match app.outbound.post_form(&uri, &[("logout_token", &token)]).await {
        // §2.8: 200, and 204 from some frameworks.
        Ok(200 | 204) => Ok(()),
        // §2.8: a 400 says that the token was wrong for it; another token a minute later may not be.
        Ok(status) => Err(Failure::Later(format!("the client answered {status}"))),
        Err(refused) => Err(Failure::Later(refused.to_string())),
    }
}

/// §2.4: never a `nonce`, so that it cannot be taken for an ID token; its own `typ` besides.
async fn logout_token(
    app: &App,
    client: &Client,
    subject: UserId,
    session: Option<SessionId>,
    now: Timestamp,
) -> Result<String, Failure> {
    let algorithm: Algorithm = client.settings.id_token_alg;
    app.keys.ready(algorithm, now).await?;
    let mut claims = json!({
        "iss": app.config.issuer(),
        "sub": subject,
        "aud": client.client_id,
        "iat": now.as_seconds(),
        "exp": (now + LIFE).as_seconds(),
        "jti": uuid_at(now),
        "events": { EVENT: {} },
    });
    if let Some(session) = session {
        claims["sid"] = json!(session);
    }
    app.keys.sign(algorithm, "logout+jwt", &claims, now).map_err(|error| Failure::Later(error.to_string()))
}
