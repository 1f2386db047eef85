//! Refresh tokens: rotation, reuse, ends (RFC 6749 §6, RFC 9700 §4.14, security.md rows 140 and 141).

use castellan::{
    access::Subject,
    organizations::{MfaRule, Policy},
};

use crate::support::{Browser, Castellan, Person, TestClient, World, claims};

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

fn token(tokens: &serde_json::Value, name: &str) -> String {
    tokens[name].as_str().unwrap_or_else(|| panic!("no {name}: {tokens}")).to_owned()
}

#[tokio::test]
async fn a_refresh_token_is_good_once_and_auth_time_stays() {
    let castellan = Castellan::start().await;
    let mut scene = scene(&castellan).await;
    let first = scene.client.tokens(&mut scene.browser).await;
    castellan.advance(600);
    let second = scene.client.refresh(&token(&first, "refresh_token")).await.expect(200);
    assert_ne!(second["refresh_token"], first["refresh_token"]);
    assert_eq!(second["scope"], first["scope"]);
    let (before, after) = (claims(&token(&first, "access_token")), claims(&token(&second, "access_token")));
    assert_eq!(before["auth_time"], after["auth_time"]);
    assert_eq!(after["iat"].as_i64().expect("iat") - before["iat"].as_i64().expect("iat"), 600);
    assert_ne!(before["jti"], after["jti"]);
    scene.client.refresh(&token(&second, "refresh_token")).await.expect(200);
}

/// RFC 9700 §4.14.2: a token used twice ends its whole family.
#[tokio::test]
async fn reuse_ends_the_family() {
    let castellan = Castellan::start().await;
    let mut scene = scene(&castellan).await;
    let first = scene.client.tokens(&mut scene.browser).await;
    let second = scene.client.refresh(&token(&first, "refresh_token")).await.expect(200);
    let third = scene.client.refresh(&token(&second, "refresh_token")).await.expect(200);
    scene.client.refresh(&token(&first, "refresh_token")).await.refuses(400, "invalid_grant");
    scene.client.refresh(&token(&third, "refresh_token")).await.refuses(400, "invalid_grant");
    for tokens in [&first, &second, &third] {
        assert_eq!(scene.client.introspect(&token(tokens, "access_token")).await["active"], false);
    }
    // Another sign-in is another family.
    let anew = scene.client.tokens(&mut scene.browser).await;
    scene.client.refresh(&token(&anew, "refresh_token")).await.expect(200);
}

/// Row 140: the race has one winner, and then the family is dead.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_at_once_rotate_once() {
    let castellan = Castellan::start().await;
    let mut scene = scene(&castellan).await;
    for _ in 0..3 {
        let tokens = scene.client.tokens(&mut scene.browser).await;
        let refresh_token = token(&tokens, "refresh_token");
        let answers = futures_util::future::join_all((0..50).map(|_| scene.client.refresh(&refresh_token))).await;
        let won: Vec<_> = answers.iter().filter(|answer| answer.status == 200).collect();
        assert_eq!(won.len(), 1);
        scene.client.refresh(&token(&won[0].json(), "refresh_token")).await.refuses(400, "invalid_grant");
    }
}

/// Rows 9 and 141: bound to its client, and a stranger's try does not end it.
#[tokio::test]
async fn only_its_own_client_may_use_it() {
    let castellan = Castellan::start().await;
    let mut scene = scene(&castellan).await;
    let other = castellan.client(&scene.world.recover).create().await;
    let public = castellan.client(&scene.world.recover).public().create().await;
    let tokens = scene.client.tokens(&mut scene.browser).await;
    let refresh_token = token(&tokens, "refresh_token");
    other.refresh(&refresh_token).await.refuses(400, "invalid_grant");
    public.refresh(&refresh_token).await.refuses(400, "invalid_grant");
    let fields = [("grant_type", "refresh_token"), ("refresh_token", refresh_token.as_str())];
    castellan.post_form("/token", &[], &fields).await.refuses(401, "invalid_client");
    let named = [&fields[..], &[("client_id", scene.client.id())]].concat();
    castellan.post_form("/token", &[], &named).await.refuses(401, "invalid_client");
    // Row 16: nothing else is a refresh token.
    scene.client.refresh(&token(&tokens, "access_token")).await.refuses(400, "invalid_grant");
    for changed in [&refresh_token[1..], &refresh_token[..refresh_token.len() - 1], &format!("{refresh_token}A")] {
        scene.client.refresh(changed).await.refuses(400, "invalid_grant");
    }
    scene.client.refresh(&refresh_token).await.expect(200);
}

/// RFC 6749 §6: narrower, never wider; and the next one is as wide as the first again.
#[tokio::test]
async fn the_scope_never_grows() {
    let castellan = Castellan::start().await;
    let mut scene = scene(&castellan).await;
    let ask = async |refresh_token: String, scope: &str| {
        let fields = [("grant_type", "refresh_token"), ("refresh_token", refresh_token.as_str()), ("scope", scope)];
        scene.client.token(&fields).await
    };
    let tokens = scene.client.tokens(&mut scene.browser).await;
    let same = ask(token(&tokens, "refresh_token"), "openid product offline_access").await.expect(200);
    let narrow = ask(token(&same, "refresh_token"), "product").await.expect(200);
    assert_eq!(narrow["scope"], "product");
    assert_eq!(claims(&token(&narrow, "access_token"))["scope"], "product");
    for wider in ["openid email", "admin", "openid product offline_access profile", "op\"enid"] {
        ask(token(&narrow, "refresh_token"), wider).await.refuses(400, "invalid_scope");
    }
    let again = scene.client.refresh(&token(&narrow, "refresh_token")).await.expect(200);
    assert_eq!(again["scope"], "openid product offline_access");
}

