//! Which factors count, which may go, and what a reset takes.

use std::sync::Arc;

use castellan::{
    access::Subject,
    audit::By,
    id::LoginFlowId,
    mfa::{self, BoundTo, CannotRemove, Method, Next, email_code, policy, recovery_codes, totp},
    organizations::{MfaRule, Policy},
    products::Product,
    secret::Secret,
    users::{
        self, User,
        password::{self, SetBy},
    },
};

use crate::support::{Castellan, World};

struct Scene {
    castellan: Castellan,
    world: World,
    user: User,
}

/// A person with a verified address and a password of their own.
async fn scene() -> Scene {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let id = castellan.person(&world.client, "mara@harbour.example").password().create().await.user.id;
    let now = castellan.now();
    castellan.write(async move |tx| users::verify_email(tx, id, now).await).await;
    let user = reload(&castellan, id).await;
    Scene { castellan, world, user }
}

async fn reload(castellan: &Castellan, id: castellan::id::UserId) -> User {
    let mut db = castellan.app.store.reader().await.expect("a reader");
    users::find(&mut db, id).await.expect("a read").expect("the user")
}

impl Scene {
    async fn next(&self, product: Option<&Product>, acr_values: &[&str], amr: &[&str]) -> Next {
        let mut db = self.castellan.app.store.reader().await.expect("a reader");
        let requirement = policy::requirement(&mut db, &self.user, product, acr_values).await.expect("a requirement");
        let amr: Vec<String> = amr.iter().map(|&value| value.to_owned()).collect();
        mfa::next(&mut db, &self.user, &requirement, &amr).await.expect("an answer")
    }

    async fn enroll(&self, method: Method) -> castellan::id::FactorId {
        let (keys, user, now) = (Arc::clone(&self.castellan.app.master), self.user.id, self.castellan.now());
        self.castellan
            .write(async move |tx| match method {
                Method::Totp => totp::enroll(tx, &keys, user, b"12345678901234567890", now).await,
                Method::Email => email_code::enroll(tx, &keys, user, now).await,
                Method::Passkey | Method::Recovery => unreachable!("not enrolled without a browser"),
            })
            .await
    }

    async fn recovery_codes(&self) -> Vec<Secret> {
        let (user, now) = (self.user.id, self.castellan.now());
        self.castellan.write(async move |tx| recovery_codes::generate(tx, user, now).await).await
    }

    async fn set_password(&self, by: SetBy) {
        let hash = self.castellan.app.passwords.hash(Secret::from_text("nine slow herons")).await.expect("a hash");
        let (user, now) = (self.user.id, self.castellan.now());
        self.castellan.write(async move |tx| password::set(tx, user, &hash, by, now).await).await;
    }

    async fn remove(&self, factor: castellan::id::FactorId) -> Result<(), CannotRemove> {
        let (keys, user, now) = (Arc::clone(&self.castellan.app.master), self.user.clone(), self.castellan.now());
        let removed = self
            .castellan
            .write(async move |tx| mfa::remove(tx, &keys, (&user, factor), &By::user(user.id), now).await)
            .await;
        removed.map(|_| ())
    }

    async fn require_mfa(&self) {
        let policy = Policy { mfa: Some(MfaRule::Required), ..Policy::default() };
        self.castellan.set_policy(self.world.partner.id, policy).await;
    }
}

const ALL: [Method; 3] = [Method::Totp, Method::Email, Method::Passkey];

