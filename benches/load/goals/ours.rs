use std::{cell::RefCell, collections::BTreeMap, rc::Rc, time::Duration};

use anyhow::{Context, Result};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL};

use super::readings::{BUSY, Readings, fixed};
use crate::{
    http::{Browser, Connection},
    journeys::{Authorize, Exchange, Fixed, FullLogin, Party, Refresh, Tokens, sign_in},
    measure::{self, Measured},
    options::Options,
    server::{Demo, User, World},
};

const MACHINE_GRANT: &[(&str, &str)] = &[("grant_type", "client_credentials")];

/// Everything about the server that the table asks for.
pub struct Ours<'d> {
    demo: &'d Demo,
    party: Party,
    cookies: String,
    chains: Vec<Refresh>,
    /// A machine client for each algorithm of access tokens.
    machines: BTreeMap<String, Party>,
    login: (Party, User),
}

impl<'d> Ours<'d> {
    pub async fn prepare(demo: &'d Demo) -> Result<Self> {
        let (client, user) = demo.world.product_pair()?;
        let party = Party::new(&demo.target, client).await?;
        let mut browser = Browser::new(&demo.target);
        sign_in(&mut browser, &party, user).await.context("signing in a person with TOTP")?;
        let cookies = browser.cookie_header();
        let codes = Authorize::codes(&party, &cookies, BUSY).await?;
        let (client, user) = demo.world.password_only_pair()?;
        Ok(Self {
            demo,
            chains: Refresh::chains(&party, codes).await?,
            cookies,
            party,
            machines: machines(demo).await?,
            login: (Party::new(&demo.target, client).await?, user.clone()),
        })
    }

    /// One round.
    pub async fn read(&mut self, readings: &mut Readings, slice: Duration) -> Result<()> {
        let target = &self.demo.target;
        for (name, path) in [("discovery", "/.well-known/openid-configuration"), ("JWKS", &jwks_path(self.demo).await?)]
        {
            readings.keep(name, &self.fixed(&target.get(path, &[]), slice).await?);
        }
        for (algorithm, machine) in &self.machines {
            let measured = self.fixed(&machine.token_request(MACHINE_GRANT), slice).await?;
            readings.keep(&format!("client_credentials {algorithm}"), &measured);
        }
        self.read_codes(readings, slice).await?;
        let alone = measure::closed(&self.demo.process, &mut self.chains[..1], slice).await?;
        readings.keep("refresh (1)", &alone);
        let together = measure::closed(&self.demo.process, &mut self.chains, slice).await?;
        readings.keep("refresh (32)", &together);
        let (party, user) = &self.login;
        let mut logins: Vec<_> = (0..2).map(|_| FullLogin::new(party, user)).collect();
        readings.keep("full login", &measure::closed(&self.demo.process, &mut logins, slice).await?);
        Ok(())
    }

    /// Authorization with a live session, alone and together; then the exchange of those codes; then
    /// what reads the tokens.
    async fn read_codes(&self, readings: &mut Readings, slice: Duration) -> Result<()> {
        let codes = Rc::default();
        let mut authorize: Vec<_> = (0..BUSY).map(|_| Authorize::new(&self.party, &self.cookies, &codes)).collect();
        let alone = measure::closed(&self.demo.process, &mut authorize[..1], slice).await?;
        readings.keep("authorize, live session (1)", &alone);
        let together = measure::closed(&self.demo.process, &mut authorize, slice).await?;
        readings.keep("authorize, live session (32)", &together);
        let tokens = self.read_exchange(readings, &codes, slice).await?;
        readings.keep("introspection", &self.fixed(&self.party.introspection_request(&tokens.access), slice).await?);
        readings.keep("UserInfo", &self.fixed(&self.party.userinfo_request(&tokens.access), slice).await?);
        Ok(())
    }

