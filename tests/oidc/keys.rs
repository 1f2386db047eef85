use castellan::{
    background,
    clock::Timestamp,
    keys::{Algorithm, Invalid, Keyring, Rotation, Schedule, rotate},
};
use serde_json::{Value, json};

use crate::support::Castellan;

const DAY: u64 = 86_400;

fn published(keyring: &Keyring) -> Vec<(String, String)> {
    let set: Value = serde_json::from_slice(&keyring.jwks().bytes).expect("JSON");
    let text = |key: &Value, name: &str| key[name].as_str().expect("a member").to_owned();
    set["keys"].as_array().expect("keys").iter().map(|key| (text(key, "alg"), text(key, "kid"))).collect()
}

fn key_id_of(token: &str) -> String {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let header = URL_SAFE_NO_PAD.decode(token.split('.').next().expect("a header")).expect("base64url");
    serde_json::from_slice::<Value>(&header).expect("JSON")["kid"].as_str().expect("kid").to_owned()
}

fn token(castellan: &Castellan, keyring: &Keyring) -> String {
    let now = castellan.now();
    let claims = json!({"sub": "a", "iat": now.as_seconds(), "exp": now.as_seconds() + 300});
    keyring.sign(Algorithm::Es256, "at+jwt", &claims, now).expect("a token")
}

#[tokio::test]
async fn the_first_start_makes_keys_and_a_second_node_uses_them() {
    let castellan = Castellan::start().await;
    let other = castellan.second_node().await;
    assert_eq!(published(&castellan.app.keys), published(&other.keys));
    assert_eq!(published(&castellan.app.keys).len(), 2, "RS256 is made beside the running server");

    let signed = token(&castellan, &castellan.app.keys);
    assert_eq!(other.keys.verify(&signed, "at+jwt", castellan.now()).expect("valid")["sub"], "a");
}

#[tokio::test]
async fn two_nodes_that_start_at_once_on_an_empty_database_agree_on_the_keys() {
    let castellan = Castellan::start().await;
    let (a, b) = (castellan.second_node().await, castellan.second_node().await);
    let now = castellan.now();
    let (one, two) = tokio::join!(a.keys.ready(Algorithm::Rs256, now), b.keys.ready(Algorithm::Rs256, now));
    one.expect("made");
    two.expect("made");
    castellan.app.keys.refresh(now).await.expect("read");
    assert_eq!(published(&castellan.app.keys).len(), 3, "one RS256 key, not two");
    assert_eq!(published(&a.keys), published(&b.keys));
}

