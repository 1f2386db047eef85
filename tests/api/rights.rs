//! Who may do what, where: roles by verbs by organizations, and what nobody may.

use castellan::{access::Subject, users};
use serde_json::{Value, json};

use super::{Caller, api_token, bearer, caller, problem, somebody, switch_products_on, token_for_api};
use crate::support::Castellan;

/// RFC 6750 §3.1: without a token that counts, nothing is told. A token in the query is none.
#[tokio::test]
async fn without_a_token_nothing_is_told() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let admin = caller(&castellan, &world.partner, "mara@brackwater.example", "administrator").await;
    for path in ["/me", "/me/products", "/organizations", &format!("/organizations/{}/users", world.partner.id)] {
        let path = format!("/api/v1{path}");
        let answer = castellan.get(&path).await;
        assert_eq!(problem(&answer, 401), "unauthenticated");
        assert!(answer.header("www-authenticate").starts_with("Bearer"));
        castellan.get(&format!("{path}?access_token={}", admin.bearer)).await.has_status(401);
        castellan.json("GET", &path, "cst_api_wrong", &Value::Null).await.has_status(401);
    }
    admin.get("/me").await.has_status(200);
}

/// A token of another product opens nothing here, whoever holds it (architecture: Audience).
#[tokio::test]
async fn a_product_token_does_not_open_the_api() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let person = somebody(&castellan, &world.partner, "mara@brackwater.example", "administrator").await;
    castellan.assign(Subject::User(person.user.id), &world.recover, &["operator"], world.partner.id).await;
    let client = castellan.client(&world.recover).create().await;
    let mut browser = castellan.signed_in(&person).await;
    let tokens = client.tokens(&mut browser).await;
    let token = tokens["access_token"].as_str().expect("a token");
    castellan.json("GET", "/api/v1/me", token, &Value::Null).await.has_status(401);
}

