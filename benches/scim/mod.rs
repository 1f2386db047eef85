//! `load scim`: lists, lookups and large groups over SCIM, up to a million users.
//!
//! The server is `castellan demo`, a process of its own on a core of its own. Populations are seeded while it
//! is stopped, through the same functions of the library that POST calls, many in a transaction and without
//! the audit, log and mail rows of a request; creating over HTTP is measured by itself. Each size is a
//! connection of its own in an organization of the demo.
//!
//! With `--peers DIR` the same script runs at scim2-server and SCIMMY ([`side`]), in the same run and at a size
//! that they bear; `scripts/bench scim` installs them there.

mod client;
mod groups;
mod lists;
mod report;
mod seed;
mod side;
mod tenants;

use std::time::Duration;

use anyhow::Result;

use crate::{options::Options, server::Demo};

use client::Party;
use report::Table;

/// How long each row is measured.
const SLICE: Duration = Duration::from_secs(3);
/// The size that others are compared with.
const SMALL: usize = 10_000;

/// Measures everything, and answers Markdown.
pub async fn table(options: &Options) -> Result<String> {
    let users = options.users;
    let small = SMALL.min(users);
    let demo = options.demo("scim")?;
    let first = Demo::start(&demo).await?;
    let seeded = seed::Seeded::prepare(options, first).await?;
    let mut table = Table::default();

    let small_tool = seeded.connection("small").await?;
    small_tool.users(small).await?;
    let running = Demo::start(&demo).await?;
    let party = Party::ours(&running, &small_tool)?;
    lists::lookups(&mut table, &running.process, &party, &small_tool, small).await?;
    drop(running);

    let large_tool = seeded.connection("large").await?;
    large_tool.users(users).await?;
    let sizes = groups::sizes(users);
    let made = large_tool.groups(&sizes).await?;
    let running = Demo::start(&demo).await?;
    let party = Party::ours(&running, &large_tool)?;
    lists::lookups(&mut table, &running.process, &party, &large_tool, users).await?;
    lists::pages(&mut table, &running.process, &party, users).await?;
    lists::scan(&mut table, &party, users).await?;
    groups::measure(&mut table, &running.process, &party, &large_tool, &made).await?;
    lists::create(&mut table, &running.process, &party).await?;
    let lookups = Party::ours(&running, &small_tool)?;
    tenants::measure(&mut table, &running.process, &party, &lookups, &small_tool).await?;
    table.memory(&running.process, users)?;
    drop(running);

    let beside = side::table(options, &seeded, &demo).await?;
    Ok(format!("{}{}{beside}", crate::goals::heading(options)?, table.markdown()))
}
