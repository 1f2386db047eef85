//! Who is not let in, and what is not accepted.

use std::time::Duration;

use castellan::connections::{self, Status, Vendor};
use serde_json::json;

use super::{Tool, refused, settings};
use crate::support::Castellan;

/// Security.md row 94: no, wrong, foreign, expired and revoked tokens, other schemes, tokens in the URL.
#[tokio::test]
async fn only_a_live_token_of_the_connection_opens_it() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let tool = Tool::new(&castellan, &world.client).await;
    let other = Tool::new(&castellan, &world.other_client).await;
    let token = tool.token.clone();
    let body = json!({ "userName": "ada" }).to_string();
    let attempts = [
        String::new(),
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        "Bearer x".to_owned(),
        format!("Bearer {}", other.token),
        format!("Bearer {token}x"),
        format!("Basic {token}"),
        token.clone(),
    ];
    for authorization in &attempts {
        for (method, endpoint) in
            [("GET", "/Users"), ("POST", "/Users"), ("GET", "/ServiceProviderConfig"), ("GET", "/nothing")]
        {
            let headers = [("authorization", authorization.as_str())];
            let answer = castellan.request(method, &tool.path(endpoint), &headers, body.clone()).await;
            refused(&answer, 401, "");
            assert!(answer.header("www-authenticate").starts_with("Bearer "));
        }
    }
    let in_url = castellan.get(&tool.path(&format!("/Users?access_token={token}"))).await;
    refused(&in_url, 401, "");
    // The scheme's name has no case (RFC 9110 §11.1).
    let headers = [("authorization", format!("bEARER {token}"))];
    let headers = [("authorization", headers[0].1.as_str())];
    let answer = castellan.request("GET", &tool.path("/Users"), &headers, String::new()).await;
    assert_eq!(answer.expect(200)["totalResults"], 0, "nothing was written");
    // Other spellings of the connection are other connections.
    let upper = tool.path("").to_uppercase().replace("/SCIM/V2", "/scim/v2");
    refused(&castellan.request("GET", &format!("{upper}/Users"), &headers, String::new()).await, 401, "");
    refused(&castellan.request("GET", "/scim/v2/1/Users", &headers, String::new()).await, 401, "");
}

#[tokio::test]
async fn tokens_expire_and_are_revoked_and_two_live_at_once() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let mut tool = Tool::new(&castellan, &world.client).await;
    let connection = tool.connection.id;
    let (now, expires_at) = (castellan.now(), castellan.now() + Duration::from_secs(3600));
    let issue =
        async || castellan.write(async move |tx| connections::issue_token(tx, connection, expires_at, now).await).await;
    let (second, row) = issue().await.expect("a second token");
    assert!(issue().await.is_err(), "a third is refused");
    assert!(second.expose().starts_with("cst_scim_") && second.expose().ends_with(&row.hint));
    tool.get("/Users").await.expect(200);
    let first = std::mem::replace(&mut tool.token, second.expose().to_owned());
    tool.get("/Users").await.expect(200);

    castellan.advance(3601);
    refused(&tool.get("/Users").await, 401, "");
    tool.token = first;
    tool.get("/Users").await.expect(200);

    let mut db = castellan.app.store.reader().await.expect("a reader");
    let tokens = connections::tokens(&mut db, connection).await.expect("a read");
    drop(db);
    let used = tokens.iter().find(|token| token.is_live(castellan.now())).expect("the first");
    assert_eq!(used.last_used_at, Some(castellan.now()));
    let id = used.id;
    let later = castellan.now();
    let revoked = castellan.write(async move |tx| connections::revoke_token(tx, connection, id, later).await).await;
    assert!(revoked);
    refused(&tool.get("/Users").await, 401, "");
}

#[tokio::test]
async fn a_paused_connection_refuses_everything() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let mut tool = Tool::new(&castellan, &world.client).await;
    tool.connection.status = Status::Paused;
    let (connection, now) = (tool.connection.clone(), castellan.now());
    castellan.write(async move |tx| connections::update(tx, &connection, now).await).await;
    refused(&tool.get("/Users").await, 401, "");
}

#[tokio::test]
async fn a_connection_has_a_rate() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let mut limited = settings();
    limited.rate_limit = Some(2);
    let tool = Tool::with(&castellan, &world.client, Vendor::Generic, limited).await;
    let other = Tool::new(&castellan, &world.other_client).await;
    for _ in 0..4 {
        tool.get("/Users").await.expect(200);
    }
    let answer = tool.get("/Users").await;
    refused(&answer, 429, "");
    assert_eq!(answer.header("retry-after"), "1");
    other.get("/Users").await.expect(200);
    castellan.advance(1);
    tool.get("/Users").await.expect(200);
}

#[tokio::test]
async fn bodies_that_are_no_resources_are_refused() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let tool = Tool::new(&castellan, &world.client).await;
    for (body, refusal) in [
        ("", "invalidSyntax"),
        ("{", "invalidSyntax"),
        ("[]", "invalidSyntax"),
        ("{}", "invalidValue"),
        (r#"{"userName": null}"#, "invalidValue"),
        (r#"{"userName": ""}"#, "invalidValue"),
        (r#"{"userName": "a b"}"#, "invalidValue"),
        (r#"{"userName": 1}"#, "invalidValue"),
        (r#"{"userName": "ada", "emails": "x"}"#, "accepted"),
        (
            r#"{"userName": "ada", "emails": [{"value": "a", "primary": true}, {"value": "b", "primary": true}]}"#,
            "invalidValue",
        ),
        (r#"{"userName": "ada", "active": "perhaps"}"#, "invalidValue"),
    ] {
        let answer = tool.request("POST", "/Users", &[], body.to_owned()).await;
        match refusal {
            "accepted" => answer.has_status(201),
            refusal => {
                refused(&answer, 400, refusal);
                &answer
            }
        };
    }
    let large = format!(r#"{{"userName": "ada", "title": "{}"}}"#, "x".repeat(3 << 20));
    refused(&tool.request("POST", "/Users", &[], large).await, 413, "");
    for body in ["", "{}", r#"{"Operations": []}"#, r#"{"Operations": [{"op": "zap"}]}"#] {
        let person = "/Users/0198a000-0000-7000-8000-000000000001";
        refused(&tool.request("PATCH", person, &[], body.to_owned()).await, 400, "invalidSyntax");
    }
}

#[tokio::test]
async fn a_strict_connection_refuses_what_no_schema_knows() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let mut strict = settings();
    strict.strict = true;
    let tool = Tool::with(&castellan, &world.client, Vendor::Generic, strict).await;
    refused(&tool.post("/Users", &json!({ "userName": "ada", "shoeSize": 45 })).await, 400, "invalidValue");
    refused(&tool.post("/Users", &json!({ "schemas": ["urn:x"], "userName": "ada" })).await, 400, "invalidValue");
    tool.post("/Users", &json!({ "userName": "ada" })).await.expect(201);
}

/// Security.md row 16: other kinds of token are none of a connection's.
#[tokio::test]
async fn tokens_of_other_kinds_do_not_open_a_connection() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let mut tool = Tool::new(&castellan, &world.client).await;
    for other in ["cst_api_0123456789", "eyJhbGciOiJFUzI1NiJ9.e30.x"] {
        tool.token = other.to_owned();
        refused(&tool.get("/Users").await, 401, "");
    }
}
