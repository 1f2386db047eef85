use anyhow::Result;
use tokio::task::LocalSet;

use super::{
    SLICE,
    client::{Party, encoded},
    lists::creating,
    report::Table,
    seed::Tool,
};
use crate::{measure, server::Process};

/// Lookups of the other tenant a second.
const RATE: f64 = 100.0;

/// Lookups of one tenant at a fixed rate, alone and while another loads users as fast as it can.
pub async fn measure(table: &mut Table, process: &Process, loading: &Party, asking: &Party, tool: &Tool) -> Result<()> {
    let names: Vec<String> = (0..100).map(|number| tool.user_name(number)).collect();
    let lookups = || {
        let (party, names) = (asking.clone(), names.clone());
        move |turn: usize| {
            let filter = encoded(&format!("userName eq \"{}\"", names[turn % names.len()]));
            Some(party.get(&format!("/Users?filter={filter}")))
        }
    };
    let mut scripts = asking.script(4, lookups()).await?;
    table.run("lookups of a tenant, alone", &measure::open(process, &mut scripts, RATE, SLICE).await?);
    let mut loaders = loading.script(8, creating(loading, "loaded")).await?;
    let mut scripts = asking.script(4, lookups()).await?;
    let (loaded, measured) = LocalSet::new()
        .run_until(async {
            tokio::join!(
                measure::closed(process, &mut loaders, SLICE),
                measure::open(process, &mut scripts, RATE, SLICE)
            )
        })
        .await;
    loaded?;
    table.run("lookups of a tenant while another loads users (p99 must stay under twice)", &measured?);
    Ok(())
}
