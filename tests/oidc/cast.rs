//! Somebody signed in, and what a relying party got of it, without the pages of signing in.

use std::time::Duration;

use castellan::{
    access::Subject,
    id::GrantId,
    secret::{Secret, SecretHash},
    sessions::{self, Agent, Session, flow},
    tokens::{self, ClaimsRequest, Grant, GrantDetails, NewCode},
};
use serde_json::Value;

use crate::support::{Browser, CALLBACK, Castellan, Person, TestClient, World};

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk-and-more";
/// BASE64URL(SHA256(VERIFIER)).
fn challenge() -> String {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    URL_SAFE_NO_PAD.encode(SecretHash::of(VERIFIER.as_bytes()).as_bytes())
}

/// Anna of Harbour Dental, operator of `recover`.
pub async fn anna(castellan: &Castellan, world: &World) -> Person {
    let anna = castellan.person(&world.client, "anna@harbour.example").password().create().await;
    castellan.assign(Subject::User(anna.user.id), &world.recover, &["operator"], world.client.id).await;
    anna
}

/// Signs a person in with the password and puts the session's cookie into a browser.
pub async fn sign_in<'c>(castellan: &'c Castellan, person: &Person) -> (Session, Browser<'c>) {
    let (user, now, master) = (person.user.id, castellan.now(), castellan.app.master.clone());
    let browser_secret = Secret::random();
    let hash = browser_secret.hash();
    let (session, cookie) = castellan
        .write(async move |tx| {
            let flow = flow::start(tx, &hash, None, &flow::Start::default(), now).await?;
            let flow = flow::prove(tx, &flow, user, flow::Proof::password(now), now).await?.expect("a proof");
            let finished = flow::finish(tx, &flow, None, now).await?.expect("all was shown");
            Ok(sessions::begin(tx, &master, &finished, &Agent::default(), now).await?.expect("a session"))
        })
        .await;
    let mut browser = castellan.browser();
    browser.cookies.insert("castellan_browser".to_owned(), browser_secret.expose().to_owned());
    browser.cookies.insert("castellan_session".to_owned(), cookie.expose().to_owned());
    (session, browser)
}

/// What a client got for a code.
#[derive(Debug)]
pub struct Tokens {
    pub access_token: String,
    pub id_token: String,
}

/// Lets the client have `scope` in this session, and redeems the code.
pub async fn tokens(
    castellan: &Castellan,
    client: &TestClient<'_>,
    session: &Session,
    (scope, claims): (&str, ClaimsRequest),
) -> Tokens {
    let now = castellan.now();
    let grant = Grant {
        id: GrantId::new(now),
        user_id: session.user_id,
        client_id: client.registered.id,
        session_id: Some(session.id),
        scope: scope.parse().expect("a scope"),
        details: GrantDetails {
            auth_time: session.auth_time,
            amr: session.amr.clone(),
            acr: session.acr.clone(),
            claims,
        },
        created_at: now,
        expires_at: now + Duration::from_secs(86_400),
        revoked_at: None,
    };
    let code = Secret::random();
    let new = NewCode {
        code_hash: code.hash(),
        grant_id: grant.id,
        client_id: client.registered.id,
        redirect_uri: CALLBACK.to_owned(),
        code_challenge: Some(challenge()),
        nonce: Some("n-0S6_WzA2Mj".to_owned()),
        expires_at: now + Duration::from_secs(60),
    };
    castellan
        .write(async move |tx| {
            tokens::insert_grant(tx, &grant).await?;
            tokens::insert_code(tx, &new).await
        })
        .await;
    let answer = client.redeem(code.expose(), VERIFIER).await.expect(200);
    let text = |name: &str| answer[name].as_str().unwrap_or_default().to_owned();
    Tokens { access_token: text("access_token"), id_token: text("id_token") }
}

/// What UserInfo says to the holder of this token.
pub async fn userinfo(castellan: &Castellan, access_token: &str) -> Value {
    let authorization = format!("Bearer {access_token}");
    castellan.request("GET", "/userinfo", &[("authorization", &authorization)], String::new()).await.expect(200)
}
