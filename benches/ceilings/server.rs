use std::{
    io::Write,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Result, anyhow};
use aws_lc_rs::{
    digest,
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use axum::{Form, Json, Router, extract::State, routing};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The ceiling of everything that answers from memory.
pub async fn hello() -> Result<()> {
    let answer = async || Json(json!({ "hello": "world", "number": 42 }));
    serve(Router::new().route("/", routing::get(answer))).await
}

/// The ceiling of a grant that writes nothing: parse the form, hash the secret, sign, answer.
pub async fn sign() -> Result<()> {
    let random = SystemRandom::new();
    let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
    let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).map_err(|_| anyhow!("no key was made"))?;
    let key = EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref()).map_err(|error| anyhow!("{error}"))?;
    let signer = Signer { key: Arc::new(key), random };
    serve(Router::new().route("/token", routing::post(token)).with_state(signer)).await
}

/// Listens on a free port and says which, as the first line.
async fn serve(router: Router) -> Result<()> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    writeln!(std::io::stdout(), "{}", listener.local_addr()?)?;
    Ok(axum::serve(listener, router).await?)
}

#[derive(Clone)]
struct Signer {
    key: Arc<EcdsaKeyPair>,
    random: SystemRandom,
}

#[derive(Deserialize)]
struct Grant {
    grant_type: String,
    client_id: String,
    client_secret: String,
}

#[derive(Serialize)]
struct Token {
    access_token: String,
    token_type: &'static str,
    expires_in: u32,
    scope: &'static str,
}

async fn token(State(signer): State<Signer>, Form(grant): Form<Grant>) -> Result<Json<Token>, String> {
    let secret = digest::digest(&digest::SHA256, grant.client_secret.as_bytes());
    let claims = claims(&grant, secret.as_ref());
    let header = BASE64URL.encode(r#"{"alg":"ES256","typ":"at+jwt","kid":"0123456789abcdef0123456789abcdef"}"#);
    let message = format!("{header}.{}", BASE64URL.encode(claims.to_string()));
    let signature = signer.key.sign(&signer.random, message.as_bytes()).map_err(|error| error.to_string())?;
    let access_token = format!("{message}.{}", BASE64URL.encode(signature.as_ref()));
    Ok(Json(Token { access_token, token_type: "Bearer", expires_in: 300, scope: "backups:read" }))
}

/// As much as a product's access token carries.
fn claims(grant: &Grant, secret: &[u8]) -> Value {
    #[expect(clippy::disallowed_methods, reason = "a program of its own, without the server's clock")]
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |duration| duration.as_secs());
    json!({
        "iss": "http://localhost:8080", "sub": grant.client_id, "client_id": grant.client_id,
        "aud": "https://backup.example", "iat": now, "exp": now + 300, "jti": BASE64URL.encode(&secret[..16]),
        "scope": "backups:read", "product": "backup", "roles": ["operator"],
        "entitlements": ["backups:read", "backups:restore", "jobs:read"],
        "organizations": [{ "id": "0192f0c1-2345-7890-abcd-0123456789ab", "kind": "partner", "subtree": true }],
        "grant": grant.grant_type,
    })
}
