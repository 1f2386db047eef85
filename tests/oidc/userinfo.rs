use castellan::{
    id::UserId,
    tokens::{self, ClaimsRequest},
    users,
};
use serde_json::{Value, json};

use super::cast::{anna, sign_in, tokens, userinfo};
use crate::support::{Castellan, Person, claims, header};

const ALL: &str = "openid profile email phone address product";

/// Everything that Core §5.1 knows of a person.
async fn complete(castellan: &Castellan, person: &Person) {
    let mut user = person.user.clone();
    user.document = json!({
        "name": {"middleName": "Maria"},
        "nickName": "Ann",
        "profileUrl": "https://people.example/anna",
        "photos": [{"value": "https://people.example/anna.png"}],
        "timezone": "Europe/Oslo",
        "locale": "nb-NO",
        "phoneNumbers": [{"value": "+4700000000"}, {"value": "tel:+4712345678", "primary": true}],
        "addresses": [{"streetAddress": "Quay 1", "locality": "Bergen", "postalCode": "5003", "country": "NO",
                       "region": "Vestland", "formatted": "Quay 1\n5003 Bergen"}],
        "urn:castellan:params:scim:schemas:extension:profile:1.0:User":
            {"website": "https://anna.example", "gender": "female", "birthdate": "1990-01-31"},
        "sub": "x", "iss": "x", "roles": ["administrator"], "product": "x", "email_verified": true,
    });
    let now = castellan.now();
    castellan.write(async move |tx| users::update(tx, &user, now).await.map(|_| ())).await;
}

async fn scene() -> (Castellan, crate::support::World, Person) {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let person = anna(&castellan, &world).await;
    (castellan, world, person)
}

fn names(claims: &Value) -> Vec<&str> {
    let mut names: Vec<&str> = claims.as_object().expect("an object").keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}

/// Core §5.4: a scope opens its claims, all of them, and no other's.
#[tokio::test]
async fn each_scope_opens_its_own_claims() {
    let (castellan, world, person) = scene().await;
    complete(&castellan, &person).await;
    let client = castellan.client(&world.recover).scopes(ALL).create().await;
    let (session, _) = sign_in(&castellan, &person).await;
    for (scope, expected) in [
        ("openid", vec!["sub"]),
        ("openid email", vec!["email", "email_verified", "sub"]),
        ("openid phone", vec!["phone_number", "phone_number_verified", "sub"]),
        ("openid address", vec!["address", "sub"]),
        (
            "openid profile",
            vec![
                "birthdate",
                "family_name",
                "gender",
                "given_name",
                "locale",
                "middle_name",
                "name",
                "nickname",
                "picture",
                "preferred_username",
                "profile",
                "sub",
                "updated_at",
                "website",
                "zoneinfo",
            ],
        ),
        ("openid product", vec!["entitlements", "organizations", "product", "roles", "sub"]),
    ] {
        let got = tokens(&castellan, &client, &session, (scope, ClaimsRequest::default())).await;
        let claims = userinfo(&castellan, &got.access_token).await;
        assert_eq!(names(&claims), expected, "{scope}");
    }
}

/// Row 104 of the security programme: what is stored cannot become a protocol claim.
#[tokio::test]
async fn claims_come_from_their_own_places() {
    let (castellan, world, person) = scene().await;
    complete(&castellan, &person).await;
    let client = castellan.client(&world.recover).scopes(ALL).create().await;
    let (session, _) = sign_in(&castellan, &person).await;
    let got = tokens(&castellan, &client, &session, (ALL, ClaimsRequest::default())).await;
    let claims = userinfo(&castellan, &got.access_token).await;
    assert_eq!(claims["sub"], person.user.id.to_string());
    assert_eq!(claims["roles"], json!(["operator"]));
    assert_eq!(claims["product"], "recover");
    assert_eq!(claims["email_verified"], false, "only our own mailed link verifies");
    assert_eq!(claims["phone_number"], "+4712345678", "the primary one, without tel:");
    assert_eq!(claims["address"]["locality"], "Bergen");
    assert_eq!(claims["preferred_username"], "anna@harbour.example");
    assert!(claims["updated_at"].is_i64());
    assert!(claims.get("iss").is_none());
}

