//! Fifty redemptions at once of one code, over one node or over two that share a PostgreSQL: one
//! succeeds. Then the family dies of the replays, but not of a replay with a wrong verifier.

use std::fmt::Write;

use anyhow::{Context, Result, ensure};
use futures_util::future::try_join_all;

use crate::{
    goals::heading,
    http::{Answer, Browser, Connection, Target},
    journeys::{Authorize, Code, Party, Tokens, random, sign_in},
    options::Options,
    server::{Demo, second_node},
};

const ROUNDS: usize = 20;
const AT_ONCE: usize = 50;

pub async fn race(options: &Options) -> Result<String> {
    let start = options.demo("race")?;
    let demo = Demo::start(&start).await?;
    let second = if start.database.is_some() { Some(second_node(&start).await?) } else { None };
    let mut targets = vec![demo.target.clone()];
    targets.extend(second.as_ref().map(|(_, target)| target.clone()));
    let (client, user) = demo.world.product_pair()?;
    let party = Party::new(&demo.target, client).await?;
    let mut browser = Browser::new(&demo.target);
    sign_in(&mut browser, &party, user).await?;
    let cookies = browser.cookie_header();
    let rounds = options.rounds.unwrap_or(ROUNDS);
    for round in 0..rounds {
        let codes = Authorize::codes(&party, &cookies, 3).await?;
        let [first, second, third] = &codes[..] else { anyhow::bail!("three codes") };
        race_for_a_code(&party, &targets, first).await.with_context(|| format!("round {round}, code"))?;
        race_for_a_refresh(&party, &targets, second).await.with_context(|| format!("round {round}, refresh"))?;
        wrong_verifier(&party, &targets, third).await.with_context(|| format!("round {round}, verifier"))?;
    }
    let mut text = heading(options)?;
    writeln!(
        text,
        "{} node(s), {rounds} rounds, {AT_ONCE} requests at once: one success for each code and for each",
        targets.len()
    )?;
    writeln!(
        text,
        "refresh token; the family of each was dead afterwards. A replay with a wrong verifier killed none."
    )?;
    Ok(text)
}

async fn race_for_a_code(party: &Party, targets: &[Target], code: &Code) -> Result<()> {
    let winner = at_once(targets, &party.code_request(code)).await?;
    is_dead(party, targets, winner).await
}

async fn race_for_a_refresh(party: &Party, targets: &[Target], code: &Code) -> Result<()> {
    let tokens = Tokens::of(Connection::new(&targets[0]).send(&party.code_request(code)).await?)?;
    let winner = at_once(targets, &party.refresh_request(&tokens.refresh.context("a refresh token")?)).await?;
    is_dead(party, targets, winner).await
}

async fn wrong_verifier(party: &Party, targets: &[Target], code: &Code) -> Result<()> {
    let tokens = Tokens::of(Connection::new(&targets[0]).send(&party.code_request(code)).await?)?;
    let wrong = Code { code: code.code.clone(), verifier: random() };
    for target in targets {
        refused(&Connection::new(target).send(&party.code_request(&wrong)).await?)?;
    }
    let refresh = party.refresh_request(&tokens.refresh.context("a refresh token")?);
    Connection::new(&targets[targets.len() - 1]).send(&refresh).await?.expect(200)?;
    Ok(())
}

/// Sends one request on many connections, over all nodes in turn; the one that succeeded.
async fn at_once(targets: &[Target], request: &[u8]) -> Result<Tokens> {
    let mut connections = Vec::new();
    for index in 0..AT_ONCE {
        connections.push(Connection::open(&targets[index % targets.len()]).await?);
    }
    let answers = try_join_all(connections.iter_mut().map(|connection| connection.send(request))).await?;
    let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 200);
    ensure!(won.len() == 1, "{} of {AT_ONCE} succeeded", won.len());
    lost.iter().try_for_each(refused)?;
    Tokens::of(won.into_iter().next().context("a winner")?)
}

/// On every node the refresh token is refused and the access token inactive.
async fn is_dead(party: &Party, targets: &[Target], tokens: Tokens) -> Result<()> {
    let refresh = party.refresh_request(&tokens.refresh.context("a refresh token")?);
    for target in targets {
        let mut connection = Connection::new(target);
        refused(&connection.send(&refresh).await?)?;
        let answer = connection.send(&party.introspection_request(&tokens.access)).await?.expect(200)?;
        ensure!(answer.json()?["active"] == false, "the access token of a replayed grant is active");
    }
    Ok(())
}

fn refused(answer: &Answer) -> Result<()> {
    ensure!(answer.status == 400, "wanted 400, got {}: {}", answer.status, answer.text());
    ensure!(answer.json()?["error"] == "invalid_grant", "wanted invalid_grant: {}", answer.text());
    Ok(())
}
