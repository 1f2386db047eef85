//! Redeeming codes (RFC 6749 §4.1.3, RFC 7636 §4.6, security.md rows 9-13 and 19).

use castellan::{access::Subject, organizations};

use crate::support::{Browser, CALLBACK, Castellan, Person, TestClient, VERIFIER, World};

struct Scene<'c> {
    world: World,
    client: TestClient<'c>,
    mara: Person,
    browser: Browser<'c>,
}

async fn scene(castellan: &Castellan) -> Scene<'_> {
    let world = castellan.world().await;
    let client = castellan.client(&world.recover).create().await;
    let mara = castellan.person(&world.partner, "mara@brackwater.example").create().await;
    castellan.assign(Subject::User(mara.user.id), &world.recover, &["operator"], world.partner.id).await;
    let browser = castellan.signed_in(&mara).await;
    Scene { world, client, mara, browser }
}

fn token<'a>(tokens: &'a serde_json::Value, name: &str) -> &'a str {
    tokens[name].as_str().unwrap_or_else(|| panic!("no {name}: {tokens}"))
}

const WRONG: &str = "wrong-wrong-wrong-wrong-wrong-wrong-wrong-wrong";

/// Row 10: single use is decided by the database.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_at_once_redeem_a_code_once() {
    let castellan = Castellan::start().await;
    let mut scene = scene(&castellan).await;
    for _ in 0..3 {
        let code = scene.client.code(&mut scene.browser).await;
        let all = (0..50).map(|_| scene.client.redeem(&code, VERIFIER));
        let answers = futures_util::future::join_all(all).await;
        let won: Vec<_> = answers.iter().filter(|answer| answer.status == 200).collect();
        assert_eq!(won.len(), 1);
        // The others were replays with good proof: what the first one got is dead.
        assert_eq!(scene.client.introspect(token(&won[0].json(), "access_token")).await["active"], false);
        scene.client.refresh(token(&won[0].json(), "refresh_token")).await.refuses(400, "invalid_grant");
    }
}

/// RFC 6749 §4.1.2: a code used twice is refused, and tokens issued from it are revoked (row 11).
#[tokio::test]
async fn a_replayed_code_revokes_its_tokens() {
    let castellan = Castellan::start().await;
    let mut scene = scene(&castellan).await;
    let code = scene.client.code(&mut scene.browser).await;
    let tokens = scene.client.redeem(&code, VERIFIER).await.expect(200);
    assert_eq!(scene.client.introspect(token(&tokens, "access_token")).await["active"], true);

    castellan.advance(30);
    scene.client.redeem(&code, VERIFIER).await.refuses(400, "invalid_grant");

    assert_eq!(scene.client.introspect(token(&tokens, "access_token")).await["active"], false);
    scene.client.refresh(token(&tokens, "refresh_token")).await.refuses(400, "invalid_grant");
}

/// Row 11: who replays without the proof ends nothing.
#[tokio::test]
async fn a_replay_with_a_wrong_verifier_ends_nothing() {
    let castellan = Castellan::start().await;
    let mut scene = scene(&castellan).await;
    let other = castellan.client(&scene.world.recover).create().await;
    let code = scene.client.code(&mut scene.browser).await;
    let tokens = scene.client.redeem(&code, VERIFIER).await.expect(200);
    for _ in 0..7 {
        scene.client.redeem(&code, WRONG).await.refuses(400, "invalid_grant");
        other.redeem(&code, VERIFIER).await.refuses(400, "invalid_grant");
    }
    assert_eq!(scene.client.introspect(token(&tokens, "access_token")).await["active"], true);
    scene.client.refresh(token(&tokens, "refresh_token")).await.expect(200);
}

/// Row 12: failures are counted, and the fifth kills the code.
#[tokio::test]
async fn the_fifth_wrong_verifier_kills_the_code() {
    let castellan = Castellan::start().await;
    let mut scene = scene(&castellan).await;
    let code = scene.client.code(&mut scene.browser).await;
    for _ in 0..4 {
        scene.client.redeem(&code, WRONG).await.refuses(400, "invalid_grant");
    }
    scene.client.redeem(&code, VERIFIER).await.expect(200);
    let code = scene.client.code(&mut scene.browser).await;
    for _ in 0..5 {
        scene.client.redeem(&code, WRONG).await.refuses(400, "invalid_grant");
    }
    scene.client.redeem(&code, VERIFIER).await.refuses(400, "invalid_grant");
}

