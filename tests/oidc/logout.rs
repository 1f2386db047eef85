use castellan::{
    keys::Algorithm,
    sessions::{self, Session},
    tokens::ClaimsRequest,
};
use serde_json::json;

use super::cast::{Tokens, anna, sign_in, tokens, userinfo};
use crate::support::{Castellan, Person, TestClient, World};

const BACK: &str = "https://app.example/signed-out";

struct Scene {
    castellan: Castellan,
    world: World,
    person: Person,
}

async fn scene() -> Scene {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let person = anna(&castellan, &world).await;
    Scene { castellan, world, person }
}

impl Scene {
    async fn client(&self) -> TestClient<'_> {
        self.castellan.client(&self.world.recover).create().await
    }

    async fn tokens(&self, client: &TestClient<'_>, session: &Session) -> Tokens {
        tokens(&self.castellan, client, session, ("openid", ClaimsRequest::default())).await
    }

    async fn is_live(&self, session: &Session) -> bool {
        let (id, now) = (session.id, self.castellan.now());
        self.castellan.write(async move |tx| sessions::use_live(tx, id, now).await).await
    }
}

fn query(parameters: &[(&str, &str)]) -> String {
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
    format!("/logout?{query}")
}

/// RP-Initiated Logout §2, §3.
#[tokio::test]
async fn a_hint_that_fits_the_session_ends_it_and_leads_back_with_the_state() {
    let scene = scene().await;
    let client = scene.client().await;
    let (session, mut browser) = sign_in(&scene.castellan, &scene.person).await;
    let got = scene.tokens(&client, &session).await;
    scene.castellan.advance(3600); // the hint has expired

    let state = "s".repeat(384);
    let hint = got.id_token.as_str();
    let address = query(&[("id_token_hint", hint), ("post_logout_redirect_uri", BACK), ("state", &state)]);
    let answer = browser.get(&address).await;
    assert_eq!(answer.location(), format!("{BACK}?state={state}"));
    assert_eq!(answer.status, 303);
    assert_eq!(answer.header("clear-site-data"), r#""cache", "storage""#);
    assert!(!browser.cookies.contains_key("castellan_session"));
    assert!(!scene.is_live(&session).await);

    let again = browser.get(&address).await;
    assert_eq!(again.location(), format!("{BACK}?state={state}"), "nothing to end, but the way back holds");
}

#[tokio::test]
async fn logging_out_ends_the_grants_of_the_session() {
    let scene = scene().await;
    let client = scene.client().await;
    let (session, mut browser) = sign_in(&scene.castellan, &scene.person).await;
    let got = scene.tokens(&client, &session).await;
    userinfo(&scene.castellan, &got.access_token).await;
    browser.get(&query(&[("id_token_hint", &got.id_token)])).await;
    let bearer = format!("Bearer {}", got.access_token);
    let refused = scene.castellan.request("GET", "/userinfo", &[("authorization", &bearer)], String::new()).await;
    refused.refuses(401, "invalid_token");
}

/// Row 115 of the security programme: a mere link signs nobody out.
#[tokio::test]
async fn without_a_hint_that_fits_people_are_asked() {
    let scene = scene().await;
    let client = scene.client().await;
    let (session, mut browser) = sign_in(&scene.castellan, &scene.person).await;
    let got = scene.tokens(&client, &session).await;
    let other = scene.castellan.person(&scene.world.client, "ben@harbour.example").create().await;
    let (others, _) = sign_in(&scene.castellan, &other).await;
    let (earlier, _) = sign_in(&scene.castellan, &scene.person).await;
    scene
        .castellan
        .assign(
            castellan::access::Subject::User(other.user.id),
            &scene.world.recover,
            &["viewer"],
            scene.world.client.id,
        )
        .await;
    let of_other = scene.tokens(&client, &others).await.id_token;
    let of_earlier = scene.tokens(&client, &earlier).await.id_token;

    let mut forged = got.id_token.clone();
    forged.replace_range(forged.len() - 4.., "AAAA");
    let now = scene.castellan.now();
    let foreign_issuer = json!({
        "iss": "https://evil.example", "aud": client.id(), "sub": scene.person.user.id, "sid": session.id,
        "iat": now.as_seconds(), "exp": now.as_seconds() + 300,
    });
    let foreign_issuer = scene.castellan.app.keys.sign(Algorithm::Es256, "JWT", &foreign_issuer, now).expect("signed");
    let hints = ["", "x", "a.b.c", &forged, &got.access_token, &of_other, &of_earlier, &foreign_issuer];
    for hint in hints {
        let page = browser.get(&query(&[("id_token_hint", hint), ("post_logout_redirect_uri", BACK)])).await;
        page.has_status(200);
        assert!(page.has_element("logout-confirm"), "{hint}: {}", page.body);
        assert!(scene.is_live(&session).await, "{hint}");
    }
    let page = browser.get("/logout").await;
    assert!(page.has_element("logout-confirm"));

    let wrong_client = query(&[("id_token_hint", &got.id_token), ("client_id", "somebody-else")]);
    assert!(browser.get(&wrong_client).await.has_element("logout-confirm"));

    let done = browser.submit(&page, "logout-confirm", &[]).await;
    assert!(done.has_element("logged-out"));
    assert!(!scene.is_live(&session).await);
    assert!(scene.is_live(&earlier).await, "another browser's goes on");
}

#[tokio::test]
async fn confirming_leads_back_only_with_a_hint_of_ours() {
    let scene = scene().await;
    let client = scene.client().await;
    let (earlier, _) = sign_in(&scene.castellan, &scene.person).await;
    let old = scene.tokens(&client, &earlier).await.id_token;
    for (hint, leads_back) in [(old.as_str(), true), ("x", false)] {
        let (session, mut browser) = sign_in(&scene.castellan, &scene.person).await;
        let address = query(&[("id_token_hint", hint), ("post_logout_redirect_uri", BACK), ("state", "a b")]);
        let page = browser.get(&address).await;
        let done = browser.submit(&page, "logout-confirm", &[]).await;
        assert!(!scene.is_live(&session).await);
        if leads_back {
            assert_eq!(done.location(), format!("{BACK}?state=a+b"));
        } else {
            assert!(done.has_element("logged-out"));
        }
    }
}

/// §3: compared as a string; row 115.
#[tokio::test]
async fn nobody_is_sent_to_an_address_that_the_client_has_not_registered() {
    let scene = scene().await;
    let client = scene.client().await;
    let other = scene.castellan.client(&scene.world.relay).create().await;
    for uri in [
        "https://evil.example/",
        "https://app.example/signed-out/",
        "https://app.example/signed-out?x=1",
        "https://app.example/signed-out#x",
        "https://APP.example/signed-out",
        "https://app.example/callback",
        "//evil.example",
        "javascript:alert(1)",
        "",
    ] {
        let (session, mut browser) = sign_in(&scene.castellan, &scene.person).await;
        let got = scene.tokens(&client, &session).await;
        let page = browser.get(&query(&[("id_token_hint", &got.id_token), ("post_logout_redirect_uri", uri)])).await;
        assert!(page.has_element("logged-out"), "{uri}: {} {}", page.status, page.header("location"));
    }
    // Without a hint not even to a registered one.
    let mut nobody = scene.castellan.browser();
    let parameters = [("client_id", client.id()), ("post_logout_redirect_uri", BACK)];
    assert!(nobody.get(&query(&parameters)).await.has_element("logged-out"));
    let _ = other;
}

#[tokio::test]
async fn without_session_and_parameters_the_signed_out_page_is_shown() {
    let scene = scene().await;
    let mut browser = scene.castellan.browser();
    for address in ["/logout", "/logout?state=x", "/logout?unknown=x"] {
        let page = browser.get(address).await;
        page.has_status(200);
        assert!(page.has_element("logged-out"));
    }
}

#[tokio::test]
async fn a_parameter_that_comes_twice_is_refused() {
    let scene = scene().await;
    let mut browser = scene.castellan.browser();
    browser.get("/logout?state=a&state=b").await.has_status(400);
    browser.get("/logout?post_logout_redirect_uri=a&post_logout_redirect_uri=b").await.has_status(400);
}

/// §2: POST too. It comes from another site, without Lax cookies, and so becomes a GET.
#[tokio::test]
async fn a_post_of_a_relying_party_becomes_a_get() {
    let scene = scene().await;
    let client = scene.client().await;
    let (session, mut browser) = sign_in(&scene.castellan, &scene.person).await;
    let got = scene.tokens(&client, &session).await;
    let fields = [("id_token_hint", got.id_token.as_str()), ("post_logout_redirect_uri", BACK), ("state", "x&y=z")];
    let foreign = [("origin", "https://app.example"), ("sec-fetch-site", "cross-site")];
    let answer = browser.post_once("/logout", &fields, &foreign).await;
    assert_eq!(answer.status, 303);
    assert!(scene.is_live(&session).await, "nothing happens at the POST");
    let done = browser.get(&answer.location()).await;
    assert_eq!(done.location(), format!("{BACK}?state=x%26y%3Dz"));
}

/// Row 24: the button of our page works from our page alone.
#[tokio::test]
async fn other_sites_cannot_press_the_button() {
    let scene = scene().await;
    let (session, mut browser) = sign_in(&scene.castellan, &scene.person).await;
    for headers in [[("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")]] {
        browser.post_once("/logout/confirm", &[], &headers).await.has_status(403);
    }
    browser.post_once("/logout/confirm", &[("csrf", "x")], &[]).await.has_status(403);
    assert!(scene.is_live(&session).await);
}
