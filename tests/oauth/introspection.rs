//! Introspection and revocation (RFC 7662, RFC 7009, security.md rows 15, 16 and 101).

use castellan::access::Subject;
use serde_json::json;

use crate::support::{Browser, Castellan, TestClient, World};

struct Scene<'c> {
    world: World,
    client: TestClient<'c>,
    opaque: TestClient<'c>,
    browser: Browser<'c>,
    sub: String,
}

async fn scene(castellan: &Castellan) -> Scene<'_> {
    let world = castellan.world().await;
    let client = castellan.client(&world.recover).create().await;
    let opaque = castellan.client(&world.recover).opaque().create().await;
    let mara = castellan.person(&world.partner, "mara@brackwater.example").create().await;
    castellan.assign(Subject::User(mara.user.id), &world.recover, &["operator"], world.partner.id).await;
    let browser = castellan.signed_in(&mara).await;
    Scene { world, client, opaque, browser, sub: mara.user.id.to_string() }
}

fn token(tokens: &serde_json::Value, name: &str) -> String {
    tokens[name].as_str().unwrap_or_else(|| panic!("no {name}: {tokens}")).to_owned()
}

#[tokio::test]
async fn an_opaque_token_says_by_introspection_what_a_signed_one_says_itself() {
    let castellan = Castellan::start().await;
    let mut scene = scene(&castellan).await;
    let resource_server = castellan.client(&scene.world.recover).create().await;
    for client in [&scene.client, &scene.opaque] {
        let tokens = client.tokens(&mut scene.browser).await;
        let access_token = token(&tokens, "access_token");
        for asker in [client, &resource_server] {
            let said = asker.introspect(&access_token).await;
            assert_eq!(said["active"], true);
            assert_eq!(said["sub"], scene.sub);
            assert_eq!(said["client_id"], client.id());
            assert_eq!(said["aud"], "https://recover.example/api");
            assert_eq!(said["iss"], "http://localhost:8080");
            assert_eq!(said["token_type"], "Bearer");
            assert_eq!(said["product"], "recover");
            assert_eq!(said["roles"], json!(["operator"]));
        }
        castellan.advance(300);
        assert_eq!(client.introspect(&access_token).await, json!({"active": false}));
    }
}

/// Row 101: told to nobody whom the token does not concern.
#[tokio::test]
async fn others_learn_nothing() {
    let castellan = Castellan::start().await;
    let mut scene = scene(&castellan).await;
    let stranger = castellan.client(&scene.world.relay).create().await;
    let sibling = castellan.client(&scene.world.recover).create().await;
    for client in [&scene.client, &scene.opaque] {
        let tokens = client.tokens(&mut scene.browser).await;
        for name in ["access_token", "refresh_token"] {
            assert_eq!(stranger.introspect(&token(&tokens, name)).await, json!({"active": false}));
        }
        // A refresh token concerns its own client only.
        assert_eq!(sibling.introspect(&token(&tokens, "refresh_token")).await, json!({"active": false}));
        let own = client.introspect(&token(&tokens, "refresh_token")).await;
        assert_eq!((&own["active"], &own["client_id"]), (&json!(true), &json!(client.id())));
        assert!(own.get("token_type").is_none());
        let public = castellan.client(&scene.world.recover).public().create().await;
        public.post("/introspect", &[("token", &token(&tokens, "access_token"))]).await.refuses(401, "invalid_client");
    }
    castellan.post_form("/introspect", &[], &[("token", "x")]).await.refuses(401, "invalid_client");
    scene.client.post("/introspect", &[]).await.refuses(400, "invalid_request");
}

