//! Every one-time thing is accepted once, however many requests bring it at the same moment.

use std::{sync::Arc, time::Duration};

use castellan::{
    action_tokens::{self, NewActionToken, Purpose},
    id::{LoginFlowId, UserId},
    mfa::{
        self, BoundTo, Method,
        email_code::{self, NotSent},
        recovery_codes,
        totp::{self, Confirmation, NotConfirmed},
    },
    secret::Secret,
    store, users,
};

use crate::support::{Castellan, Person};

/// Runs `attempt` fifty times at once and answers how many said yes.
async fn fifty<F>(castellan: &Castellan, attempt: F) -> usize
where
    F: AsyncFn(&mut store::Tx<'_>) -> store::Result<bool> + Send + Sync + Clone + 'static,
{
    let attempts = (0..50).map(|_| castellan.write(attempt.clone()));
    futures_util::future::join_all(attempts).await.into_iter().filter(|&won| won).count()
}

/// Any login flow's id will do: what is bound to it never meets the flow itself.
fn somewhere(castellan: &Castellan) -> BoundTo {
    LoginFlowId::new(castellan.now()).into()
}

async fn somebody(castellan: &Castellan) -> Person {
    let world = castellan.world().await;
    castellan.person(&world.client, "mara@harbour.example").password().create().await
}

/// What an authenticator app with this base32 key shows at that time.
fn code(key: &str, castellan: &Castellan) -> String {
    let secret = totp_rs::Secret::try_from_base32(key).expect("base32");
    let app = totp_rs::Builder::new().with_secret(secret).build_noncompliant();
    app.generate(castellan.now().as_seconds().unsigned_abs()).to_string()
}

/// Sets an app up and answers its key. The clock then stands at a fresh step.
async fn enrolled_app(castellan: &Castellan, user: UserId) -> String {
    let (keys, bound_to, now) = (Arc::clone(&castellan.app.master), somewhere(castellan), castellan.now());
    let key = castellan.write(async move |tx| Ok(totp::begin(tx, &keys, user, bound_to, now).await?.text_key())).await;
    let confirmed = confirm(castellan, user, bound_to, &code(&key, castellan)).await;
    assert!(confirmed.is_ok(), "{confirmed:?}");
    castellan.advance(60);
    key
}

async fn confirm(castellan: &Castellan, user: UserId, bound_to: BoundTo, code: &str) -> Result<(), NotConfirmed> {
    let (keys, code, now) = (Arc::clone(&castellan.app.master), code.to_owned(), castellan.now());
    let outcome = castellan
        .write(async move |tx| {
            let confirmation = Confirmation { code: &code, name: "Phone" };
            totp::confirm(tx, &keys, (user, bound_to), confirmation, now).await
        })
        .await;
    outcome.map(|_| ())
}

async fn verify(castellan: &Castellan, user: UserId, code: &str) -> bool {
    let (keys, code, now) = (Arc::clone(&castellan.app.master), code.to_owned(), castellan.now());
    castellan.write(async move |tx| Ok(totp::verify(tx, &keys, user, &code, now).await?.is_some())).await
}

/// RFC 6238 section 5.2: the second attempt of an accepted code is refused.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_totp_code_is_accepted_once_of_fifty() {
    let castellan = Castellan::start().await;
    let user = somebody(&castellan).await.user.id;
    let key = enrolled_app(&castellan, user).await;
    let (code, keys, now) = (code(&key, &castellan), Arc::clone(&castellan.app.master), castellan.now());
    let attempt = {
        let code = code.clone();
        async move |tx: &mut store::Tx<'_>| Ok(totp::verify(tx, &keys, user, &code, now).await?.is_some())
    };
    assert_eq!(fifty(&castellan, attempt).await, 1);
    assert!(!verify(&castellan, user, &format!(" {code}")).await, "nor in another spelling");
    castellan.advance(30);
    assert!(!verify(&castellan, user, &code).await, "nor as the step before");
}

#[tokio::test]
async fn an_older_code_is_refused_after_a_newer_one() {
    let castellan = Castellan::start().await;
    let user = somebody(&castellan).await.user.id;
    let key = enrolled_app(&castellan, user).await;
    let older = code(&key, &castellan);
    castellan.advance(30);
    assert!(verify(&castellan, user, &code(&key, &castellan)).await);
    assert!(!verify(&castellan, user, &older).await);
}

#[tokio::test]
async fn the_code_that_confirmed_a_set_up_does_not_sign_in() {
    let castellan = Castellan::start().await;
    let user = somebody(&castellan).await.user.id;
    let (keys, bound_to, now) = (Arc::clone(&castellan.app.master), somewhere(&castellan), castellan.now());
    let key = castellan.write(async move |tx| Ok(totp::begin(tx, &keys, user, bound_to, now).await?.text_key())).await;
    let code = code(&key, &castellan);
    assert_eq!(confirm(&castellan, user, bound_to, &code).await, Ok(()));
    assert!(!verify(&castellan, user, &code).await);
}

