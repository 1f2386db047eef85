//! Whoever must have a second factor and has none is led to set one up, and nowhere else (M1).

use castellan::{
    access::Subject,
    action_tokens::Purpose,
    mfa::Method,
    organizations::{MfaRule, Policy},
    users::Status,
};

use super::{
    sign_in::field,
    walk::{code_of_key, enroll_totp, give_recovery_codes, is_in, link, mailed, scene, scene_with_mailbox, type_both},
};
use crate::support::{Castellan, World};

async fn require_mfa(castellan: &Castellan, world: &World) {
    let policy = Policy { mfa: Some(MfaRule::Required), ..Policy::default() };
    castellan.set_policy(world.client.id, policy).await;
}

#[tokio::test]
async fn the_first_sign_in_leads_to_an_app_recovery_codes_and_then_in() {
    let (castellan, world, mara) = scene().await;
    require_mfa(&castellan, &world).await;
    let mut browser = castellan.browser();
    let page = type_both(&mut browser, mara.login(), &mara.password).await;
    assert!(page.url.contains("/login/enroll?"), "{}", page.url);
    assert!(page.has_element("method-totp") && page.has_element("method-passkey"));
    let page = browser.submit(&page, "method-totp", &[]).await;
    let key = page.text_of("totp-secret").expect("the key");
    assert!(page.body.contains("<svg viewBox"), "the picture");
    let page = browser.submit(&page, "code-submit", &[("code", "000000")]).await;
    page.has_status(422);
    assert_eq!(page.text_of("totp-secret").as_ref(), Some(&key), "the same set-up goes on");
    let refused = castellan.audited(world.client.id, "mfa.enrolment_refused").await;
    assert!(refused.len() == 1 && refused[0].details.contains("totp"));
    let page = browser.submit(&page, "code-submit", &[("code", &code_of_key(&castellan, &key))]).await;
    assert!(page.url.contains("/login/recovery-codes"), "{}", page.url);
    assert!(!is_in(&mut browser).await, "not before the codes are put away");
    let shown = page.text_of("recovery-codes").expect("the codes");
    let again = browser.get(&page.url).await;
    assert_eq!(again.text_of("recovery-codes"), Some(shown.clone()), "opening the page again shows the same");
    let file = browser.get(&page.url.replace("recovery-codes?", "recovery-codes.txt?")).await;
    assert!(file.body.contains(&shown[..29]) && file.header("cache-control") == "no-store");
    let page = browser.submit(&again, "continue", &[]).await;
    assert!(page.url.ends_with("/account"), "{}", page.url);
    browser.get(&again.url).await.has_status(410);
    assert!(is_in(&mut browser).await);
}

/// Security.md rows 38, 41: in forced enrolment nothing else opens, and no token is given.
#[tokio::test]
async fn there_is_no_way_around_enrolment() {
    let (castellan, world, mara) = scene().await;
    require_mfa(&castellan, &world).await;
    let mut browser = castellan.browser();
    let page = type_both(&mut browser, mara.login(), &mara.password).await;
    let (csrf, flow) = (field(&page, "csrf"), field(&page, "flow"));
    for path in
        ["/login/challenge", "/login/totp", "/login/recovery", "/login/recovery-codes", "/login/password", "/login"]
    {
        let answer = browser.get(&format!("{path}?flow={flow}")).await;
        assert!(answer.url.contains("/login/enroll?"), "{path} led to {}", answer.url);
        let fields = [("csrf", csrf.as_str()), ("flow", &flow), ("username", "x"), ("code", "123456")];
        let answer = browser.post_once(path, &fields, &[]).await;
        assert!(answer.location().starts_with("/login/enroll?"), "{path}: {}", answer.location());
    }
    assert!(!is_in(&mut browser).await);
    assert!(browser.get("/login/step-up?back=/account").await.url.contains("/login?flow="), "no session, no step-up");
    // Begun anew, in a second tab, the way is the same.
    let second = type_both(&mut browser, mara.login(), &mara.password).await;
    assert!(second.url.contains("/login/enroll?"), "{}", second.url);
}

#[tokio::test]
async fn a_method_that_policy_forbids_is_not_offered() {
    let (castellan, world, mara) = scene().await;
    let methods = Some(vec![Method::Passkey]);
    castellan.set_policy(world.client.id, Policy { mfa: Some(MfaRule::Required), methods, ..Policy::default() }).await;
    let mut browser = castellan.browser();
    let page = type_both(&mut browser, mara.login(), &mara.password).await;
    assert!(page.has_element("method-passkey") && !page.has_element("method-totp"));
    let (csrf, flow) = (field(&page, "csrf"), field(&page, "flow"));
    let fields = [("csrf", csrf.as_str()), ("flow", &flow), ("method", "totp")];
    let answer = browser.post_once("/login/enroll", &fields, &[]).await;
    assert!(answer.location().starts_with("/login/enroll?"), "{}", answer.location());
    browser.get(&format!("/login/enroll/totp?flow={flow}")).await.has_status(200);
    assert!(browser.get(&format!("/login/enroll/totp?flow={flow}")).await.url.contains("/login/enroll?"));
}

