//! Each artefact at each place that takes one: only the right one is accepted (security.md rows 14 and 16).

use castellan::{access::Subject, keys::Algorithm};
use serde_json::json;

use crate::support::{Castellan, VERIFIER};

#[tokio::test]
async fn no_artefact_passes_for_another() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let person = castellan.person(&world.partner, "mara@brackwater.example").create().await;
    castellan.assign(Subject::User(person.user.id), &world.recover, &["operator"], world.partner.id).await;
    let signed = castellan.client(&world.recover).create().await;
    let opaque = castellan.client(&world.recover).opaque().create().await;
    let mut browser = castellan.signed_in(&person).await;

    for client in [&signed, &opaque] {
        let code = client.code(&mut browser).await;
        let tokens = client.tokens(&mut browser).await;
        let of = |name: &str| tokens[name].as_str().expect("a token").to_owned();
        let (access, refresh, id) = (of("access_token"), of("refresh_token"), of("id_token"));
        let session = browser.cookies["castellan_session"].clone();
        let cookie = browser.cookies["castellan_browser"].clone();
        let artefacts = [
            ("code", code),
            ("access", access),
            ("refresh", refresh),
            ("id", id),
            ("session", session),
            ("browser", cookie),
        ];

        for (kind, artefact) in &artefacts {
            let bearer = format!("Bearer {artefact}");
            let userinfo = castellan.request("GET", "/userinfo", &[("authorization", &bearer)], "").await;
            assert_eq!(userinfo.status == 200, *kind == "access", "{kind} at UserInfo: {}", userinfo.body);
            let introspected = client.introspect(artefact).await;
            let active = matches!(*kind, "access" | "refresh");
            assert_eq!(introspected["active"], active, "{kind} at introspection");
            if *kind != "code" {
                client.redeem(artefact, VERIFIER).await.refuses(400, "invalid_grant");
            }
            if *kind != "refresh" {
                client.refresh(artefact).await.refuses(400, "invalid_grant");
            }
            if *kind != "id" {
                let request = client.authorization_request().with("id_token_hint", artefact).with("prompt", "none");
                browser.get(&request.url()).await.redirects_with("invalid_request");
            }
            let mut thief = castellan.browser();
            if *kind != "session" {
                thief.cookies.insert("castellan_session".to_owned(), artefact.clone());
                let request = client.authorization_request().with("prompt", "none");
                thief.get(&request.url()).await.redirects_with("login_required");
            }
        }
        // None of those tries has spent or ended anything.
        let [(_, code), _, (_, refresh), ..] = &artefacts;
        client.refresh(refresh).await.expect(200);
        client.redeem(code, VERIFIER).await.expect(200);
    }
}

/// A token of ours of another type, or signed by the right key for something else, is no access token.
#[tokio::test]
async fn the_type_of_a_signed_token_counts() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let machine = castellan.machine(&world.recover, world.partner.id).await;
    let now = castellan.now();
    let claims = json!({"iss": "http://localhost:8080", "sub": machine.id(), "client_id": machine.id(), "jti": "x",
        "aud": "https://recover.example/api", "iat": now.as_seconds(), "exp": now.as_seconds() + 60});
    for (typ, active) in [("at+jwt", true), ("JWT", false), ("logout+jwt", false), ("AT+JWT", false)] {
        let token = castellan.app.keys.sign(Algorithm::Es256, typ, &claims, now).expect("a token");
        assert_eq!(machine.introspect(&token).await["active"], active, "{typ}");
    }
}
