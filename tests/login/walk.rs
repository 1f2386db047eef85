//! People at the pages of signing in.

use std::sync::Arc;

use castellan::{
    action_tokens::{self, NewActionToken, Purpose},
    id::UserId,
    mfa::{email_code, recovery_codes, totp},
    users,
};

use crate::support::{Answer, Browser, Castellan, Person, World};

/// The seed of every authenticator app in these tests.
pub const SEED: &[u8] = b"12345678901234567890";

/// A server with the standard world and one person with a password at the client organization.
pub async fn scene() -> (Castellan, World, Person) {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let mara = castellan.person(&world.client, "mara@harbour.example").password().create().await;
    let (id, now) = (mara.user.id, castellan.now());
    castellan.write(async move |tx| users::verify_email(tx, id, now).await).await;
    (castellan, world, mara)
}

/// What an authenticator app with that seed shows now.
pub fn code(castellan: &Castellan, seed: &[u8]) -> String {
    let app = totp_rs::Builder::new().with_secret(seed.to_vec()).build_noncompliant();
    app.generate(castellan.now().as_seconds().unsigned_abs()).to_string()
}

/// The same for a key as a page shows it.
pub fn code_of_key(castellan: &Castellan, key: &str) -> String {
    let key: String = key.chars().filter(|c| !c.is_whitespace()).collect();
    let secret = totp_rs::Secret::try_from_base32(&key).expect("base32");
    let app = totp_rs::Builder::new().with_secret(secret).build_noncompliant();
    app.generate(castellan.now().as_seconds().unsigned_abs()).to_string()
}

pub async fn enroll_totp(castellan: &Castellan, user: UserId) {
    let (master, now) = (Arc::clone(&castellan.app.master), castellan.now());
    castellan.write(async move |tx| totp::enroll(tx, &master, user, SEED, now).await).await;
}

pub async fn enroll_email(castellan: &Castellan, user: UserId) {
    let (master, now) = (Arc::clone(&castellan.app.master), castellan.now());
    castellan.write(async move |tx| email_code::enroll(tx, &master, user, now).await).await;
}

pub async fn give_recovery_codes(castellan: &Castellan, user: UserId) -> Vec<String> {
    let now = castellan.now();
    let codes = castellan.write(async move |tx| recovery_codes::generate(tx, user, now).await).await;
    codes.iter().map(|code| code.expose().to_owned()).collect()
}

/// The secret of a mailed link.
pub async fn link(castellan: &Castellan, user: UserId, purpose: Purpose) -> String {
    let now = castellan.now();
    let new = NewActionToken {
        user_id: user,
        purpose,
        created_by: None,
        data: serde_json::json!({}),
        expires_at: now + std::time::Duration::from_secs(3600),
    };
    let secret = castellan.write(async move |tx| action_tokens::issue(tx, &new, now).await).await;
    secret.expose().to_owned()
}

/// Opens `/login` and types a name.
pub async fn type_name(browser: &mut Browser<'_>, name: &str) -> Answer {
    let page = browser.get("/login").await;
    browser.submit(&page, "login-form", &[("username", name)]).await
}

/// Types name and password.
pub async fn type_both(browser: &mut Browser<'_>, name: &str, password: &str) -> Answer {
    let page = type_name(browser, name).await;
    browser.submit(&page, "login-form", &[("password", password)]).await
}

/// Whether the browser holds a whole session.
pub async fn is_in(browser: &mut Browser<'_>) -> bool {
    browser.get_once("/account").await.status.as_u16() == 200
}

/// The text of the mail of that subject's beginning, after everything due was sent.
pub async fn mailed(castellan: &Castellan, subject: &str) -> Option<castellan::mail::Mail> {
    castellan::background::settle(&castellan.app).await.expect("the jobs run");
    let mut db = castellan.app.store.reader().await.expect("a reader");
    let mails = castellan::mail::list(&mut db, &castellan.app.master, 100).await.expect("the mailbox");
    mails.into_iter().map(|received| received.mail).find(|mail| mail.subject.starts_with(subject))
}

/// A server whose mail goes to the mailbox.
pub async fn scene_with_mailbox() -> (Castellan, World, Person) {
    let castellan = Castellan::start_with(|config| config.demo = true).await;
    let world = castellan.world().await;
    let mara = castellan.person(&world.client, "mara@harbour.example").password().create().await;
    let (id, now) = (mara.user.id, castellan.now());
    castellan.write(async move |tx| users::verify_email(tx, id, now).await).await;
    (castellan, world, mara)
}