/// RFC 8725 §3.11, and rows 16, 105 and 106 of the security programme.
#[tokio::test]
async fn a_token_is_taken_for_nothing_but_what_it_is() {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let castellan = Castellan::start().await;
    let (keys, now) = (&castellan.app.keys, castellan.now());
    let good = token(&castellan, keys);
    assert!(keys.verify(&good, "at+jwt", now).is_ok());
    assert_eq!(keys.verify(&good, "JWT", now), Err(Invalid::Type));
    assert_eq!(keys.verify_hint(&good, now), Err(Invalid::Type));
    let later = Timestamp::from_seconds(now.as_seconds() + 300);
    assert_eq!(keys.verify(&good, "at+jwt", later), Err(Invalid::Expired));

    let parts: Vec<&str> = good.split('.').collect();
    let header = |header: Value| format!("{}.{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), parts[1], parts[2]);
    let kid = key_id_of(&good);
    for forged in [
        header(json!({"alg": "none", "typ": "at+jwt", "kid": kid})),
        header(json!({"alg": "EdDSA", "typ": "at+jwt", "kid": kid})),
        header(json!({"alg": "HS256", "typ": "at+jwt", "kid": kid})),
        header(json!({"alg": "ES256", "typ": "at+jwt", "kid": "../../etc/passwd"})),
        header(json!({"alg": "ES256", "typ": "at+jwt", "kid": kid, "crit": ["exp"]})),
        header(json!({"alg": "ES256", "typ": "at+jwt", "kid": kid, "jwk": {}})),
        header(json!({"alg": "ES256", "typ": "at+jwt", "kid": kid, "jku": "http://127.0.0.1/"})),
        header(json!({"alg": "ES256", "kid": kid})),
        format!("{}.{}.", parts[0], parts[1]),
        format!("{}.{}", parts[0], parts[1]),
        format!("{good}x"),
        format!("{good}."),
        String::new(),
    ] {
        assert!(keys.verify(&forged, "at+jwt", now).is_err(), "{forged}");
    }
}

/// Row 107: a wrongly typed time is not an absent one.
#[tokio::test]
async fn times_of_our_own_tokens_are_whole_numbers() {
    let castellan = Castellan::start().await;
    let (keys, now) = (&castellan.app.keys, castellan.now());
    for claims in [json!({}), json!({"exp": "9999999999"}), json!({"exp": 9e9 + 0.5}), json!({"exp": null}), json!([])]
    {
        let token = keys.sign(Algorithm::EdDsa, "JWT", &claims, now).expect("a token");
        assert!(keys.verify(&token, "JWT", now).is_err(), "{claims}");
    }
}

#[tokio::test]
async fn rotation_by_command_publishes_the_next_key_ten_minutes_before_it_signs() {
    let castellan = Castellan::start().await;
    let app = &castellan.app;
    let before = token(&castellan, &app.keys);
    let made = rotate(
        &app.store,
        &app.master,
        &[Algorithm::Es256],
        (Rotation::Planned, &Schedule::default()),
        castellan.now(),
    )
    .await
    .expect("rotated");
    background::settle(app).await.expect("settled");
    assert!(published(&app.keys).contains(&("ES256".to_owned(), made[0].clone())), "published at once");
    assert_eq!(key_id_of(&token(&castellan, &app.keys)), key_id_of(&before), "does not sign yet");

    castellan.advance(601);
    app.keys.refresh(castellan.now()).await.expect("read");
    assert_eq!(key_id_of(&token(&castellan, &app.keys)), made[0]);
    assert!(
        published(&app.keys).iter().any(|(_, kid)| *kid == key_id_of(&before)),
        "the old one while its tokens live"
    );

    castellan.advance(3 * DAY);
    app.keys.refresh(castellan.now()).await.expect("read");
    assert!(!published(&app.keys).iter().any(|(_, kid)| *kid == key_id_of(&before)), "and no longer");
    assert!(app.keys.verify(&before, "at+jwt", castellan.now()).is_err());
}

#[tokio::test]
async fn a_compromised_key_ends_at_once_with_all_its_tokens() {
    let castellan = Castellan::start().await;
    let app = &castellan.app;
    let now = castellan.now();
    let stolen = token(&castellan, &app.keys);
    let claims = json!({"sub": "a", "iat": now.as_seconds(), "exp": now.as_seconds() + 300});
    let hint = app.keys.sign(Algorithm::Es256, "JWT", &claims, now).expect("a token");
    rotate(&app.store, &app.master, &[Algorithm::Es256], (Rotation::Compromised, &Schedule::default()), now)
        .await
        .expect("rotated");
    app.keys.refresh(now).await.expect("read");
    assert_eq!(app.keys.verify(&stolen, "at+jwt", now), Err(Invalid::Key));
    assert_eq!(app.keys.verify_hint(&hint, now), Err(Invalid::Key), "not even as a hint");
    assert_ne!(key_id_of(&token(&castellan, &app.keys)), key_id_of(&stolen));
}

#[tokio::test]
async fn keys_rotate_on_schedule_once_for_all_nodes() {
    let castellan = Castellan::start().await;
    let other = castellan.second_node().await;
    let schedule = Schedule::default();
    let first = key_id_of(&token(&castellan, &castellan.app.keys));

    castellan.advance(59 * DAY + 60);
    let now = castellan.now();
    let (one, two) =
        tokio::join!(castellan.app.keys.rotate_when_due(&schedule, now), other.keys.rotate_when_due(&schedule, now));
    one.expect("rotated");
    two.expect("rotated");
    castellan.app.keys.refresh(now).await.expect("read");
    assert_eq!(published(&castellan.app.keys).len(), 4, "one successor for each of the two keys");
    assert_eq!(key_id_of(&token(&castellan, &castellan.app.keys)), first, "not before its time");

    castellan.advance(DAY);
    assert_ne!(key_id_of(&token(&castellan, &castellan.app.keys)), first);
}
