//! What the API says of a person.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{access::is_by_hand, sight::Seen};
use crate::{
    access::RoleOfUser,
    api::organizations::Named,
    clock::Timestamp,
    id::{AssignmentId, ConnectionId},
    mfa::{self, Factor},
    products::portal,
};

/// A person in a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct UserSummary {
    pub id: Uuid,
    pub login_name: String,
    pub email: Option<String>,
    pub given_name: String,
    pub family_name: String,
    pub display_name: String,
    /// `invited`, `active` or `deactivated`.
    pub status: String,
    /// Slug of the portal role; null for people who cannot reach the portal.
    pub portal_role: Option<NamedSlug>,
    /// Products other than the portal.
    pub products: Vec<NamedSlug>,
    /// Kinds of second factors that are set up.
    pub factors: Vec<String>,
    /// Whether a connection manages the account.
    pub provisioned: bool,
    /// Whether the person's home is another organization.
    pub member: bool,
    /// Set where this is no account of its own: the connection that has asked somebody whose account lives elsewhere
    /// to join. Names, status and products are what its tool says, and nobody changes them here. Once they have
    /// joined, the person is listed as a member.
    pub asked_by: Option<Named>,
    /// RFC 3339.
    pub created_at: String,
    pub last_login_at: Option<String>,
}

/// Something with a slug for programs and a name for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct NamedSlug {
    pub slug: String,
    pub name: String,
}

/// A person with all that administrators see.
#[derive(Debug, Serialize, ToSchema)]
pub struct UserDetail {
    #[serde(flatten)]
    pub summary: UserSummary,
    /// The home organization.
    pub organization: Named,
    /// Whether our own mailed link has proven the address.
    pub email_verified: bool,
    /// The connection that manages the account: login name, address and names are its to change.
    pub connection: Option<Named>,
    /// Every role, where it holds, and whence it comes.
    pub access: Vec<Access>,
    pub second_factors: Vec<SecondFactor>,
    pub recovery_codes_left: i64,
    /// What the caller may do with this person: `update`, `deactivate`, `reactivate`, `remove`,
    /// `reset-password`, `reset-mfa`, `invite`.
    pub allowed: Vec<String>,
}

/// Roles of one product over one organization.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Access {
    pub product: NamedSlug,
    pub roles: Vec<NamedSlug>,
    pub organization: Named,
    /// Covers the organizations below it too.
    pub subtree: bool,
    /// `direct`, `connection`, `default` or `invitation`.
    pub source: String,
    /// The group it comes by.
    pub group: Option<String>,
    /// The connection that gives it, to the person or to the group.
    pub connection: Option<Named>,
    /// Whether an administrator may take it away: what comes by a group or of a connection is theirs.
    pub by_hand: bool,
}

/// A second factor, without its secret.
#[derive(Debug, Serialize, ToSchema)]
pub struct SecondFactor {
    /// `totp`, `passkey` or `email`.
    pub kind: String,
    pub name: String,
    pub created_at: String,
    pub last_used_at: Option<String>,
}

impl UserSummary {
    pub fn of(seen: &Seen) -> Self {
        let Seen { user, roles, factors, .. } = seen;
        let of_portal = |role: &&RoleOfUser| role.product_slug == portal::SLUG;
        // The strongest role is the one that counts: an administrator is not also shown as Basic.
        let mut portal_roles: Vec<&RoleOfUser> = roles.iter().filter(of_portal).collect();
        portal_roles.sort_by_key(|role| match role.role_slug.as_str() {
            portal::ADMINISTRATOR => 0,
            portal::ACCOUNTANT => 1,
            _ => 2,
        });
        let mut products: Vec<NamedSlug> = Vec::new();
        for role in roles.iter().filter(|role| !of_portal(role)) {
            let product = NamedSlug { slug: role.product_slug.clone(), name: role.product_name.clone() };
            if !products.contains(&product) {
                products.push(product);
            }
        }
        let mut kinds: Vec<String> = Vec::new();
        for kind in factors.iter().map(|factor| factor.method.as_str()) {
            if !kinds.iter().any(|known| known == kind) {
                kinds.push(kind.to_owned());
            }
        }
        Self {
            id: user.id.0,
            login_name: user.login_name.as_given().to_owned(),
            email: user.email.clone(),
            given_name: user.given_name.clone(),
            family_name: user.family_name.clone(),
            display_name: user.name().to_owned(),
            status: user.status.as_str().to_owned(),
            portal_role: portal_roles.first().map(|role| NamedSlug::of_role(role)),
            products,
            factors: kinds,
            provisioned: user.connection_id.is_some(),
            member: seen.is_member,
            asked_by: seen.asked_by.clone(),
            created_at: user.created_at.to_rfc3339(),
            last_login_at: user.last_login_at.map(Timestamp::to_rfc3339),
        }
    }
}

impl NamedSlug {
    fn of_role(role: &RoleOfUser) -> Self {
        Self { slug: role.role_slug.clone(), name: role.role_name.clone() }
    }
}

impl Access {
    /// One entry for each assignment. Of a connection that has let go of the person, `detached_from`, nothing
    /// is owned any more.
    pub fn of(roles: &[RoleOfUser], detached_from: Option<ConnectionId>) -> Vec<Self> {
        let mut entries: Vec<(AssignmentId, Self)> = Vec::new();
        for role in roles {
            match entries.last_mut() {
                Some((id, entry)) if *id == role.assignment_id => entry.roles.push(NamedSlug::of_role(role)),
                _ => entries.push((role.assignment_id, Self::first(role, detached_from))),
            }
        }
        entries.into_iter().map(|(_, entry)| entry).collect()
    }

    fn first(role: &RoleOfUser, detached_from: Option<ConnectionId>) -> Self {
        let connection = role.connection_id.zip(role.connection_name.clone());
        Self {
            product: NamedSlug { slug: role.product_slug.clone(), name: role.product_name.clone() },
            roles: vec![NamedSlug::of_role(role)],
            organization: Named { id: role.organization_id.0, name: role.organization_name.clone() },
            subtree: role.subtree,
            source: role.source.as_str().to_owned(),
            group: role.group_name.clone(),
            connection: connection.map(|(id, name)| Named { id: id.0, name }),
            by_hand: is_by_hand(role.group_name.is_some(), role.owner(), detached_from),
        }
    }
}

impl From<&mfa::Factor> for SecondFactor {
    fn from(factor: &Factor) -> Self {
        Self {
            kind: factor.method.as_str().to_owned(),
            name: factor.name.clone(),
            created_at: factor.created_at.to_rfc3339(),
            last_used_at: factor.last_used_at.map(Timestamp::to_rfc3339),
        }
    }
}
