//! Identifiers: UUIDv7, one type for each noun, and never a secret (ASVS 11.5.1).
//!
//! They sort by time of creation, so inserts stay local in an index and keyset paging follows
//! creation order. Whoever holds one holds no right by it: every query on tenant data also names
//! the organization.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::clock::Timestamp;

/// Makes a UUIDv7 whose time part is `now`, so that ids and rows agree under a moved clock. What its millisecond has
/// behind the point leads the random part (RFC 9562 §6.2, method 3), so that ids keep the order of their making.
pub fn uuid_at(now: Timestamp) -> Uuid {
    let micros = now.as_micros().max(0).unsigned_abs();
    let mut random = [0u8; 10];
    crate::secret::fill(&mut random);
    // Twelve bits: the version takes the upper half of the first byte.
    let [.., high, low] = ((micros % 1000) * 4096 / 1000).to_be_bytes();
    (random[0], random[1]) = (high, low);
    uuid::Builder::from_unix_timestamp_millis(micros / 1000, &random).into_uuid()
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, sqlx::Type)]
        #[serde(transparent)]
        #[sqlx(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A new identifier, ordered by `now`.
            pub fn new(now: Timestamp) -> Self {
                Self(uuid_at(now))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            /// Reads the hyphenated form only, so that one identifier has one spelling.
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let uuid = Uuid::try_parse(text)?;
                if uuid.hyphenated().to_string() == text { Ok(Self(uuid)) } else { Uuid::try_parse("").map(Self) }
            }
        }
    )*};
}

ids! {
    /// A node of the tree `provider > partner > client`.
    OrganizationId;
    /// A person's account. It is also the `sub` of tokens: stable, never used again.
    UserId;
    /// Something the vendor sells.
    ProductId;
    /// A module of a product.
    ModuleId;
    /// A permission `product:module:action`.
    PermissionId;
    /// A named set of permissions of one product.
    RoleId;
    /// Subject, product, roles, organizations: the only source of product access.
    AssignmentId;
    /// A group of users in one organization.
    GroupId;
    /// The row of an OAuth client. Its `client_id` is another value.
    ClientRowId;
    /// A browser session at this server. It is the `sid` of ID and logout tokens.
    SessionId;
    /// A sign-in under way: half a session.
    LoginFlowId;
    /// A stored authorization request, waiting for its user.
    AuthorizationRequestId;
    /// What a user allowed a client at one sign-in: the family of its tokens.
    GrantId;
    /// An enrolled factor.
    FactorId;
    /// One external tool's SCIM access to one organization.
    ConnectionId;
    /// A SCIM resource of a type that configuration added.
    CustomResourceId;
    /// A request of a connection that is performed later: the transaction that its events name.
    AsynchronousRequestId;
    /// A bearer token of a connection.
    ConnectionTokenId;
    /// A token for the administrators' API.
    ApiTokenId;
    /// A message or delivery that leaves later.
    OutboxId;
    /// Where an organization's events are pushed.
    WebhookId;
    /// An audit event.
    EventId;
    /// An invitation.
    InvitationId;
    /// A mailed link's row.
    ActionTokenId;
    /// A session of the portal, a relying party of this server.
    PortalSessionId;
    /// A mail in the demo's mailbox.
    MailId;
}