#[tokio::test]
async fn a_set_up_replaces_nothing_until_it_is_confirmed() {
    let castellan = Castellan::start().await;
    let user = somebody(&castellan).await.user.id;
    let live = enrolled_app(&castellan, user).await;
    let (keys, bound_to, now) = (Arc::clone(&castellan.app.master), somewhere(&castellan), castellan.now());
    let new = castellan.write(async move |tx| Ok(totp::begin(tx, &keys, user, bound_to, now).await?.text_key())).await;

    assert!(!verify(&castellan, user, &code(&new, &castellan)).await, "the new key is no factor yet");
    assert!(verify(&castellan, user, &code(&live, &castellan)).await, "the old one still is");
    let elsewhere = confirm(&castellan, user, somewhere(&castellan), &code(&new, &castellan)).await;
    assert_eq!(elsewhere, Err(NotConfirmed::NoSetup), "another browser cannot finish it");
    assert_eq!(confirm(&castellan, user, bound_to, "000000").await, Err(NotConfirmed::WrongCode));
    assert_eq!(confirm(&castellan, user, bound_to, &code(&new, &castellan)).await, Ok(()));
    assert_eq!(confirm(&castellan, user, bound_to, &code(&new, &castellan)).await, Err(NotConfirmed::NoSetup));

    castellan.advance(60);
    for key in [&live, &new] {
        assert!(verify(&castellan, user, &code(key, &castellan)).await, "both work: a second app is one more factor");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_recovery_code_is_accepted_once_of_fifty_and_a_new_set_ends_the_old() {
    let castellan = Castellan::start().await;
    let user = somebody(&castellan).await.user.id;
    let now = castellan.now();
    let generate = async || castellan.write(async move |tx| recovery_codes::generate(tx, user, now).await).await;
    let remaining = async || {
        let mut db = castellan.app.store.reader().await.expect("a reader");
        recovery_codes::remaining(&mut db, user).await.expect("a count")
    };
    let codes = generate().await;
    assert_eq!((codes.len(), remaining().await), (10, 10));
    let first = codes[0].clone();
    let attempt = async move |tx: &mut store::Tx<'_>| recovery_codes::consume(tx, user, first.expose(), now).await;
    assert_eq!(fifty(&castellan, attempt).await, 1);
    assert_eq!(remaining().await, 9);

    let fresh = generate().await;
    let consume = async |code: &Secret| {
        let code = code.clone();
        castellan.write(async move |tx| recovery_codes::consume(tx, user, code.expose(), now).await).await
    };
    assert!(!consume(&codes[1]).await, "a code of the old set");
    assert!(consume(&fresh[1]).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_mailed_link_acts_once_of_fifty_and_only_for_its_purpose() {
    let castellan = Castellan::start().await;
    let user = somebody(&castellan).await.user.id;
    let now = castellan.now();
    let issue = async |purpose: Purpose| {
        let new = NewActionToken {
            user_id: user,
            purpose,
            created_by: None,
            data: serde_json::json!({}),
            expires_at: now + Duration::from_secs(3600),
        };
        castellan.write(async move |tx| action_tokens::issue(tx, &new, now).await).await
    };
    let is_live = async |secret: &Secret| {
        let mut db = castellan.app.store.reader().await.expect("a reader");
        action_tokens::peek(&mut db, secret, castellan.now()).await.expect("a look").is_some()
    };
    let consume = async |secret: &Secret, purpose: Purpose| {
        let (secret, now) = (secret.clone(), castellan.now());
        castellan.write(async move |tx| action_tokens::consume(tx, &secret, purpose, now).await).await.is_some()
    };

    let older = issue(Purpose::ResetPassword).await;
    let link = issue(Purpose::ResetPassword).await;
    assert!(!is_live(&older).await, "a new link voids the older one");
    assert!(is_live(&link).await && is_live(&link).await, "looking spends nothing");
    assert!(!consume(&link, Purpose::Activate).await, "no purpose passes for another");
    let other = issue(Purpose::Activate).await;
    let attempt = {
        let link = link.clone();
        async move |tx: &mut store::Tx<'_>| {
            Ok(action_tokens::consume(tx, &link, Purpose::ResetPassword, now).await?.is_some())
        }
    };
    assert_eq!(fifty(&castellan, attempt).await, 1);
    assert!(!is_live(&other).await, "use voids the user's other links");

    let late = issue(Purpose::ResetPassword).await;
    castellan.advance(3600);
    assert!(!is_live(&late).await && !consume(&late, Purpose::ResetPassword).await, "an expired link");
}

/// Issues a code by e-mail and answers it.
async fn email_code(castellan: &Castellan, user: UserId, bound_to: BoundTo) -> String {
    let (keys, now) = (Arc::clone(&castellan.app.master), castellan.now());
    let issued = castellan.write(async move |tx| email_code::issue(tx, &keys, user, bound_to, now).await).await;
    issued.expose().to_owned()
}

async fn verify_email(castellan: &Castellan, user: UserId, bound_to: BoundTo, code: &str) -> bool {
    let (keys, code, now) = (Arc::clone(&castellan.app.master), code.to_owned(), castellan.now());
    castellan.write(async move |tx| email_code::verify(tx, &keys, (user, bound_to), &code, now).await).await
}

/// A code that is not this one.
fn wrong(code: &str) -> String {
    format!("{:06}", (code.parse::<u32>().expect("digits") + 1) % 1_000_000)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_code_by_email_is_accepted_once_of_fifty_and_only_where_it_was_asked_for() {
    let castellan = Castellan::start().await;
    let user = somebody(&castellan).await.user.id;
    let (here, there) = (somewhere(&castellan), somewhere(&castellan));
    let code = email_code(&castellan, user, here).await;
    assert!(!verify_email(&castellan, user, there, &code).await, "another sign-in");
    let (keys, now) = (Arc::clone(&castellan.app.master), castellan.now());
    let attempt = {
        let code = code.clone();
        async move |tx: &mut store::Tx<'_>| email_code::verify(tx, &keys, (user, here), &code, now).await
    };
    // Fifty at once are more than five tries: at most one of them wins.
    assert!(fifty(&castellan, attempt).await <= 1);
    assert!(!verify_email(&castellan, user, here, &code).await);
}

#[tokio::test]
async fn a_code_by_email_survives_four_wrong_tries_and_not_five() {
    let castellan = Castellan::start().await;
    let user = somebody(&castellan).await.user.id;
    let here = somewhere(&castellan);
    for (tries, works) in [(4, true), (5, false)] {
        let code = email_code(&castellan, user, here).await;
        for _ in 0..tries {
            assert!(!verify_email(&castellan, user, here, &wrong(&code)).await);
        }
        assert_eq!(verify_email(&castellan, user, here, &code).await, works, "after {tries} wrong tries");
    }
}

#[tokio::test]
async fn a_code_by_email_dies_after_ten_minutes_or_by_the_next_one() {
    let castellan = Castellan::start().await;
    let user = somebody(&castellan).await.user.id;
    let here = somewhere(&castellan);
    let first = email_code(&castellan, user, here).await;
    let second = email_code(&castellan, user, here).await;
    assert!(first == second || !verify_email(&castellan, user, here, &first).await, "replaced");
    castellan.advance(600);
    assert!(!verify_email(&castellan, user, here, &second).await, "too old");
}

#[tokio::test]
async fn five_codes_by_email_an_hour_are_enough() {
    let castellan = Castellan::start().await;
    let mara = somebody(&castellan).await.user;
    let (user, now) = (mara.id, castellan.now());
    castellan.write(async move |tx| users::verify_email(tx, user, now).await).await;
    let mut db = castellan.app.store.reader().await.expect("a reader");
    let mara = users::find(&mut db, mara.id).await.expect("a read").expect("the user");
    drop(db);
    let send = async || {
        let (keys, mara, here, now) =
            (Arc::clone(&castellan.app.master), mara.clone(), somewhere(&castellan), castellan.now());
        castellan.write(async move |tx| email_code::send(tx, &keys, &mara, here, now).await).await
    };
    let sent = futures_util::future::join_all((0..50).map(|_| send())).await;
    assert_eq!(sent.iter().filter(|sent| sent.is_ok()).count(), 5, "of fifty at once, each from another sign-in");
    assert_eq!(send().await, Err(NotSent::TooMany));
    castellan.advance(3600);
    assert_eq!(send().await, Ok(()));
}

#[tokio::test]
async fn factors_are_listed_with_name_and_last_use() {
    let castellan = Castellan::start().await;
    let user = somebody(&castellan).await.user.id;
    let key = enrolled_app(&castellan, user).await;
    let list = async || {
        let mut db = castellan.app.store.reader().await.expect("a reader");
        mfa::enrolled(&mut db, user).await.expect("a list")
    };
    let listed = list().await;
    assert_eq!((listed.len(), listed[0].method, listed[0].name.as_str()), (1, Method::Totp, "Phone"));
    assert_eq!(listed[0].last_used_at, None);
    assert!(verify(&castellan, user, &code(&key, &castellan)).await);
    assert_eq!(list().await[0].last_used_at, Some(castellan.now()));
}