#[tokio::test]
async fn a_factor_is_asked_for_where_policy_product_request_or_person_wants_one() {
    let scene = scene().await;
    let portal = scene.castellan.portal().await;
    assert_eq!(scene.next(None, &[], &["pwd"]).await, Next::Done, "optional, and none enrolled");
    assert_eq!(scene.next(Some(&scene.world.recover), &[], &["pwd"]).await, Next::Done);
    assert_eq!(scene.next(Some(&portal), &[], &["pwd"]).await, Next::Enroll(ALL.to_vec()), "M1: always at the portal");
    let asked = scene.next(None, &["unknown", policy::ACR_MFA, policy::ACR_PASSWORD], &["pwd"]).await;
    assert_eq!(asked, Next::Enroll(ALL.to_vec()), "the first known acr counts");
    assert_eq!(scene.next(None, &[policy::ACR_PASSWORD, policy::ACR_MFA], &["pwd"]).await, Next::Done);

    scene.enroll(Method::Totp).await;
    assert_eq!(scene.next(None, &[], &["pwd"]).await, Next::Challenge(vec![Method::Totp]), "who has one shows it");
    assert_eq!(scene.next(Some(&portal), &[], &["pwd", "otp", "mfa"]).await, Next::Done);
    let strong = scene.next(None, &[policy::ACR_PHISHING_RESISTANT], &["pwd"]).await;
    assert_eq!(strong, Next::Challenge(vec![Method::Totp]), "no passkey: show what there is");
    let strong = scene.next(None, &[policy::ACR_PHISHING_RESISTANT], &["pwd", "otp", "mfa"]).await;
    assert_eq!(strong, Next::Enroll(vec![Method::Passkey]), "then make one");
}

#[tokio::test]
async fn an_organization_above_decides_which_methods_count() {
    let scene = scene().await;
    scene.enroll(Method::Email).await;
    assert_eq!(scene.next(None, &[], &["pwd"]).await, Next::Challenge(vec![Method::Email]));
    let policy = Policy {
        mfa: Some(MfaRule::Required),
        methods: Some(vec![Method::Totp, Method::Passkey]),
        ..Policy::default()
    };
    scene.castellan.set_policy(scene.world.partner.id, policy).await;
    assert_eq!(scene.next(None, &[], &["pwd"]).await, Next::Challenge(vec![Method::Email]), "proves who it is");
    let after = scene.next(None, &[], &["pwd", "email", "mfa"]).await;
    assert_eq!(after, Next::Enroll(vec![Method::Totp, Method::Passkey]), "and counts no more");
}

/// security.md section 0.1.
#[tokio::test]
async fn after_a_mailed_reset_a_code_by_email_is_no_second_factor_until_another_has_confirmed_it() {
    let scene = scene().await;
    scene.require_mfa().await;
    scene.enroll(Method::Email).await;
    assert_eq!(
        scene.next(None, &[], &["pwd"]).await,
        Next::Challenge(vec![Method::Email]),
        "first activation is exempt"
    );

    scene.set_password(SetBy::MailedReset).await;
    assert_eq!(scene.next(None, &[], &["pwd"]).await, Next::Stuck, "one mailbox is one factor");
    scene.recovery_codes().await;
    assert_eq!(scene.next(None, &[], &["pwd"]).await, Next::Challenge(vec![Method::Recovery]));
    scene.set_password(SetBy::Change).await;
    let changed = scene.next(None, &[], &["pwd"]).await;
    assert_eq!(changed, Next::Challenge(vec![Method::Recovery]), "changing it proves no more than knowing it");

    let (user, now) = (scene.user.id, scene.castellan.now());
    scene.castellan.write(async move |tx| password::confirm(tx, user, now).await).await;
    assert_eq!(scene.next(None, &[], &["pwd"]).await, Next::Challenge(vec![Method::Email, Method::Recovery]));
    scene.set_password(SetBy::MailedReset).await;
    let again = scene.next(None, &[], &["pwd"]).await;
    assert_eq!(again, Next::Challenge(vec![Method::Recovery]), "each reset begins anew");
}

#[tokio::test]
async fn after_a_mailed_reset_email_cannot_be_enrolled_either() {
    let scene = scene().await;
    scene.require_mfa().await;
    scene.set_password(SetBy::MailedReset).await;
    assert_eq!(scene.next(None, &[], &["pwd"]).await, Next::Enroll(vec![Method::Totp, Method::Passkey]));
}

