//! Populations, written through the library while the server is stopped.

use std::time::Duration;

use anyhow::{Context, Result};
use castellan::{
    clock::{Clock, Timestamp},
    connections::{self, NewConnection, Settings, Vendor},
    groups::{self, NewGroup},
    id::{ConnectionId, GroupId, OrganizationId, UserId},
    store::{self, Store},
    users::{self, LoginName, NewUser, Realm, Status},
};
use serde_json::json;
use sqlx::Connection as _;

use crate::{options::Options, server::Demo};

/// How many rows share a transaction.
const BATCH: usize = 1000;

/// The database of the demo, and the organization that everything lands in.
pub struct Seeded {
    store: store::Options,
    organization: OrganizationId,
}

/// One connection with its people.
pub struct Tool {
    pub base: String,
    pub token: String,
    name: String,
    id: ConnectionId,
    organization: OrganizationId,
    options: store::Options,
}

impl Seeded {
    /// The demo has made its world; it is stopped, and goes on with the same database later.
    pub async fn prepare(options: &Options, mut demo: Demo) -> Result<Self> {
        let connection = demo.world.connections.first().context("the demo has no connection")?.base_url.clone();
        demo.process.stop()?;
        let path = options.folder.join("scim").join("demo").join("castellan.db");
        let url = options.database.clone().unwrap_or_else(|| path.display().to_string());
        let store = store::Options { url: url.parse()?, migrate: false };
        let id: ConnectionId =
            connection.rsplit('/').next().unwrap_or_default().parse().context("a connection's id")?;
        let opened = Store::open(&store).await?;
        let found = connections::find(&mut opened.reader().await?, id).await?;
        opened.close().await;
        Ok(Self { store, organization: found.context("the connection's row")?.organization_id })
    }

    /// A connection without limits. The server must be stopped.
    pub async fn connection(&self, name: &str) -> Result<Tool> {
        let opened = Store::open(&self.store).await?;
        let settings = Settings { rate_limit: None, guard: None, ..Settings::default() };
        let new = NewConnection {
            organization_id: self.organization,
            name: format!("bench {name}"),
            vendor: Vendor::Generic,
            settings,
            created_by: None,
        };
        let now = Clock::system().now();
        let (connection, secret) = opened
            .write(async move |tx| {
                let connection = connections::insert(tx, &new, now).await?;
                let expires_at = now + Duration::from_secs(24 * 3600);
                let issued = connections::issue_token(tx, connection.id, expires_at, now).await?;
                let (secret, _) = issued.map_err(|error| store::Error::Damaged(error.to_string()))?;
                Ok::<_, store::Error>((connection, secret))
            })
            .await?;
        opened.close().await;
        Ok(Tool {
            base: connection.path(),
            token: secret.expose().to_owned(),
            name: name.to_owned(),
            id: connection.id,
            organization: self.organization,
            options: self.store.clone(),
        })
    }
}

impl Tool {
    /// The user name of a seeded person.
    pub fn user_name(&self, number: usize) -> String {
        format!("{}.{number}@bench.example", self.name)
    }

    /// Every other address of a seeded person than the preferred one.
    pub fn other_address(&self, number: usize) -> String {
        format!("{}.{number}@home.example", self.name)
    }

    pub fn external_id(&self, number: usize) -> String {
        format!("{}-{number:08}", self.name)
    }

    /// Makes so many people.
    pub async fn users(&self, count: usize) -> Result<()> {
        let opened = Store::open(&self.options).await?;
        let began = Clock::system().now();
        for from in (0..count).step_by(BATCH) {
            let batch: Vec<(NewUser, Timestamp)> = (from..count.min(from + BATCH))
                .map(|number| Ok((self.person(number)?, began + Duration::from_micros(u64::try_from(number)? * 100))))
                .collect::<Result<_>>()?;
            opened
                .write(async move |tx| {
                    for (new, now) in &batch {
                        let made = users::insert(tx, new, *now).await?;
                        made.map_err(|error| store::Error::Damaged(error.to_string()))?;
                    }
                    Ok::<_, store::Error>(())
                })
                .await?;
            if from % 100_000 == 0 && from > 0 {
                tracing_line(&format!("seeded {from} of {count} users"));
            }
        }
        opened.close().await;
        self.analyze().await
    }

    /// As after any bulk load: until then PostgreSQL's planner knows nothing of the rows, and its autovacuum, which
    /// tells it within a minute or two, is not waited for here.
    async fn analyze(&self) -> Result<()> {
        if let store::Url::Postgres(url) = &self.options.url {
            let mut connection = sqlx::PgConnection::connect(url).await?;
            sqlx::query("ANALYZE").execute(&mut connection).await?;
            connection.close().await?;
        }
        Ok(())
    }

    fn person(&self, number: usize) -> Result<NewUser> {
        Ok(NewUser {
            organization_id: self.organization,
            realm: Realm::Portal,
            login_name: LoginName::parse(&self.user_name(number))?,
            email: Some(self.user_name(number)),
            given_name: format!("Given{}", number % 977),
            family_name: format!("Family{}", number % 7919),
            display_name: format!("Given{} Family{}", number % 977, number % 7919),
            status: Status::Active,
            connection_id: Some(self.id),
            external_id: Some(self.external_id(number)),
            document: json!({
                "title": "Technician",
                "emails": [{ "type": "work", "primary": true }, { "value": self.other_address(number), "type": "home" }],
                "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {
                    "department": format!("Department {}", number % 50), "employeeNumber": number.to_string(),
                },
            }),
        })
    }

    /// Makes a group of each size, of the connection's first people; answers them with their members.
    pub async fn groups(&self, sizes: &[usize]) -> Result<Vec<(GroupId, Vec<UserId>)>> {
        let opened = Store::open(&self.options).await?;
        let most = sizes.iter().copied().max().unwrap_or_default();
        let ids = self.ids(&opened, most).await?;
        let mut made = Vec::new();
        for size in sizes {
            let new = NewGroup {
                organization_id: self.organization,
                connection_id: Some(self.id),
                display_name: format!("bench {} {size}", made.len()),
                external_id: None,
                document: json!({}),
            };
            let (connection, members, now) = (self.id, ids[..*size].to_vec(), Clock::system().now());
            let group = opened
                .write(async move |tx| {
                    let group = groups::insert(tx, &new, now).await?;
                    let group = group.map_err(|error| store::Error::Damaged(error.to_string()))?;
                    let added = groups::add_members(tx, connection, group.id, &members, now).await?;
                    if !added.strangers.is_empty() {
                        return Err(store::Error::Damaged(format!("{} unknown members", added.strangers.len())));
                    }
                    Ok::<_, store::Error>(group.id)
                })
                .await?;
            made.push((group, ids[..*size].to_vec()));
        }
        opened.close().await;
        self.analyze().await?;
        Ok(made)
    }

    async fn ids(&self, opened: &Store, count: usize) -> Result<Vec<UserId>> {
        let mut db = opened.reader().await?;
        let mut found = Vec::new();
        for number in 0..count {
            let name = LoginName::parse(&self.user_name(number))?;
            let user = users::find_by_login_name(&mut db, Realm::Portal, &name).await?;
            found.push(user.context("a seeded person")?.id);
        }
        Ok(found)
    }
}

#[expect(clippy::print_stderr, reason = "a million rows take minutes, and whoever waits wants to know")]
fn tracing_line(line: &str) {
    eprintln!("{line}");
}
