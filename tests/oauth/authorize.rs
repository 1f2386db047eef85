//! What `/authorize` refuses, where, and how (RFC 6749 §4.1.2.1, OIDC Core §3.1.2.6, security.md rows 1-7, 20, 21).

use castellan::clients::GrantType;

use crate::support::{CALLBACK, CHALLENGE, Castellan};

/// Nothing is redirected to where nobody knows: the person sees a page, with the code on it.
#[tokio::test]
async fn a_request_that_leads_nowhere_is_a_page() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let client = castellan.client(&world.recover).create().await;
    let good = client.authorization_request();
    let mut browser = castellan.browser();
    for (request, code) in [
        (good.clone().without("client_id"), "invalid_request"),
        (good.clone().with("client_id", "nobody"), "invalid_client"),
        (good.clone().and("client_id", client.id()), "invalid_request"),
        (good.clone().without("redirect_uri"), "invalid_request"),
        (good.clone().with("redirect_uri", ""), "invalid_request"),
        (good.clone().and("redirect_uri", CALLBACK), "invalid_request"),
    ] {
        let answer = browser.get(&request.url()).await;
        answer.has_status(400);
        assert_eq!(answer.text_of("oauth-error").as_deref(), Some(code), "{}", request.url());
    }
}

/// Security rows 1 to 5.
#[tokio::test]
async fn a_redirect_uri_matches_byte_by_byte() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let client = castellan.client(&world.recover).create().await;
    let mut browser = castellan.browser();
    for uri in [
        "https://appXexample/callback",
        "https://app.example@evil.test/callback",
        "https://app.example:443@evil.test/callback",
        "https://evil.test\\@app.example/callback",
        "https://a@b@app.example/callback",
        "https://app.example/callback/../x",
        "https://app.example/callback/..;/x",
        "https://app.example/%2e%2e/callback",
        "https://app.example/%252e/callback",
        "https://app.example/callback;p=1",
        "https://app.example/callback/",
        "https://app.example/callback?x=1",
        "https://app.example/callback#x",
        "https://app.example/callback.",
        "https://app.example.evil.test/callback",
        "https://app.example:443/callback",
        "http://app.example/callback",
        "HTTPS://APP.EXAMPLE/callback",
        "javascript:alert(1)",
    ] {
        let answer = browser.get(&client.authorization_request().with("redirect_uri", uri).url()).await;
        answer.has_status(400);
        assert_eq!(answer.text_of("oauth-error").as_deref(), Some("invalid_request"), "{uri}");
    }
}

/// RFC 8252 §7.3: a native app chooses its port when it runs; on the IP only.
#[tokio::test]
async fn the_port_of_a_loopback_address_is_free() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let person = castellan.person(&world.partner, "mara@brackwater.example").create().await;
    castellan
        .assign(castellan::access::Subject::User(person.user.id), &world.recover, &["viewer"], world.partner.id)
        .await;
    let native = castellan
        .client(&world.recover)
        .public()
        .redirect_uris(&["http://127.0.0.1/cb", "http://localhost:9000/cb"])
        .create()
        .await;
    let mut browser = castellan.signed_in(&person).await;
    let asked = native.authorization_request();
    let answer = browser.get(&asked.clone().with("redirect_uri", "http://127.0.0.1:51004/cb").url()).await;
    assert!(answer.location().starts_with("http://127.0.0.1:51004/cb?code="), "{}", answer.location());
    for uri in [
        "http://localhost:9001/cb",
        "http://127.0.0.1.evil.test/cb",
        "http://127.0.0.1:80@evil.test/cb",
        "https://127.0.0.1:51004/cb",
        "http://127.0.0.1:51004/other",
    ] {
        browser.get(&asked.clone().with("redirect_uri", uri).url()).await.has_status(400);
    }
}

