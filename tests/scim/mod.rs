//! Behaviour of `scim`, over HTTP: a tool with a token provisions people and groups.

mod assignments;
mod asynchronous;
mod bulk;
mod cursors;
mod custom_types;
mod deprovisioning;
mod discovery;
mod dry_run;
mod filters;
mod groups;
mod guard;
mod identity;
mod interrupted;
mod isolation;
mod isolation_cursors;
mod isolation_places;
pub mod joins;
mod lists;
mod log;
mod mapping;
mod nesting;
mod oauth_clients;
mod people;
mod races;
mod refusals;
mod schemas;
mod sorting;
mod vendors;
mod webhooks;

use std::{sync::Mutex, time::Duration};

use castellan::{
    clock::Timestamp,
    connections::{self, Connection, DefaultAssignment, NewConnection, OnCreate, Settings, Vendor},
    id::OutboxId,
    jobs::{self, Deliver, Failure, Message},
    organizations::Organization,
    products::{self, Product},
};
use serde_json::{Value, json};

use crate::support::{Answer, Castellan};

/// An external tool with a connection and a token.
pub struct Tool<'c> {
    pub castellan: &'c Castellan,
    pub connection: Connection,
    pub token: String,
}

/// Settings without a rate limit or guard.
pub fn settings() -> Settings {
    Settings { rate_limit: None, guard: None, ..Settings::default() }
}

impl<'c> Tool<'c> {
    /// A generic tool of that organization.
    pub async fn new(castellan: &'c Castellan, organization: &Organization) -> Self {
        Self::with(castellan, organization, Vendor::Generic, settings()).await
    }

    pub async fn with(
        castellan: &'c Castellan,
        organization: &Organization,
        vendor: Vendor,
        settings: Settings,
    ) -> Self {
        let now = castellan.now();
        let new = NewConnection {
            organization_id: organization.id,
            name: "A tool".to_owned(),
            vendor,
            settings,
            created_by: None,
        };
        let (connection, token) = castellan
            .write(async move |tx| {
                let connection = connections::insert(tx, &new, now).await?;
                let expires_at = now + Duration::from_secs(90 * 24 * 3600);
                let (token, _) = connections::issue_token(tx, connection.id, expires_at, now).await?.expect("a token");
                Ok((connection, token))
            })
            .await;
        Self { castellan, connection, token: token.expose().to_owned() }
    }

    /// The path of an endpoint, as `/Users`.
    pub fn path(&self, endpoint: &str) -> String {
        format!("{}{endpoint}", self.connection.path())
    }

    pub async fn get(&self, endpoint: &str) -> Answer {
        self.request("GET", endpoint, &[], String::new()).await
    }

    pub async fn delete(&self, endpoint: &str) -> Answer {
        self.request("DELETE", endpoint, &[], String::new()).await
    }

    pub async fn post(&self, endpoint: &str, body: &Value) -> Answer {
        self.request("POST", endpoint, &[], body.to_string()).await
    }

    pub async fn put(&self, endpoint: &str, body: &Value) -> Answer {
        self.request("PUT", endpoint, &[], body.to_string()).await
    }

    /// A PATCH with these operations.
    pub async fn patch(&self, endpoint: &str, operations: Value) -> Answer {
        let body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": operations,
        });
        self.request("PATCH", endpoint, &[], body.to_string()).await
    }

    pub async fn request(&self, method: &str, endpoint: &str, headers: &[(&str, &str)], body: String) -> Answer {
        let authorization = format!("Bearer {}", self.token);
        let all = [("authorization", authorization.as_str()), ("content-type", "application/scim+json")];
        self.castellan.request(method, &self.path(endpoint), &[&all, headers].concat(), body).await
    }

    /// Provisions a person and answers their resource.
    pub async fn person(&self, user_name: &str) -> Value {
        self.post("/Users", &json!({ "schemas": [USER], "userName": user_name })).await.expect(201)
    }

    /// Makes a group and answers its resource.
    pub async fn group(&self, name: &str, members: &[&Value]) -> Value {
        let members: Vec<Value> = members.iter().map(|member| json!({ "value": member["id"] })).collect();
        self.post("/Groups", &json!({ "schemas": [GROUP], "displayName": name, "members": members })).await.expect(201)
    }

    /// What the provisioning log says, newest first; waits for what is written behind the answers.
    pub async fn log(&self, entries: usize) -> Vec<connections::log::Logged> {
        let after = self.castellan.now() + Duration::from_secs(1);
        loop {
            let mut db = self.castellan.app.store.reader().await.expect("a reader");
            let found = connections::log::list(&mut db, self.connection.id, after, 1000).await.expect("a read");
            if found.len() >= entries {
                return found;
            }
            drop(db);
            tokio::task::yield_now().await;
        }
    }
}

/// Default assignments of that role over the connection's organization.
pub async fn defaults(castellan: &Castellan, product: &Product, roles: &[&str]) -> Vec<DefaultAssignment> {
    let mut db = castellan.app.store.reader().await.expect("a reader");
    let mut ids = Vec::new();
    for slug in roles {
        ids.push(products::find_role(&mut db, product.id, slug).await.expect("a read").expect("a role").id);
    }
    vec![DefaultAssignment { product: product.id, roles: ids, subtree: false, origin: None }]
}

/// Settings under which people are active at once.
pub fn active_at_once() -> Settings {
    Settings { on_create: OnCreate::Activate, ..settings() }
}

/// `/Users/{id}` of a resource.
pub fn at(resource: &Value) -> String {
    let location = resource["meta"]["location"].as_str().expect("a location");
    let (_, endpoint) = location.split_at(location.find("/Users").or(location.find("/Groups")).expect("an endpoint"));
    endpoint.to_owned()
}

/// Asserts a SCIM error (RFC 7644 §3.12).
#[track_caller]
pub fn refused(answer: &Answer, status: u16, scim_type: &str) {
    let body = answer.expect(status);
    assert_eq!(answer.header("content-type"), "application/scim+json");
    assert_eq!(body["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:Error"]));
    assert_eq!(body["status"], status.to_string());
    assert_eq!(body["scimType"].as_str().unwrap_or_default(), scim_type, "{body}");
    assert!(body["detail"].is_string());
}

pub const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
pub const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
pub const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

pub const CASTELLAN: &str = "urn:ietf:params:scim:schemas:extension:castellan:2.0:User";

/// Takes what lies in the outbox.
pub async fn outbox(castellan: &Castellan) -> Vec<Message> {
    struct Collector(Mutex<Vec<Message>>);
    impl Deliver for Collector {
        async fn deliver(&self, _: OutboxId, message: Message, _: Timestamp) -> Result<(), Failure> {
            self.0.lock().expect("no poison").push(message);
            Ok(())
        }
    }
    let collector = Collector(Mutex::default());
    let app = &castellan.app;
    jobs::deliver_due(&app.store, &app.master, &app.clock, &collector).await.expect("deliveries");
    collector.0.into_inner().expect("no poison")
}

/// Recipients and subjects of the mails in the outbox.
pub async fn mails(castellan: &Castellan) -> Vec<String> {
    let messages = outbox(castellan).await.into_iter();
    messages
        .filter_map(|message| match message {
            Message::Mail(letter) => Some(format!("{}: {}", letter.to, letter.subject)),
            _ => None,
        })
        .collect()
}