    async fn read_exchange(
        &self,
        readings: &mut Readings,
        codes: &Rc<RefCell<Vec<crate::journeys::Code>>>,
        slice: Duration,
    ) -> Result<Tokens> {
        let mut exchanges: Vec<_> = (0..BUSY).map(|_| Exchange::new(&self.party, codes)).collect();
        let alone = measure::closed(&self.demo.process, &mut exchanges[..1], slice / 2).await?;
        readings.keep("code exchange (1)", &alone);
        let together = measure::closed(&self.demo.process, &mut exchanges, slice).await?;
        readings.keep("code exchange (32)", &together);
        exchanges.iter_mut().find_map(|exchange| exchange.tokens.pop()).context("tokens of a code")
    }

    /// Memory with 256 connections at work.
    pub async fn read_memory(&self, readings: &mut Readings) -> Result<()> {
        let machine = self.machines.values().next().context("a machine client")?;
        let request = machine.token_request(MACHINE_GRANT);
        let mut journeys = Fixed::connections(&self.demo.target, &request, 256).await?;
        measure::closed(&self.demo.process, &mut journeys, Duration::from_secs(2)).await?;
        readings.push("memory, 256 connections, MiB", self.demo.process.resident_mib()?);
        readings.push("memory, peak, MiB", self.demo.process.peak_mib()?);
        Ok(())
    }

    async fn fixed(&self, request: &[u8], slice: Duration) -> Result<Measured> {
        fixed(&self.demo.process, &self.demo.target, request, slice).await
    }
}

/// Latency at a fixed rate of arrival, alone and while the hashing threads are saturated: on all cores.
pub async fn read_isolation(options: &Options, readings: &mut Readings, slice: Duration) -> Result<()> {
    let mut start = options.demo("isolation")?;
    start.pinned = false;
    start.database.clone_from(&options.isolation_database);
    let demo = Demo::start(&start).await?;
    let (client, user) = demo.world.password_only_pair()?;
    let party = Party::new(&demo.target, client).await?;
    let mut logins: Vec<_> = (0..8).map(|_| FullLogin::new(&party, user)).collect();
    let machine = Party::new(&demo.target, demo.world.machine()?).await?;
    let jwks = demo.target.get(&jwks_path(&demo).await?, &[]);
    for (name, request) in [("token", machine.token_request(MACHINE_GRANT)), ("JWKS", jwks)] {
        let mut journeys = Fixed::connections(&demo.target, &request, 8).await?;
        let idle = measure::open(&demo.process, &mut journeys, 200.0, slice).await?;
        readings.keep(&format!("{name} at 200/s, idle"), &idle);
        let hashing = measure::closed(&demo.process, &mut logins, slice + slice / 4);
        let busy = measure::open(&demo.process, &mut journeys, 200.0, slice);
        let (hashing, busy) = futures_util::future::try_join(hashing, busy).await?;
        readings.keep(&format!("{name} at 200/s, hashing"), &busy);
        readings.keep("full login, 8 at once", &hashing);
    }
    Ok(())
}

async fn jwks_path(demo: &Demo) -> Result<String> {
    let request = demo.target.get("/.well-known/openid-configuration", &[]);
    let metadata = Connection::new(&demo.target).send(&request).await?.expect(200)?.json()?;
    Ok(url::Url::parse(metadata["jwks_uri"].as_str().context("jwks_uri")?)?.path().to_owned())
}

async fn machines(demo: &Demo) -> Result<BTreeMap<String, Party>> {
    let World { clients, .. } = &demo.world;
    let mut machines = BTreeMap::new();
    for client in clients.iter().filter(|client| client.is_machine()) {
        let party = Party::new(&demo.target, client).await?;
        let tokens = Tokens::of(Connection::new(&demo.target).send(&party.token_request(MACHINE_GRANT)).await?)?;
        machines.insert(algorithm(&tokens.access), party);
    }
    Ok(machines)
}

/// What a token is signed with; a token that is no JWT is opaque.
fn algorithm(token: &str) -> String {
    let header = token.split_once('.').and_then(|(header, _)| BASE64URL.decode(header).ok());
    let header: Option<serde_json::Value> = header.and_then(|header| serde_json::from_slice(&header).ok());
    header.and_then(|header| header["alg"].as_str().map(str::to_owned)).unwrap_or_else(|| "opaque".to_owned())
}
