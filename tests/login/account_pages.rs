//! The account pages: who may open them, and what each act does.

use std::sync::Arc;

use castellan::{
    access::Subject,
    audit::By,
    id::SessionId,
    mfa::{self, Method, recovery_codes, totp},
    organizations::{MfaRule, Policy},
    sessions, users,
};

use super::authenticator::Key;
use crate::support::{Answer, Browser, Castellan, Person, World};

const SEED: &[u8] = b"12345678901234567890";

struct Scene {
    castellan: Castellan,
    world: World,
    mara: Person,
}

/// Mara: a password, a verified address, an authenticator app.
async fn scene() -> Scene {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let mara = castellan.person(&world.client, "mara@harbour.example").password().create().await;
    let (keys, user, now) = (Arc::clone(&castellan.app.master), mara.user.id, castellan.now());
    castellan
        .write(async move |tx| {
            users::verify_email(tx, user, now).await?;
            totp::enroll(tx, &keys, user, SEED, now).await
        })
        .await;
    Scene { castellan, world, mara }
}

impl Scene {
    /// A browser in which Mara has just shown password and code.
    async fn signed_in(&self) -> Browser<'_> {
        self.castellan.signed_in_by(&self.mara, &[Method::Totp]).await
    }

    /// What the app with this key shows now.
    fn code(&self, key: &str) -> String {
        let secret = totp_rs::Secret::try_from_base32(key).expect("base32");
        let app = totp_rs::Builder::new().with_secret(secret).build_noncompliant();
        app.generate(self.castellan.now().as_seconds().unsigned_abs()).to_string()
    }

    async fn change(&self, browser: &mut Browser<'_>, [current, new, again]: [&str; 3]) -> Answer {
        let page = browser.get("/account/password").await;
        let typed = [("current-password", current), ("new-password", new), ("new-password-again", again)];
        browser.submit(&page, "password-form", &typed).await
    }
}

const NEW: &str = "timber otter vault nine";

#[tokio::test]
async fn without_a_session_every_account_page_leads_to_the_sign_in() {
    let scene = scene().await;
    let mut browser = scene.castellan.browser();
    let id = SessionId::new(scene.castellan.now());
    for path in ["/account", "/account/password", "/account/totp", "/account/passkey", "/account/email"] {
        let answer = browser.get_once(path).await;
        assert_eq!((answer.status.as_u16(), answer.location().as_str()), (303, "/login"), "{path}");
    }
    let acts = [
        "/account/password".to_owned(),
        "/account/totp".to_owned(),
        "/account/totp/confirm".to_owned(),
        "/account/passkey".to_owned(),
        "/account/passkey/options".to_owned(),
        "/account/email".to_owned(),
        "/account/recovery-codes".to_owned(),
        "/account/recovery-codes/file".to_owned(),
        format!("/account/factors/{id}"),
        format!("/account/factors/{id}/remove"),
        "/account/sessions/end-others".to_owned(),
        format!("/account/sessions/{id}/end"),
    ];
    for path in acts {
        let answer = browser.post_once(&path, &[], &[]).await;
        assert_eq!((answer.status.as_u16(), answer.location().as_str()), (303, "/login"), "{path}");
    }
}

#[tokio::test]
async fn the_overview_lists_factors_and_sessions_and_nothing_of_others() {
    let scene = scene().await;
    let mut browser = scene.signed_in().await;
    let other = scene.castellan.person(&scene.world.client, "eve@harbour.example").password().create().await;
    scene.castellan.signed_in(&other).await;
    let page = browser.get("/account").await;
    page.has_status(200);
    assert!(page.body.contains("Authenticator app") && page.body.contains("This one"));
    assert!(!page.has_element("end-others"), "one session: none to end");
    assert!(!page.body.contains("eve@"));
    assert_eq!(page.header("cache-control"), "no-store");
}

#[tokio::test]
async fn a_changed_password_ends_the_other_sessions_and_this_one_goes_on() {
    let scene = scene().await;
    let (mut here, mut elsewhere) = (scene.signed_in().await, scene.signed_in().await);
    let page = scene.change(&mut here, [&scene.mara.password, NEW, NEW]).await;
    page.has_status(200);
    assert_eq!(page.text_of("done").as_deref(), Some("Password changed. Your other sessions have ended.Close"));
    assert_eq!(elsewhere.get_once("/account").await.location(), "/login");
    here.get("/account").await.has_status(200);

    let again = scene.change(&mut here, [&scene.mara.password, NEW, NEW]).await;
    again.has_status(422);
    assert!(again.body.contains("not your current password"), "the old one is gone");
}