#[tokio::test]
async fn a_mailbox_can_be_enrolled_by_the_code_that_it_got() {
    let (castellan, world, mara) = scene_with_mailbox().await;
    require_mfa(&castellan, &world).await;
    let mut browser = castellan.browser();
    let page = type_both(&mut browser, mara.login(), &mara.password).await;
    let page = browser.submit(&page, "method-email", &[]).await;
    let mail = mailed(&castellan, "Your code").await.expect("a code");
    let sent = mail.text.split(|c: char| !c.is_ascii_digit()).find(|word| word.len() == 6).expect("six digits");
    let page = browser.submit(&page, "code-submit", &[("code", sent)]).await;
    assert!(page.has_element("recovery-codes"), "{}", page.url);
    let page = browser.submit(&page, "continue", &[]).await;
    assert!(page.url.ends_with("/account"), "{}", page.url);
}

#[tokio::test]
async fn an_invited_person_activates_from_the_link_and_enrols() {
    let (castellan, world, _) = scene().await;
    require_mfa(&castellan, &world).await;
    let nora = castellan.person(&world.client, "nora@harbour.example").invited().create().await;
    let token = link(&castellan, nora.user.id, Purpose::Activate).await;
    let address = format!("/login/activate?token={token}");
    let mut browser = castellan.browser();
    browser.get(&address).await.has_status(200);
    let page = browser.get(&address).await; // looking spends nothing
    assert!(page.body.contains(nora.login()));
    let weak = browser.submit(&page, "password-submit", &twice("password12")).await;
    weak.has_status(422);
    let differ = [("new_password", "seven geese over it"), ("new_password_again", "seven geese over us")];
    browser.submit(&page, "password-submit", &differ).await.has_status(422);
    let page = browser.submit(&page, "password-submit", &twice("seven geese over the harbour")).await;
    assert!(page.url.contains("/login/enroll?"), "{} {}", page.url, page.body);
    assert!(!is_in(&mut browser).await);
    browser.get(&address).await.has_status(410);
    let mut db = castellan.app.store.reader().await.expect("a reader");
    let user = castellan::users::find(&mut db, nora.user.id).await.expect("a read").expect("the user");
    assert_eq!(user.status, Status::Active);
    assert!(user.email_verified_at.is_some(), "the link came by mail");
}

fn twice(password: &str) -> [(&'static str, &str); 2] {
    [("new_password", password), ("new_password_again", password)]
}

/// Security.md row 58: of fifty requests with one link one sets its password.
#[tokio::test]
async fn a_link_works_once_of_twenty() {
    let (castellan, world, _) = scene().await;
    let nora = castellan.person(&world.client, "nora@harbour.example").invited().create().await;
    let token = link(&castellan, nora.user.id, Purpose::Activate).await;
    let mut browser = castellan.browser();
    let page = browser.get(&format!("/login/activate?token={token}")).await;
    let body = form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("csrf", field(&page, "csrf").as_str()), ("token", &token)])
        .extend_pairs(twice("seven geese over the harbour"))
        .finish();
    let cookie = format!("castellan_browser={}", browser.cookies["castellan_browser"]);
    let headers = [("content-type", "application/x-www-form-urlencoded"), ("cookie", cookie.as_str())];
    let tries = (0..20).map(|_| castellan.request("POST", "/login/activate", &headers, body.clone()));
    let answers = futures_util::future::join_all(tries).await;
    assert_eq!(answers.iter().filter(|answer| answer.status.as_u16() == 303).count(), 1);
    assert!(answers.iter().all(|answer| [303, 410].contains(&answer.status.as_u16())));
}

#[tokio::test]
async fn a_link_of_one_purpose_does_not_pass_for_another() {
    let (castellan, _, mara) = scene().await;
    let token = link(&castellan, mara.user.id, Purpose::ResetPassword).await;
    castellan.get(&format!("/login/activate?token={token}")).await.has_status(410);
    castellan.get(&format!("/login/reset?token={token}")).await.has_status(200);
    castellan.get("/login/reset?token=guess").await.has_status(410);
}