/// Once client and redirect URI are good, every error goes to the client, with state and issuer.
#[tokio::test]
async fn every_other_error_goes_to_the_client() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let client = castellan.client(&world.recover).create().await;
    let good = client.authorization_request();
    let mut browser = castellan.browser();
    let hint = "eyJhbGciOiJub25lIn0.e30.";
    for (request, error) in [
        (good.clone().without("response_type"), "invalid_request"),
        (good.clone().with("response_type", "token"), "unsupported_response_type"),
        (good.clone().with("response_type", "code id_token"), "unsupported_response_type"),
        (good.clone().with("response_mode", "fragment"), "invalid_request"),
        (good.clone().with("scope", "admin"), "invalid_scope"),
        (good.clone().with("scope", "open\"id"), "invalid_scope"),
        (good.clone().with("request", "eyJhbGciOiJub25lIn0.e30."), "request_not_supported"),
        (good.clone().with("request_uri", "https://app.example/r"), "request_uri_not_supported"),
        (good.clone().with("registration", "{}"), "registration_not_supported"),
        (good.clone().with("resource", "https://relay.example/api"), "invalid_target"),
        (good.clone().with("prompt", "none login"), "invalid_request"),
        (good.clone().with("prompt", "create"), "invalid_request"),
        (good.clone().with("max_age", "-1"), "invalid_request"),
        (good.clone().with("claims", "[]"), "invalid_request"),
        (good.clone().with("id_token_hint", hint), "invalid_request"),
        (good.clone().and("nonce", "another"), "invalid_request"),
        (good.clone().and("code_challenge", CHALLENGE), "invalid_request"),
        (good.clone().with("nonce", &"n".repeat(9000)), "invalid_request"),
        // PKCE, rows 20 and 21.
        (good.clone().without("code_challenge"), "invalid_request"),
        (good.clone().without("code_challenge").without("code_challenge_method"), "invalid_request"),
        (good.clone().with("code_challenge", ""), "invalid_request"),
        (good.clone().with("code_challenge", "short"), "invalid_request"),
        (good.clone().without("code_challenge_method"), "invalid_request"),
        (good.clone().with("code_challenge_method", "plain"), "invalid_request"),
        (good.clone().with("code_challenge_method", "s256"), "invalid_request"),
        (good.clone().with("prompt", "none"), "login_required"),
    ] {
        let answer = browser.get(&request.url()).await;
        answer.redirects_with(error);
        assert_eq!(answer.location_parameter("state").as_deref(), Some("xyz state"), "{}", request.url());
    }
    // A state that came twice is nobody's.
    let answer = browser.get(&good.clone().and("state", "other").url()).await;
    answer.redirects_with("invalid_request");
    assert_eq!(answer.location_parameter("state"), None);

    let machine = castellan.client(&world.recover).grants(&[GrantType::ClientCredentials]).create().await;
    browser.get(&machine.authorization_request().url()).await.redirects_with("unauthorized_client");
}

/// A client for which an administrator has switched PKCE off may leave it out, but not halve it.
#[tokio::test]
async fn pkce_is_all_or_nothing_where_it_is_not_required() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let client = castellan.client(&world.recover).without_pkce().create().await;
    let good = client.authorization_request();
    let mut browser = castellan.browser();
    let bare = good.clone().without("code_challenge").without("code_challenge_method").with("prompt", "none");
    browser.get(&bare.url()).await.redirects_with("login_required");
    for request in [good.clone().with("code_challenge", ""), good.clone().without("code_challenge")] {
        browser.get(&request.url()).await.redirects_with("invalid_request");
    }
}

/// OAuth 2.0 Form Post Response Mode: errors too, as a form that works without script.
#[tokio::test]
async fn form_post_answers_by_a_form() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let client = castellan.client(&world.recover).create().await;
    let request = client.authorization_request().with("response_mode", "form_post").with("prompt", "none");
    let answer = castellan.browser().get(&request.url()).await;
    answer.has_status(200);
    assert_eq!(answer.attribute_of("form-post", "action").as_deref(), Some(CALLBACK));
    for part in
        ["name=\"error\" value=\"login_required\"", "name=\"state\" value=\"xyz state\"", "name=\"iss\"", "<noscript>"]
    {
        assert!(answer.body.contains(part), "{part}: {}", answer.body);
    }
    assert!(!answer.header("content-security-policy").contains("form-action"));
}

/// A stranger goes to sign in, in any response mode; the request waits, state and all.
#[tokio::test]
async fn who_is_not_signed_in_is_sent_to_sign_in() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let client = castellan.client(&world.recover).create().await;
    let mut browser = castellan.browser();
    let answer = browser.get_once(&client.authorization_request().with("state", &"s".repeat(2000)).url()).await;
    assert!(answer.location().starts_with("/login?flow="), "{}", answer.location());
    assert!(browser.cookies.contains_key("castellan_browser"));
}