/// Rows 9, 12 and 19.
#[tokio::test]
async fn everything_about_a_code_must_fit() {
    let castellan = Castellan::start().await;
    let mut scene = scene(&castellan).await;
    let other = castellan.client(&scene.world.recover).create().await;
    let good = async |browser: &mut Browser<'_>| scene.client.code(browser).await;
    let grant = ("grant_type", "authorization_code");
    let long = "v".repeat(129);
    for (redirect_uri, verifier) in [
        (CALLBACK, Some(WRONG)),
        (CALLBACK, Some("")),
        (CALLBACK, None),
        (CALLBACK, Some("a")),
        (CALLBACK, Some(long.as_str())),
        (CALLBACK, Some("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjX ")),
        (CALLBACK, Some("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")),
        ("https://app.example/other", Some(VERIFIER)),
        ("https://app.example:443/callback", Some(VERIFIER)),
        ("https://app.example/./callback", Some(VERIFIER)),
        ("no uri", Some(VERIFIER)),
    ] {
        let code = good(&mut scene.browser).await;
        let mut fields = vec![grant, ("code", code.as_str()), ("redirect_uri", redirect_uri)];
        fields.extend(verifier.map(|verifier| ("code_verifier", verifier)));
        scene.client.token(&fields).await.refuses(400, "invalid_grant");
    }
    let code = good(&mut scene.browser).await;
    other.redeem(&code, VERIFIER).await.refuses(400, "invalid_grant");
    for changed in [&code[1..], &code[..42], &format!("{code}="), &code.to_uppercase(), "x", &"x".repeat(4001)] {
        scene.client.redeem(changed, VERIFIER).await.refuses(400, "invalid_grant");
    }
    scene.client.token(&[grant]).await.refuses(400, "invalid_request");
    scene.client.token(&[grant, ("code", &"x".repeat(9000))]).await.refuses(400, "invalid_request");
    // OAuth 2.1 §10.2: the redirect URI may be left out, since PKCE does its work.
    scene.client.token(&[grant, ("code", &code), ("code_verifier", VERIFIER)]).await.expect(200);
}

/// Row 20: a challenge that somebody stripped does not pass for a client that sends its verifier.
#[tokio::test]
async fn a_verifier_without_a_challenge_is_a_downgrade() {
    let castellan = Castellan::start().await;
    let mut scene = scene(&castellan).await;
    let client = castellan.client(&scene.world.recover).without_pkce().create().await;
    let bare = client.authorization_request().without("code_challenge").without("code_challenge_method").url();
    let code = async |browser: &mut Browser<'_>| browser.get(&bare).await.location_parameter("code").expect("a code");
    let stripped = code(&mut scene.browser).await;
    client.redeem(&stripped, VERIFIER).await.refuses(400, "invalid_grant");
    let plain = code(&mut scene.browser).await;
    let fields = [("grant_type", "authorization_code"), ("code", &plain), ("redirect_uri", CALLBACK)];
    client.token(&fields).await.expect(200);
}

#[tokio::test]
async fn a_code_lives_a_minute() {
    let castellan = Castellan::start().await;
    let mut scene = scene(&castellan).await;
    let code = scene.client.code(&mut scene.browser).await;
    castellan.advance(59);
    scene.client.redeem(&code, VERIFIER).await.expect(200);
    let code = scene.client.code(&mut scene.browser).await;
    castellan.advance(60);
    scene.client.redeem(&code, VERIFIER).await.refuses(400, "invalid_grant");
}

/// Row 13: between code and token the user may have gone.
#[tokio::test]
async fn a_code_dies_with_its_user_organization_or_access() {
    let castellan = Castellan::start().await;
    let mut scene = scene(&castellan).await;
    let now = castellan.now();

    let code = scene.client.code(&mut scene.browser).await;
    let organization = scene.world.provider.id;
    let set = async |status| {
        castellan.write(async move |tx| organizations::set_status(tx, organization, status, now).await).await
    };
    set(organizations::Status::Suspended).await;
    scene.client.redeem(&code, VERIFIER).await.refuses(400, "invalid_grant");
    set(organizations::Status::Active).await;

    let code = scene.client.code(&mut scene.browser).await;
    let user = scene.mara.user.id;
    castellan
        .write(async move |tx| {
            for assignment in castellan::access::list_of_user(tx, user).await? {
                castellan::access::unassign(tx, assignment.id).await?;
            }
            Ok(())
        })
        .await;
    scene.client.redeem(&code, VERIFIER).await.refuses(400, "invalid_grant");
    castellan.assign(Subject::User(user), &scene.world.recover, &["operator"], scene.world.partner.id).await;

    let code = scene.client.code(&mut scene.browser).await;
    castellan.write(async move |tx| castellan::tokens::revoke_of_user(tx, user, now).await).await;
    scene.client.redeem(&code, VERIFIER).await.refuses(400, "invalid_grant");
}

/// A public client redeems without a secret, by its verifier alone; a scope without offline_access gets no refresh token.
#[tokio::test]
async fn a_public_client_redeems_by_its_verifier() {
    let castellan = Castellan::start().await;
    let mut scene = scene(&castellan).await;
    let client = castellan.client(&scene.world.recover).public().create().await;
    let url = client.authorization_request().with("scope", "openid unknown").url();
    let code = scene.browser.get(&url).await.location_parameter("code").expect("a code");
    let tokens = client.redeem(&code, VERIFIER).await.expect(200);
    assert_eq!(tokens["scope"], "openid");
    assert!(tokens.get("refresh_token").is_none());
}