/// P8, P10 and security.md rows 43, 54, 66, 122.
#[tokio::test]
async fn a_forgotten_password_is_set_anew_from_the_mailed_link() {
    let (castellan, _, mara) = scene_with_mailbox().await;
    let mut before = castellan.browser();
    type_both(&mut before, mara.login(), &mara.password).await;
    let mut browser = castellan.browser();
    let page = browser.get("/login/forgotten").await;
    let unknown = browser.submit(&page, "reset-submit", &[("username", "nobody@harbour.example")]).await;
    let known = browser.submit(&page, "reset-submit", &[("username", mara.login())]).await;
    assert_eq!((known.status, known.text_of("reset-sent")), (unknown.status, unknown.text_of("reset-sent")));
    let mail = loop {
        if let Some(mail) = mailed(&castellan, "Set a new password").await {
            break mail;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(mail.to, "mara@harbour.example");
    let address = mail.links[0].clone();
    assert!(address.starts_with("http://localhost:8080/login/reset?token="), "{address}");
    assert!(is_in(&mut before).await, "asking changes nothing");
    let page = browser.get(&address).await;
    let page = browser.submit(&page, "password-submit", &twice("nine slow herons on a pier")).await;
    assert!(page.url.ends_with("/account"), "{} {}", page.url, page.body);
    assert!(!is_in(&mut before).await, "every other session has ended");
    assert!(mailed(&castellan, "Your password").await.is_some(), "the owner is told");
    let mut old = castellan.browser();
    type_both(&mut old, mara.login(), &mara.password).await.has_status(422);
    let mut new = castellan.browser();
    assert!(type_both(&mut new, mara.login(), "nine slow herons on a pier").await.url.ends_with("/account"));
}

/// Security.md section 0.1: a reset does not stand in for the second factor, and a code to the same
/// mailbox is none after it.
#[tokio::test]
async fn after_a_mailed_reset_only_something_else_than_the_mailbox_counts() {
    let (castellan, _, mara) = scene_with_mailbox().await;
    super::walk::enroll_email(&castellan, mara.user.id).await;
    let token = link(&castellan, mara.user.id, Purpose::ResetPassword).await;
    let mut browser = castellan.browser();
    let page = browser.get(&format!("/login/reset?token={token}")).await;
    let page = browser.submit(&page, "password-submit", &twice("nine slow herons on a pier")).await;
    assert!(page.url.contains("/login/stuck"), "{}", page.url);
    assert!(!is_in(&mut browser).await);
    let (csrf, flow) = (field(&page, "csrf"), field(&page, "flow"));
    let fields = [("csrf", csrf.as_str()), ("flow", &flow), ("method", "email")];
    let answer = browser.post_once("/login/challenge", &fields, &[]).await;
    assert!(answer.location().starts_with("/login/stuck"), "{}", answer.location());
    // In a later login too, until a recovery code has stood beside the new password.
    let codes = give_recovery_codes(&castellan, mara.user.id).await;
    let mut later = castellan.browser();
    let page = type_both(&mut later, mara.login(), "nine slow herons on a pier").await;
    assert!(page.has_element("method-recovery") && !page.has_element("method-email"));
    let page = later.submit(&page, "method-recovery", &[]).await;
    let page = later.submit(&page, "code-submit", &[("code", &codes[0])]).await;
    assert!(page.url.ends_with("/account"), "{}", page.url);
    let mut after = castellan.browser();
    let page = type_both(&mut after, mara.login(), "nine slow herons on a pier").await;
    assert!(page.has_element("method-email"), "now the mailbox counts again");
}

#[tokio::test]
async fn a_reset_keeps_the_app() {
    let (castellan, _, mara) = scene().await;
    enroll_totp(&castellan, mara.user.id).await;
    let token = link(&castellan, mara.user.id, Purpose::ResetPassword).await;
    let mut browser = castellan.browser();
    let page = browser.get(&format!("/login/reset?token={token}")).await;
    let page = browser.submit(&page, "password-submit", &twice("nine slow herons on a pier")).await;
    assert!(page.url.contains("/login/totp"), "{}", page.url);
    assert!(!is_in(&mut browser).await);
}

#[tokio::test]
async fn who_may_not_sign_in_cannot_reset_either() {
    let (castellan, world, mara) = scene().await;
    let token = link(&castellan, mara.user.id, Purpose::ResetPassword).await;
    let (id, now) = (world.client.id, castellan.now());
    let suspended = castellan::organizations::Status::Suspended;
    castellan.write(async move |tx| castellan::organizations::set_status(tx, id, suspended, now).await).await;
    castellan.get(&format!("/login/reset?token={token}")).await.has_status(410);
    let mut browser = castellan.browser();
    let page = type_both(&mut browser, mara.login(), &mara.password).await;
    page.has_status(410);
    assert!(!is_in(&mut browser).await);
}

/// P3: who holds something in the portal lands there after activation.
#[tokio::test]
async fn an_invited_portal_user_lands_in_the_portal() {
    let (castellan, world, _) = scene().await;
    let nora = castellan.person(&world.partner, "nora@brackwater.example").invited().create().await;
    let portal = castellan.portal().await;
    castellan.assign(Subject::User(nora.user.id), &portal, &["basic"], world.partner.id).await;
    let token = link(&castellan, nora.user.id, Purpose::Activate).await;
    let mut browser = castellan.browser();
    let page = browser.get(&format!("/login/activate?token={token}")).await;
    let (csrf, password) = (field(&page, "csrf"), "seven geese over the harbour");
    let fields =
        [("csrf", csrf.as_str()), ("token", &token), ("new_password", password), ("new_password_again", password)];
    // The partner asks for no second factor, and the portal does so itself when it is entered.
    assert_eq!(browser.post_once("/login/activate", &fields, &[]).await.location(), "/portal");
}
