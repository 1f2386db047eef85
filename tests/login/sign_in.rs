//! Name, password, second factor, and nothing out of order.

use castellan::organizations::{MfaRule, Policy};

use super::walk::{
    SEED, code, enroll_email, enroll_totp, give_recovery_codes, is_in, mailed, scene, scene_with_mailbox, type_both,
    type_name,
};

#[tokio::test]
async fn a_name_and_a_password_lead_to_the_account() {
    let (castellan, _, mara) = scene().await;
    let mut browser = castellan.browser();
    let page = browser.get("/login").await;
    assert!(page.url.contains("/login?flow="), "{}", page.url);
    for id in ["login-form", "username", "login-submit", "login-cancel"] {
        assert!(page.has_element(id), "{id}");
    }
    let page = browser.submit(&page, "login-form", &[("username", mara.login())]).await;
    assert!(page.url.contains("/login/password"), "{}", page.url);
    let page = browser.submit(&page, "login-form", &[("password", &mara.password)]).await;
    assert!(page.url.ends_with("/account"), "{} {}", page.url, page.body);
    assert!(is_in(&mut browser).await);
}

#[tokio::test]
async fn the_answer_after_credentials_is_a_303_that_is_never_stored() {
    let (castellan, _, mara) = scene().await;
    let mut browser = castellan.browser();
    let page = type_name(&mut browser, mara.login()).await;
    let (csrf, flow) = (field(&page, "csrf"), field(&page, "flow"));
    let fields = [("csrf", csrf.as_str()), ("flow", &flow), ("password", &mara.password)];
    let answer = browser.post_once("/login/password", &fields, &[]).await;
    answer.has_status(303);
    assert_eq!(answer.header("cache-control"), "no-store");
    assert!(answer.header("set-cookie").starts_with("castellan_session="), "{}", answer.header("set-cookie"));
    for attribute in ["HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(answer.header("set-cookie").contains(attribute), "{attribute}");
    }
}

pub fn field(page: &crate::support::Answer, name: &str) -> String {
    let pattern = format!("name=\"{name}\" value=\"");
    let rest = page.body.split_once(&pattern).unwrap_or_else(|| panic!("no field {name}: {}", page.body)).1;
    rest.split_once('"').expect("a value").0.to_owned()
}

/// Security.md row 122: whoever was typed sees the same.
#[tokio::test]
async fn unknown_names_wrong_passwords_and_ended_accounts_look_alike() {
    let (castellan, world, mara) = scene().await;
    let invited = castellan.person(&world.client, "invited@harbour.example").password().invited().create().await;
    let mut answers = Vec::new();
    for (name, password) in
        [("nobody@harbour.example", "x"), (mara.login(), "wrong"), (invited.login(), invited.password.as_str())]
    {
        let mut browser = castellan.browser();
        let page = type_both(&mut browser, name, password).await;
        page.has_status(422);
        let flow = field(&page, "flow");
        let csrf = field(&page, "csrf");
        let nonce = page.body.split_once("nonce=\"").expect("a nonce").1.split_once('"').expect("an end").0.to_owned();
        answers.push(page.body.replace(name, "NAME").replace(&flow, "").replace(&csrf, "").replace(&nonce, ""));
        assert!(!browser.cookies.contains_key("castellan_session"));
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0], answers[2]);
}

#[tokio::test]
async fn a_second_factor_is_asked_of_whoever_has_one() {
    let (castellan, _, mara) = scene().await;
    enroll_totp(&castellan, mara.user.id).await;
    let mut browser = castellan.browser();
    let page = type_both(&mut browser, mara.login(), &mara.password).await;
    assert!(page.url.contains("/login/totp"), "{}", page.url);
    assert!(!browser.cookies.contains_key("castellan_session"), "half a session has no session cookie");
    assert!(!is_in(&mut browser).await);
    let wrong = browser.submit(&page, "code-submit", &[("code", "000000")]).await;
    wrong.has_status(422);
    let page = browser.submit(&wrong, "code-submit", &[("code", &code(&castellan, SEED))]).await;
    assert!(page.url.ends_with("/account"), "{}", page.url);
    assert!(is_in(&mut browser).await);
}