/// The portal's audience is not enough: a client that asked only who somebody is acts for nobody.
#[tokio::test]
async fn a_token_without_the_scope_opens_nothing_here() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let person = somebody(&castellan, &world.partner, "mara@brackwater.example", "administrator").await;
    let client = castellan.client(&castellan.portal().await).create().await;
    let mut browser = castellan.signed_in_by(&person, &[castellan::mfa::Method::Totp]).await;
    let tokens = client.tokens(&mut browser).await;
    let token = tokens["access_token"].as_str().expect("a token");
    let users = format!("/api/v1/organizations/{}/users", world.partner.id);
    for path in ["/api/v1/me", &users] {
        let answer = castellan.json("GET", path, token, &Value::Null).await;
        assert_eq!(problem(&answer, 403), "insufficient-scope");
        // RFC 6750 §3.1.
        assert!(answer.header("www-authenticate").contains(r#"error="insufficient_scope", scope="api""#));
    }
    // Who is not registered for it does not get it by asking.
    let answer = browser.get(&client.authorization_request().with("scope", "openid api").url()).await;
    let code = answer.location_parameter("code").expect("a code");
    assert_eq!(client.redeem(&code, crate::support::VERIFIER).await.expect(200)["scope"], "openid");
}

/// Row 74: the hand-written table of who may do what. `R` reads a list, `P` reads a person, `C` creates,
/// `D` deactivates, `W` resets the password, `M` resets MFA, `K` lists connections, `N` makes one.
#[tokio::test]
async fn roles_by_verbs_by_organizations() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let of_partner = somebody(&castellan, &world.partner, "tomasz@brackwater.example", "basic").await;
    let of_client = somebody(&castellan, &world.client, "dora@harbour.example", "").await;
    let of_other = somebody(&castellan, &world.other_partner, "otto@northgate.example", "basic").await;
    let provider = caller(&castellan, &world.provider, "vera@vendor.example", "administrator").await;
    let partner = caller(&castellan, &world.partner, "mara@brackwater.example", "administrator").await;
    let second = somebody(&castellan, &world.partner, "jonas@brackwater.example", "administrator").await;
    let basic = caller(&castellan, &world.partner, "basil@brackwater.example", "basic").await;
    let reading = api_token(&castellan, &world.partner, &["portal:users:read", "portal:connections:read"]).await;
    let reading = Caller { castellan: &castellan, person: second, bearer: reading };

    let places = [(&world.partner, &of_partner), (&world.client, &of_client), (&world.other_partner, &of_other)];
    // For each caller: the answers at the own partner, at its client, at the other partner.
    let table: [(&str, &Caller<'_>, [[u16; 8]; 3]); 4] = [
        //                 R    P    C    D    W    M    K    N
        ("provider", &provider, [[200, 200, 201, 204, 409, 409, 200, 201]; 3]),
        (
            "partner",
            &partner,
            [
                [200, 200, 201, 409, 409, 409, 200, 201],
                [200, 200, 201, 409, 409, 409, 200, 201],
                [404, 404, 404, 404, 404, 404, 404, 404],
            ],
        ),
        (
            "basic",
            &basic,
            [
                [403, 403, 403, 403, 403, 403, 403, 403],
                [403, 403, 403, 403, 403, 403, 403, 403],
                [404, 404, 404, 404, 404, 404, 404, 404],
            ],
        ),
        (
            "reading token",
            &reading,
            [
                [200, 200, 403, 403, 403, 403, 200, 403],
                [200, 200, 403, 403, 403, 403, 200, 403],
                [404, 404, 404, 404, 404, 404, 404, 404],
            ],
        ),
    ];
    for (name, caller, expected) in table {
        for ((organization, person), row) in places.iter().zip(expected) {
            let base = format!("/organizations/{}", organization.id);
            let of_person = format!("{base}/users/{}", person.user.id);
            let email = format!("{}.{}@new.example", name.replace(' ', "-"), organization.id.0.simple());
            let new = json!({ "given_name": "New", "family_name": "Person", "email": email });
            let connection = json!({ "name": "Peoplehall HR" });
            let calls = [
                ("GET", format!("{base}/users"), Value::Null),
                ("GET", of_person.clone(), Value::Null),
                ("POST", format!("{base}/users"), new),
                ("POST", format!("{of_person}/deactivate"), json!({})),
                ("POST", format!("{of_person}/reset-password"), json!({})),
                ("POST", format!("{of_person}/reset-mfa"), json!({})),
                ("GET", format!("{base}/connections"), Value::Null),
                ("POST", format!("{base}/connections"), connection),
            ];
            for ((method, path, body), status) in calls.iter().zip(row) {
                let answer = caller.send(method, path, body).await;
                assert_eq!(
                    answer.status.as_u16(),
                    status,
                    "{name} at {}: {method} {path}: {}",
                    organization.name,
                    answer.body
                );
            }
        }
    }
}

/// Row 84: another's identifier is answered as an unknown one, byte for byte, in every place.
#[tokio::test]
async fn what_is_anothers_looks_like_what_does_not_exist() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let partner = caller(&castellan, &world.partner, "mara@brackwater.example", "administrator").await;
    let other = caller(&castellan, &world.other_partner, "otto@northgate.example", "administrator").await;
    let made = other
        .send("POST", &format!("/organizations/{}/connections", world.other_partner.id), &json!({ "name": "HR" }))
        .await
        .expect(201);
    let connection = made["connection"]["id"].as_str().expect("an id");
    let token = made["connection"]["tokens"][0]["id"].as_str().expect("an id");
    let (mine, foreign) = (world.partner.id.to_string(), world.other_partner.id.to_string());
    let person = other.person.user.id.to_string();
    let unknown = "019ab3c2-0000-7000-8000-000000000000";

    let shapes: &[(&str, &str)] = &[
        ("GET", ""),
        ("GET", "/products"),
        ("GET", "/users"),
        ("POST", "/users"),
        ("GET", "/users/{user}"),
        ("PATCH", "/users/{user}"),
        ("DELETE", "/users/{user}"),
        ("POST", "/users/{user}/deactivate"),
        ("POST", "/users/{user}/reactivate"),
        ("POST", "/users/{user}/reset-password"),
        ("POST", "/users/{user}/reset-mfa"),
        ("POST", "/users/{user}/invite"),
        ("PUT", "/users/{user}/products/recover"),
        ("DELETE", "/users/{user}/products/recover"),
        ("GET", "/connections"),
        ("POST", "/connections"),
        ("GET", "/connections/{connection}"),
        ("PATCH", "/connections/{connection}"),
        ("DELETE", "/connections/{connection}"),
        ("POST", "/connections/{connection}/pause"),
        ("POST", "/connections/{connection}/resume"),
        ("GET", "/connections/{connection}/health"),
        ("GET", "/connections/{connection}/log"),
        ("GET", "/connections/{connection}/held"),
        ("POST", "/connections/{connection}/held/release"),
        ("POST", "/connections/{connection}/held/discard"),
        ("POST", "/connections/{connection}/tokens"),
        ("DELETE", "/connections/{connection}/tokens/{token}"),
        ("GET", "/connections/{connection}/clients"),
        ("POST", "/connections/{connection}/clients"),
        ("DELETE", "/connections/{connection}/clients/{token}"),
        ("GET", "/webhooks"),
        ("POST", "/webhooks"),
        ("DELETE", "/webhooks/{token}"),
        ("GET", "/api-tokens"),
        ("POST", "/api-tokens"),
        ("DELETE", "/api-tokens/{token}"),
    ];
    let body = |path: &str, method: &str| match (method, path) {
        ("POST", "/users") => json!({ "given_name": "A", "family_name": "B", "email": "a@b.example" }),
        ("POST", "/connections") => json!({ "name": "HR" }),
        ("POST", "/connections/{connection}/clients") => json!({ "name": "HR" }),
        ("POST", "/webhooks") => json!({ "url": "https://events.example.com/" }),
        ("POST", "/api-tokens") => json!({ "name": "x", "permissions": ["portal:users:read"] }),
        ("PUT", _) => json!({ "roles": ["viewer"] }),
        _ => json!({}),
    };
    for (method, shape) in shapes {
        let path = |organization: &str, user: &str, connection: &str, token: &str| {
            let rest = shape.replace("{user}", user).replace("{connection}", connection).replace("{token}", token);
            format!("/organizations/{organization}{rest}")
        };
        let body = body(shape, method);
        let nothing = partner.send(method, &path(unknown, unknown, unknown, unknown), &body).await;
        assert_eq!(nothing.status.as_u16(), 404, "{method} {shape}: {}", nothing.body);
        // The foreign organization, and foreign things named under one's own.
        let mut swaps = vec![path(&foreign, &person, connection, token)];
        if shape.contains('{') {
            swaps.push(path(&mine, &person, connection, token));
        }
        for swap in swaps {
            let answer = partner.send(method, &swap, &body).await;
            assert_eq!((answer.status, &answer.body), (nothing.status, &nothing.body), "{method} {swap}");
        }
    }
    partner.get("/organizations/not-an-id/users").await.has_status(404);
    other.get(&format!("/organizations/{foreign}/users/{person}")).await.has_status(200);
}

