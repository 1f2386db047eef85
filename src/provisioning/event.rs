//! Provisioning events (RFC 9967 §2.4) on their way to an organization's webhooks: queued in the transaction of the
//! change, whether a tool's request makes it or somebody else in a tool's place.
//!
//! An event names the resource and the attributes, never their values: a receiver that may know them reads them.

use serde_json::{Value, json};

use crate::{
    audit::{self, By, Event, SubjectKind},
    clock::Clock,
    connections::Connection,
    groups::Group,
    id::uuid_at,
    secret::MasterKeys,
    store::{Result, Tx},
    users::User,
    webhooks,
};

/// What happened to a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Create,
    Put,
    Patch,
    Delete,
    Activate,
    Deactivate,
}

impl Kind {
    pub const ALL: [Self; 6] = [Self::Create, Self::Put, Self::Patch, Self::Delete, Self::Activate, Self::Deactivate];

    /// Its URI. Changes are notices: they name attributes and not values.
    pub fn uri(self) -> &'static str {
        match self {
            Self::Create => "urn:ietf:params:scim:event:prov:create:notice",
            Self::Put => "urn:ietf:params:scim:event:prov:put:notice",
            Self::Patch => "urn:ietf:params:scim:event:prov:patch:notice",
            Self::Delete => "urn:ietf:params:scim:event:prov:delete",
            Self::Activate => "urn:ietf:params:scim:event:prov:activate",
            Self::Deactivate => "urn:ietf:params:scim:event:prov:deactivate",
        }
    }

    fn names_attributes(self) -> bool {
        matches!(self, Self::Create | Self::Put | Self::Patch)
    }
}

/// The resource of an event.
pub struct Subject<'s> {
    /// Below the base URL, such as `/Users/{id}`.
    pub uri: String,
    pub external_id: Option<&'s str>,
}

impl<'s> Subject<'s> {
    /// A person, be it their account or a stand-in.
    pub fn user(user: &'s User) -> Self {
        Self { uri: format!("/Users/{}", user.id), external_id: user.external_id.as_deref() }
    }

    /// A group.
    pub fn group(group: &'s Group) -> Self {
        Self { uri: format!("/Groups/{}", group.id), external_id: group.external_id.as_deref() }
    }
}

/// Of whose work events tell.
#[derive(Clone, Copy)]
pub struct Origin<'a> {
    pub connection: &'a Connection,
    pub master: &'a MasterKeys,
    pub by: &'a By,
    /// The server's: the connection's base URL lies below it.
    pub issuer: &'a str,
    /// What the events of one request have in common (RFC 8417 §2.2).
    pub transaction: &'a str,
    /// Each event has a time of its own, by which those of one transaction keep their order.
    pub clock: &'a Clock,
}

impl Origin<'_> {
    /// Queues an event about a resource; `attributes` are those of it that came or changed.
    ///
    /// # Errors
    /// The database's, here and below.
    pub async fn publish(
        self,
        tx: &mut Tx<'_>,
        kind: Kind,
        subject: &Subject<'_>,
        attributes: impl IntoIterator<Item = &str>,
    ) -> Result<()> {
        let mut sub_id = json!({ "format": "scim", "uri": subject.uri });
        if let Some(external_id) = subject.external_id {
            sub_id["externalId"] = external_id.into();
        }
        let mut event = json!({});
        if kind.names_attributes() {
            event["attributes"] = attributes.into_iter().collect::<Value>();
        }
        self.queue(tx, sub_id, json!({ kind.uri(): event })).await
    }

    /// Queues a security event token with these events about that subject.
    pub async fn queue(self, tx: &mut Tx<'_>, sub_id: Value, events: Value) -> Result<()> {
        let now = self.clock.now();
        let claims = json!({
            "iss": self.issuer,
            "aud": format!("{}{}", self.issuer, self.connection.path()),
            "iat": now.as_seconds(),
            "jti": uuid_at(now),
            "txn": self.transaction,
            "sub_id": sub_id,
            "events": events,
        });
        let organization = self.connection.organization_id;
        for webhook in webhooks::publish(tx, self.master, organization, &claims, now).await? {
            // Too much has waited for it: an administrator finds out why.
            let event =
                Event::new(organization, "webhook.disabled", self.by.clone()).on(SubjectKind::Webhook, webhook.0);
            audit::record(tx, self.master, event, now).await?;
        }
        Ok(())
    }
}
