use serde::{Deserialize, Serialize};

use crate::{
    clock::Timestamp,
    id::{ApiTokenId, OrganizationId, ProductId, RoleId, UserId},
};

/// What an administrator decides about a connection; JSON in `connections.settings`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// What each provisioned user gets (V2), over the connection's organization. The portal's
    /// administrator is never granted, even if it stands here: a tool makes no administrators.
    pub default_assignments: Vec<DefaultAssignment>,
    /// What else the tool may give through the assignments of our own schema extension (V2): it gives
    /// its defaults and this, and nothing beyond.
    pub assignable: Vec<DefaultAssignment>,
    /// Whether the tool may read where accounts stand (status, last sign-in, second factors) by our extension.
    pub account_state: bool,
    /// Groups that give their members product roles (V2).
    pub group_roles: Vec<GroupRole>,
    /// What becomes of a person right after POST.
    pub on_create: OnCreate,
    /// What becomes of a person by DELETE.
    pub on_delete: OnDelete,
    /// The mass-change guard (V3); `None` is off.
    pub guard: Option<Guard>,
    /// Requests a second; bursts of twice as many pass. `None` is off.
    pub rate_limit: Option<u32>,
    /// Refuse unknown attributes and schemas instead of ignoring them.
    pub strict: bool,
    /// Answer as if, log what would change, and change nothing.
    pub dry_run: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            default_assignments: Vec::new(),
            assignable: Vec::new(),
            account_state: false,
            group_roles: Vec::new(),
            on_create: OnCreate::Invite,
            on_delete: OnDelete::Remove,
            guard: Some(Guard::default()),
            rate_limit: Some(50),
            strict: false,
            dry_run: false,
        }
    }
}

/// Roles of one product that provisioned users start with, or may be given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DefaultAssignment {
    pub product: ProductId,
    pub roles: Vec<RoleId>,
    /// Whether it covers the organizations below the connection's own too.
    #[serde(default)]
    pub subtree: bool,
    /// `None` if the operator set it, or an older version, which did not note it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
}

/// Roles that the members of a group have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupRole {
    /// The group's display name, whatever its case, or its id.
    pub group: String,
    pub product: ProductId,
    pub roles: Vec<RoleId>,
    /// Whether they cover the organizations below the connection's own too.
    #[serde(default)]
    pub subtree: bool,
    /// `None` if the operator set it, or an older version, which did not note it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
}

/// Who set a rule, and when. The rule is the organization's: like an assignment, it outlives whoever gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    pub by: Setter,
    pub at: Timestamp,
}

/// Who sets rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Setter {
    User(UserId),
    /// With the organization that let it in.
    ApiToken {
        id: ApiTokenId,
        organization: OrganizationId,
    },
}

/// A rule that gives roles, whatever makes it count.
pub trait Rule {
    /// The group to whose members it gives; `None` if it is not about a group.
    fn group(&self) -> Option<&str>;
    fn gives(&self) -> Gives<'_>;
    fn origin(&self) -> Option<Origin>;
}

/// What a rule gives.
#[derive(Debug, Clone, Copy)]
pub struct Gives<'r> {
    pub product: ProductId,
    pub roles: &'r [RoleId],
    pub subtree: bool,
}

impl Gives<'_> {
    /// Whether it is no more than `other`.
    pub fn is_within(self, other: Gives<'_>) -> bool {
        self.product == other.product
            && self.roles.iter().all(|role| other.roles.contains(role))
            && (other.subtree || !self.subtree)
    }
}

impl Rule for DefaultAssignment {
    fn group(&self) -> Option<&str> {
        None
    }

    fn gives(&self) -> Gives<'_> {
        Gives { product: self.product, roles: &self.roles, subtree: self.subtree }
    }

    fn origin(&self) -> Option<Origin> {
        self.origin
    }
}

impl Rule for GroupRole {
    fn group(&self) -> Option<&str> {
        Some(&self.group)
    }

    fn gives(&self) -> Gives<'_> {
        Gives { product: self.product, roles: &self.roles, subtree: self.subtree }
    }

    fn origin(&self) -> Option<Origin> {
        self.origin
    }
}

text_enum! {
    /// What POST does after making the account.
    pub enum OnCreate {
        /// Mails a link at which the person sets a password; the account is invited until then.
        Invite = "invite",
        /// Active at once; the person gets in by "forgotten password", or with the password that came along.
        Activate = "activate",
    }
}
text_enum! {
    /// What DELETE does. To the tool the resource is gone either way (RFC 7644 §3.6).
    pub enum OnDelete {
        /// Removes the person for good (P12).
        Remove = "remove",
        /// Ends all access and leaves the account, deactivated, to the administrators. If the tool
        /// provisions the same login name again, it is the same person.
        Deactivate = "deactivate",
    }
}

/// How much of the population a tool may deactivate or remove in an hour before a person is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guard {
    /// In percent of the connection's users.
    pub share: u8,
    /// Fewer changes than this are never held.
    pub minimum: u32,
}

impl Default for Guard {
    fn default() -> Self {
        Self { share: 20, minimum: 10 }
    }
}