/// P13: the last administrator of an organization stays, whoever asks and however.
#[tokio::test]
async fn the_last_administrator_stays() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let provider = caller(&castellan, &world.provider, "vera@vendor.example", "administrator").await;
    let mara = somebody(&castellan, &world.partner, "mara@brackwater.example", "administrator").await;
    let path = format!("/organizations/{}/users/{}", world.partner.id, mara.user.id);
    assert_eq!(problem(&provider.post(&format!("{path}/deactivate")).await, 409), "last-administrator");
    assert_eq!(problem(&provider.send("DELETE", &path, &Value::Null).await, 409), "last-administrator");
    let basic = json!({ "roles": ["basic"] });
    let demotion = provider.send("PUT", &format!("{path}/products/portal"), &basic).await;
    assert_eq!(problem(&demotion, 409), "last-administrator");
    let taken = provider.send("DELETE", &format!("{path}/products/portal"), &Value::Null).await;
    assert_eq!(problem(&taken, 409), "last-administrator");

    somebody(&castellan, &world.partner, "jonas@brackwater.example", "administrator").await;
    provider.send("PUT", &format!("{path}/products/portal"), &basic).await.has_status(200);
    provider.post(&format!("{path}/deactivate")).await.has_status(204);
}

/// Row 77: of two administrators who end each other at once, one stays.
#[tokio::test]
async fn two_administrators_cannot_end_each_other_at_once() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let mara = caller(&castellan, &world.partner, "mara@brackwater.example", "administrator").await;
    let jonas = caller(&castellan, &world.partner, "jonas@brackwater.example", "administrator").await;
    let path =
        |person: &Caller<'_>| format!("/organizations/{}/users/{}/deactivate", world.partner.id, person.person.user.id);
    let (to_jonas, to_mara) = (path(&jonas), path(&mara));
    let (first, second) = tokio::join!(mara.post(&to_jonas), jonas.post(&to_mara));
    let done = [&first, &second].iter().filter(|answer| answer.status.as_u16() == 204).count();
    assert_eq!(done, 1, "{} {}", first.body, second.body);
}