/// Core §5.5: `claims` asks by name, within what the client is registered for.
#[tokio::test]
async fn the_claims_parameter_opens_single_claims_here_and_there() {
    let (castellan, world, person) = scene().await;
    let client = castellan.client(&world.recover).scopes("openid profile email").create().await;
    let (session, _) = sign_in(&castellan, &person).await;
    let object = |value: Value| value.as_object().expect("an object").clone();
    let asked = ClaimsRequest {
        userinfo: object(json!({"name": {"essential": true}, "phone_number": null, "roles": null})),
        id_token: object(json!({"email": null, "roles": null, "sub": {"value": "x"}, "aud": {"value": "x"}})),
    };
    let got = tokens(&castellan, &client, &session, ("openid", asked)).await;
    assert_eq!(names(&userinfo(&castellan, &got.access_token).await), ["name", "sub"], "not phone, not roles");
    let id_token = claims(&got.id_token);
    assert_eq!(id_token["email"], "anna@harbour.example");
    assert_eq!(id_token["aud"], client.id());
    assert_eq!(id_token["sub"], person.user.id.to_string());
    assert!(id_token.get("roles").is_none() && id_token.get("name").is_none());
}

/// Core §2: lean, and complete.
#[tokio::test]
async fn the_id_token_says_who_signed_in_and_how_and_no_more() {
    let (castellan, world, person) = scene().await;
    let client = castellan.client(&world.recover).scopes(ALL).create().await;
    let (session, _) = sign_in(&castellan, &person).await;
    castellan.advance(30);
    let got = tokens(&castellan, &client, &session, ("openid profile email", ClaimsRequest::default())).await;
    let id_token = claims(&got.id_token);
    assert_eq!(
        names(&id_token),
        ["acr", "amr", "at_hash", "aud", "auth_time", "azp", "exp", "iat", "iss", "nonce", "sid", "sub"]
    );
    assert_eq!(id_token["iss"], crate::support::PUBLIC_URL);
    assert_eq!(id_token["sid"], session.id.to_string());
    assert_eq!(id_token["nonce"], "n-0S6_WzA2Mj");
    assert_eq!(id_token["auth_time"], castellan.now().as_seconds() - 30, "of the sign-in, not of the token");
    assert_eq!(id_token["amr"], json!(["pwd"]));
    assert_eq!(header(&got.id_token)["typ"], "JWT");
}

#[tokio::test]
async fn scope_product_adds_what_the_person_holds_in_this_product() {
    let (castellan, world, person) = scene().await;
    let client = castellan.client(&world.recover).scopes(ALL).create().await;
    let (session, _) = sign_in(&castellan, &person).await;
    let got = tokens(&castellan, &client, &session, ("openid product", ClaimsRequest::default())).await;
    let id_token = claims(&got.id_token);
    assert_eq!(id_token["product"], "recover");
    assert_eq!(id_token["roles"], json!(["operator"]));
    assert_eq!(id_token["organizations"][0]["id"], world.client.id.to_string());
    assert!(!got.id_token.contains("relay"));
}

/// Each client's algorithm, verified against the published keys by another library.
#[tokio::test]
async fn id_tokens_are_signed_as_the_client_registered() {
    use castellan::keys::{Algorithm, foreign};
    let (castellan, world, person) = scene().await;
    let (session, _) = sign_in(&castellan, &person).await;
    let keys = castellan.get("/jwks").await.expect(200);
    for algorithm in Algorithm::ALL {
        let client = castellan.client(&world.recover).settings(|own| own.id_token_alg = algorithm).create().await;
        let got = tokens(&castellan, &client, &session, ("openid", ClaimsRequest::default())).await;
        assert_eq!(header(&got.id_token)["alg"], algorithm.as_str());
        let read = foreign::verify(&got.id_token, &keys, castellan.now()).expect("verifies");
        assert_eq!(read["aud"], client.id());
    }
}