#[tokio::test]
async fn it_ends_when_unused_and_at_last_in_any_case() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let client = castellan
        .client(&world.recover)
        .settings(|settings| {
            settings.refresh_idle_seconds = Some(100);
            settings.refresh_absolute_seconds = Some(250);
        })
        .create()
        .await;
    let mara = castellan.person(&world.partner, "mara@brackwater.example").create().await;
    castellan.assign(Subject::User(mara.user.id), &world.recover, &["operator"], world.partner.id).await;
    let mut browser = castellan.signed_in(&mara).await;

    let tokens = client.tokens(&mut browser).await;
    castellan.advance(100);
    client.refresh(&token(&tokens, "refresh_token")).await.refuses(400, "invalid_grant");

    let mut tokens = client.tokens(&mut browser).await;
    for _ in 0..2 {
        castellan.advance(99);
        tokens = client.refresh(&token(&tokens, "refresh_token")).await.expect(200);
    }
    castellan.advance(52);
    client.refresh(&token(&tokens, "refresh_token")).await.refuses(400, "invalid_grant");
}

/// A configured grace forgives one lost answer, and no second one.
#[tokio::test]
async fn a_grace_forgives_one_lost_answer() {
    let castellan =
        Castellan::start_with(|config| config.tokens.refresh_grace = std::time::Duration::from_secs(10)).await;
    let mut scene = scene(&castellan).await;
    let tokens = scene.client.tokens(&mut scene.browser).await;
    let refresh_token = token(&tokens, "refresh_token");
    scene.client.refresh(&refresh_token).await.expect(200);
    castellan.advance(9);
    let again = scene.client.refresh(&refresh_token).await.expect(200);
    scene.client.refresh(&refresh_token).await.refuses(400, "invalid_grant");
    scene.client.refresh(&token(&again, "refresh_token")).await.refuses(400, "invalid_grant");

    let tokens = scene.client.tokens(&mut scene.browser).await;
    scene.client.refresh(&token(&tokens, "refresh_token")).await.expect(200);
    castellan.advance(11);
    scene.client.refresh(&token(&tokens, "refresh_token")).await.refuses(400, "invalid_grant");
}

/// The end of the session, of the account or of the access is the end of the family.
#[tokio::test]
async fn it_ends_with_what_it_rests_on() {
    let castellan = Castellan::start().await;
    let mut scene = scene(&castellan).await;
    let (user, now) = (scene.mara.user.id, castellan.now());
    let master = std::sync::Arc::clone(&castellan.app.master);

    let tokens = scene.client.tokens(&mut scene.browser).await;
    let session = claims_session(&castellan, &token(&tokens, "access_token")).await;
    castellan.write(async move |tx| castellan::sessions::end(tx, &master, session, now).await).await;
    scene.client.refresh(&token(&tokens, "refresh_token")).await.refuses(400, "invalid_grant");
    assert_eq!(scene.client.introspect(&token(&tokens, "access_token")).await["active"], false);

    castellan.sign_in(&mut scene.browser, &scene.mara, &[]).await;
    let tokens = scene.client.tokens(&mut scene.browser).await;
    let master = std::sync::Arc::clone(&castellan.app.master);
    let person = castellan::users::find(&mut castellan.app.store.reader().await.expect("a reader"), user).await;
    let person = person.expect("a read").expect("the user");
    castellan
        .write(async move |tx| {
            let by = castellan::audit::By::system();
            let act = castellan::users::life_cycle::Act { master: &master, by: &by };
            castellan::users::life_cycle::deactivate(tx, act, &person, now).await
        })
        .await
        .expect("nothing forbids it");
    scene.client.refresh(&token(&tokens, "refresh_token")).await.refuses(400, "invalid_grant");
    assert_eq!(scene.client.introspect(&token(&tokens, "access_token")).await["active"], false);
    scene
        .browser
        .get(&scene.client.authorization_request().with("prompt", "none").url())
        .await
        .redirects_with("login_required");
}

async fn claims_session(castellan: &Castellan, access_token: &str) -> castellan::id::SessionId {
    let mut db = castellan.app.store.reader().await.expect("a reader");
    let found = castellan::tokens::authenticate(&mut db, &castellan.app.keys, access_token, castellan.now()).await;
    found.expect("a read").expect("a live token").session_id.expect("a session")
}

/// Nobody gets a token before the second factor that their organization demands, not even for an older grant.
#[tokio::test]
async fn a_grant_that_no_longer_meets_the_policy_is_refreshed_no_more() {
    let castellan = Castellan::start().await;
    let mut scene = scene(&castellan).await;
    let first = scene.client.tokens(&mut scene.browser).await;
    let policy = Policy { mfa: Some(MfaRule::Required), ..Policy::default() };
    castellan.set_policy(scene.world.partner.id, policy).await;
    // What a node keeps of policies is at most a second old.
    castellan.advance(1);
    scene.client.refresh(&token(&first, "refresh_token")).await.refuses(400, "invalid_grant");
}