/// Rows 75, 76: nobody gives what they do not hold, nor acts on somebody who holds more; each attempt is audited.
#[tokio::test]
async fn nobody_reaches_above_themselves() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    switch_products_on(&castellan, &world, &world.partner).await;
    let partner = caller(&castellan, &world.partner, "mara@brackwater.example", "administrator").await;
    // At home at the partner, yet an administrator of the provider.
    let above = somebody(&castellan, &world.partner, "vera@brackwater.example", "basic").await;
    castellan
        .assign(Subject::User(above.user.id), &castellan.portal().await, &["administrator"], world.provider.id)
        .await;
    let users = format!("/organizations/{}/users", world.partner.id);
    let path = format!("{users}/{}", above.user.id);
    for act in ["deactivate", "reset-password", "reset-mfa"] {
        let answer = partner.post(&format!("{path}/{act}")).await;
        assert_eq!(problem(&answer, 403), "above-you", "{act}");
    }
    assert_eq!(problem(&partner.send("DELETE", &path, &Value::Null).await, 403), "above-you");
    assert_eq!(problem(&partner.send("PATCH", &path, &json!({ "given_name": "X" })).await, 403), "above-you");
    let detail = partner.get(&path).await.expect(200);
    assert_eq!(detail["allowed"], json!([]), "pages offer nothing that would be refused");

    // A helper that may create and edit, but holds no more: it makes no administrators.
    let held = ["portal:users:read", "portal:users:create", "portal:users:update"];
    let helper = api_token(&castellan, &world.partner, &held).await;
    let new = |role: &str| json!({ "given_name": "New", "family_name": "Boss", "email": format!("boss.{role}@brackwater.example"), "portal_role": role });
    let answer = castellan.json("POST", &format!("/api/v1{users}"), &helper, &new("administrator")).await;
    assert_eq!(problem(&answer, 403), "not-yours-to-give");
    // P6: Accountant waits for the provider.
    assert_eq!(problem(&partner.send("POST", &users, &new("accountant")).await, 403), "not-yours-to-give");
    partner.send("POST", &users, &new("administrator")).await.has_status(201);

    let denied = audited(&castellan, "user.removed").await;
    assert!(denied.contains(&"above-you".to_owned()), "{denied:?}");
    assert!(audited(&castellan, "user.invited").await.contains(&"not-yours-to-give".to_owned()));
}

/// Rows 75, 76: who administers one organization has no power over who administers it and all below.
#[tokio::test]
async fn one_organization_is_less_than_it_and_all_below() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let throughout = caller(&castellan, &world.partner, "mara@brackwater.example", "administrator").await;
    let here = somebody(&castellan, &world.partner, "jonas@brackwater.example", "").await;
    let portal = castellan.portal().await;
    castellan.assign_here(Subject::User(here.user.id), &portal, &["administrator"], world.partner.id).await;
    let here = Caller { castellan: &castellan, bearer: bearer(&castellan, &here).await, person: here };
    let users = format!("/organizations/{}/users", world.partner.id);
    let (of_throughout, of_here) =
        (format!("{users}/{}", throughout.person.user.id), format!("{users}/{}", here.person.user.id));
    for act in ["reset-mfa", "reset-password", "deactivate"] {
        assert_eq!(problem(&here.post(&format!("{of_throughout}/{act}")).await, 403), "above-you", "{act}");
    }
    assert_eq!(problem(&here.send("DELETE", &of_throughout, &Value::Null).await, 403), "above-you");
    throughout.post(&format!("{of_here}/reset-mfa")).await.has_status(204);
}