#[tokio::test]
async fn of_several_methods_the_person_picks_one() {
    let (castellan, _, mara) = scene_with_mailbox().await;
    enroll_totp(&castellan, mara.user.id).await;
    enroll_email(&castellan, mara.user.id).await;
    let codes = give_recovery_codes(&castellan, mara.user.id).await;
    let mut browser = castellan.browser();
    let page = type_both(&mut browser, mara.login(), &mara.password).await;
    assert!(page.url.contains("/login/challenge"), "{}", page.url);
    for id in ["method-totp", "method-email", "method-recovery"] {
        assert!(page.has_element(id), "{id}");
    }
    assert!(!page.has_element("method-passkey"));
    let page = browser.submit(&page, "method-email", &[]).await;
    assert!(page.url.contains("/login/email"), "{}", page.url);
    let mail = mailed(&castellan, "Your code").await.expect("a code was mailed");
    let sent = mail.text.split(|c: char| !c.is_ascii_digit()).find(|word| word.len() == 6).expect("six digits");
    let page = browser.submit(&page, "code-submit", &[("code", sent)]).await;
    assert!(page.url.ends_with("/account"), "{}", page.url);

    let mut other = castellan.browser();
    let page = type_both(&mut other, mara.login(), &mara.password).await;
    let page = other.submit(&page, "method-recovery", &[]).await;
    let page = other.submit(&page, "code-submit", &[("code", &codes[3].to_lowercase())]).await;
    assert!(page.url.ends_with("/account"), "{}", page.url);

    let mut third = castellan.browser();
    let page = type_both(&mut third, mara.login(), &mara.password).await;
    let page = third.submit(&page, "method-recovery", &[]).await;
    third.submit(&page, "code-submit", &[("code", &codes[3])]).await.has_status(422);
}

#[tokio::test]
async fn only_a_mailbox_gets_its_code_without_asking() {
    let (castellan, _, mara) = scene_with_mailbox().await;
    enroll_email(&castellan, mara.user.id).await;
    let mut browser = castellan.browser();
    let page = type_both(&mut browser, mara.login(), &mara.password).await;
    assert!(page.url.contains("/login/email"), "{}", page.url);
    assert!(page.body.contains("m•••@harbour.example"));
    assert!(mailed(&castellan, "Your code").await.is_some());
}

/// Security.md rows 34, 37, 40, 51: no step can be reached before its time.
#[tokio::test]
async fn steps_out_of_order_lead_back_to_the_right_one() {
    let (castellan, _, mara) = scene().await;
    enroll_totp(&castellan, mara.user.id).await;
    let mut browser = castellan.browser();
    let page = browser.get("/login").await;
    let flow = field(&page, "flow");
    let csrf = field(&page, "csrf");
    for path in [
        "/login/password",
        "/login/challenge",
        "/login/totp",
        "/login/email",
        "/login/recovery",
        "/login/enroll",
        "/login/enroll/totp",
        "/login/enroll/email",
        "/login/recovery-codes",
        "/login/passkey",
    ] {
        let answer = browser.get(&format!("{path}?flow={flow}")).await;
        assert!(answer.url.contains("/login?flow="), "{path} led to {}", answer.url);
        let fields =
            [("csrf", csrf.as_str()), ("flow", &flow), ("code", &code(&castellan, SEED)), ("password", &mara.password)];
        let answer = browser.post_once(path, &fields, &[]).await;
        assert!(answer.location().starts_with("/login?flow="), "{path}: {}", answer.location());
    }
    assert!(!browser.cookies.contains_key("castellan_session"));
}

#[tokio::test]
async fn empty_forms_advance_nothing() {
    let (castellan, _, mara) = scene().await;
    let mut browser = castellan.browser();
    let page = browser.get("/login").await;
    browser.submit(&page, "login-form", &[("username", "")]).await.has_status(422);
    let page = browser.submit(&page, "login-form", &[("username", mara.login())]).await;
    browser.submit(&page, "login-form", &[("password", "")]).await.has_status(422);
    let answer = browser.post_once("/login/password", &[], &[]).await;
    answer.has_status(403);
    assert!(!is_in(&mut browser).await);
}

/// Security.md rows 52, 60: a flow is one browser's.
#[tokio::test]
async fn another_browser_cannot_use_the_flow() {
    let (castellan, _, mara) = scene().await;
    let mut browser = castellan.browser();
    let page = type_name(&mut browser, mara.login()).await;
    let flow = field(&page, "flow");
    let mut other = castellan.browser();
    let page = other.get(&format!("/login/password?flow={flow}")).await;
    page.has_status(410);
    let own = type_name(&mut other, "somebody@else.example").await;
    let csrf = field(&own, "csrf");
    let fields = [("csrf", csrf.as_str()), ("flow", &flow), ("password", &mara.password)];
    other.post_once("/login/password", &fields, &[]).await.has_status(410);
    assert!(!is_in(&mut other).await);
}

#[tokio::test]
async fn a_finished_flow_is_over() {
    let (castellan, _, mara) = scene().await;
    let mut browser = castellan.browser();
    let page = type_name(&mut browser, mara.login()).await;
    browser.submit(&page, "login-form", &[("password", &mara.password)]).await;
    let cookies = browser.cookies.clone();
    browser.cookies.remove("castellan_session");
    let again = browser.submit(&page, "login-form", &[("password", &mara.password)]).await;
    again.has_status(410);
    assert!(!browser.cookies.contains_key("castellan_session"));
    browser.cookies = cookies;
    assert!(is_in(&mut browser).await, "the session it made goes on");
}

#[tokio::test]
async fn a_flow_ends_after_45_minutes() {
    let (castellan, _, mara) = scene().await;
    let mut browser = castellan.browser();
    let page = type_name(&mut browser, mara.login()).await;
    castellan.advance(45 * 60);
    browser.submit(&page, "login-form", &[("password", &mara.password)]).await.has_status(410);
}

