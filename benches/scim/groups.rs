use anyhow::Result;
use castellan::id::{GroupId, UserId};
use serde_json::{Value, json};

use super::{SLICE, client::Party, report::Table, seed::Tool};
use crate::{http::Connection, measure, server::Process};

/// How often a large change is timed.
const TIMES: usize = 5;

/// The sizes that are compared, as far as the population goes.
pub fn sizes(users: usize) -> Vec<usize> {
    let (tenth, whole) = (users / 2, users - 1);
    vec![1_000.min(tenth), 10_000.min(tenth), 100_000.min(whole)]
}

/// Memberships of large groups.
pub async fn measure(
    table: &mut Table,
    process: &Process,
    party: &Party,
    tool: &Tool,
    groups: &[(GroupId, Vec<UserId>)],
) -> Result<()> {
    let outsider = outsider(party, tool, groups).await?;
    for (group, members) in groups {
        let path = format!("/Groups/{group}?excludedAttributes=members");
        let add = json!([{ "op": "add", "path": "members", "value": [{ "value": outsider }] }]);
        let remove = json!([{ "op": "remove", "path": format!("members[value eq \"{outsider}\"]") }]);
        let requests = [patch(party, &path, &add), patch(party, &path, &remove)];
        let mut scripts = party.script(1, move |turn| Some(requests[turn % 2].clone())).await?;
        measure::closed(process, &mut scripts, SLICE / 10).await?;
        let measured = measure::closed(process, &mut scripts, SLICE).await?;
        table.run(&format!("PATCH: one member more or less of {}", members.len()), &measured);
        let read = party.get(&path);
        let mut scripts = party.script(1, move |_| Some(read.clone())).await?;
        let measured = measure::closed(process, &mut scripts, SLICE / 3).await?;
        table.run(&format!("GET without members, {} members", members.len()), &measured);
    }
    let read = party.get(&format!("/Users/{outsider}"));
    let mut scripts = party.script(1, move |_| Some(read.clone())).await?;
    table.run("GET of a user, to compare", &measure::closed(process, &mut scripts, SLICE / 3).await?);
    let Some((_, everybody)) = groups.last() else { return Ok(()) };
    many(table, party, everybody).await?;
    replaced(table, party, everybody).await
}

/// A thousand members more in one PATCH, to a group that has ten thousand.
async fn many(table: &mut Table, party: &Party, everybody: &[UserId]) -> Result<()> {
    let more = 1_000.min(everybody.len() / 4);
    let (base, rest) = everybody.split_at(10_000.min(everybody.len() / 2));
    let group = new_group(party, "many", base).await?;
    let path = format!("/Groups/{group}");
    let mut connection = Connection::open(&party.target).await?;
    let (mut added, mut removed) = (Vec::new(), Vec::new());
    for round in 0..TIMES {
        let some = &rest[(round * more) % (rest.len() - more + 1)..][..more];
        let add = json!([{ "op": "add", "path": "members", "value": values(some) }]);
        added.push(party.timed(&mut connection, &patch(party, &path, &add)).await?.1);
        let remove = json!([{ "op": "remove", "path": "members", "value": values(some) }]);
        removed.push(party.timed(&mut connection, &patch(party, &path, &remove)).await?.1);
    }
    table.times(&format!("PATCH: {more} members more in a group of {}", base.len()), added, "must be under 30 ms");
    table.times(&format!("PATCH: {more} members less"), removed, "");
    Ok(())
}

/// PUT of ten thousand members: nearly the same, and all others.
async fn replaced(table: &mut Table, party: &Party, everybody: &[UserId]) -> Result<()> {
    let size = 10_000.min(everybody.len() / 2);
    let group = new_group(party, "replaced", &everybody[..size]).await?;
    let mut connection = Connection::open(&party.target).await?;
    let put = |members: &[UserId]| {
        let body = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "bench replaced",
            "members": values(members),
        });
        party.request("PUT", &format!("/Groups/{group}?excludedAttributes=members"), Some(&body))
    };
    let step = (size / 100).max(1);
    let (mut little, mut whole) = (Vec::new(), Vec::new());
    for round in 1..=TIMES {
        let from = round * step;
        little.push(party.timed(&mut connection, &put(&everybody[from..][..size])).await?.1);
    }
    for round in 0..TIMES {
        let from = if round % 2 == 0 { everybody.len() - size } else { 0 };
        whole.push(party.timed(&mut connection, &put(&everybody[from..][..size])).await?.1);
    }
    table.times(&format!("PUT of {size} members, 1 % of them others"), little, "must be under 150 ms");
    table.times(&format!("PUT of {size} members, all of them others"), whole, "must be under 150 ms");
    Ok(())
}

async fn new_group(party: &Party, name: &str, members: &[UserId]) -> Result<String> {
    let body = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": format!("bench {name}"),
        "members": values(members),
    });
    let made = party.ask(&party.request("POST", "/Groups?attributes=displayName", Some(&body))).await?.json()?;
    Ok(made["id"].as_str().unwrap_or_default().to_owned())
}

/// Somebody who is in none of the groups.
async fn outsider(party: &Party, tool: &Tool, groups: &[(GroupId, Vec<UserId>)]) -> Result<String> {
    let most = groups.iter().map(|(_, members)| members.len()).max().unwrap_or_default();
    let filter = super::client::encoded(&format!("userName eq \"{}\"", tool.user_name(most)));
    let found = party.ask(&party.get(&format!("/Users?filter={filter}"))).await?.json()?;
    Ok(found["Resources"][0]["id"].as_str().unwrap_or_default().to_owned())
}

fn patch(party: &Party, path: &str, operations: &Value) -> Vec<u8> {
    let body = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations });
    party.request("PATCH", path, Some(&body))
}

fn values(members: &[UserId]) -> Value {
    members.iter().map(|id| json!({ "value": id })).collect()
}