/// Row 15: a token is its whole self or nothing.
#[tokio::test]
async fn a_changed_token_is_no_token() {
    let castellan = Castellan::start().await;
    let mut scene = scene(&castellan).await;
    for client in [&scene.client, &scene.opaque] {
        let access_token = token(&client.tokens(&mut scene.browser).await, "access_token");
        assert_eq!(client.introspect(&access_token).await["active"], true);
        let unsigned = access_token.rsplit_once('.').map(|(rest, _)| format!("{rest}."));
        let changed = [
            access_token[..access_token.len() - 1].to_owned(),
            access_token[..access_token.len() - 8].to_owned(),
            access_token[1..].to_owned(),
            format!("{access_token}A"),
            format!("{access_token}="),
            access_token.to_uppercase(),
            access_token.replace('_', "%5F") + "%",
        ];
        for wrong in changed.into_iter().chain(unsigned) {
            assert_eq!(client.introspect(&wrong).await, json!({"active": false}), "{wrong}");
        }
    }
}

#[tokio::test]
async fn a_revoked_access_token_ends_alone_and_a_refresh_token_with_its_family() {
    let castellan = Castellan::start().await;
    let mut scene = scene(&castellan).await;
    for client in [&scene.client, &scene.opaque] {
        let first = client.tokens(&mut scene.browser).await;
        let second = client.refresh(&token(&first, "refresh_token")).await.expect(200);
        client.post("/revoke", &[("token", &token(&first, "access_token"))]).await.has_status(200);
        assert_eq!(client.introspect(&token(&first, "access_token")).await["active"], false);
        assert_eq!(client.introspect(&token(&second, "access_token")).await["active"], true);

        let hinted = [("token", &*token(&second, "refresh_token")), ("token_type_hint", "access_token")];
        client.post("/revoke", &hinted).await.has_status(200);
        assert_eq!(client.introspect(&token(&second, "access_token")).await["active"], false);
        client.refresh(&token(&second, "refresh_token")).await.refuses(400, "invalid_grant");
        // RFC 7009 §2.2: what is not there is revoked.
        client.post("/revoke", &[("token", "nothing")]).await.has_status(200);
        client.post("/revoke", &[("token", &token(&second, "refresh_token"))]).await.has_status(200);
        // Events of one instant have no order.
        castellan.advance(1);
    }
    // A1: what ended is written down, once each.
    let ended = castellan.audited(scene.world.partner.id, "access_token.revoked").await;
    assert_eq!(ended.len(), 2);
    assert_eq!(ended[0].actor_id, Some(scene.client.registered.id.0));
    assert_eq!(ended[0].subject_kind.as_deref(), Some("grant"));
    assert_eq!(castellan.address_of(&ended[0]).await.as_deref(), Some("127.0.0.1"));
}

#[tokio::test]
async fn nobody_revokes_anothers_token() {
    let castellan = Castellan::start().await;
    let mut scene = scene(&castellan).await;
    let other = castellan.client(&scene.world.recover).create().await;
    let tokens = scene.client.tokens(&mut scene.browser).await;
    for name in ["access_token", "refresh_token"] {
        other.post("/revoke", &[("token", &token(&tokens, name))]).await.refuses(400, "invalid_request");
    }
    castellan
        .post_form("/revoke", &[], &[("token", &token(&tokens, "refresh_token"))])
        .await
        .refuses(401, "invalid_client");
    assert_eq!(scene.client.introspect(&token(&tokens, "access_token")).await["active"], true);
    scene.client.refresh(&token(&tokens, "refresh_token")).await.expect(200);
}

#[tokio::test]
async fn a_disabled_client_has_no_live_token() {
    let castellan = Castellan::start().await;
    let mut scene = scene(&castellan).await;
    let resource_server = castellan.client(&scene.world.recover).create().await;
    for client in [&scene.client, &scene.opaque] {
        let access_token = token(&client.tokens(&mut scene.browser).await, "access_token");
        let (id, now) = (client.registered.id, castellan.now());
        castellan
            .write(async move |tx| {
                castellan::clients::set_status(tx, id, castellan::clients::Status::Disabled, now).await
            })
            .await;
        assert_eq!(resource_server.introspect(&access_token).await, json!({"active": false}));
    }
}
