//! Signing in and out of the portal, and what ends its sessions.

use castellan::{
    id::UserId,
    keys::Algorithm,
    mfa::Method,
    users::{self, life_cycle},
};
use serde_json::{Value, json};

use super::{in_the_portal, somebody};
use crate::support::Castellan;

/// The code flow at our own server: whoever is signed in there lands where they wanted to go.
#[tokio::test]
async fn one_lands_where_one_wanted_to_go() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let mara = somebody(&castellan, &world.partner, "mara@brackwater.example", "administrator").await;
    let mut browser = castellan.signed_in_by(&mara, &[Method::Totp]).await;
    let page = browser.get("/portal/users?q=a").await;
    page.has_status(200);
    assert!(page.url.ends_with(&format!("/portal/organizations/{}/users", world.partner.id)), "{}", page.url);
    assert!(page.body.contains("mara@brackwater.example"));
    // Tokens stay at the server.
    let cookie = &browser.cookies["castellan_portal"];
    assert_eq!(cookie.len(), 43, "an opaque secret");
    assert!(!page.body.contains("eyJ"), "no token on a page");
}

/// M1: a password alone does not open the portal, since it demands a second factor of everybody.
#[tokio::test]
async fn a_password_alone_does_not_open_the_portal() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let mara = somebody(&castellan, &world.partner, "mara@brackwater.example", "administrator").await;
    let mut browser = castellan.signed_in(&mara).await;
    let page = browser.get("/portal").await;
    assert!(page.url.contains("/login"), "{}", page.url);
    assert!(!browser.cookies.contains_key("castellan_portal"));
}

/// Row 22: an answer is worth something once, in the browser that asked; a forged or foreign one never.
#[tokio::test]
async fn an_answer_counts_once_and_in_its_own_browser() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let mara = somebody(&castellan, &world.partner, "mara@brackwater.example", "administrator").await;
    let otto = somebody(&castellan, &world.other_partner, "otto@northgate.example", "administrator").await;
    let answer_of = async |person| {
        let mut browser = castellan.signed_in_by(person, &[Method::Totp]).await;
        let begun = browser.get_once("/portal/sign-in").await;
        let answer = browser.get_once(&begun.location()).await.location();
        (browser, answer)
    };
    let (mut of_mara, answer) = answer_of(&mara).await;
    let (mut of_otto, _) = answer_of(&otto).await;
    // Login CSRF: Mara's answer in Otto's browser, and in an empty one.
    of_otto.get(&answer).await.has_status(400);
    castellan.browser().get(&answer).await.has_status(400);
    assert!(!of_otto.cookies.contains_key("castellan_portal"));
    // Another's code with one's own state.
    let (mut of_otto, mine) = answer_of(&otto).await;
    let parameter = |url: &str, name: &str| {
        let url = url::Url::parse(url).expect("a URL");
        url.query_pairs().find(|(key, _)| key == name).expect("it").1.into_owned()
    };
    let code = parameter(&answer, "code");
    let mixed = format!("/portal/callback?code={code}&state={}", parameter(&mine, "state"));
    assert!(!of_otto.get(&mixed).await.status.is_success());
    assert!(!of_otto.cookies.contains_key("castellan_portal"));
    // An answer of another issuer (RFC 9207).
    let (mut of_otto, mine) = answer_of(&otto).await;
    of_otto.get(&mine.replace("iss=http", "iss=https")).await.has_status(400);
    of_mara.get("/portal/callback?code=x&state=forged").await.has_status(400);
    of_mara.get("/portal/callback").await.has_status(400);
    // The mixed attempt has counted against Mara's code, not spent it.
    of_mara.get(&answer).await.has_status(200);
    assert!(of_mara.cookies.contains_key("castellan_portal"));
    of_mara.get_once(&answer).await.has_status(400);
}

/// Row 116: after signing in one is in the portal and nowhere else.
#[tokio::test]
async fn one_is_sent_nowhere_else() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let mara = somebody(&castellan, &world.partner, "mara@brackwater.example", "administrator").await;
    for bad in ["https://evil.example", "//evil.example", "/portal//evil.example", "/portal/\\evil", "/logout"] {
        let mut browser = castellan.signed_in_by(&mara, &[Method::Totp]).await;
        let query = form_urlencoded::Serializer::new(String::new()).append_pair("return_to", bad).finish();
        let page = browser.get(&format!("/portal/sign-in?{query}")).await;
        assert_eq!(page.url, "http://localhost:8080/portal", "{bad}");
    }
    let mut browser = castellan.signed_in_by(&mara, &[Method::Totp]).await;
    browser.get_once("/portal/sign-in?iss=https://evil.example").await.has_status(400);
}

