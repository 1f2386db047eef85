//! Who gets a code: signing in again, no access, consent, coming back (OIDC Core §3.1.2.1, product.md C4).

use castellan::{access::Subject, mfa::Method, tokens::requests};

use crate::support::{Browser, CALLBACK, Castellan, Person, TestClient, VERIFIER, World, claims};

struct Scene<'c> {
    world: World,
    client: TestClient<'c>,
    mara: Person,
}

/// A person with a role in `recover`, and a client of it.
async fn scene(castellan: &Castellan) -> Scene<'_> {
    let world = castellan.world().await;
    let client = castellan.client(&world.recover).create().await;
    let mara = castellan.person(&world.partner, "mara@brackwater.example").create().await;
    castellan.assign(Subject::User(mara.user.id), &world.recover, &["operator"], world.partner.id).await;
    Scene { world, client, mara }
}

fn flow_of(answer: &crate::support::Answer) -> bool {
    answer.location().starts_with("/login?flow=")
}

/// The id of the one request that waits in this browser.
async fn waiting(castellan: &Castellan, browser: &mut Browser<'_>, url: &str) -> String {
    let answer = browser.get_once(url).await;
    let flow = answer.location_parameter("flow").expect("a flow").parse().expect("an id");
    let hash = castellan::secret::Secret::from_text(browser.cookies["castellan_browser"].clone()).hash();
    let mut db = castellan.app.store.reader().await.expect("a reader");
    let flow = castellan::sessions::flow::find(&mut db, flow, &hash, castellan.now()).await.expect("a read");
    flow.expect("the flow").request_id.expect("a request").to_string()
}

#[tokio::test]
async fn who_is_signed_in_gets_a_code_at_once() {
    let castellan = Castellan::start().await;
    let scene = scene(&castellan).await;
    let mut browser = castellan.signed_in(&scene.mara).await;

    let answer = browser.get(&scene.client.authorization_request().with("prompt", "none").url()).await;

    assert_eq!(answer.status, 303);
    assert!(answer.location().starts_with(CALLBACK), "{}", answer.location());
    assert_eq!(answer.location_parameter("state").as_deref(), Some("xyz state"));
    assert_eq!(answer.location_parameter("iss").as_deref(), Some("http://localhost:8080"));
    let code = answer.location_parameter("code").expect("a code");
    assert!(code.len() >= 43);
    let tokens = scene.client.redeem(&code, VERIFIER).await.expect(200);
    let claims = claims(tokens["access_token"].as_str().expect("a token"));
    assert_eq!(claims["sub"], scene.mara.user.id.to_string());
    assert_eq!(claims["auth_time"], castellan.now().as_seconds());
    assert_eq!(claims["roles"], serde_json::json!(["operator"]));
    assert_eq!(tokens["scope"], "openid product offline_access");
}

/// A cross-site POST comes without Lax cookies; the GET it leads to has them.
#[tokio::test]
async fn a_posted_request_goes_on_as_a_get() {
    let castellan = Castellan::start().await;
    let scene = scene(&castellan).await;
    let mut browser = castellan.signed_in(&scene.mara).await;
    let request = scene.client.authorization_request();
    let headers = [("origin", "https://app.example"), ("sec-fetch-site", "cross-site")];

    let mut stranger = castellan.browser();
    let posted = stranger.post_once("/authorize", &request.fields(), &headers).await;

    assert_eq!(posted.status, 303);
    assert_eq!(posted.header("set-cookie"), "", "it would replace the cookie that was not sent");
    let answer = browser.get(&posted.location()).await;
    assert!(answer.location_parameter("code").is_some(), "{}", answer.location());
    let bad = request.clone().with("redirect_uri", "https://evil.test/");
    stranger.post_once("/authorize", &bad.fields(), &headers).await.has_status(400);
    browser.get("/authorize?parked=nonsense").await.has_status(400);
}

