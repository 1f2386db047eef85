//! A product learns of itself only (product.md C3, security.md row 99).

use castellan::access::Subject;

use crate::support::{Castellan, claims};

#[tokio::test]
async fn a_token_for_one_product_holds_nothing_of_another() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let person = castellan.person(&world.partner, "mara@brackwater.example").create().await;
    let subject = Subject::User(person.user.id);
    castellan.assign(subject, &world.recover, &["operator"], world.partner.id).await;
    castellan.assign(subject, &world.relay, &["viewer"], world.client.id).await;
    let mut browser = castellan.signed_in(&person).await;
    for (product, other, role, organization) in [
        (&world.recover, &world.relay, "operator", &world.partner),
        (&world.relay, &world.recover, "viewer", &world.client),
    ] {
        let client = castellan.client(product).create().await;
        let tokens = client.tokens(&mut browser).await;
        let claims = claims(tokens["access_token"].as_str().expect("a token"));
        assert_eq!(claims["aud"], product.audience);
        assert_eq!(claims["product"], product.slug);
        assert_eq!(claims["roles"], serde_json::json!([role]));
        let organizations = claims["organizations"].as_array().expect("a list");
        assert_eq!(organizations.len(), 1);
        assert_eq!(organizations[0]["id"], organization.id.to_string());
        assert_eq!(organizations[0]["roles"], serde_json::json!([role]));
        assert!(!claims.to_string().contains(other.slug.as_str()), "{claims}");
        let permissions = claims["entitlements"].as_array().expect("a list");
        assert!(permissions.iter().all(|name| name.as_str().is_some_and(|name| name.starts_with(&product.slug))));
    }
}

/// Over fifty organizations a token names the covering ones and says that there are more (architecture.md, Audience).
#[tokio::test]
async fn a_token_stays_small() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let person = castellan.person(&world.partner, "mara@brackwater.example").create().await;
    for n in 0..51 {
        let client = castellan
            .organization(Some(&world.partner), castellan::organizations::Kind::Client, &format!("c{n}"))
            .await;
        castellan.assign(Subject::User(person.user.id), &world.recover, &["viewer"], client.id).await;
    }
    let mut browser = castellan.signed_in(&person).await;
    let client = castellan.client(&world.recover).create().await;
    let claims = claims(client.tokens(&mut browser).await["access_token"].as_str().expect("a token"));
    assert_eq!(claims["organizations_complete"], false);
    assert_eq!(claims["organizations"].as_array().expect("a list").len(), 50);
}