/// Security.md row 24.
#[tokio::test]
async fn forms_of_other_sites_and_other_browsers_are_refused() {
    let (castellan, _, mara) = scene().await;
    let mut browser = castellan.browser();
    let page = type_name(&mut browser, mara.login()).await;
    let (csrf, flow) = (field(&page, "csrf"), field(&page, "flow"));
    let mut other = castellan.browser();
    let foreign = field(&other.get("/login").await, "csrf");
    let attempt =
        |token: &str| [("csrf", token.to_owned()), ("flow", flow.clone()), ("password", mara.password.clone())];
    for (token, headers) in [
        (csrf.as_str(), &[("origin", "https://evil.example")][..]),
        (&csrf, &[("origin", "null")]),
        (&csrf, &[("origin", "http://localhost:8080"), ("sec-fetch-site", "cross-site")]),
        (&csrf, &[("origin", "http://localhost:8080"), ("sec-fetch-site", "same-site")]),
        ("", &[("origin", "http://localhost:8080")]),
        (&foreign, &[("origin", "http://localhost:8080")]),
    ] {
        let fields = attempt(token);
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let answer = browser.post_once("/login/password", &fields, headers).await;
        answer.has_status(403);
        assert!(answer.body.contains("This page is too old"), "{headers:?}");
    }
    assert!(!browser.cookies.contains_key("castellan_session"));
}

/// Security.md row 61: what was planted before signing in is worth nothing afterwards.
#[tokio::test]
async fn the_session_cookie_changes_at_sign_in() {
    let (castellan, _, mara) = scene().await;
    let mut browser = castellan.browser();
    browser.cookies.insert("castellan_session".to_owned(), "planted".to_owned());
    type_both(&mut browser, mara.login(), &mara.password).await;
    let first = browser.cookies["castellan_session"].clone();
    assert_ne!(first, "planted");
    browser.get("/login/step-up?back=/account").await;
    let page = browser.get("/login/step-up?back=/account").await;
    let page = browser.submit(&page, "login-form", &[("username", mara.login())]).await;
    browser.submit(&page, "login-form", &[("password", &mara.password)]).await;
    assert_ne!(browser.cookies["castellan_session"], first);
    assert!(is_in(&mut browser).await);
    browser.cookies.insert("castellan_session".to_owned(), first);
    assert!(!is_in(&mut browser).await, "the old secret is dead");
}

#[tokio::test]
async fn a_policy_that_was_tightened_ends_sessions_that_no_longer_meet_it() {
    let (castellan, world, mara) = scene().await;
    let mut browser = castellan.browser();
    type_both(&mut browser, mara.login(), &mara.password).await;
    assert!(is_in(&mut browser).await);
    let policy = Policy { mfa: Some(MfaRule::Required), ..Policy::default() };
    castellan.set_policy(world.client.id, policy).await;
    assert!(!is_in(&mut browser).await);
}

#[tokio::test]
async fn cancel_ends_the_flow() {
    let (castellan, _, mara) = scene().await;
    let mut browser = castellan.browser();
    let page = type_name(&mut browser, mara.login()).await;
    let (csrf, flow) = (field(&page, "csrf"), field(&page, "flow"));
    let fields = [("csrf", csrf.as_str()), ("flow", &flow), ("cancel", "1")];
    assert_eq!(browser.post_once("/login/password", &fields, &[]).await.location(), "/");
    browser.submit(&page, "login-form", &[("password", &mara.password)]).await.has_status(410);
}

#[tokio::test]
async fn nobody_is_sent_to_another_host_afterwards() {
    let (castellan, _, mara) = scene().await;
    for bad in ["https://evil.example/", "//evil.example", "/\\evil.example", "/%09/evil.example"] {
        let mut browser = castellan.browser();
        let query = form_urlencoded::Serializer::new(String::new()).append_pair("back", bad).finish();
        let page = browser.get(&format!("/login?{query}")).await;
        let page = browser.submit(&page, "login-form", &[("username", mara.login())]).await;
        let page = browser.submit(&page, "login-form", &[("password", &mara.password)]).await;
        assert!(page.url.starts_with("http://localhost:8080/"), "{bad}: {}", page.url);
    }
}

#[tokio::test]
async fn every_page_is_drawn_under_a_policy_with_its_own_nonce_and_no_form_action() {
    let (castellan, _, mara) = scene().await;
    let mut browser = castellan.browser();
    let one = type_name(&mut browser, mara.login()).await;
    let other = browser.get(&one.url).await;
    let policy = one.header("content-security-policy");
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
    assert!(!policy.contains("form-action"), "Chromium applies it to the redirect that follows the form");
    assert_ne!(policy, other.header("content-security-policy"));
    assert_eq!(one.header("referrer-policy"), "no-referrer");
    assert_eq!(one.header("x-content-type-options"), "nosniff");
    assert!(!one.body.contains("style=\"") && !one.body.contains("onclick"));
}
