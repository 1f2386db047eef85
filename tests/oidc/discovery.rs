use crate::support::{Castellan, PUBLIC_URL};

const WELL_KNOWN: &[&str] = &["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"];

/// Members registered with IANA ("OAuth Authorization Server Metadata"), as far as we use them.
const REGISTERED: &[&str] = &[
    "issuer",
    "authorization_endpoint",
    "token_endpoint",
    "userinfo_endpoint",
    "jwks_uri",
    "scopes_supported",
    "response_types_supported",
    "response_modes_supported",
    "grant_types_supported",
    "acr_values_supported",
    "subject_types_supported",
    "id_token_signing_alg_values_supported",
    "token_endpoint_auth_methods_supported",
    "token_endpoint_auth_signing_alg_values_supported",
    "claim_types_supported",
    "claims_supported",
    "ui_locales_supported",
    "claims_parameter_supported",
    "request_parameter_supported",
    "request_uri_parameter_supported",
    "revocation_endpoint",
    "revocation_endpoint_auth_methods_supported",
    "introspection_endpoint",
    "introspection_endpoint_auth_methods_supported",
    "code_challenge_methods_supported",
    "authorization_response_iss_parameter_supported",
    "end_session_endpoint",
    "backchannel_logout_supported",
    "backchannel_logout_session_supported",
    "prompt_values_supported",
];

/// OpenID Connect Discovery 1.0 §3, RFC 8414 §2.
#[tokio::test]
async fn metadata_has_what_is_required_and_nothing_unregistered() {
    let castellan = Castellan::start().await;
    for path in WELL_KNOWN {
        let metadata = castellan.get(path).await.expect(200);
        assert_eq!(metadata["issuer"], PUBLIC_URL);
        for endpoint in
            ["authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri", "end_session_endpoint"]
        {
            let url = metadata[endpoint].as_str().expect("a URL");
            assert!(url.starts_with(&format!("{PUBLIC_URL}/")), "{url}");
        }
        let list = |name: &str| metadata[name].as_array().cloned().unwrap_or_default();
        assert_eq!(list("response_types_supported"), ["code"]);
        assert_eq!(list("subject_types_supported"), ["public"]);
        assert!(list("id_token_signing_alg_values_supported").contains(&"RS256".into()), "Core §15.1");
        assert!(!list("id_token_signing_alg_values_supported").contains(&"none".into()));
        assert_eq!(list("code_challenge_methods_supported"), ["S256"]);
        assert_eq!(metadata["request_uri_parameter_supported"], false, "missing would mean true");
        for member in metadata.as_object().expect("an object").keys() {
            assert!(REGISTERED.contains(&member.as_str()), "{member}");
        }
    }
}

#[tokio::test]
async fn metadata_and_keys_are_for_every_origin_and_have_an_entity_tag() {
    let castellan = Castellan::start().await;
    for path in [WELL_KNOWN[0], WELL_KNOWN[1], "/jwks"] {
        let first = castellan.request("GET", path, &[("origin", "https://evil.example")], String::new()).await;
        first.has_status(200);
        assert_eq!(first.header("access-control-allow-origin"), "*");
        assert!(first.headers.get("access-control-allow-credentials").is_none());
        assert_eq!(first.header("content-type"), "application/json");

        let tag = first.header("etag");
        let again = castellan.request("GET", path, &[("if-none-match", tag)], String::new()).await;
        again.has_status(304);
        assert!(again.body.is_empty());
        castellan.request("GET", path, &[("if-none-match", "\"other\"")], String::new()).await.has_status(200);
    }
}

/// Row 54 of the security programme: URLs are built from the configuration alone.
#[tokio::test]
async fn no_header_changes_a_url() {
    let castellan = Castellan::start().await;
    let plain = castellan.get(WELL_KNOWN[0]).await.body;
    let headers = [
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-proto", "ftp"),
        ("forwarded", "host=evil.example;proto=http"),
        ("x-original-url", "http://evil.example/"),
    ];
    assert_eq!(castellan.request("GET", WELL_KNOWN[0], &headers, String::new()).await.body, plain);
}

/// RFC 7517 §5: RS256 is among the keys, though it is made beside the running server; nothing private is.
#[tokio::test]
async fn the_key_set_is_complete_and_public() {
    let castellan = Castellan::start().await;
    let set = castellan.get("/jwks").await.expect(200);
    let keys = set["keys"].as_array().expect("keys");
    let algorithms: Vec<&str> = keys.iter().map(|key| key["alg"].as_str().expect("alg")).collect();
    assert_eq!(algorithms, ["ES256", "EdDSA", "RS256"]);
    for key in keys {
        assert_eq!(key["use"], "sig");
        assert!(key["kid"].is_string());
        for private in ["d", "p", "q", "dp", "dq", "qi", "k"] {
            assert!(key.get(private).is_none(), "{private} of {}", key["alg"]);
        }
    }
}
