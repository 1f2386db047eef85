//! A client acting for itself (RFC 6749 §4.4, RFC 9068).

use castellan::{clients::GrantType, keys::Algorithm};

use crate::support::{Castellan, claims, header};

/// RFC 9068 §2, and C3: the product's claims and no other's.
#[tokio::test]
async fn its_token_names_its_own_product_and_nothing_of_another() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let machine = castellan.machine(&world.recover, world.partner.id).await;

    let answer = machine.client_credentials().await;

    let tokens = answer.expect(200);
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(tokens["token_type"], "Bearer");
    assert_eq!(tokens["expires_in"], 300);
    assert_eq!(tokens["scope"], "product");
    assert!(tokens.get("refresh_token").is_none() && tokens.get("id_token").is_none());
    let token = tokens["access_token"].as_str().expect("a token");
    assert_eq!(header(token)["typ"], "at+jwt");
    assert_eq!(header(token)["alg"], "ES256");
    let claims = claims(token);
    assert_eq!(claims["iss"], "http://localhost:8080");
    assert_eq!(claims["sub"], machine.id());
    assert_eq!(claims["client_id"], machine.id());
    assert_eq!(claims["aud"], "https://recover.example/api");
    assert_eq!(claims["exp"].as_i64().expect("exp") - claims["iat"].as_i64().expect("iat"), 300);
    assert_eq!(claims["product"], "recover");
    assert_eq!(claims["roles"], serde_json::json!(["operator"]));
    assert_eq!(claims["entitlements"], serde_json::json!(["recover:jobs:read", "recover:jobs:run"]));
    assert_eq!(claims["organizations"][0]["id"], world.partner.id.to_string());
    assert_eq!(claims["organizations"][0]["subtree"], true);
    assert!(!token.contains("relay"));
}

#[tokio::test]
async fn each_algorithm_signs_for_the_client_that_registered_it() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    for (algorithm, name) in [(Algorithm::Es256, "ES256"), (Algorithm::EdDsa, "EdDSA"), (Algorithm::Rs256, "RS256")] {
        let client = castellan
            .client(&world.recover)
            .grants(&[GrantType::ClientCredentials])
            .settings(|settings| settings.access_token_alg = algorithm)
            .create()
            .await;
        let subject = castellan::access::Subject::Client(client.registered.id);
        castellan.assign(subject, &world.recover, &["viewer"], world.client.id).await;
        let tokens = client.client_credentials().await.expect(200);
        let token = tokens["access_token"].as_str().expect("a token");
        assert_eq!(header(token)["alg"], name);
        assert_eq!(claims(token)["roles"], serde_json::json!(["viewer"]));
    }
}

/// Security row 102: scopes nobody registered change nothing.
#[tokio::test]
async fn scopes_that_are_not_registered_are_dropped() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let machine = castellan.machine(&world.recover, world.partner.id).await;
    let ask = async |scope: &str| machine.token(&[("grant_type", "client_credentials"), ("scope", scope)]).await;

    let many = (0..500).map(|n| format!("s{n}")).collect::<Vec<_>>().join(" ");
    for scope in ["product admin", " product  product ", "openid product offline_access", &format!("{many} product")] {
        let tokens = ask(scope).await.expect(200);
        assert_eq!(tokens["scope"], "product", "{scope}");
        assert_eq!(claims(tokens["access_token"].as_str().expect("a token"))["roles"], serde_json::json!(["operator"]));
    }
    for scope in ["admin", "openid", "prod\"uct", "product\u{e9}"] {
        ask(scope).await.refuses(400, "invalid_scope");
    }
}

#[tokio::test]
async fn who_may_not_gets_no_token() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let without_roles = castellan.client(&world.recover).grants(&[GrantType::ClientCredentials]).create().await;
    without_roles.client_credentials().await.refuses(400, "unauthorized_client");
    let other_grants = castellan.client(&world.recover).create().await;
    other_grants.client_credentials().await.refuses(400, "unauthorized_client");
    let public = castellan.client(&world.recover).public().create().await;
    public.client_credentials().await.refuses(400, "unauthorized_client");

    let machine = castellan.machine(&world.recover, world.partner.id).await;
    machine
        .token(&[("grant_type", "password"), ("username", "a"), ("password", "b")])
        .await
        .refuses(400, "unsupported_grant_type");
    machine.token(&[("grant_type", "implicit")]).await.refuses(400, "unsupported_grant_type");
    machine
        .token(&[("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange")])
        .await
        .refuses(400, "unsupported_grant_type");
    machine.token(&[]).await.refuses(400, "invalid_request");
    let elsewhere = [("grant_type", "client_credentials"), ("resource", "https://relay.example/api")];
    machine.token(&elsewhere).await.refuses(400, "invalid_target");
    let own = [("grant_type", "client_credentials"), ("resource", "https://recover.example/api")];
    machine.token(&own).await.expect(200);
}

/// What a node remembers of a client is at most a second old.
#[tokio::test]
async fn a_disabled_client_gets_no_token_within_a_second() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let machine = castellan.machine(&world.recover, world.partner.id).await;
    machine.client_credentials().await.expect(200);
    let (id, now) = (machine.registered.id, castellan.now());
    castellan
        .write(async move |tx| castellan::clients::set_status(tx, id, castellan::clients::Status::Disabled, now).await)
        .await;
    castellan.advance(1);
    machine.client_credentials().await.refuses(401, "invalid_client");
}

/// Security row 17: a long parameter is refused, never cut; and a repeated one is no choice.
#[tokio::test]
async fn parameters_are_read_strictly() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let machine = castellan.machine(&world.recover, world.partner.id).await;
    let long = format!("product {}", "a".repeat(64 * 1024));
    machine.token(&[("grant_type", "client_credentials"), ("scope", &long)]).await.refuses(400, "invalid_request");
    let twice = [("grant_type", "client_credentials"), ("scope", "product"), ("scope", "product")];
    machine.token(&twice).await.refuses(400, "invalid_request");
    let basic = machine.basic();
    let headers = [("authorization", basic.as_str()), ("content-type", "application/json")];
    let answer = castellan.request("POST", "/token", &headers, r#"{"grant_type":"client_credentials"}"#).await;
    answer.refuses(400, "invalid_request");
    // Parameters in the URL are not looked at.
    let answer = castellan.post_form("/token?grant_type=client_credentials", &[("authorization", &basic)], &[]).await;
    answer.refuses(400, "invalid_request");
}

#[tokio::test]
async fn a_page_of_the_client_may_read_the_answer_and_no_other_may() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let machine = castellan.machine(&world.recover, world.partner.id).await;
    let basic = machine.basic();
    for (origin, allowed) in [
        ("https://app.example", true),
        ("https://app.example.evil", false),
        ("null", false),
        ("http://app.example", false),
    ] {
        let headers = [("authorization", basic.as_str()), ("origin", origin)];
        let answer = castellan.post_form("/token", &headers, &[("grant_type", "client_credentials")]).await;
        assert_eq!(answer.header("access-control-allow-origin"), if allowed { origin } else { "" });
        assert_eq!(answer.header("access-control-allow-credentials"), "");
    }
}