/// O2: of a member from elsewhere one sees what concerns one's own organizations, and nothing of their home.
#[tokio::test]
async fn a_member_from_elsewhere_is_shown_without_their_home() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let mara = caller(&castellan, &world.partner, "mara@brackwater.example", "administrator").await;
    let at_home = caller(&castellan, &world.other_partner, "olga@northgate.example", "administrator").await;
    let otto = somebody(&castellan, &world.other_partner, "otto@northgate.example", "basic").await;
    let (id, partner, now) = (otto.user.id, world.partner.id, castellan.now());
    let master = castellan.app.master.clone();
    castellan
        .write(async move |tx| {
            castellan::mfa::email_code::enroll(tx, &master, id, now).await?;
            users::add_membership(tx, partner, id, now).await
        })
        .await;
    castellan.assign(Subject::User(id), &world.recover, &["operator"], world.partner.id).await;
    castellan.assign(Subject::User(id), &world.relay, &["viewer"], world.other_client.id).await;

    let users = format!("/organizations/{}/users", world.partner.id);
    let answer = mara.get(&format!("{users}/{id}")).await;
    let detail = answer.expect(200);
    assert_eq!(detail["access"].as_array().map(Vec::len), Some(1));
    assert_eq!(detail["access"][0]["product"]["slug"], "recover");
    assert_eq!((&detail["email"], &detail["portal_role"]), (&Value::Null, &Value::Null));
    assert_eq!((&detail["second_factors"], &detail["factors"]), (&json!([]), &json!([])));
    assert_eq!(detail["allowed"], json!([]));
    let list = mara.get(&users).await;
    let listed = list.expect(200)["users"].clone();
    let listed = listed.as_array().expect("users").iter().find(|user| user["id"] == id.to_string()).expect("otto");
    assert_eq!(listed["products"], json!([{ "slug": "recover", "name": "recover" }]));
    assert_eq!((&listed["email"], &listed["factors"]), (&Value::Null, &json!([])));
    for body in [&answer.body, &list.body] {
        assert!(!body.contains("relay") && !body.contains("Mill Lane"), "{body}");
    }

    let detail = at_home.get(&format!("/organizations/{}/users/{id}", world.other_partner.id)).await.expect(200);
    assert_eq!(detail["email"], "otto@northgate.example");
    assert_eq!(detail["factors"], json!(["email"]));
    assert_eq!(detail["access"].as_array().map(Vec::len), Some(2), "of the portal and of relay");
}

/// B6: nobody resets or ends their own account here.
#[tokio::test]
async fn nobody_does_it_to_themselves() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let mara = caller(&castellan, &world.partner, "mara@brackwater.example", "administrator").await;
    somebody(&castellan, &world.partner, "jonas@brackwater.example", "administrator").await;
    let path = format!("/organizations/{}/users/{}", world.partner.id, mara.person.user.id);
    for act in ["deactivate", "reset-password", "reset-mfa"] {
        assert_eq!(problem(&mara.post(&format!("{path}/{act}")).await, 403), "yourself", "{act}");
    }
    assert_eq!(problem(&mara.send("DELETE", &path, &Value::Null).await, 403), "yourself");
}

/// Rights are judged from the rows as they are: who was demoted or deactivated does nothing any more,
/// whatever their token still says.
#[tokio::test]
async fn rights_end_with_the_row_that_gave_them() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let mara = caller(&castellan, &world.partner, "mara@brackwater.example", "administrator").await;
    let jonas = caller(&castellan, &world.partner, "jonas@brackwater.example", "administrator").await;
    let users = format!("/organizations/{}/users", world.partner.id);
    jonas.get(&users).await.has_status(200);
    let path = format!("{users}/{}", jonas.person.user.id);
    mara.send("PUT", &format!("{path}/products/portal"), &json!({ "roles": ["basic"] })).await.has_status(200);
    jonas.get(&users).await.has_status(403);
    mara.post(&format!("{path}/deactivate")).await.has_status(204);
    jonas.get("/me").await.has_status(401);
}

