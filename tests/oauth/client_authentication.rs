//! How clients prove themselves (RFC 6749 §2.3, RFC 7523, OIDC Core §9).

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL};
use castellan::{access::Subject, clients::GrantType};
use serde_json::{Value, json};

use crate::support::{Answer, Castellan, START, TestClient};

const GRANT: (&str, &str) = ("grant_type", "client_credentials");

#[tokio::test]
async fn each_client_is_proven_by_its_own_method_only() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let by_basic = castellan.machine(&world.recover, world.partner.id).await;
    by_basic.client_credentials().await.expect(200);
    // Its secret is right, its way is not.
    let in_body = [("client_id", by_basic.id()), ("client_secret", by_basic.secret()), GRANT];
    castellan.post_form("/token", &[], &in_body).await.refuses(401, "invalid_client");
    castellan.post_form("/token", &[], &[("client_id", by_basic.id()), GRANT]).await.refuses(401, "invalid_client");

    let by_post = castellan.client(&world.recover).post().grants(&[GrantType::ClientCredentials]).create().await;
    castellan.assign(Subject::Client(by_post.registered.id), &world.recover, &["viewer"], world.client.id).await;
    by_post.client_credentials().await.expect(200);
    let basic = by_post.basic();
    castellan.post_form("/token", &[("authorization", &basic)], &[GRANT]).await.refuses(401, "invalid_client");
}

/// A1: whoever fails to prove a client is in the provider's trail, with whom they claimed to be and from where;
/// and a flood of that is a few lines with a count.
#[tokio::test]
async fn a_client_that_is_not_proven_is_noted_and_a_flood_costs_little() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let machine = castellan.machine(&world.recover, world.partner.id).await;
    let wrong = [("client_id", machine.id()), ("client_secret", "wrong"), GRANT, ("token", "x")];
    let unknown = [("client_id", "nobody"), ("client_secret", "wrong"), GRANT, ("token", "x")];
    for path in ["/token", "/introspect", "/revoke"] {
        castellan.post_form(path, &[], &wrong).await.refuses(401, "invalid_client");
    }
    castellan.post_form("/token", &[], &unknown).await.refuses(401, "invalid_client");
    let counted = |events: &[castellan::audit::Recorded]| -> u64 {
        let details = events.iter().map(|event| serde_json::from_str::<Value>(&event.details).expect("JSON"));
        details.map(|details| details["count"].as_u64().unwrap_or(1)).sum()
    };
    let events = castellan.audited(world.provider.id, "client.refused").await;
    assert_eq!(counted(&events), 4);
    assert!(events.iter().all(|event| event.outcome == "refused" && event.actor_kind == "nobody"));
    let of_machine = events.iter().find(|event| event.subject_id == Some(machine.registered.id.0));
    assert_eq!(castellan.address_of(of_machine.expect("its event")).await.as_deref(), Some("127.0.0.1"));
    let of_nobody: Vec<_> = events.iter().filter(|event| event.subject_id.is_none()).collect();
    assert!(of_nobody.len() == 1 && of_nobody[0].details.contains("unknown"));

    let flood = (0..200).map(|_| castellan.post_form("/token", &[], &wrong));
    for answer in futures_util::future::join_all(flood).await {
        answer.refuses(401, "invalid_client");
    }
    let after = castellan.audited(world.provider.id, "client.refused").await;
    assert_eq!(counted(&after), 204);
    assert!(after.len() < 104, "{} lines", after.len());
}

#[tokio::test]
async fn a_wrong_secret_is_told_from_nothing_else() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let machine = castellan.machine(&world.recover, world.partner.id).await;
    let other = castellan.machine(&world.relay, world.partner.id).await;
    let encode = |text: String| format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(text));
    for wrong in [
        encode(format!("{}:wrong", machine.id())),
        encode(format!("{}:", machine.id())),
        encode(format!("{}:{}", machine.id(), other.secret())),
        encode(format!("nobody:{}", machine.secret())),
        encode(machine.id().to_owned()),
        "Basic".to_owned(),
        "Bearer x".to_owned(),
    ] {
        let answer = castellan.post_form("/token", &[("authorization", &wrong)], &[GRANT]).await;
        answer.refuses(401, "invalid_client");
        assert!(answer.header("www-authenticate").starts_with("Basic "), "{wrong}");
    }
    // RFC 6749 §2.3: one way at a time.
    let basic = machine.basic();
    let both = [("client_id", machine.id()), ("client_secret", machine.secret()), GRANT];
    castellan.post_form("/token", &[("authorization", &basic)], &both).await.refuses(400, "invalid_request");
    let twice = [("authorization", basic.as_str()), ("authorization", basic.as_str())];
    castellan.post_form("/token", &twice, &[GRANT]).await.refuses(400, "invalid_request");
}