/// security.md row 66.
#[tokio::test]
async fn a_changed_password_ends_the_refresh_tokens_of_other_sessions_and_no_more() {
    let scene = scene().await;
    let (castellan, user) = (&scene.castellan, scene.mara.user.id);
    castellan.assign(Subject::User(user), &scene.world.recover, &["viewer"], scene.world.client.id).await;
    let app = castellan.client(&scene.world.recover).create().await;
    let (mut here, mut elsewhere) = (scene.signed_in().await, scene.signed_in().await);
    let token = |tokens: serde_json::Value| tokens["refresh_token"].as_str().expect("a refresh token").to_owned();
    let (kept, ended) = (token(app.tokens(&mut here).await), token(app.tokens(&mut elsewhere).await));
    scene.change(&mut here, [&scene.mara.password, NEW, NEW]).await.has_status(200);
    app.refresh(&ended).await.refuses(400, "invalid_grant");
    app.refresh(&kept).await.has_status(200);
}

/// product.md M4.
#[tokio::test]
async fn a_reset_of_the_factors_ends_every_session_and_refresh_token() {
    let scene = scene().await;
    let (castellan, user) = (&scene.castellan, scene.mara.user.clone());
    castellan.assign(Subject::User(user.id), &scene.world.recover, &["viewer"], scene.world.client.id).await;
    let app = castellan.client(&scene.world.recover).create().await;
    let mut browser = scene.signed_in().await;
    let tokens = app.tokens(&mut browser).await;
    let (keys, now) = (Arc::clone(&castellan.app.master), castellan.now());
    castellan.write(async move |tx| mfa::reset(tx, &keys, &user, &By::operator(), now).await).await;
    assert_eq!(browser.get_once("/account").await.location(), "/login");
    app.refresh(tokens["refresh_token"].as_str().expect("a token")).await.refuses(400, "invalid_grant");
}

