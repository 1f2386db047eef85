//! How often somebody may be wrong (M5; security.md rows 45 to 48, 126 to 128).

use castellan::{
    attempts,
    secret::Secret,
    users::password::{self, PasswordHash, SetBy},
};

use super::{
    sign_in::field,
    walk::{
        SEED, code, enroll_totp, give_recovery_codes, is_in, mailed, scene, scene_with_mailbox, type_both, type_name,
    },
};
use crate::support::Castellan;

#[tokio::test]
async fn ten_wrong_passwords_pause_the_login_for_a_quarter_of_an_hour() {
    let (castellan, _, mara) = scene_with_mailbox().await;
    let mut browser = castellan.browser();
    let page = type_name(&mut browser, mara.login()).await;
    for _ in 0..10 {
        browser.submit(&page, "login-form", &[("password", "wrong")]).await.has_status(422);
    }
    browser.submit(&page, "login-form", &[("password", &mara.password)]).await.has_status(429);
    // Another flow, another spelling, another browser: one counter.
    let mut other = castellan.browser();
    type_both(&mut other, "MARA@Harbour.example", &mara.password).await.has_status(429);
    assert!(mailed(&castellan, "Sign-in to").await.is_some(), "the owner is told");
    castellan.advance(15 * 60);
    assert!(type_both(&mut other, mara.login(), &mara.password).await.url.ends_with("/account"), "it ends by itself");
}

#[tokio::test]
async fn unknown_names_are_paused_alike() {
    let (castellan, _, _) = scene().await;
    let mut browser = castellan.browser();
    let page = type_name(&mut browser, "nobody@harbour.example").await;
    for _ in 0..10 {
        browser.submit(&page, "login-form", &[("password", "wrong")]).await.has_status(422);
    }
    browser.submit(&page, "login-form", &[("password", "wrong")]).await.has_status(429);
}

#[tokio::test]
async fn a_right_password_forgets_the_wrong_ones() {
    let (castellan, _, mara) = scene().await;
    for _ in 0..3 {
        let mut browser = castellan.browser();
        let page = type_name(&mut browser, mara.login()).await;
        for _ in 0..9 {
            browser.submit(&page, "login-form", &[("password", "wrong")]).await.has_status(422);
        }
        assert!(browser.submit(&page, "login-form", &[("password", &mara.password)]).await.url.ends_with("/account"));
    }
}

/// Row 46: parallel tries do not beat the counter.
#[tokio::test]
async fn of_a_hundred_parallel_tries_ten_are_looked_at() {
    let (castellan, _, mara) = scene().await;
    let mut browser = castellan.browser();
    let page = type_name(&mut browser, mara.login()).await;
    let body = form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("csrf", field(&page, "csrf").as_str()), ("flow", &field(&page, "flow")), ("password", "wrong")])
        .finish();
    let cookie = format!("castellan_browser={}", browser.cookies["castellan_browser"]);
    let headers = [("content-type", "application/x-www-form-urlencoded"), ("cookie", cookie.as_str())];
    let tries = (0..100).map(|_| castellan.request("POST", "/login/password", &headers, body.clone()));
    let answers = futures_util::future::join_all(tries).await;
    let looked_at = answers.iter().filter(|answer| answer.status.as_u16() == 422).count();
    assert_eq!(looked_at, 10);
    assert!(answers.iter().all(|answer| [422, 429].contains(&answer.status.as_u16())));
}

/// Row 45: five wrong codes, over all flows of the account.
#[tokio::test]
async fn five_wrong_codes_pause_codes_in_every_flow() {
    let (castellan, _, mara) = scene().await;
    enroll_totp(&castellan, mara.user.id).await;
    for round in 0..5 {
        let mut browser = castellan.browser();
        let page = type_both(&mut browser, mara.login(), &mara.password).await;
        browser.submit(&page, "code-submit", &[("code", &format!("00000{round}"))]).await.has_status(422);
    }
    let mut browser = castellan.browser();
    let page = type_both(&mut browser, mara.login(), &mara.password).await;
    browser.submit(&page, "code-submit", &[("code", &code(&castellan, SEED))]).await.has_status(429);
    assert!(!is_in(&mut browser).await);
    castellan.advance(15 * 60);
    let page = browser.submit(&page, "code-submit", &[("code", &code(&castellan, SEED))]).await;
    assert!(page.url.ends_with("/account"), "{}", page.url);
}

/// Row 155: a code is good once, in whichever flow.
#[tokio::test]
async fn a_code_that_was_used_signs_nobody_in_again() {
    let (castellan, _, mara) = scene().await;
    enroll_totp(&castellan, mara.user.id).await;
    let mut first = castellan.browser();
    let page = type_both(&mut first, mara.login(), &mara.password).await;
    let mut second = castellan.browser();
    let other = type_both(&mut second, mara.login(), &mara.password).await;
    let now = code(&castellan, SEED);
    assert!(first.submit(&page, "code-submit", &[("code", &now)]).await.url.ends_with("/account"));
    second.submit(&other, "code-submit", &[("code", &now)]).await.has_status(422);
    assert!(!is_in(&mut second).await);
}