/// A client with a key of its own.
struct Signer {
    pair: EcdsaKeyPair,
    jwks: Value,
}

impl Signer {
    fn new() -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
        let point = pair.public_key().as_ref();
        let jwk = json!({"kty": "EC", "crv": "P-256", "use": "sig", "kid": "one",
            "x": BASE64URL.encode(&point[1..33]), "y": BASE64URL.encode(&point[33..])});
        Self { pair, jwks: json!({ "keys": [jwk] }) }
    }

    fn sign(&self, claims: &Value) -> String {
        let header = BASE64URL.encode(json!({"alg": "ES256", "kid": "one"}).to_string());
        let input = format!("{header}.{}", BASE64URL.encode(claims.to_string()));
        let signature = self.pair.sign(&SystemRandom::new(), input.as_bytes()).expect("a signature");
        format!("{input}.{}", BASE64URL.encode(signature))
    }
}

async fn with_assertion(castellan: &Castellan, client: &TestClient<'_>, assertion: &str) -> Answer {
    let fields = [
        ("client_id", client.id()),
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ("client_assertion", assertion),
        GRANT,
    ];
    castellan.post_form("/token", &[], &fields).await
}

/// RFC 7523 §3: of the client, about it, for us, for now, and once.
#[tokio::test]
async fn an_assertion_proves_its_client_once() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let signer = Signer::new();
    let client = castellan
        .client(&world.recover)
        .keys(signer.jwks.clone())
        .grants(&[GrantType::ClientCredentials])
        .create()
        .await;
    castellan.assign(Subject::Client(client.registered.id), &world.recover, &["viewer"], world.client.id).await;
    let now = START.as_seconds();
    let good = |id: &str| {
        json!({"iss": client.id(), "sub": client.id(), "aud": "http://localhost:8080", "jti": id,
               "iat": now, "exp": now + 60})
    };
    let changed = |name: &str, value: Value| {
        let mut claims = good(&format!("bad {name} {value}"));
        claims[name] = value;
        claims
    };

    let assertion = signer.sign(&good("1"));
    with_assertion(&castellan, &client, &assertion).await.expect(200);
    with_assertion(&castellan, &client, &assertion).await.refuses(401, "invalid_client");
    let to_endpoint = changed("aud", json!("http://localhost:8080/token"));
    with_assertion(&castellan, &client, &signer.sign(&to_endpoint)).await.expect(200);

    for bad in [
        changed("aud", json!("https://elsewhere.example")),
        changed("aud", json!(["http://localhost:8080", "https://elsewhere.example"])),
        changed("aud", Value::Null),
        changed("iss", json!("somebody")),
        changed("sub", json!("somebody")),
        changed("exp", json!(now - 300)),
        changed("exp", json!(now + 86_400)),
        changed("exp", Value::Null),
        changed("nbf", json!(now + 120)),
        changed("jti", Value::Null),
    ] {
        with_assertion(&castellan, &client, &signer.sign(&bad)).await.refuses(401, "invalid_client");
    }
    let stranger = Signer::new();
    with_assertion(&castellan, &client, &stranger.sign(&good("2"))).await.refuses(401, "invalid_client");
    let unsigned = format!("{}.", signer.sign(&good("3")).rsplit_once('.').expect("three parts").0);
    with_assertion(&castellan, &client, &unsigned).await.refuses(401, "invalid_client");
    // A client with keys has no other way.
    castellan.post_form("/token", &[], &[("client_id", client.id()), GRANT]).await.refuses(401, "invalid_client");
}