/// RFC 6750 §2 and §3.1.
#[tokio::test]
async fn a_token_comes_in_one_way_and_refusals_say_why() {
    let (castellan, world, person) = scene().await;
    let client = castellan.client(&world.recover).scopes(ALL).create().await;
    let (session, _) = sign_in(&castellan, &person).await;
    let got = tokens(&castellan, &client, &session, ("openid", ClaimsRequest::default())).await;
    let token = got.access_token.as_str();
    let bearer = format!("Bearer {token}");

    let form = castellan.post_form("/userinfo", &[], &[("access_token", token)]).await;
    assert_eq!(form.expect(200)["sub"], person.user.id.to_string());
    castellan.post_form("/userinfo", &[("authorization", bearer.as_str())], &[]).await.has_status(200);
    let both =
        castellan.post_form("/userinfo", &[("authorization", bearer.as_str())], &[("access_token", token)]).await;
    both.refuses(400, "invalid_request");
    let twice = castellan.post_form("/userinfo", &[], &[("access_token", token), ("access_token", token)]).await;
    twice.refuses(400, "invalid_request");

    let none = castellan.get("/userinfo").await;
    none.has_status(401);
    assert_eq!(none.header("www-authenticate"), "Bearer", "without a reason");
    castellan.get(&format!("/userinfo?access_token={token}")).await.has_status(401);

    let id_token = format!("Bearer {}", got.id_token);
    for wrong in ["Bearer x", "Bearer ", id_token.as_str()] {
        let refused = castellan.request("GET", "/userinfo", &[("authorization", wrong)], String::new()).await;
        refused.refuses(401, "invalid_token");
        assert!(refused.header("www-authenticate").starts_with("Bearer error=\"invalid_token\""));
    }
    assert_eq!(form.header("cache-control"), "no-store");
}

#[tokio::test]
async fn a_token_without_openid_or_without_a_person_opens_nothing() {
    let (castellan, world, person) = scene().await;
    let client = castellan.client(&world.recover).scopes(ALL).create().await;
    let (session, _) = sign_in(&castellan, &person).await;
    let got = tokens(&castellan, &client, &session, ("product", ClaimsRequest::default())).await;
    assert!(got.id_token.is_empty(), "Core §3.1.3.3: no ID token without openid");
    let machine = castellan.machine(&world.recover, world.client.id).await;
    let own = machine.client_credentials().await.expect(200)["access_token"].as_str().expect("a token").to_owned();
    for token in [got.access_token, own] {
        let bearer = format!("Bearer {token}");
        let refused = castellan.request("GET", "/userinfo", &[("authorization", &bearer)], String::new()).await;
        refused.refuses(403, "insufficient_scope");
    }
}

/// What ended is seen at once.
#[tokio::test]
async fn revoked_and_expired_tokens_open_nothing() {
    let (castellan, world, person) = scene().await;
    let client = castellan.client(&world.recover).scopes(ALL).create().await;
    let (session, _) = sign_in(&castellan, &person).await;
    let first = tokens(&castellan, &client, &session, ("openid", ClaimsRequest::default())).await;
    let (user, now): (UserId, _) = (person.user.id, castellan.now());
    castellan.write(async move |tx| tokens::revoke_of_user(tx, user, now).await).await;
    let second = tokens(&castellan, &client, &session, ("openid", ClaimsRequest::default())).await;
    userinfo(&castellan, &second.access_token).await;
    for (token, seconds) in [(first.access_token, 0), (second.access_token, 301)] {
        castellan.advance(seconds);
        let bearer = format!("Bearer {token}");
        let refused = castellan.request("GET", "/userinfo", &[("authorization", &bearer)], String::new()).await;
        refused.refuses(401, "invalid_token");
    }
}

/// Row 25: only the client's own origins read it, and never with cookies.
#[tokio::test]
async fn scripts_of_other_origins_read_nothing() {
    let (castellan, world, person) = scene().await;
    let client = castellan.client(&world.recover).scopes(ALL).create().await;
    let (session, _) = sign_in(&castellan, &person).await;
    let got = tokens(&castellan, &client, &session, ("openid", ClaimsRequest::default())).await;
    let bearer = format!("Bearer {}", got.access_token);
    for (origin, allowed) in [("https://app.example", true), ("https://evil.example", false), ("null", false)] {
        let headers = [("authorization", bearer.as_str()), ("origin", origin)];
        let answer = castellan.request("GET", "/userinfo", &headers, String::new()).await;
        let seen = answer.header("access-control-allow-origin");
        assert_eq!(seen, if allowed { origin } else { "" });
        assert!(answer.headers.get("access-control-allow-credentials").is_none());
    }
}