/// Row 126: what the client writes about its address changes nothing.
#[tokio::test]
async fn a_source_is_paused_whatever_it_says_of_itself() {
    let (castellan, _, mara) = scene().await;
    let mut browser = castellan.browser();
    let page = type_name(&mut browser, mara.login()).await;
    let (csrf, flow) = (field(&page, "csrf"), field(&page, "flow"));
    let fields = [("csrf", csrf.as_str()), ("flow", &flow), ("password", "wrong")];
    for attempt in 0..10 {
        let address = format!("198.51.100.{attempt}");
        let headers = [("x-forwarded-for", address.as_str()), ("forwarded", "for=1.2.3.4"), ("x-real-ip", &address)];
        browser.post_once("/login/password", &fields, &headers).await.has_status(422);
    }
    browser.post_once("/login/password", &fields, &[("x-forwarded-for", "203.0.113.77")]).await.has_status(429);
}

/// Row 130: what no password can be is refused before anything is hashed.
#[tokio::test]
async fn an_endless_password_is_refused_early() {
    let (castellan, _, mara) = scene().await;
    let mut browser = castellan.browser();
    let page = type_name(&mut browser, mara.login()).await;
    browser.submit(&page, "login-form", &[("password", &"x".repeat(2000))]).await.has_status(422);
    browser.submit(&page, "login-form", &[("password", &"x".repeat(1 << 20))]).await.has_status(413);
}

/// Row 45: whoever has the password and time does not guess the code in the end.
#[tokio::test]
async fn after_a_hundred_wrong_codes_in_a_row_only_a_recovery_code_helps() {
    let (castellan, _, mara) = scene().await;
    enroll_totp(&castellan, mara.user.id).await;
    let recovery = give_recovery_codes(&castellan, mara.user.id).await.remove(0);
    for round in 0..20 {
        let mut browser = castellan.browser();
        let page = type_both(&mut browser, mara.login(), &mara.password).await;
        for _ in 0..5 {
            let answer = browser.submit(&page, "code-submit", &[("code", "000000")]).await;
            assert_eq!(answer.status, 422, "round {round}");
        }
        castellan.advance(15 * 60 + 1);
    }
    let mut browser = castellan.browser();
    let page = type_both(&mut browser, mara.login(), &mara.password).await;
    let answer = browser.submit(&page, "code-submit", &[("code", &code(&castellan, SEED))]).await;
    answer.has_status(429);
    assert!(answer.body.contains("Use a recovery code"), "{}", answer.body);
    castellan.advance(15 * 60 + 1);
    let mut browser = castellan.browser();
    let page = type_both(&mut browser, mara.login(), &mara.password).await;
    let flow = field(&page, "flow");
    let page = browser.get(&format!("/login/recovery?flow={flow}")).await;
    browser.submit(&page, "code-submit", &[("code", &recovery)]).await;
    assert!(is_in(&mut browser).await, "the way back");
    castellan.advance(60);
    let mut browser = castellan.browser();
    let page = type_both(&mut browser, mara.login(), &mara.password).await;
    browser.submit(&page, "code-submit", &[("code", &code(&castellan, SEED))]).await;
    assert!(is_in(&mut browser).await, "codes count again");
}

/// Row 66: a password that was reset or changed while the old one was being verified begins nothing.
#[tokio::test]
async fn a_password_that_is_changed_while_it_is_verified_begins_no_session() {
    // One try begins the pause, by which this test sees that the try was counted and the old hash read.
    let castellan = Castellan::start_with(|config| {
        config.passwords.threads = 1;
        config.limits.account_failures = 1;
    })
    .await;
    let world = castellan.world().await;
    let mara = castellan.person(&world.client, "mara@harbour.example").password().create().await;
    let dear = "$argon2id$v=19$m=262144,t=4,p=1$c29tZXNhbHRzb21lc2FsdA$Y2FzdGVsbGFuY2FzdGVsbGFuY2FzdGVsbGFuMTIzNDU";
    let dear = PasswordHash::from_phc(dear).expect("a hash");
    let other = castellan.app.passwords.hash(Secret::from_text("another one altogether")).await.expect("a hash");
    let mut browser = castellan.browser();
    let page = type_name(&mut browser, mara.login()).await;
    let busy = castellan.app.passwords.verify(Secret::from_text("whatever"), Some(dear));
    let sign_in = browser.submit(&page, "login-form", &[("password", &mara.password)]);
    let change = async {
        let key = attempts::Key::new("password", &format!("user {}", mara.user.id));
        loop {
            let mut db = castellan.app.store.reader().await.expect("a reader");
            if attempts::paused_until(&mut db, &key, castellan.now()).await.expect("an answer").is_some() {
                break;
            }
            tokio::task::yield_now().await;
        }
        let (user, now) = (mara.user.id, castellan.now());
        castellan.write(async move |tx| password::set(tx, user, &other, SetBy::MailedReset, now).await).await;
    };
    let (_, answer, ()) = tokio::join!(busy, sign_in, change);
    answer.has_status(422);
    assert!(!is_in(&mut browser).await);
}
