//! `kill -9` in the middle of code exchanges: afterwards every code has been redeemed at most once,
//! every acknowledged token works, and the server was ready again within two seconds.

use std::{cell::RefCell, fmt::Write, rc::Rc, time::Duration};

use anyhow::{Context, Result, ensure};
use futures_util::future::{join, join_all};

use super::journal::{Fate, Journal};
use crate::{
    goals::heading,
    http::{Browser, Connection},
    journeys::{Authorize, Code, Party, Tokens, random, sign_in},
    measure::Journey,
    options::Options,
    server::Demo,
};

const ROUNDS: usize = 20;
const CODES: usize = 1000;
const WORKERS: usize = 32;
const READY: Duration = Duration::from_secs(2);

/// What the rounds found.
#[derive(Default)]
struct Tally {
    kills: usize,
    acknowledged: usize,
    /// In flight at the kill: found used, found unused.
    unknown_used: usize,
    unknown_unused: usize,
    unused: usize,
    /// Each must stay at zero.
    redeemed_twice: usize,
    tokens_lost: usize,
    codes_lost: usize,
    slowest_start: Duration,
}

pub async fn crash(options: &Options) -> Result<String> {
    let start = options.demo("crash")?;
    let mut demo = Demo::start(&start).await?;
    let (client, user) = demo.world.product_pair()?;
    let mut party = Party::new(&demo.target, client).await?;
    let mut browser = Browser::new(&demo.target);
    sign_in(&mut browser, &party, user).await?;
    let cookies = browser.cookie_header();
    let mut tally = Tally::default();
    for round in 0..options.rounds.unwrap_or(ROUNDS) {
        let journal = Journal::begin(&options.folder.join(format!("crash-{round}.journal")))?;
        let codes = issue(&party, &cookies, &journal).await?;
        kill_during(&mut demo, &party, codes, &journal).await?;
        tally.kills += 1;
        demo = Demo::start(&start).await.context("after the kill")?;
        tally.slowest_start = tally.slowest_start.max(demo.ready);
        check(&party, &journal, &mut tally).await.with_context(|| format!("round {round}"))?;
        party = Party::new(&demo.target, demo.world.client(&party.client_id)?).await?;
    }
    report(options, &tally)
}

async fn issue(party: &Party, cookies: &str, journal: &Journal) -> Result<Vec<Code>> {
    let codes: Rc<RefCell<Vec<Code>>> = Rc::default();
    let mut workers: Vec<_> = (0..WORKERS).map(|_| Authorize::new(party, cookies, &codes)).collect();
    while codes.borrow().len() < CODES {
        for outcome in join_all(workers.iter_mut().map(Authorize::step)).await {
            outcome?;
        }
    }
    let codes = codes.take();
    codes.iter().try_for_each(|code| journal.issued(code))?;
    Ok(codes)
}

/// Redeems the codes on many connections and kills the server at a moment nobody chose.
async fn kill_during(demo: &mut Demo, party: &Party, codes: Vec<Code>, journal: &Journal) -> Result<()> {
    let queue = RefCell::new(codes);
    let workers = join_all((0..WORKERS).map(async |_| -> Result<()> {
        let mut connection = Connection::open(&party.target).await?;
        loop {
            let Some(code) = queue.borrow_mut().pop() else { return Ok(()) };
            journal.sent(&code)?;
            // The kill cuts the connection: what becomes of the code then is for the checks to find out.
            let Ok(answer) = connection.send(&party.code_request(&code)).await else { return Ok(()) };
            journal.acknowledged(&code, &Tokens::of(answer)?)?;
        }
    }));
    let kill = async {
        let chance = random().bytes().map(u64::from).sum::<u64>() % 451;
        tokio::time::sleep(Duration::from_millis(50 + chance)).await;
        demo.process.kill()
    };
    let (outcomes, killed) = join(workers, kill).await;
    killed?;
    outcomes.into_iter().collect()
}

/// Asks the server, through its API, about every code of the journal.
async fn check(party: &Party, journal: &Journal, tally: &mut Tally) -> Result<()> {
    let mut connection = Connection::open(&party.target).await?;
    for (code, fate) in journal.fates()? {
        let redeem = party.code_request(&code);
        match fate {
            Fate::Redeemed { access, refresh } => {
                tally.acknowledged += 1;
                let refresh = refresh.context("a refresh token")?;
                let active = connection.send(&party.introspection_request(&access)).await?.expect(200)?.json()?;
                let refreshed = connection.send(&party.refresh_request(&refresh)).await?.status == 200;
                tally.tokens_lost += usize::from(active["active"] != true || !refreshed);
                tally.redeemed_twice += usize::from(connection.send(&redeem).await?.status == 200);
            }
            Fate::Unknown => {
                let first = connection.send(&redeem).await?.status == 200;
                let second = connection.send(&redeem).await?.status == 200;
                tally.redeemed_twice += usize::from(second);
                tally.unknown_unused += usize::from(first);
                tally.unknown_used += usize::from(!first);
            }
            Fate::Unused => {
                tally.unused += 1;
                tally.codes_lost += usize::from(connection.send(&redeem).await?.status != 200);
            }
        }
    }
    Ok(())
}

fn report(options: &Options, tally: &Tally) -> Result<String> {
    let mut text = heading(options)?;
    writeln!(text, "| kill -9 during code exchanges | |\n| --- | --- |")?;
    writeln!(text, "| kills | {} |", tally.kills)?;
    writeln!(text, "| exchanges acknowledged | {} |", tally.acknowledged)?;
    writeln!(
        text,
        "| in flight at the kill: found used, found unused | {}, {} |",
        tally.unknown_used, tally.unknown_unused
    )?;
    writeln!(text, "| issued and not yet sent | {} |", tally.unused)?;
    writeln!(text, "| **codes redeemed twice** | {} |", tally.redeemed_twice)?;
    writeln!(text, "| **acknowledged tokens lost** | {} |", tally.tokens_lost)?;
    writeln!(text, "| **acknowledged codes lost** | {} |", tally.codes_lost)?;
    writeln!(text, "| slowest return to ready | {:.2} s (≤ 2 s) |", tally.slowest_start.as_secs_f64())?;
    let kept = tally.redeemed_twice + tally.tokens_lost + tally.codes_lost == 0 && tally.slowest_start <= READY;
    ensure!(kept, "a promise was broken:\n{text}");
    Ok(text)
}