/// M7: what gives access or cannot be undone asks for a fresh sign-in (RFC 9470 §3).
#[tokio::test]
async fn sensitive_acts_ask_for_a_fresh_sign_in() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let admin = somebody(&castellan, &world.partner, "mara@brackwater.example", "administrator").await;
    let other = somebody(&castellan, &world.partner, "tomasz@brackwater.example", "basic").await;
    let portal = castellan.portal().await;
    let client = castellan.client(&portal).scopes("openid api").create().await;
    let mut browser = castellan.signed_in_by(&admin, &[castellan::mfa::Method::Totp]).await;
    castellan.advance(16 * 60);
    let old = &token_for_api(&client, &mut browser).await;
    let path = format!("/api/v1/organizations/{}/users/{}", world.partner.id, other.user.id);
    let answer = castellan.json("POST", &format!("{path}/reset-mfa"), old, &json!({})).await;
    assert_eq!(problem(&answer, 401), "sign-in-too-old");
    assert!(answer.header("www-authenticate").contains("insufficient_user_authentication"));
    castellan.json("POST", &format!("{path}/reset-password"), old, &json!({})).await.has_status(204);
    let fresh = bearer(&castellan, &admin).await;
    castellan.json("POST", &format!("{path}/reset-mfa"), &fresh, &json!({})).await.has_status(204);
}

/// The reasons of refused events of that kind.
async fn audited(castellan: &Castellan, kind: &str) -> Vec<String> {
    use sqlx::Row;
    let sql = "SELECT details FROM audit_events WHERE kind = $1 AND outcome = 'refused'";
    let texts: Vec<String> = match &castellan.app.store {
        castellan::store::Store::Sqlite { readers, .. } => {
            let rows = sqlx::query(sql).bind(kind).fetch_all(readers).await.expect("rows");
            rows.iter().map(|row| row.get("details")).collect()
        }
        castellan::store::Store::Postgres { pool } => {
            let rows = sqlx::query(sql).bind(kind).fetch_all(pool).await.expect("rows");
            rows.iter().map(|row| row.get("details")).collect()
        }
    };
    let reason = |text: &String| serde_json::from_str::<Value>(text).ok()?["reason"].as_str().map(str::to_owned);
    texts.iter().filter_map(reason).collect()
}

/// A removed person's name is free, and the newcomer has nothing of theirs (row 85).
#[tokio::test]
async fn a_newcomer_inherits_nothing_of_a_removed_namesake() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    switch_products_on(&castellan, &world, &world.partner).await;
    let admin = caller(&castellan, &world.partner, "mara@brackwater.example", "administrator").await;
    let users = format!("/organizations/{}/users", world.partner.id);
    let new = json!({
        "given_name": "Tomasz", "family_name": "Nowicki", "email": "tomasz@brackwater.example", "portal_role": "basic",
        "products": [{ "slug": "recover", "roles": ["operator"] }],
    });
    let first = admin.send("POST", &users, &new).await.expect(201);
    let path = format!("{users}/{}", first["id"].as_str().expect("an id"));
    admin.send("DELETE", &path, &Value::Null).await.has_status(204);
    admin.get(&path).await.has_status(404);
    let bare = json!({ "given_name": "Tomasz", "family_name": "Nowicki", "email": "tomasz@brackwater.example" });
    let second = admin.send("POST", &users, &bare).await.expect(201);
    assert_ne!(first["id"], second["id"]);
    assert_eq!(second["access"], json!([]));
    let mut db = castellan.app.store.reader().await.expect("a reader");
    let id = first["id"].as_str().expect("an id").parse().expect("an id");
    assert!(users::find(&mut db, id).await.expect("a read").is_none());
}
