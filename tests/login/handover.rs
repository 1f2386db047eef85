//! From `/authorize` through the pages of signing in, and back to the client.

use castellan::{
    access::Subject,
    organizations::{MfaRule, Policy},
};

use super::{
    sign_in::field,
    walk::{SEED, code, code_of_key, enroll_totp, is_in, scene},
};
use crate::support::{CALLBACK, Castellan, Person, World};

async fn assigned() -> (Castellan, World, Person) {
    let (castellan, world, mara) = scene().await;
    castellan.assign(Subject::User(mara.user.id), &world.recover, &["viewer"], world.client.id).await;
    (castellan, world, mara)
}

#[tokio::test]
async fn a_request_comes_back_with_a_code_after_sign_in() {
    let (castellan, world, mara) = assigned().await;
    let app = castellan.client(&world.recover).create().await;
    let mut browser = castellan.browser();
    let request = app.authorization_request().with("login_hint", mara.login());
    let page = browser.get(&request.url()).await;
    assert!(page.url.contains("/login?flow="), "{}", page.url);
    assert_eq!(page.attribute_of("username", "value").as_deref(), Some(mara.login()), "login_hint fills the name");
    assert!(page.body.contains("recover app"), "the client's name is on the page");
    let page = browser.submit(&page, "login-form", &[("username", mara.login())]).await;
    let answer = browser.submit(&page, "login-form", &[("password", &mara.password)]).await;
    assert!(answer.location().starts_with(CALLBACK), "{}", answer.location());
    assert!(answer.location_parameter("code").is_some());
    assert_eq!(answer.location_parameter("state").as_deref(), Some("xyz state"));
}

#[tokio::test]
async fn cancel_tells_the_client_at_every_step() {
    let (castellan, world, mara) = assigned().await;
    enroll_totp(&castellan, mara.user.id).await;
    let app = castellan.client(&world.recover).create().await;
    for typed in 0..3 {
        let mut browser = castellan.browser();
        let mut page = browser.get(&app.authorization_request().url()).await;
        if typed > 0 {
            page = browser.submit(&page, "login-form", &[("username", mara.login())]).await;
        }
        if typed > 1 {
            page = browser.submit(&page, "login-form", &[("password", &mara.password)]).await;
        }
        let answer = browser.submit(&page, "login-cancel", &[]).await;
        answer.redirects_with("access_denied");
        assert_eq!(answer.location_parameter("state").as_deref(), Some("xyz state"), "step {typed}");
    }
}

/// A product that demands more than the organization: enrolment on the way, and the code only after it.
#[tokio::test]
async fn a_code_is_given_only_after_forced_enrolment() {
    let (castellan, world, mara) = assigned().await;
    let policy = Policy { mfa: Some(MfaRule::Required), ..Policy::default() };
    castellan.set_policy(world.client.id, policy).await;
    let app = castellan.client(&world.recover).create().await;
    let mut browser = castellan.browser();
    let page = browser.get(&app.authorization_request().url()).await;
    let page = browser.submit(&page, "login-form", &[("username", mara.login())]).await;
    let page = browser.submit(&page, "login-form", &[("password", &mara.password)]).await;
    assert!(page.url.contains("/login/enroll?"), "{}", page.url);
    // Straight back to the client, silently or by the stored request: still nobody.
    let silent = app.authorization_request().with("prompt", "none");
    browser.get(&silent.url()).await.redirects_with("login_required");
    assert!(browser.get(&app.authorization_request().url()).await.url.contains("/login?flow="));
    let page = browser.submit(&page, "method-totp", &[]).await;
    let key = page.text_of("totp-secret").expect("the key");
    let page = browser.submit(&page, "code-submit", &[("code", &code_of_key(&castellan, &key))]).await;
    let answer = browser.submit(&page, "continue", &[]).await;
    assert!(answer.location_parameter("code").is_some(), "{}", answer.location());
}

/// M6, and security.md row 44: what is asked for is shown anew, in the same session.
#[tokio::test]
async fn acr_values_raise_the_live_session_by_the_missing_factor_only() {
    let (castellan, world, mara) = assigned().await;
    let app = castellan.client(&world.recover).create().await;
    let mut browser = castellan.signed_in(&mara).await;
    enroll_totp(&castellan, mara.user.id).await;
    castellan.advance(60);
    let before = browser.cookies["castellan_session"].clone();
    let request = app.authorization_request().with("acr_values", "urn:castellan:acr:mfa");
    let page = browser.get(&request.url()).await;
    assert!(page.url.contains("/login/totp"), "no password again: {}", page.url);
    let answer = browser.submit(&page, "code-submit", &[("code", &code(&castellan, SEED))]).await;
    assert!(answer.location_parameter("code").is_some(), "{}", answer.location());
    assert_ne!(browser.cookies["castellan_session"], before, "the secret changes with the level");
}