/// `prompt=login`, `select_account` and `max_age` ask for a sign-in newer than the request.
#[tokio::test]
async fn a_new_sign_in_is_asked_for_and_then_taken() {
    let castellan = Castellan::start().await;
    let scene = scene(&castellan).await;
    let mut browser = castellan.signed_in(&scene.mara).await;
    castellan.advance(100);
    let request = scene.client.authorization_request();
    assert!(browser.get_once(&request.clone().with("max_age", "100").url()).await.location_parameter("code").is_some());
    for (name, value) in [("prompt", "login"), ("prompt", "select_account"), ("max_age", "99"), ("max_age", "0")] {
        castellan.advance(100);
        let url = request.clone().with(name, value).url();
        let id = waiting(&castellan, &mut browser, &url).await;
        // The old session does not do, however often one comes back with it.
        assert!(flow_of(&browser.get_once(&format!("/authorize/resume?request={id}")).await), "{name}={value}");
        castellan.advance(1);
        castellan.sign_in(&mut browser, &scene.mara, &[]).await;
        let answer = browser.get(&format!("/authorize/resume?request={id}")).await;
        let code = answer.location_parameter("code").expect("a code");
        let tokens = scene.client.redeem(&code, VERIFIER).await.expect(200);
        let claims = claims(tokens["access_token"].as_str().expect("a token"));
        assert_eq!(claims["auth_time"], castellan.now().as_seconds());
        // It was answered once.
        browser.get(&format!("/authorize/resume?request={id}")).await.has_status(400);
    }
    let both = request.with("max_age", "0").with("prompt", "none");
    browser.get(&both.url()).await.redirects_with("login_required");
}

#[tokio::test]
async fn a_stored_request_belongs_to_its_browser() {
    let castellan = Castellan::start().await;
    let scene = scene(&castellan).await;
    let mut browser = castellan.browser();
    let id = waiting(&castellan, &mut browser, &scene.client.authorization_request().url()).await;
    let mut other = castellan.signed_in(&scene.mara).await;
    other.get(&format!("/authorize/resume?request={id}")).await.has_status(400);
    castellan.sign_in(&mut browser, &scene.mara, &[]).await;
    castellan.advance(3601);
    browser.get(&format!("/authorize/resume?request={id}")).await.has_status(400);
}

/// C4: no assignment, no code. The page names product and whom to ask, and its button tells the client.
#[tokio::test]
async fn without_a_role_in_the_product_there_is_no_access() {
    let castellan = Castellan::start().await;
    let scene = scene(&castellan).await;
    let relay = castellan.client(&scene.world.relay).create().await;
    let mut browser = castellan.signed_in(&scene.mara).await;

    let page = browser.get(&relay.authorization_request().url()).await;

    page.has_status(403);
    let text = page.text_of("no-access").expect("the page");
    assert!(text.contains("relay") && text.contains("Brackwater IT") && text.contains("help@vendor.example"), "{text}");
    let answer = browser.submit(&page, "continue", &[]).await;
    answer.redirects_with("access_denied");
    assert_eq!(answer.location_parameter("state").as_deref(), Some("xyz state"));
    browser.submit(&page, "continue", &[]).await.has_status(400);

    let silent = relay.authorization_request().with("prompt", "none");
    browser.get(&silent.url()).await.redirects_with("access_denied");

    // A1: each refusal is in the trail of the person's organization, with whence they came.
    let refused = castellan.audited(scene.world.partner.id, "authorization.refused").await;
    assert!(refused.iter().all(|event| event.details.contains("no-access")));
    assert_eq!(refused[0].subject_id, Some(relay.registered.id.0));
    assert_eq!(refused[0].actor_id, Some(scene.mara.user.id.0));
    assert_eq!(castellan.address_of(&refused[0]).await.as_deref(), Some("127.0.0.1"));
}

