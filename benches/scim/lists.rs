use anyhow::{Context, Result, ensure};
use serde_json::json;

use super::{
    SLICE,
    client::{Party, encoded},
    report::Table,
    seed::Tool,
};
use crate::{http::Connection, measure, server::Process};

/// Connections that keep the server busy.
const BUSY: usize = 16;
/// The filter of a turn.
type Filter = Box<dyn Fn(usize) -> String>;
/// How often a single request is timed.
const TIMES: usize = 20;

/// Lookups by each index, one user after the other over the whole population, by a stride that a cache cannot
/// foresee.
pub async fn lookups(table: &mut Table, process: &Process, party: &Party, tool: &Tool, users: usize) -> Result<()> {
    let spread = move |turn: usize| turn.wrapping_mul(7_919) % users;
    let kinds: [(&str, Filter); 3] = [
        ("userName eq", {
            let names: Vec<String> = (0..users.min(100_000)).map(|turn| tool.user_name(spread(turn))).collect();
            Box::new(move |turn| format!("userName eq \"{}\"", names[turn % names.len()]))
        }),
        ("externalId eq", {
            let ids: Vec<String> = (0..users.min(100_000)).map(|turn| tool.external_id(spread(turn))).collect();
            Box::new(move |turn| format!("externalId eq \"{}\"", ids[turn % ids.len()]))
        }),
        ("emails.value eq, not the preferred one", {
            let addresses: Vec<String> = (0..users.min(100_000)).map(|turn| tool.other_address(spread(turn))).collect();
            Box::new(move |turn| format!("emails.value eq \"{}\"", addresses[turn % addresses.len()]))
        }),
    ];
    for (name, filter) in kinds {
        let probe = party.ask(&party.get(&format!("/Users?filter={}", encoded(&filter(1))))).await?.json()?;
        ensure!(probe["totalResults"] == 1, "{name} finds {}", probe["totalResults"]);
        let asked = party.clone();
        let next = move |turn: usize| Some(asked.get(&format!("/Users?filter={}", encoded(&filter(turn)))));
        let mut scripts = party.script(BUSY, next).await?;
        measure::closed(process, &mut scripts, SLICE / 10).await?;
        table.run(&format!("{name}, {users} users"), &measure::closed(process, &mut scripts, SLICE).await?);
    }
    Ok(())
}

/// Pages of a hundred by index and by cursor, at the beginning and in the middle.
pub async fn pages(table: &mut Table, process: &Process, party: &Party, users: usize) -> Result<()> {
    let middle = users / 2;
    let mut connection = Connection::open(&party.target).await?;
    for start in [1, middle.max(1)] {
        let request = party.get(&format!("/Users?startIndex={start}&count=100"));
        let mut times = Vec::new();
        for _ in 0..TIMES {
            times.push(party.timed(&mut connection, &request).await?.1);
        }
        table.times(&format!("page of 100 at startIndex {start}"), times, "must be within 40 ms");
    }
    // To the middle by cursors, timing the first pages and the last.
    let mut cursor = String::new();
    let (mut first, mut last) = (Vec::new(), Vec::new());
    for page in 0..middle.div_ceil(100).max(1) {
        let request = party.get(&format!("/Users?cursor={cursor}&count=100"));
        let (answer, time) = party.timed(&mut connection, &request).await?;
        if page > 0 && page <= TIMES {
            first.push(time);
        }
        last.push(time);
        let Some(next) = answer.json()?.get("nextCursor").cloned() else { break };
        next.as_str().context("a cursor")?.clone_into(&mut cursor);
    }
    let late = last.split_off(last.len().saturating_sub(TIMES));
    table.times("cursor page of 100, the first", first, "");
    table.times(&format!("cursor page of 100, about the {middle}th user"), late, "must be flat");
    let request = party.get(&format!("/Users?cursor={cursor}&count=100"));
    let mut scripts = party.script(BUSY, move |_| Some(request.clone())).await?;
    table.run("cursor page of 100 in the middle, busy", &measure::closed(process, &mut scripts, SLICE).await?);
    Ok(())
}

/// What no index answers, and what is said where it takes too long.
pub async fn scan(table: &mut Table, party: &Party, users: usize) -> Result<()> {
    let mut connection = Connection::open(&party.target).await?;
    for filter in [r#"userName co ".77@""#, r#"title eq "nobody has it""#] {
        let request = party.get(&format!("/Users?filter={}", encoded(filter)));
        let mut times = Vec::new();
        let mut status = 0;
        for _ in 0..3 {
            let began = std::time::Instant::now();
            status = connection.send(&request).await?.status;
            times.push(began.elapsed().as_secs_f64() * 1e3);
        }
        table.times(&format!("{filter}, {users} users"), times, &format!("answers {status}"));
    }
    Ok(())
}

/// New users over HTTP, each its own durable commit.
pub async fn create(table: &mut Table, process: &Process, party: &Party) -> Result<()> {
    let mut scripts = party.script(BUSY * 2, creating(party, "created")).await?;
    table.run("POST /Users", &measure::closed(process, &mut scripts, SLICE).await?);
    Ok(())
}

/// The request that creates person number so and so.
pub fn creating(party: &Party, prefix: &'static str) -> impl Fn(usize) -> Option<Vec<u8>> + 'static {
    let party = party.clone();
    move |turn| {
        let body = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": format!("{prefix}.{turn}@bench.example"),
            "externalId": format!("{prefix}-{turn}"),
            "name": { "givenName": "Given", "familyName": format!("Family{turn}") },
            "emails": [{ "value": format!("{prefix}.{turn}@bench.example"), "type": "work", "primary": true }],
            "active": true,
        });
        Some(party.request("POST", "/Users", Some(&body)))
    }
}