/// Access tokens live five minutes; a session goes on by refreshing, however many requests come at once:
/// the refresh token is used once, or its family would be dead.
#[tokio::test]
async fn a_session_refreshes_once_for_all_requests() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let mara = somebody(&castellan, &world.partner, "mara@brackwater.example", "administrator").await;
    let browser = in_the_portal(&castellan, &mara).await;
    castellan.advance(6 * 60);
    let cookie = format!("castellan_portal={}", browser.cookies["castellan_portal"]);
    let ask = async || castellan.request("GET", "/portal", &[("cookie", &cookie)], "").await;
    let answers = futures_util::future::join_all((0..8).map(|_| ask())).await;
    for answer in &answers {
        answer.has_status(200);
    }
    castellan.advance(6 * 60);
    ask().await.has_status(200);
}

/// Must show 3: deprovisioning ends the portal session at the next request, whether or not the logout
/// token has come.
#[tokio::test]
async fn a_deactivated_persons_session_is_dead_at_once() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let basil = somebody(&castellan, &world.partner, "basil@brackwater.example", "basic").await;
    let mut browser = in_the_portal(&castellan, &basil).await;
    deactivate(&castellan, basil.user.id).await;
    let page = browser.get("/portal").await;
    assert!(page.url.contains("/login"), "{}", page.url);
    assert_eq!(sessions(&castellan).await, 0);
}

async fn deactivate(castellan: &Castellan, id: UserId) {
    let (master, now) = (std::sync::Arc::clone(&castellan.app.master), castellan.now());
    castellan
        .write(async move |tx| {
            let user = users::find(tx, id).await?.expect("a user");
            let by = castellan::audit::By::system();
            let act = life_cycle::Act { master: &master, by: &by };
            life_cycle::deactivate(tx, act, &user, now).await
        })
        .await
        .expect("deactivated");
}

async fn sessions(castellan: &Castellan) -> i64 {
    let sql = "SELECT COUNT(*) FROM portal_sessions WHERE subject <> ''";
    match &castellan.app.store {
        castellan::store::Store::Sqlite { readers, .. } => sqlx::query_scalar(sql).fetch_one(readers).await,
        castellan::store::Store::Postgres { pool } => sqlx::query_scalar(sql).fetch_one(pool).await,
    }
    .expect("a count")
}

/// OIDC Back-Channel Logout 1.0 §2.6: a logout token that holds ends the session it names; nothing else
/// that the server signs, and nothing that others sign, does.
#[tokio::test]
async fn a_logout_token_ends_the_session_it_names() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let mara = somebody(&castellan, &world.partner, "mara@brackwater.example", "administrator").await;
    let jonas = somebody(&castellan, &world.partner, "jonas@brackwater.example", "administrator").await;
    let mut of_mara = in_the_portal(&castellan, &mara).await;
    let mut of_jonas = in_the_portal(&castellan, &jonas).await;
    let now = castellan.now().as_seconds();
    let good = json!({
        "iss": "http://localhost:8080", "aud": "castellan-portal", "iat": now, "exp": now + 120, "jti": "one",
        "sub": mara.user.id, "events": { "http://schemas.openid.net/event/backchannel-logout": {} },
    });
    let sign = |typ: &str, claims: &Value| {
        castellan.app.keys.sign(Algorithm::Es256, typ, claims, castellan.now()).expect("signed")
    };
    let send =
        async |token: &str| castellan.post_form("/portal/backchannel-logout", &[], &[("logout_token", token)]).await;
    let changed = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        sign("logout+jwt", &claims)
    };
    let forged = {
        let token = sign("logout+jwt", &good);
        let (signed, _) = token.rsplit_once('.').expect("three parts");
        let other = sign("logout+jwt", &json!({ "iss": "x" }));
        format!("{signed}.{}", other.rsplit_once('.').expect("three parts").1)
    };
    let unsigned = {
        use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
        let header = URL_SAFE_NO_PAD.encode(br#"{"alg":"none","typ":"logout+jwt","kid":"x"}"#);
        format!("{header}.{}.", URL_SAFE_NO_PAD.encode(good.to_string()))
    };
    for bad in [
        sign("at+jwt", &good),
        sign("JWT", &good),
        forged,
        unsigned,
        changed("aud", json!("another")),
        changed("iss", json!("https://evil.example")),
        changed("exp", json!(now - 1000)),
        changed("nonce", json!("n")),
        changed("events", json!({})),
        "x".to_owned(),
        String::new(),
    ] {
        let answer = send(&bad).await;
        answer.refuses(400, "invalid_request");
    }
    of_mara.get("/portal").await.has_status(200);

    send(&sign("logout+jwt", &good)).await.has_status(200);
    assert_eq!(sessions(&castellan).await, 1);
    of_jonas.get_once("/portal").await.has_status(200);
    assert_eq!(of_mara.get_once("/portal").await.status.as_u16(), 303, "signed out; single sign-on is another matter");
}

