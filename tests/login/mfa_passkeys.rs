//! Passkeys: enrolling one on the account page, and every answer that must not count.

use std::{sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use castellan::{
    audit::By,
    id::{LoginFlowId, UserId},
    mfa::{
        self, BoundTo, Method,
        passkeys::{self, Answer, Challenge, Refused, Verified},
    },
    users::User,
};
use serde_json::{Value, json};

use super::authenticator::Key;
use crate::support::{Castellan, World};

struct Scene {
    castellan: Castellan,
    world: World,
    mara: User,
}

async fn scene() -> Scene {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let mara = castellan.person(&world.client, "mara@harbour.example").password().create().await.user;
    Scene { castellan, world, mara }
}

impl Scene {
    fn here(&self) -> BoundTo {
        LoginFlowId::new(self.castellan.now()).into()
    }

    async fn begin_register(&self, user: &User, bound_to: BoundTo) -> Challenge {
        let app = &self.castellan.app;
        let party = app.passkeys.clone().expect("localhost is a name");
        let (keys, user, now) = (Arc::clone(&app.master), user.clone(), app.clock.now());
        self.castellan
            .write(async move |tx| passkeys::begin_register(tx, (&party, &keys), &user, bound_to, now).await)
            .await
    }

    async fn finish_register(&self, user: UserId, bound_to: BoundTo, answer: &Answer) -> Result<(), Refused> {
        let app = &self.castellan.app;
        let party = app.passkeys.as_ref().expect("localhost is a name");
        let place = (user, bound_to, "Laptop");
        let finished =
            passkeys::finish_register(&app.store, (party, &app.master), place, answer, app.clock.now()).await;
        finished.expect("the database").map(|_| ())
    }

    /// Enrols a new key for the user.
    async fn key_of(&self, user: &User) -> Key {
        let (mut key, here) = (Key::new(), self.here());
        let challenge = self.begin_register(user, here).await;
        let answer = answer(&challenge, key.create(&challenge.options).await);
        assert_eq!(self.finish_register(user.id, here, &answer).await, Ok(()));
        key
    }

    async fn begin(&self, user: UserId, bound_to: BoundTo) -> Challenge {
        let app = &self.castellan.app;
        let party = app.passkeys.clone().expect("localhost is a name");
        let (keys, now) = (Arc::clone(&app.master), app.clock.now());
        self.castellan
            .write(async move |tx| passkeys::begin_authenticate(tx, (&party, &keys), user, bound_to, now).await)
            .await
            .expect("a passkey")
    }

    async fn finish(&self, user: UserId, bound_to: BoundTo, answer: &Answer) -> Result<Verified, Refused> {
        let app = &self.castellan.app;
        let party = app.passkeys.as_ref().expect("localhost is a name");
        let now = app.clock.now();
        let finished =
            passkeys::finish_authenticate(&app.store, (party, &app.master), (user, bound_to), answer, now).await;
        finished.expect("the database")
    }

    async fn begin_discoverable(&self, bound_to: BoundTo) -> Challenge {
        let app = &self.castellan.app;
        let party = app.passkeys.clone().expect("localhost is a name");
        let (keys, now) = (Arc::clone(&app.master), app.clock.now());
        self.castellan
            .write(async move |tx| passkeys::begin_discoverable(tx, (&party, &keys), bound_to, now).await)
            .await
    }

    async fn finish_discoverable(&self, bound_to: BoundTo, answer: &Answer) -> Result<Verified, Refused> {
        let app = &self.castellan.app;
        let party = app.passkeys.as_ref().expect("localhost is a name");
        let finished =
            passkeys::finish_discoverable(&app.store, (party, &app.master), bound_to, answer, app.clock.now()).await;
        finished.expect("the database")
    }

    /// One challenge for the user, answered by `key` after `change` was made to the answer.
    async fn sign_in(&self, user: UserId, key: &mut Key, change: impl Fn(&mut Value)) -> Result<Verified, Refused> {
        let here = self.here();
        let challenge = self.begin(user, here).await;
        let mut credential = key.get(&challenge.options).await;
        change(&mut credential);
        let verified = self.finish(user, here, &answer(&challenge, credential)).await?;
        assert!(self.note_use(&verified).await, "it is still enrolled");
        Ok(verified)
    }

    /// What a sign-in does in the write that takes the answer for a proof.
    async fn note_use(&self, verified: &Verified) -> bool {
        let (used, now) = (verified.clone(), self.castellan.now());
        self.castellan.write(async move |tx| passkeys::note_use(tx, &used, now).await).await
    }
}

fn answer(challenge: &Challenge, credential: Value) -> Answer {
    Answer { ceremony: challenge.ceremony, credential: credential.to_string() }
}

/// Changes bytes inside a base64url field.
fn flip(credential: &mut Value, pointer: &str, change: impl Fn(&mut Vec<u8>)) {
    let field = credential.pointer_mut(pointer).unwrap_or_else(|| panic!("no {pointer}"));
    let mut bytes = URL_SAFE_NO_PAD.decode(field.as_str().expect("text")).expect("base64url");
    change(&mut bytes);
    *field = json!(URL_SAFE_NO_PAD.encode(bytes));
}

/// Changes a member of clientDataJSON.
fn set_client_data(credential: &mut Value, member: &str, value: &Value) {
    flip(credential, "/response/clientDataJSON", |bytes| {
        let mut data: Value = serde_json::from_slice(bytes).expect("JSON");
        data[member] = value.clone();
        *bytes = data.to_string().into_bytes();
    });
}

#[tokio::test]
async fn a_passkey_is_enrolled_and_then_answers_for_its_owner() {
    let scene = scene().await;
    let mut key = scene.key_of(&scene.mara).await;
    let verified = scene.sign_in(scene.mara.id, &mut key, |_| {}).await.expect("it counts");
    assert_eq!(verified.user, scene.mara.id);
    assert!(matches!(verified.amr, ["hwk" | "swk", "user"]));
    scene.sign_in(scene.mara.id, &mut key, |_| {}).await.expect("again, with the next counter");
    let mut db = scene.castellan.app.store.reader().await.expect("a reader");
    let held = mfa::enrolled(&mut db, scene.mara.id).await.expect("a list");
    assert_eq!((held.len(), held[0].method, held[0].name.as_str()), (1, Method::Passkey, "Laptop"));
    assert_eq!(held[0].last_used_at, Some(scene.castellan.now()));
}

#[tokio::test]
async fn the_challenge_asks_for_a_discoverable_credential_of_a_verified_person_under_a_random_handle() {
    let scene = scene().await;
    let challenge = scene.begin_register(&scene.mara, scene.here()).await;
    let asked = &challenge.options["publicKey"];
    assert_eq!(asked["authenticatorSelection"]["residentKey"], "required");
    assert_eq!(asked["authenticatorSelection"]["userVerification"], "required");
    assert_eq!(asked["rp"]["id"], "localhost");
    let handle = URL_SAFE_NO_PAD.decode(asked["user"]["id"].as_str().expect("text")).expect("base64url");
    assert_eq!(handle, scene.mara.webauthn_handle);
    assert_ne!(handle, scene.mara.id.0.as_bytes());
}

#[tokio::test]
async fn a_passkey_signs_in_without_a_name_only_under_its_owners_handle() {
    let scene = scene().await;
    let mut key = scene.key_of(&scene.mara).await;
    let eve = scene.castellan.person(&scene.world.client, "eve@harbour.example").create().await.user;
    for (change, works) in [(None, true), (Some(json!(null)), false), (Some(json!(eve.webauthn_handle)), false)] {
        let here = scene.here();
        let challenge = scene.begin_discoverable(here).await;
        let mut credential = key.get(&challenge.options).await;
        match change {
            None => {}
            Some(Value::Null) => credential["response"]["userHandle"] = Value::Null,
            Some(_) => credential["response"]["userHandle"] = json!(URL_SAFE_NO_PAD.encode(&eve.webauthn_handle)),
        }
        let verified = scene.finish_discoverable(here, &answer(&challenge, credential)).await;
        assert_eq!(verified.map(|verified| verified.user).ok(), works.then_some(scene.mara.id));
    }
}

/// security.md row 150.
#[tokio::test]
async fn a_challenge_counts_once_soon_and_where_it_was_made() {
    let scene = scene().await;
    let mut key = scene.key_of(&scene.mara).await;
    let (here, mara) = (scene.here(), scene.mara.id);

    let challenge = scene.begin(mara, here).await;
    let given = answer(&challenge, key.get(&challenge.options).await);
    assert_eq!(scene.finish(mara, scene.here(), &given).await.err(), Some(Refused::NoCeremony), "another sign-in");
    let eve = scene.castellan.person(&scene.world.client, "eve@harbour.example").create().await.user;
    assert_eq!(scene.finish(eve.id, here, &given).await.err(), Some(Refused::NoCeremony), "another person");
    assert_eq!(scene.finish_discoverable(here, &given).await.err(), Some(Refused::NoCeremony), "another purpose");
    assert_eq!(scene.finish_register(mara, here, &given).await, Err(Refused::NoCeremony), "another purpose");
    assert!(scene.finish(mara, here, &given).await.is_ok());
    assert_eq!(scene.finish(mara, here, &given).await.err(), Some(Refused::NoCeremony), "a replay");

    let challenge = scene.begin(mara, here).await;
    let given = answer(&challenge, key.get(&challenge.options).await);
    scene.castellan.app.clock.advance(Duration::from_secs(300));
    assert_eq!(scene.finish(mara, here, &given).await.err(), Some(Refused::NoCeremony), "five minutes late");

    let (older, newer) = (scene.begin(mara, here).await, scene.begin(mara, here).await);
    let crossed = Answer { ceremony: newer.ceremony, ..answer(&older, key.get(&older.options).await) };
    assert_eq!(scene.finish(mara, here, &crossed).await.err(), Some(Refused::Invalid), "another challenge");
}

#[tokio::test]
async fn of_fifty_answers_to_one_challenge_one_counts() {
    let scene = scene().await;
    let mut key = scene.key_of(&scene.mara).await;
    let here = scene.here();
    let challenge = scene.begin(scene.mara.id, here).await;
    let given = answer(&challenge, key.get(&challenge.options).await);
    let tries = (0..50).map(|_| scene.finish(scene.mara.id, here, &given));
    let won = futures_util::future::join_all(tries).await.into_iter().filter(Result::is_ok).count();
    assert_eq!(won, 1);
}

/// security.md row 152: scheme, port and host must be ours to the letter.
#[tokio::test]
async fn an_answer_from_another_origin_is_refused() {
    let scene = scene().await;
    let key = scene.key_of(&scene.mara).await;
    for origin in ["http://localhost:9090", "http://localhost", "https://localhost:8080"] {
        let mut led_away = key.clone().at(origin);
        let outcome = scene.sign_in(scene.mara.id, &mut led_away, |_| {}).await;
        assert_eq!(outcome.err(), Some(Refused::Invalid), "{origin}");
    }
    let (mut fresh, here) = (Key::new().at("http://localhost:9090"), scene.here());
    let challenge = scene.begin_register(&scene.mara, here).await;
    let given = answer(&challenge, fresh.create(&challenge.options).await);
    assert_eq!(scene.finish_register(scene.mara.id, here, &given).await, Err(Refused::Invalid), "nor enrolled there");
}

/// security.md row 154: the server itself insists on a verified person.
#[tokio::test]
async fn a_touch_without_verification_is_refused() {
    let scene = scene().await;
    let mut key = scene.key_of(&scene.mara).await.touched_only();
    let here = scene.here();
    let mut challenge = scene.begin(scene.mara.id, here).await;
    challenge.options["publicKey"]["userVerification"] = json!("discouraged");
    let given = answer(&challenge, key.get(&challenge.options).await);
    assert_eq!(scene.finish(scene.mara.id, here, &given).await.err(), Some(Refused::Invalid));

    let mut fresh = Key::new().touched_only();
    let mut challenge = scene.begin_register(&scene.mara, here).await;
    challenge.options["publicKey"]["authenticatorSelection"]["userVerification"] = json!("discouraged");
    let given = answer(&challenge, fresh.create(&challenge.options).await);
    assert_eq!(scene.finish_register(scene.mara.id, here, &given).await, Err(Refused::Invalid));
}

/// security.md row 151: one field changed, one refusal.
#[tokio::test]
async fn an_answer_with_any_field_changed_is_refused() {
    let scene = scene().await;
    let mut key = scene.key_of(&scene.mara).await;
    type Change = fn(&mut Value);
    let changes: &[(&str, Change)] = &[
        ("id", |c| c["id"] = json!("AAAA")),
        ("rawId", |c| flip(c, "/rawId", |bytes| bytes[0] ^= 1)),
        ("type", |c| c["type"] = json!("password")),
        ("signature", |c| flip(c, "/response/signature", |bytes| *bytes.last_mut().expect("bytes") ^= 1)),
        ("no signature", |c| c["response"]["signature"] = json!("")),
        ("rpIdHash", |c| flip(c, "/response/authenticatorData", |bytes| bytes[0] ^= 1)),
        ("flags: not present", |c| flip(c, "/response/authenticatorData", |bytes| bytes[32] &= !1)),
        ("flags: not verified", |c| flip(c, "/response/authenticatorData", |bytes| bytes[32] &= !4)),
        ("flags: extensions", |c| flip(c, "/response/authenticatorData", |bytes| bytes[32] |= 0x80)),
        ("counter", |c| flip(c, "/response/authenticatorData", |bytes| bytes[36] ^= 1)),
        ("short authenticator data", |c| flip(c, "/response/authenticatorData", |bytes| bytes.truncate(36))),
        ("ceremony type", |c| set_client_data(c, "type", &json!("webauthn.create"))),
        ("challenge", |c| set_client_data(c, "challenge", &json!("AAAAAAAAAAAAAAAAAAAAAA"))),
        ("origin", |c| set_client_data(c, "origin", &json!("http://localhost:8080.evil.example"))),
        ("cross origin", |c| set_client_data(c, "crossOrigin", &json!(true))),
        ("user handle", |c| c["response"]["userHandle"] = json!("AAAA")),
        ("client data", |c| flip(c, "/response/clientDataJSON", |bytes| bytes.push(b' '))),
    ];
    for (what, change) in changes {
        let outcome = scene.sign_in(scene.mara.id, &mut key, change).await;
        assert_eq!(outcome.err(), Some(Refused::Invalid), "{what}");
    }
    assert!(scene.sign_in(scene.mara.id, &mut key, |_| {}).await.is_ok(), "unchanged it still counts");
}

/// WebAuthn section 7.2, step 22: a counter that does not move forward tells of a copy.
#[tokio::test]
async fn a_copy_of_a_key_is_noticed_by_its_counter() {
    let scene = scene().await;
    let mut key = scene.key_of(&scene.mara).await;
    let mut copy = key.clone();
    assert!(scene.sign_in(scene.mara.id, &mut key, |_| {}).await.is_ok());
    assert!(scene.sign_in(scene.mara.id, &mut key, |_| {}).await.is_ok());
    assert_eq!(scene.sign_in(scene.mara.id, &mut copy, |_| {}).await.err(), Some(Refused::Invalid));
}

/// security.md rows 153 and 154.
#[tokio::test]
async fn a_key_answers_for_nobody_else_and_is_enrolled_once() {
    let scene = scene().await;
    let mut key = scene.key_of(&scene.mara).await;
    let eve = scene.castellan.person(&scene.world.client, "eve@harbour.example").create().await.user;
    let mut eves = scene.key_of(&eve).await;

    let here = scene.here();
    let mut challenge = scene.begin(scene.mara.id, here).await;
    challenge.options["publicKey"]["allowCredentials"] = json!([]);
    let given = answer(&challenge, eves.get(&challenge.options).await);
    assert_eq!(scene.finish(scene.mara.id, here, &given).await.err(), Some(Refused::Invalid), "Eve's key for Mara");
    assert!(scene.sign_in(scene.mara.id, &mut key, |_| {}).await.is_ok());

    // The same credential for another account: a made-up answer, since an honest key never makes it.
    let (mut fresh, here) = (Key::new(), scene.here());
    let challenge = scene.begin_register(&scene.mara, here).await;
    let twice = fresh.create(&challenge.options).await;
    assert_eq!(scene.finish_register(scene.mara.id, here, &answer(&challenge, twice.clone())).await, Ok(()));
    assert_eq!(
        scene.finish_register(scene.mara.id, here, &answer(&challenge, twice)).await,
        Err(Refused::NoCeremony),
        "the same registration again"
    );
    let again = scene.begin_register(&scene.mara, here).await;
    let excluded = again.options["publicKey"]["excludeCredentials"].as_array().map(Vec::len);
    assert_eq!(excluded, Some(2), "the browser is told which keys are enrolled");
}

/// security.md row 66: factors that were reset while a passkey was answering are no proof any more.
#[tokio::test]
async fn a_passkey_that_is_taken_away_while_it_answers_proves_nothing() {
    let scene = scene().await;
    let mut key = scene.key_of(&scene.mara).await;
    let (here, mara) = (scene.here(), scene.mara.clone());
    let challenge = scene.begin(mara.id, here).await;
    let given = answer(&challenge, key.get(&challenge.options).await);
    let verified = scene.finish(mara.id, here, &given).await.expect("a right answer");
    let (master, now) = (Arc::clone(&scene.castellan.app.master), scene.castellan.now());
    scene.castellan.write(async move |tx| mfa::reset(tx, &master, &mara, &By::nobody(), now).await).await;
    assert!(!scene.note_use(&verified).await);
}
