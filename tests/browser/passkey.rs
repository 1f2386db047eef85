//! Passkeys with Chromium's virtual authenticator (WebAuthn §11).

use serde_json::json;

use crate::chromium::Chromium;

/// Gives the browser an authenticator that verifies its user and keeps passkeys.
pub async fn plug_in_authenticator(chromium: &Chromium) {
    let options = json!({
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": true,
        "hasUserVerification": true, "isUserConsenting": true, "isUserVerified": true
    });
    chromium.command("webauthn/authenticator", options).await;
}