/// Signing out ends the session here and at the server, and with it single sign-on.
#[tokio::test]
async fn signing_out_ends_both_sessions() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let mara = somebody(&castellan, &world.partner, "mara@brackwater.example", "administrator").await;
    let mut browser = in_the_portal(&castellan, &mara).await;
    let home = browser.get("/portal").await;
    let out = browser.submit(&home, "sign-out", &[]).await;
    assert!(out.url.contains("/portal/signed-out") || out.has_element("logout-confirm"), "{}", out.url);
    assert_eq!(sessions(&castellan).await, 0);
    assert!(!browser.cookies.contains_key("castellan_portal"));
    let again = browser.get("/portal").await;
    assert!(again.url.contains("/login"), "{}", again.url);
}

/// Row 24: forms of other sites, and forms with another browser's token, do nothing.
#[tokio::test]
async fn foreign_forms_do_nothing() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let mara = somebody(&castellan, &world.partner, "mara@brackwater.example", "administrator").await;
    let jonas = somebody(&castellan, &world.partner, "jonas@brackwater.example", "administrator").await;
    let mut browser = in_the_portal(&castellan, &mara).await;
    let mut other = in_the_portal(&castellan, &jonas).await;
    let token = other.get("/portal").await;
    let token = {
        let at = token.body.find("name=\"csrf\" value=\"").expect("a token") + 19;
        token.body[at..].split('"').next().expect("a token").to_owned()
    };
    let mine = browser.get("/portal").await;
    let own = {
        let at = mine.body.find("name=\"csrf\" value=\"").expect("a token") + 19;
        mine.body[at..].split('"').next().expect("a token").to_owned()
    };
    let path = format!("/portal/organizations/{}/users/{}/deactivate", world.partner.id, jonas.user.id);
    type Pairs<'a> = &'a [(&'a str, &'a str)];
    let attempts: [(Pairs<'_>, Pairs<'_>); 4] = [
        (&[], &[]),
        (&[("csrf", token.as_str())], &[]),
        (&[("csrf", own.as_str())], &[("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")]),
        (&[("csrf", own.as_str())], &[("origin", "null")]),
    ];
    for (fields, headers) in attempts {
        let answer = browser.post_once(&path, fields, headers).await;
        assert_eq!(answer.status.as_u16(), 403, "{fields:?} {headers:?}");
    }
    other.get("/portal").await.has_status(200);
    browser.post_once("/portal/sign-out", &[], &[]).await.has_status(403);
    browser.get_once("/portal").await.has_status(200);
}

/// O4: the portal's session lasts as long as the sign-in does. Using it is a sign of life; its day ends all the same.
#[tokio::test]
async fn a_session_ends_eight_hours_after_its_last_use_and_a_day_after_its_first() {
    const HOUR: u64 = 3600;
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let mara = somebody(&castellan, &world.partner, "mara@brackwater.example", "administrator").await;
    let mut browser = in_the_portal(&castellan, &mara).await;
    for hours in [7, 7, 7] {
        castellan.advance(hours * HOUR);
        let page = browser.get("/portal").await;
        assert!(!page.url.contains("/login"), "it was used: {}", page.url);
    }
    castellan.advance(4 * HOUR);
    let page = browser.get("/portal").await;
    assert!(page.url.contains("/login"), "after a day: {}", page.url);
    let mut other = in_the_portal(&castellan, &mara).await;
    castellan.advance(8 * HOUR + 60);
    let page = other.get("/portal").await;
    assert!(page.url.contains("/login"), "after eight idle hours: {}", page.url);
}
