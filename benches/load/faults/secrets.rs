//! Secrets of every kind, made and used, each noted as a canary.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::json;

use super::search::Canaries;
use crate::{
    http::{Browser, Connection, Landing, Target},
    journeys::{Authorize, Party, Tokens, random, sign_in},
    server::{Demo, World},
};

/// What the describe file tells.
pub fn of_the_world(world: &World, canaries: &mut Canaries) {
    for user in &world.users {
        canaries.add("password", user.password.as_deref());
        canaries.add("TOTP secret", user.totp_secret.as_deref());
    }
    for client in &world.clients {
        canaries.add("client secret", client.client_secret.as_deref());
    }
    for connection in &world.connections {
        canaries.add("connection token", Some(&connection.token));
    }
    canaries.add("API token", Some(&world.api.token));
}

/// Each kind of secret, made and used.
pub async fn use_everything(demo: &Demo, canaries: &mut Canaries) -> Result<()> {
    let mut connection = Connection::open(&demo.target).await?;
    let (client, user) = demo.world.product_pair()?;
    let party = Party::new(&demo.target, client).await?;
    let mut browser = Browser::new(&demo.target);
    let mut codes = vec![sign_in(&mut browser, &party, user).await?];
    codes.extend(Authorize::codes(&party, &browser.cookie_header(), 3).await?);
    for (name, value) in &browser.cookies {
        canaries.add(&format!("cookie {name}"), Some(value));
    }
    let wrong = random();
    for code in codes {
        canaries.add("code", Some(&code.code));
        canaries.add("verifier", Some(&code.verifier));
        let tokens = keep(Tokens::of(connection.send(&party.code_request(&code)).await?)?, canaries);
        connection.send(&party.userinfo_request(&tokens.access)).await?.expect(200)?;
        connection.send(&party.introspection_request(&tokens.access)).await?.expect(200)?;
        let refresh = tokens.refresh.context("a refresh token")?;
        keep(Tokens::of(connection.send(&party.refresh_request(&refresh)).await?)?, canaries);
        // Replays and nonsense take the paths that log.
        connection.send(&party.refresh_request(&refresh)).await?.expect(400)?;
        connection.send(&party.code_request(&code)).await?.expect(400)?;
        connection.send(&party.refresh_request(&wrong)).await?.expect(400)?;
    }
    canaries.add("unknown refresh token", Some(&wrong));
    let machine = Party::new(&demo.target, demo.world.machine()?).await?;
    let request = machine.token_request(&[("grant_type", "client_credentials")]);
    keep(Tokens::of(connection.send(&request).await?)?, canaries);
    wrong_password(demo, &party, canaries).await?;
    let target = Target::of_url(&demo.world.api.base_url)?;
    let path = format!("{}/me/products", url::Url::parse(&demo.world.api.base_url)?.path().trim_end_matches('/'));
    let bearer = format!("Bearer {}", demo.world.api.token);
    Connection::new(&target).send(&target.get(&path, &[("authorization", &bearer)])).await?;
    provision(demo, canaries).await
}

fn keep(tokens: Tokens, canaries: &mut Canaries) -> Tokens {
    canaries.add("access token", Some(&tokens.access));
    canaries.add("refresh token", tokens.refresh.as_deref());
    canaries.add("ID token", tokens.id.as_deref());
    tokens
}

async fn wrong_password(demo: &Demo, party: &Party, canaries: &mut Canaries) -> Result<()> {
    let (_, user) = demo.world.product_pair()?;
    let mut user = user.clone();
    user.password = Some(random());
    canaries.add("wrong password", user.password.as_deref());
    let outcome = sign_in(&mut Browser::new(&demo.target), party, &user).await;
    ensure!(outcome.is_err(), "a wrong password was accepted");
    Ok(())
}

/// A person provisioned over SCIM, whose mail carries a link.
async fn provision(demo: &Demo, canaries: &mut Canaries) -> Result<()> {
    let connection = demo.world.connections.first().context("a connection")?;
    let target = Target::of_url(&connection.base_url)?;
    let name = format!("canary-{}@example.com", &random().to_ascii_lowercase().replace(['-', '_'], "x")[..12]);
    let body = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": name, "active": true,
        "name": { "givenName": "Canary", "familyName": "Bird" }, "emails": [{ "value": name, "primary": true }],
    });
    let path = format!("{}/Users", url::Url::parse(&connection.base_url)?.path().trim_end_matches('/'));
    let headers = [("authorization", &*format!("Bearer {}", connection.token))];
    let request = target.request("POST", &path, &headers, Some(("application/scim+json", &body.to_string())));
    Connection::new(&target).send(&request).await?.expect(201)?;
    for _ in 0..100 {
        if let Some(link) = link_in_mail(demo, &name).await? {
            let link = url::Url::parse(&link)?;
            // The secret is the longest part of the link, be it in the path or in the query.
            let parts = link.path_segments().into_iter().flatten().map(str::to_owned);
            let parts = parts.chain(link.query_pairs().map(|(_, value)| value.into_owned()));
            canaries.add("activation link", parts.max_by_key(String::len).as_deref());
            let query = link.query().map_or_else(String::new, |query| format!("?{query}"));
            let landing = Browser::new(&demo.target).get(&format!("{}{query}", link.path())).await?;
            ensure!(matches!(landing, Landing::Page { .. }), "the activation link leads to a page");
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    anyhow::bail!("no mail came for {name}")
}

async fn link_in_mail(demo: &Demo, to: &str) -> Result<Option<String>> {
    let target = Target::of_url(&demo.world.mailbox)?;
    let path = url::Url::parse(&demo.world.mailbox)?.path().to_owned();
    let request = target.get(&path, &[("accept", "application/json")]);
    let mails = Connection::new(&target).send(&request).await?.expect(200)?.json()?;
    let mails = mails.as_array().or_else(|| mails["mails"].as_array()).cloned().unwrap_or_default();
    let mail = mails.iter().find(|mail| mail["to"].as_str().is_some_and(|text| text.contains(to)));
    Ok(mail.and_then(|mail| mail["links"][0].as_str()).map(str::to_owned))
}