#[tokio::test]
async fn an_unverified_address_is_no_factor() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let user = castellan.person(&world.client, "new@harbour.example").password().create().await.user;
    let scene = Scene { castellan, world, user };
    scene.require_mfa().await;
    assert_eq!(scene.next(None, &[], &["pwd"]).await, Next::Enroll(vec![Method::Totp, Method::Passkey]));
    let (keys, user, now) = (Arc::clone(&scene.castellan.app.master), scene.user.clone(), scene.castellan.now());
    let bound_to = BoundTo::from(LoginFlowId::new(now));
    let sent = scene.castellan.write(async move |tx| email_code::send(tx, &keys, &user, bound_to, now).await).await;
    assert_eq!(sent, Err(email_code::NotSent::NoAddress));
}

#[tokio::test]
async fn the_last_factor_stays_while_something_demands_one() {
    let scene = scene().await;
    let app = scene.enroll(Method::Totp).await;
    assert_eq!(scene.remove(app).await, Ok(()), "nothing demands it");
    assert_eq!(scene.remove(app).await, Err(CannotRemove::NotFound));

    let app = scene.enroll(Method::Totp).await;
    scene.require_mfa().await;
    assert_eq!(scene.remove(app).await, Err(CannotRemove::Last), "the organization does");
    scene.castellan.set_policy(scene.world.partner.id, Policy::default()).await;
    let portal = scene.castellan.portal().await;
    scene.castellan.assign(Subject::User(scene.user.id), &portal, &["basic"], scene.world.client.id).await;
    assert_eq!(scene.remove(app).await, Err(CannotRemove::Last), "the portal does");
    let email = scene.enroll(Method::Email).await;
    assert_eq!(scene.remove(app).await, Ok(()), "another is left");
    assert_eq!(scene.remove(email).await, Err(CannotRemove::Last));
}

/// Two removals at once, of two factors: one stays (both databases).
#[tokio::test]
async fn two_removals_at_once_do_not_leave_none() {
    let scene = scene().await;
    scene.require_mfa().await;
    let (app, email) = (scene.enroll(Method::Totp).await, scene.enroll(Method::Email).await);
    let (one, other) = tokio::join!(scene.remove(app), scene.remove(email));
    assert_eq!([one, other].iter().filter(|outcome| outcome.is_ok()).count(), 1);
}

#[tokio::test]
async fn another_persons_factor_can_be_neither_removed_nor_renamed() {
    let scene = scene().await;
    let app = scene.enroll(Method::Totp).await;
    let other = scene.castellan.person(&scene.world.client, "eve@harbour.example").create().await.user;
    let (keys, now) = (Arc::clone(&scene.castellan.app.master), scene.castellan.now());
    let eve = other.clone();
    let removed =
        scene.castellan.write(async move |tx| mfa::remove(tx, &keys, (&eve, app), &By::user(eve.id), now).await).await;
    assert_eq!(removed.map(|_| ()), Err(CannotRemove::NotFound));
    let (keys, now) = (Arc::clone(&scene.castellan.app.master), scene.castellan.now());
    let new = async move |tx: &mut castellan::store::Tx<'_>| {
        mfa::rename(tx, &keys, (&other, app, "Mine"), &By::user(other.id), now).await
    };
    let renamed = scene.castellan.write(new).await;
    assert!(!renamed);
}

#[tokio::test]
async fn a_reset_takes_every_factor_and_code_and_forces_set_up() {
    let scene = scene().await;
    scene.require_mfa().await;
    scene.enroll(Method::Totp).await;
    scene.enroll(Method::Email).await;
    let codes = scene.recovery_codes().await;
    let (keys, user, now) = (Arc::clone(&scene.castellan.app.master), scene.user.clone(), scene.castellan.now());
    scene.castellan.write(async move |tx| mfa::reset(tx, &keys, &user, &By::operator(), now).await).await;

    assert_eq!(scene.next(None, &[], &["pwd"]).await, Next::Enroll(ALL.to_vec()));
    let (user, code) = (scene.user.id, codes[0].clone());
    let used = scene.castellan.write(async move |tx| recovery_codes::consume(tx, user, code.expose(), now).await).await;
    assert!(!used, "the recovery codes are gone with the factors");
}
