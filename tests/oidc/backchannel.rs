use std::time::Duration;

use castellan::{
    background,
    keys::foreign,
    sessions::{self, Session},
    tokens::ClaimsRequest,
};

use super::cast::{anna, sign_in, tokens};
use crate::support::{Castellan, RelyingParty, TestClient, claims, header};

async fn client<'c>(castellan: &'c Castellan, world: &crate::support::World, party: &RelyingParty) -> TestClient<'c> {
    let uri = party.url("/backchannel");
    castellan.client(&world.recover).settings(|own| own.backchannel_logout_uri = Some(uri)).create().await
}

async fn end(castellan: &Castellan, session: &Session) {
    let (master, now, id) = (castellan.app.master.clone(), castellan.now(), session.id);
    castellan.write(async move |tx| sessions::end(tx, &master, id, now).await).await;
}

async fn settle(castellan: &Castellan) {
    background::settle(&castellan.app).await.expect("settled");
}

/// Back-Channel Logout 1.0 §2.4.
#[tokio::test]
async fn a_client_is_told_of_the_end_of_a_session_by_a_valid_logout_token() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let person = anna(&castellan, &world).await;
    let party = RelyingParty::start().await;
    let client = client(&castellan, &world, &party).await;
    let (session, _) = sign_in(&castellan, &person).await;
    let got = tokens(&castellan, &client, &session, ("openid", ClaimsRequest::default())).await;

    end(&castellan, &session).await;
    settle(&castellan).await;

    assert_eq!(party.heard().len(), 1);
    assert!(party.heard()[0].starts_with("POST /backchannel HTTP/1.1\r\n"));
    assert!(party.heard()[0].to_ascii_lowercase().contains("content-type: application/x-www-form-urlencoded"));
    let token = party.logout_tokens().remove(0);
    assert_eq!(header(&token)["typ"], "logout+jwt");
    assert_eq!(header(&token)["alg"], header(&got.id_token)["alg"], "as the client's ID tokens");
    let told = claims(&token);
    let id_token = claims(&got.id_token);
    for same in ["iss", "aud", "sub", "sid"] {
        assert_eq!(told[same], id_token[same], "{same}");
    }
    assert!(told["events"]["http://schemas.openid.net/event/backchannel-logout"].is_object());
    assert!(told.get("nonce").is_none());
    assert!(told["jti"].is_string());
    let life = told["exp"].as_i64().expect("exp") - told["iat"].as_i64().expect("iat");
    assert!((1..=120).contains(&life), "{life}");

    let keys = castellan.get("/jwks").await.expect(200);
    let read = foreign::verify(&token, &keys, castellan.now());
    assert!(read.is_err(), "its type keeps it from being taken for a client assertion");

    settle(&castellan).await;
    castellan.advance(600);
    settle(&castellan).await;
    assert_eq!(party.heard().len(), 1, "once");
}

#[tokio::test]
async fn a_client_without_a_logout_uri_or_without_the_session_is_not_told() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let person = anna(&castellan, &world).await;
    let party = RelyingParty::start().await;
    let bystander = client(&castellan, &world, &party).await;
    let quiet = castellan.client(&world.recover).create().await;
    let (session, _) = sign_in(&castellan, &person).await;
    let (other, _) = sign_in(&castellan, &person).await;
    tokens(&castellan, &bystander, &other, ("openid", ClaimsRequest::default())).await;
    tokens(&castellan, &quiet, &session, ("openid", ClaimsRequest::default())).await;
    end(&castellan, &session).await;
    settle(&castellan).await;
    assert!(party.heard().is_empty());
}

/// §2.8: tried again, each time with a token of its own, and not for ever.
#[tokio::test]
async fn a_client_that_is_down_is_told_later_and_not_for_ever() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let person = anna(&castellan, &world).await;
    let party = RelyingParty::start().await;
    let client = client(&castellan, &world, &party).await;
    let (session, _) = sign_in(&castellan, &person).await;
    tokens(&castellan, &client, &session, ("openid", ClaimsRequest::default())).await;
    party.answers(503);
    end(&castellan, &session).await;
    settle(&castellan).await;
    castellan.advance(300);
    settle(&castellan).await;
    party.answers(200);
    castellan.advance(300);
    settle(&castellan).await;
    castellan.advance(300);
    settle(&castellan).await;

    let ids: Vec<String> = party.logout_tokens().iter().map(|token| claims(token)["jti"].to_string()).collect();
    assert_eq!(ids.len(), 3);
    assert!(ids[0] != ids[1] && ids[1] != ids[2] && ids[0] != ids[2]);

    let (session, _) = sign_in(&castellan, &person).await;
    tokens(&castellan, &client, &session, ("openid", ClaimsRequest::default())).await;
    party.answers(500);
    end(&castellan, &session).await;
    for _ in 0..200 {
        castellan.advance(60);
        settle(&castellan).await;
    }
    let tries = party.heard().len() - 3;
    assert!((3..60).contains(&tries), "{tries}");
}

/// Row 112: a redirect is no way inside.
#[tokio::test]
async fn redirects_are_not_followed() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let person = anna(&castellan, &world).await;
    let party = RelyingParty::start().await;
    let client = client(&castellan, &world, &party).await;
    let (session, _) = sign_in(&castellan, &person).await;
    tokens(&castellan, &client, &session, ("openid", ClaimsRequest::default())).await;
    party.answers(302);
    end(&castellan, &session).await;
    settle(&castellan).await;
    assert_eq!(party.heard().len(), 1);
    assert!(!party.heard()[0].contains("/elsewhere "));
}

/// Row 112: unless an operator opens them, loopback and private addresses are not called.
#[tokio::test]
async fn private_addresses_are_not_called_by_default() {
    let castellan = Castellan::start_with(|config| config.allow_private_outbound = false).await;
    let world = castellan.world().await;
    let person = anna(&castellan, &world).await;
    let party = RelyingParty::start().await;
    let (session, _) = sign_in(&castellan, &person).await;
    let port = party.address.port();
    for host in ["127.0.0.1", "localhost", "2130706433", "[::ffff:127.0.0.1]", "0.0.0.0"] {
        for scheme in ["http", "https"] {
            let uri = format!("{scheme}://{host}:{port}/");
            let client = castellan.client(&world.recover).settings(|own| own.backchannel_logout_uri = Some(uri));
            // Some of these cannot even be registered.
            if let Ok(client) = client.try_create().await {
                tokens(&castellan, &client, &session, ("openid", ClaimsRequest::default())).await;
            }
        }
    }
    end(&castellan, &session).await;
    settle(&castellan).await;
    tokio::time::timeout(Duration::from_millis(50), std::future::pending::<()>()).await.expect_err("time passes");
    assert!(party.heard().is_empty());
}
