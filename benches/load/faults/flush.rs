//! Evidence that an answer waits for the disk: between each lone exchange's request and its 200 lies
//! a flush, in the trace of the server's system calls (and PostgreSQL's).

use std::fmt::Write;

use anyhow::{Result, ensure};

use super::strace::{Exchanges, Strace};
use crate::{
    goals::heading,
    http::{Browser, Connection},
    journeys::{Authorize, Party, Tokens, sign_in},
    options::Options,
    server::Demo,
};

const EXCHANGES: usize = 50;

pub async fn flush(options: &Options) -> Result<String> {
    let demo = Demo::start(&options.demo("flush")?).await?;
    let (client, user) = demo.world.product_pair()?;
    let party = Party::new(&demo.target, client).await?;
    let mut browser = Browser::new(&demo.target);
    sign_in(&mut browser, &party, user).await?;
    let codes = Authorize::codes(&party, &browser.cookie_header(), EXCHANGES).await?;
    let machine = Party::new(&demo.target, demo.world.machine()?).await?;
    let mut processes = vec![demo.process.id.to_string()];
    processes.extend(options.also_trace.iter().map(|parent| children(parent)).collect::<Result<Vec<_>>>()?.concat());
    let mut connection = Connection::open(&demo.target).await?;

    let strace = Strace::attach(&options.folder.join("exchanges.strace"), &processes).await?;
    for code in &codes {
        Tokens::of(connection.send(&party.code_request(code)).await?)?;
    }
    let exchanges = Exchanges::of(&strace.lines()?, &party.token_request_line());
    // The counter-proof: a grant that writes nothing before its answer seldom has a flush there.
    let strace = Strace::attach(&options.folder.join("machine.strace"), &processes).await?;
    for _ in 0..EXCHANGES {
        let request = machine.token_request(&[("grant_type", "client_credentials")]);
        Tokens::of(connection.send(&request).await?)?;
    }
    let control = Exchanges::of(&strace.lines()?, &party.token_request_line());

    let mut text = heading(options)?;
    writeln!(text, "| flush between request and 200 | with | of |\n| --- | --- | --- |")?;
    writeln!(text, "| code exchange | {} | {} |", exchanges.flushed_before, exchanges.answered)?;
    writeln!(text, "| client_credentials (counter-proof) | {} | {} |", control.flushed_before, control.answered)?;
    ensure!(exchanges.answered == EXCHANGES, "the trace shows {} exchanges of {EXCHANGES}", exchanges.answered);
    ensure!(exchanges.flushed_before == EXCHANGES, "answers without a flush:\n{text}");
    ensure!(control.flushed_before * 5 < EXCHANGES, "the trace cannot tell a flush apart:\n{text}");
    Ok(text)
}

fn children(parent: &str) -> Result<Vec<String>> {
    let text = std::fs::read_to_string(format!("/proc/{parent}/task/{parent}/children"))?;
    Ok(text.split_whitespace().map(str::to_owned).collect())
}