/// Step-up: the session is whole, and the request wants more than it shows.
#[tokio::test]
async fn an_acr_that_was_not_reached_sends_to_sign_in() {
    let castellan = Castellan::start().await;
    let scene = scene(&castellan).await;
    let mut browser = castellan.signed_in(&scene.mara).await;
    let request = scene.client.authorization_request().with("acr_values", "urn:castellan:acr:mfa");
    assert!(flow_of(&browser.get_once(&request.url()).await));
    browser.get(&request.clone().with("prompt", "none").url()).await.redirects_with("login_required");
    let by_claims = scene
        .client
        .authorization_request()
        .with("claims", r#"{"id_token":{"acr":{"essential":true,"values":["urn:castellan:acr:mfa"]}}}"#);
    assert!(flow_of(&browser.get_once(&by_claims.url()).await));

    castellan.sign_in(&mut browser, &scene.mara, &[Method::Totp]).await;
    let answer = browser.get(&request.url()).await;
    let code = answer.location_parameter("code").expect("a code");
    let tokens = scene.client.redeem(&code, VERIFIER).await.expect(200);
    let claims = claims(tokens["access_token"].as_str().expect("a token"));
    assert_eq!(claims["acr"], "urn:castellan:acr:mfa");
    assert_eq!(claims["amr"], serde_json::json!(["pwd", "otp", "mfa"]));
}

/// OIDC Core §3.1.2.1: a hint names one user, and no other will do.
#[tokio::test]
async fn nobody_else_than_the_hinted_user_will_do() {
    let castellan = Castellan::start().await;
    let scene = scene(&castellan).await;
    let other = castellan.person(&scene.world.partner, "tom@brackwater.example").create().await;
    castellan.assign(Subject::User(other.user.id), &scene.world.recover, &["viewer"], scene.world.partner.id).await;
    let mut browser = castellan.signed_in(&scene.mara).await;
    let asked = |user: &Person| {
        let claims = format!(r#"{{"id_token":{{"sub":{{"value":"{}"}}}}}}"#, user.user.id);
        scene.client.authorization_request().with("claims", &claims)
    };
    assert!(browser.get(&asked(&scene.mara).url()).await.location_parameter("code").is_some());
    browser.get(&asked(&other).with("prompt", "none").url()).await.redirects_with("login_required");
    castellan.advance(1);
    let id = waiting(&castellan, &mut browser, &asked(&other).url()).await;
    castellan.sign_in(&mut browser, &scene.mara, &[]).await;
    browser.get(&format!("/authorize/resume?request={id}")).await.redirects_with("login_required");
}

/// Third-party clients ask, once for each scope; `prompt=none` never does.
#[tokio::test]
async fn a_third_party_needs_consent_once() {
    let castellan = Castellan::start().await;
    let scene = scene(&castellan).await;
    let client = castellan.client(&scene.world.recover).third_party().create().await;
    let mut browser = castellan.signed_in(&scene.mara).await;
    let request = client.authorization_request();
    browser.get(&request.clone().with("prompt", "none").url()).await.redirects_with("consent_required");
    let answer = browser.get_once(&request.url()).await;
    assert!(answer.location().starts_with("/consent?request="), "{}", answer.location());
    let id = answer.location_parameter("request").expect("a request").parse().expect("an id");

    let hash = castellan::secret::Secret::from_text(browser.cookies["castellan_browser"].clone()).hash();
    let (user, client_row, now) = (scene.mara.user.id, client.registered.id, castellan.now());
    castellan
        .write(async move |tx| {
            requests::remember_consent(
                tx,
                user,
                client_row,
                &"openid product offline_access".parse().expect("a scope"),
                now,
            )
            .await?;
            requests::give_consent(tx, id, &hash, user, now).await
        })
        .await;
    let answer = browser.get(&format!("/authorize/resume?request={id}")).await;
    assert!(answer.location_parameter("code").is_some(), "{}", answer.location());
    assert!(browser.get(&request.clone().with("prompt", "none").url()).await.location_parameter("code").is_some());
    let wider = request.clone().with("scope", "openid email").with("prompt", "none");
    browser.get(&wider.url()).await.redirects_with("consent_required");
    let anew = browser.get_once(&request.with("prompt", "consent").url()).await;
    assert!(anew.location().starts_with("/consent?request="), "{}", anew.location());
}

/// Row 26: nobody allows what is not shown: a scope without words of ours stands there by its name.
#[tokio::test]
async fn a_scope_without_words_is_shown_by_its_name() {
    let castellan = Castellan::start().await;
    let scene = scene(&castellan).await;
    let client = castellan.client(&scene.world.recover).third_party().scopes("openid reports:export").create().await;
    let mut browser = castellan.signed_in(&scene.mara).await;
    let page = browser.get(&client.authorization_request().with("scope", "openid reports:export").url()).await;
    assert!(page.url.contains("/consent?request="), "{}", page.url);
    assert!(page.body.contains("know who you are") && page.body.contains("reports:export"), "{}", page.body);
}

/// C5: a user of one product's realm has no access to another, whatever was assigned.
#[tokio::test]
async fn a_user_of_one_products_realm_enters_no_other() {
    let castellan = Castellan::start().await;
    let scene = scene(&castellan).await;
    let (user, organization) = (scene.mara.user.clone(), scene.world.partner.id);
    let realm = castellan::users::Realm::Product(scene.world.relay.id);
    let new = castellan::users::NewUser {
        organization_id: organization,
        realm,
        login_name: castellan::users::LoginName::parse("field-technician").expect("a login name"),
        email: None,
        given_name: "Field".to_owned(),
        family_name: "Technician".to_owned(),
        display_name: String::new(),
        status: castellan::users::Status::Active,
        connection_id: None,
        external_id: None,
        document: user.document,
    };
    let now = castellan.now();
    let made =
        castellan.write(async move |tx| castellan::users::insert(tx, &new, now).await).await.expect("a free name");
    let technician = Person { user: made, password: String::new() };
    for product in [&scene.world.recover, &scene.world.relay] {
        castellan.assign(Subject::User(technician.user.id), product, &["viewer"], organization).await;
    }
    let mut browser = castellan.signed_in(&technician).await;
    browser.get(&scene.client.authorization_request().url()).await.has_status(403);
    let relay = castellan.client(&scene.world.relay).create().await;
    assert!(browser.get(&relay.authorization_request().url()).await.location_parameter("code").is_some());
}

/// Issue 2, "must show" 5, at this endpoint: who must show a second factor and has none gets no code.
#[tokio::test]
async fn a_product_that_demands_mfa_gets_nobody_without_it() {
    let castellan = Castellan::start().await;
    let scene = scene(&castellan).await;
    let portal = castellan.portal().await;
    castellan.assign(Subject::User(scene.mara.user.id), &portal, &["basic"], scene.world.partner.id).await;
    let client = castellan.client(&portal).create().await;
    let mut browser = castellan.signed_in(&scene.mara).await;
    let request = client.authorization_request();
    browser.get(&request.clone().with("prompt", "none").url()).await.redirects_with("login_required");
    assert!(flow_of(&browser.get_once(&request.url()).await));
    // SSO from a product that asks for less changes nothing.
    assert!(browser.get(&scene.client.authorization_request().url()).await.location_parameter("code").is_some());
    browser.get(&request.clone().with("prompt", "none").url()).await.redirects_with("login_required");
    castellan.sign_in(&mut browser, &scene.mara, &[Method::Totp]).await;
    assert!(browser.get(&request.with("prompt", "none").url()).await.location_parameter("code").is_some());
}

/// The whole way through the pages: sign in, consent, and back to the client with what it sent.
#[tokio::test]
async fn a_stranger_signs_in_consents_and_comes_back_with_a_code() {
    let castellan = Castellan::start().await;
    let scene = scene(&castellan).await;
    let tom = castellan.person(&scene.world.partner, "tom@brackwater.example").password().create().await;
    castellan.assign(Subject::User(tom.user.id), &scene.world.recover, &["viewer"], scene.world.partner.id).await;
    let client = castellan.client(&scene.world.recover).third_party().create().await;
    let mut browser = castellan.browser();
    let go = async |browser: &mut Browser<'_>| {
        let request = client.authorization_request().with("prompt", "login").with("login_hint", tom.login());
        let page = browser.get(&request.url()).await;
        assert_eq!(page.attribute_of("username", "value").as_deref(), Some(tom.login()));
        let page = browser.submit(&page, "login-submit", &[]).await;
        browser.submit(&page, "login-submit", &[("password", &tom.password)]).await
    };

    let page = go(&mut browser).await;
    assert!(page.url.contains("/consent?request="), "{}", page.url);
    let answer = browser.submit(&page, "consent-deny", &[]).await;
    answer.redirects_with("access_denied");
    assert_eq!(answer.location_parameter("state").as_deref(), Some("xyz state"));
    let denied = castellan.audited(scene.world.partner.id, "consent.denied").await;
    assert_eq!((denied.len(), denied[0].actor_id), (1, Some(tom.user.id.0)));
    assert_eq!(castellan.address_of(&denied[0]).await.as_deref(), Some("127.0.0.1"));

    let page = go(&mut browser).await;
    let answer = browser.submit(&page, "consent-allow", &[]).await;
    let code = answer.location_parameter("code").unwrap_or_else(|| panic!("{} {}", answer.url, answer.body));
    let tokens = client.redeem(&code, VERIFIER).await.expect(200);
    assert_eq!(claims(tokens["access_token"].as_str().expect("a token"))["sub"], tom.user.id.to_string());
    assert_eq!(claims(tokens["id_token"].as_str().expect("a token"))["nonce"], "n-0S6_WzA2Mj");

    // Cancelling tells the client too.
    let page = browser.get(&client.authorization_request().with("prompt", "login").url()).await;
    browser.submit(&page, "login-cancel", &[]).await.redirects_with("access_denied");
}