#[tokio::test]
async fn the_way_through_the_step_up_leads_back_to_the_act() {
    let scene = scene().await;
    let mut browser = scene.signed_in().await;
    scene.castellan.advance(601);
    let page = browser.get("/account/password").await;
    assert!(page.url.contains("/login/totp"), "{}", page.url);
    let code = scene.code("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
    let page = browser.submit(&page, "code-submit", &[("code", &code)]).await;
    page.has_status(200);
    assert!(page.url.ends_with("/account/password"), "{}", page.url);
    assert!(page.has_element("password-form"));
}

/// Usernameless (M2): the key alone, which verified its owner, is two factors.
#[tokio::test]
async fn a_passkey_signs_in_by_itself_and_only_once_for_each_challenge() {
    let scene = scene().await;
    let mut browser = scene.signed_in().await;
    let page = browser.get("/account/passkey").await;
    let token = csrf(&page);
    let options = browser.post_once("/account/passkey/options", &[("csrf", &token)], &[]).await.expect(200);
    let mut key = Key::new();
    let credential = key.create(&options["options"]).await.to_string();
    let ceremony = options["ceremony"].as_str().expect("an id").to_owned();
    let typed = [("ceremony", ceremony.as_str()), ("credential", credential.as_str()), ("name", "Laptop")];
    browser.submit(&page, "enrol-passkey-form", &typed).await.has_status(200);

    let mut other = scene.castellan.browser();
    let page = other.get("/login").await;
    let fields = [("csrf", csrf(&page)), ("flow", value_of(&page, "flow"))];
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let options = other.post_once("/login/passkey/discover", &fields, &[]).await.expect(200);
    let credential = key.get(&options["options"]).await.to_string();
    let ceremony = options["ceremony"].as_str().expect("an id").to_owned();
    let typed = [("ceremony", ceremony.as_str()), ("credential", credential.as_str())];
    let mut thief = scene.castellan.browser();
    let elsewhere = thief.get("/login").await;
    let stolen = thief.submit(&elsewhere, "passkey-form", &typed).await;
    assert!(!stolen.url.ends_with("/account"), "the answer belongs to another browser's sign-in");
    let page = other.submit(&page, "passkey-form", &typed).await;
    assert!(page.url.ends_with("/account"), "{} {}", page.url, page.body);
}

#[tokio::test]
async fn a_password_is_changed_only_with_the_current_one_and_for_a_good_one() {
    let scene = scene().await;
    let mut browser = scene.signed_in().await;
    let now = scene.mara.password.clone();
    for ([current, new, again], words) in [
        (["wrong", NEW, NEW], "not your current password"),
        ([&now, NEW, "timber otter vault ten"], "The two differ"),
        ([&now, &now, &now], "the password you have"),
        ([&now, "short", "short"], "at least 10 characters"),
        ([&now, "password1234", "password1234"], "easy to guess"),
        ([&now, "mara-harbour-1", "mara-harbour-1"], "your name, your address"),
    ] {
        let page = scene.change(&mut browser, [current, new, again]).await;
        page.has_status(422);
        assert!(page.body.contains(words), "{words}: {}", page.text_of("error").unwrap_or_default());
    }
}

/// security.md rows 33 and 45: whoever found an open session cannot guess on.
#[tokio::test]
async fn guesses_of_the_current_password_are_counted_and_the_pause_ends_by_itself() {
    let scene = scene().await;
    let mut browser = scene.signed_in().await;
    for _ in 0..5 {
        scene.change(&mut browser, ["wrong", NEW, NEW]).await.has_status(422);
    }
    let page = scene.change(&mut browser, [&scene.mara.password, NEW, NEW]).await;
    page.has_status(422);
    assert!(page.text_of("error").is_some_and(|error| error.contains("Too many wrong tries")), "{}", page.body);
    let refused = scene.castellan.audited(scene.world.client.id, "password.refused").await;
    assert_eq!((refused.len(), refused[0].outcome.as_str()), (5, "refused"), "each that was judged");
    assert_eq!(refused[0].actor_id, Some(scene.mara.user.id.0));
    scene.castellan.advance(901);
    let mut browser = scene.signed_in().await;
    scene.change(&mut browser, [&scene.mara.password, NEW, NEW]).await.has_status(200);
}

/// security.md row 39.
#[tokio::test]
async fn what_could_lose_the_account_needs_a_factor_of_the_last_ten_minutes() {
    let scene = scene().await;
    let mut browser = scene.signed_in().await;
    let page = browser.get("/account").await;
    scene.castellan.advance(601);
    for path in ["/account/password", "/account/passkey", "/account/email", "/account/recovery-codes"] {
        let answer = browser.get_once(path).await;
        assert!(answer.location().starts_with("/login/step-up?back=%2Faccount"), "{path}: {}", answer.location());
    }
    for (path, form) in [("/account/totp", "add-totp"), ("/account/email", "add-email")] {
        let fields = page.attribute_of(form, "action").expect("a form");
        assert_eq!(fields, path);
        let token = csrf(&page);
        let answer = browser.post_once(path, &[("csrf", &token)], &[]).await;
        assert!(answer.location().starts_with("/login/step-up?"), "{path}");
    }
    browser.get("/account").await.has_status(200);
}

/// The form token of a page.
fn csrf(page: &Answer) -> String {
    value_of(page, "csrf")
}

/// The value of a hidden field.
fn value_of(page: &Answer, name: &str) -> String {
    let (_, rest) = page.body.split_once(&format!(r#"name="{name}" value=""#)).expect("a field");
    rest.split('"').next().expect("a value").to_owned()
}

#[tokio::test]
async fn another_app_is_set_up_beside_the_first_and_brings_recovery_codes() {
    let scene = scene().await;
    let mut browser = scene.signed_in().await;
    let page = browser.get("/account").await;
    let setup = browser.submit(&page, "add-totp", &[]).await;
    setup.has_status(200);
    let key = setup.text_of("totp-secret").expect("the text key").replace(' ', "");
    assert!(setup.body.contains("<svg viewBox") && !setup.body.contains("data:image"));
    assert_eq!(
        browser.get("/account/totp").await.text_of("totp-secret").map(|key| key.replace(' ', "")),
        Some(key.clone())
    );

    let wrong = browser.submit(&setup, "code-submit", &[("code", "000000")]).await;
    wrong.has_status(422);
    assert_eq!(scene.castellan.audited(scene.world.client.id, "mfa.enrolment_refused").await.len(), 1);
    let codes = browser.submit(&wrong, "code-submit", &[("code", &scene.code(&key)), ("name", "Tablet")]).await;
    codes.has_status(200);
    let shown = codes.text_of("recovery-codes").expect("the codes");
    let file = browser.submit(&codes, "recovery-file", &[]).await;
    assert!(file.header("content-disposition").starts_with("attachment"));
    assert!(file.body.lines().filter(|line| line.len() == 29).all(|line| shown.contains(line)));

    let page = browser.get("/account").await;
    assert!(page.body.contains("Tablet"));
    assert_eq!(page.text_of("recovery-codes-left").as_deref(), Some("10 of 10 left"));
    assert!(!page.body.contains(&key), "the key is shown only during set-up");
    assert_eq!(browser.get_once("/account/totp").await.location(), "/account", "the set-up is over");
}

#[tokio::test]
async fn new_recovery_codes_replace_the_old_ones_after_a_question() {
    let scene = scene().await;
    let mut browser = scene.signed_in().await;
    let (user, now) = (scene.mara.user.id, scene.castellan.now());
    let old = scene.castellan.write(async move |tx| recovery_codes::generate(tx, user, now).await).await;
    let question = browser.get("/account/recovery-codes").await;
    let shown = browser.submit(&question, "recovery-submit", &[]).await;
    shown.has_status(200);
    let first = shown.body.split("<li>").nth(1).and_then(|rest| rest.split('<').next()).expect("a code").to_owned();
    let consume = async |code: String| {
        scene.castellan.write(async move |tx| recovery_codes::consume(tx, user, &code, now).await).await
    };
    assert!(!consume(old[0].expose().to_owned()).await);
    assert!(consume(first).await);
}

#[tokio::test]
async fn a_code_by_email_becomes_a_factor_once_it_was_typed() {
    let scene = scene().await;
    let mut browser = scene.signed_in().await;
    let page = browser.get("/account").await;
    let form = browser.submit(&page, "add-email", &[]).await;
    form.has_status(200);
    assert!(form.body.contains("mara@harbour.example"));
    browser.submit(&form, "code-submit", &[("code", "000000")]).await.has_status(422);
    let refused = scene.castellan.audited(scene.world.client.id, "mfa.enrolment_refused").await;
    assert!(refused.len() == 1 && refused[0].details.contains("email"));
    let page = browser.get("/account").await;
    assert!(page.has_element("add-email"), "not added by a wrong code");
}

#[tokio::test]
async fn a_passkey_is_created_in_the_browser_and_listed() {
    let scene = scene().await;
    let mut browser = scene.signed_in().await;
    let page = browser.get("/account/passkey").await;
    assert!(page.body.contains("passkeys.js") && page.has_element("no-passkey-here"));
    let token = csrf(&page);
    let options = browser.post_once("/account/passkey/options", &[("csrf", &token)], &[]).await.expect(200);
    let mut key = Key::new();
    let credential = key.create(&options["options"]).await.to_string();
    let ceremony = options["ceremony"].as_str().expect("an id").to_owned();
    let typed = [("ceremony", ceremony.as_str()), ("credential", credential.as_str()), ("name", "Laptop")];
    let codes = browser.submit(&page, "enrol-passkey-form", &typed).await;
    codes.has_status(200);
    assert!(codes.has_element("recovery-codes"), "none were left");
    assert!(browser.get("/account").await.body.contains("Laptop"));
    let replay = browser.submit(&page, "enrol-passkey-form", &typed).await;
    replay.has_status(422);
    assert!(replay.body.contains("answered already"));
}

#[tokio::test]
async fn where_the_server_has_only_an_address_passkeys_are_off_and_the_page_says_so() {
    let castellan = Castellan::start_with(|config| {
        let mut other = castellan::config::Config::with_defaults(
            config.listen,
            "http://127.0.0.1:8080".parse().expect("a URL"),
            config.database.clone(),
            Arc::clone(&config.master_keys),
        );
        other.passwords = config.passwords.clone();
        *config = other;
    })
    .await;
    assert!(castellan.app.passkeys.is_none());
    let world = castellan.world().await;
    let mara = castellan.person(&world.client, "mara@harbour.example").password().create().await;
    let scene = Scene { castellan, world, mara };
    let mut browser = scene.castellan.signed_in(&scene.mara).await;
    let page = browser.get("/account").await;
    assert!(page.has_element("no-passkeys") && !page.has_element("add-passkey"));
    browser.get("/account/passkey").await.has_status(404);
}

#[tokio::test]
async fn a_factor_is_renamed_and_the_last_one_stays_while_policy_needs_it() {
    let scene = scene().await;
    let policy = Policy { mfa: Some(MfaRule::Required), ..Policy::default() };
    scene.castellan.set_policy(scene.world.partner.id, policy).await;
    let mut browser = scene.signed_in().await;
    let page = browser.get("/account").await;
    let at = page.body.find("/account/factors/").expect("a factor");
    let path = page.body[at..].split('"').next().expect("its path").to_owned();
    let factor = browser.get(&path).await;
    let page = browser.submit(&factor, "rename-submit", &[("name", "Old <b>phone</b>")]).await;
    assert!(page.body.contains("Old &#60;b&#62;phone"), "a name is text");
    let renamed = scene.castellan.audited(scene.world.client.id, "mfa.renamed").await;
    assert_eq!((renamed.len(), renamed[0].subject_id), (1, Some(scene.mara.user.id.0)));
    let refused = browser.submit(&factor, "remove-submit", &[]).await;
    refused.has_status(409);
    assert!(refused.text_of("error").is_some_and(|error| error.contains("last second factor")));

    scene.castellan.set_policy(scene.world.partner.id, Policy::default()).await;
    let page = browser.submit(&factor, "remove-submit", &[]).await;
    page.has_status(200);
    assert!(page.body.contains("No second factor yet"));
    browser.get(&path).await.has_status(404);
}

/// security.md row 153.
#[tokio::test]
async fn another_persons_factor_and_session_are_not_found() {
    let scene = scene().await;
    let eve = scene.castellan.person(&scene.world.client, "eve@harbour.example").password().create().await;
    let mut browser = scene.castellan.signed_in(&eve).await;
    scene.signed_in().await;
    let page = browser.get("/account").await;
    let token = csrf(&page);
    let mut db = scene.castellan.app.store.reader().await.expect("a reader");
    let factor = castellan::mfa::enrolled(&mut db, scene.mara.user.id).await.expect("a list")[0].id;
    let now = scene.castellan.now();
    let session = sessions::list_of_user(&mut db, scene.mara.user.id, now).await.expect("a list")[0].id;
    drop(db);
    browser.get(&format!("/account/factors/{factor}")).await.has_status(404);
    for path in [
        format!("/account/factors/{factor}"),
        format!("/account/factors/{factor}/remove"),
        format!("/account/sessions/{session}/end"),
    ] {
        browser.post_once(&path, &[("csrf", &token), ("name", "Mine")], &[]).await.has_status(404);
    }
    assert!(scene.castellan.write(async move |tx| sessions::use_live(tx, session, now).await).await);
}

#[tokio::test]
async fn one_session_or_all_others_are_ended() {
    let scene = scene().await;
    let (mut here, mut tablet, mut phone) = (scene.signed_in().await, scene.signed_in().await, scene.signed_in().await);
    let page = here.get("/account").await;
    let at = page.body.find("/account/sessions/0").expect("another session");
    let path = page.body[at..].split('"').next().expect("its path").to_owned();
    here.post_once(&path, &[("csrf", &csrf(&page))], &[]).await;
    let live = [tablet.get_once("/account").await, phone.get_once("/account").await];
    assert_eq!(live.iter().filter(|answer| answer.status.as_u16() == 200).count(), 1);
    here.submit(&page, "end-others", &[]).await.has_status(200);
    for browser in [&mut tablet, &mut phone] {
        assert_eq!(browser.get_once("/account").await.location(), "/login");
    }
    here.get("/account").await.has_status(200);
}

/// security.md row 24.
#[tokio::test]
async fn no_act_is_taken_from_another_site_or_without_a_token() {
    let scene = scene().await;
    let mut browser = scene.signed_in().await;
    let token = csrf(&browser.get("/account").await);
    for path in ["/account/sessions/end-others", "/account/totp", "/account/recovery-codes", "/account/email"] {
        browser.post_once(path, &[], &[]).await.has_status(403);
        let foreign = [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")];
        browser.post_once(path, &[("csrf", &token)], &foreign).await.has_status(403);
    }
}
