use serde_json::Value;
use uuid::Uuid;

use crate::id::{ApiTokenId, ClientRowId, ConnectionId, OrganizationId, UserId};

/// One thing that happened.
#[derive(Debug, Clone)]
pub struct Event {
    /// Whose chain it belongs to: the organization of what was acted on.
    pub organization: OrganizationId,
    /// What happened, as `noun.participle`: `user.deactivated`, `login.failed`.
    pub kind: &'static str,
    /// Who did it.
    pub by: By,
    /// What it was done to.
    pub subject: Option<(SubjectKind, Uuid)>,
    /// Whether it was done or refused.
    pub outcome: Outcome,
    /// Ids, roles, methods, settings. Never a name, an address or anything else about a person.
    pub details: Value,
    /// What is about a person.
    pub personal: Option<Personal>,
}

/// The part of an event that is about one person, and goes when that person is erased.
#[derive(Debug, Clone)]
pub struct Personal {
    /// Whom it is about.
    pub person: UserId,
    /// Login name, e-mail address, what was typed.
    pub data: Value,
    /// Whether it is the first event about them.
    pub is_new: bool,
}

/// Who acts, and from where.
#[derive(Debug, Clone)]
pub struct By {
    pub kind: ActorKind,
    pub id: Option<Uuid>,
    /// The client address; kept under the actor's key.
    pub address: Option<String>,
    /// The browser or tool; kept under the actor's key.
    pub user_agent: Option<String>,
}

text_enum! {
    /// What kind of actor.
    pub enum ActorKind {
        User = "user",
        Client = "client",
        Connection = "connection",
        ApiToken = "api_token",
        /// A person at the server's command line.
        Operator = "operator",
        /// The server itself: a schedule, an expiry.
        System = "system",
        /// Somebody who has not signed in.
        Nobody = "nobody",
    }
}

text_enum! {
    /// What kind of thing was acted on.
    pub enum SubjectKind {
        User = "user",
        Group = "group",
        Organization = "organization",
        Product = "product",
        Role = "role",
        Assignment = "assignment",
        Client = "client",
        Connection = "connection",
        ApiToken = "api_token",
        Invitation = "invitation",
        Session = "session",
        Grant = "grant",
        Factor = "factor",
        SigningKey = "signing_key",
        Webhook = "webhook",
        /// A SCIM resource of a type that configuration added.
        Resource = "resource",
    }
}

text_enum! {
    /// How it ended.
    pub enum Outcome {
        Success = "success",
        Refused = "refused",
    }
}

impl By {
    const fn new(kind: ActorKind, id: Option<Uuid>) -> Self {
        Self { kind, id, address: None, user_agent: None }
    }

    /// The server itself.
    pub const fn system() -> Self {
        Self::new(ActorKind::System, None)
    }

    /// A person at the command line.
    pub const fn operator() -> Self {
        Self::new(ActorKind::Operator, None)
    }

    /// Somebody who has not signed in.
    pub const fn nobody() -> Self {
        Self::new(ActorKind::Nobody, None)
    }

    /// A user.
    pub const fn user(id: UserId) -> Self {
        Self::new(ActorKind::User, Some(id.0))
    }

    /// An OAuth client.
    pub const fn client(id: ClientRowId) -> Self {
        Self::new(ActorKind::Client, Some(id.0))
    }

    /// A SCIM connection.
    pub const fn connection(id: ConnectionId) -> Self {
        Self::new(ActorKind::Connection, Some(id.0))
    }

    /// A token for the administrators' API.
    pub const fn api_token(id: ApiTokenId) -> Self {
        Self::new(ActorKind::ApiToken, Some(id.0))
    }

    /// Adds where the request came from.
    pub fn at(mut self, address: impl Into<String>, user_agent: impl Into<String>) -> Self {
        self.address = Some(address.into());
        self.user_agent = Some(user_agent.into());
        self
    }
}

impl Event {
    /// A successful event without subject, details or personal part; the `with_` methods add them.
    pub fn new(organization: OrganizationId, kind: &'static str, by: By) -> Self {
        let details = Value::Object(serde_json::Map::new());
        Self { organization, kind, by, subject: None, outcome: Outcome::Success, details, personal: None }
    }

    /// What it was done to.
    pub fn on(mut self, kind: SubjectKind, id: Uuid) -> Self {
        self.subject = Some((kind, id));
        self
    }

    /// It was not done.
    pub fn refused(mut self) -> Self {
        self.outcome = Outcome::Refused;
        self
    }

    /// Facts that are about no person.
    pub fn with(mut self, details: Value) -> Self {
        self.details = details;
        self
    }

    /// Facts about a person.
    pub fn about(mut self, person: UserId, data: Value) -> Self {
        self.personal = Some(Personal { person, data, is_new: false });
        self
    }

    /// Facts about a person whose account this transaction has made: the first event about them.
    pub fn about_new(mut self, person: UserId, data: Value) -> Self {
        self.personal = Some(Personal { person, data, is_new: true });
        self
    }
}