/// M7, security.md rows 39 and 156: a session whose password was shown long ago is not enough to set up a factor.
#[tokio::test]
async fn an_old_password_session_sets_up_no_factor_without_the_password() {
    let (castellan, world, mara) = assigned().await;
    let app = castellan.client(&world.recover).create().await;
    let mut browser = castellan.signed_in(&mara).await;
    let request = app.authorization_request().with("acr_values", "urn:castellan:acr:mfa");
    castellan.advance(11 * 60);
    let page = browser.get(&request.url()).await;
    assert!(page.url.contains("/login?flow="), "{}", page.url);
    let page = browser.submit(&page, "login-form", &[("username", mara.login())]).await;
    let page = browser.submit(&page, "login-form", &[("password", &mara.password)]).await;
    assert!(page.url.contains("/login/enroll?"), "{}", page.url);
}

/// Row 63: another person signing in ends the first one's session in this browser.
#[tokio::test]
async fn signing_in_as_somebody_else_ends_the_session_before() {
    let (castellan, world, mara) = assigned().await;
    let other = castellan.person(&world.client, "otto@harbour.example").password().create().await;
    castellan.assign(Subject::User(other.user.id), &world.recover, &["viewer"], world.client.id).await;
    let app = castellan.client(&world.recover).create().await;
    let mut browser = castellan.signed_in(&mara).await;
    let before = browser.cookies["castellan_session"].clone();
    let page = browser.get(&app.authorization_request().with("prompt", "login").url()).await;
    let page = browser.submit(&page, "login-form", &[("username", other.login())]).await;
    assert!(is_in(&mut browser).await, "half a sign-in changes nothing");
    let answer = browser.submit(&page, "login-form", &[("password", &other.password)]).await;
    assert!(answer.location_parameter("code").is_some());
    browser.cookies.insert("castellan_session".to_owned(), before);
    assert!(!is_in(&mut browser).await, "mara's session is over");
}

#[tokio::test]
async fn a_third_party_is_named_and_allowed_or_not() {
    let (castellan, world, mara) = assigned().await;
    let app = castellan.client(&world.recover).third_party().create().await;
    let mut browser = castellan.signed_in(&mara).await;
    let page = browser.get(&app.authorization_request().url()).await;
    assert!(page.url.contains("/consent?request="), "{}", page.url);
    assert!(page.body.contains("recover app") && page.body.contains("app.example, not run by us"));
    let denied = browser.submit(&page, "consent-deny", &[]).await;
    denied.redirects_with("access_denied");
    let page = browser.get(&app.authorization_request().url()).await;
    // Another browser, or a form of another site, cannot allow it.
    let (csrf, request) = (field(&page, "csrf"), field(&page, "request"));
    let fields = [("csrf", csrf.as_str()), ("request", &request), ("decision", "allow")];
    browser.post_once("/consent", &fields, &[("origin", "https://evil.example")]).await.has_status(403);
    let mut thief = castellan.signed_in(&mara).await;
    let own = field(&thief.get("/login/forgotten").await, "csrf");
    let fields = [("csrf", own.as_str()), ("request", &request), ("decision", "allow")];
    thief.post_once("/consent", &fields, &[]).await.has_status(410);
    let answer = browser.submit(&page, "consent-allow", &[]).await;
    assert!(answer.location_parameter("code").is_some(), "{}", answer.location());
    let again = browser.get(&app.authorization_request().url()).await;
    assert!(again.location_parameter("code").is_some(), "consent is remembered");
    // And taken back on the account page (security.md row 70): the tokens end, and the next request asks again.
    let tokens = app.tokens(&mut browser).await;
    let refresh_token = tokens["refresh_token"].as_str().expect("a refresh token").to_owned();
    let account = browser.get("/account").await;
    assert!(account.text_of("consents").is_some_and(|text| text.contains("recover app")), "{}", account.body);
    let at = account.body.find("/account/consents/").expect("a form");
    let path = account.body[at..].split('"').next().expect("its path").to_owned();
    thief.post_once(&path, &[], &[]).await.has_status(403);
    browser.post(&path, &[("csrf", &field(&account, "csrf"))]).await.has_status(200);
    app.refresh(&refresh_token).await.refuses(400, "invalid_grant");
    assert!(browser.get(&app.authorization_request().url()).await.url.contains("/consent?request="));
}

#[tokio::test]
async fn the_theme_is_kept_in_a_cookie_and_the_page_comes_back() {
    let (castellan, _, _) = scene().await;
    let mut browser = castellan.browser();
    let page = browser.get("/login").await;
    let fields = [("csrf", field(&page, "csrf")), ("theme", "dark".to_owned()), ("back", page.url.clone())];
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let answer = browser.post_once("/theme", &fields, &[]).await;
    assert_eq!(answer.location(), "/", "an absolute address is not followed back");
    assert!(browser.get(&page.url).await.body.contains("<html lang=\"en\" data-theme=\"dark\">"));
}
