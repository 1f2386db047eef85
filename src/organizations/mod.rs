//! Organizations: the tree `provider > partner > client`, and what each level demands of its people.
//!
//! Owns the tree and its policy. Who may act in it is [`crate::access`]'s question.
//!
//! Invariants: every organization stands in `organization_ancestors` with itself and all above it, so
//! "below" is one index range. A policy is only ever tightened downward: [`EffectivePolicy`] is
//! computed over the whole lineage, and no level can loosen what a higher one said.

mod cache;
mod policy;
mod sql;

use serde::{Deserialize, Serialize};

use crate::{
    clock::Timestamp,
    id::OrganizationId,
    store::{self, Db, Tx},
};

pub use cache::PolicyCache;
pub use policy::{EffectivePolicy, MfaRule, Policy};
pub use sql::{
    STATEMENTS, bump_revision, children, find, is_within, lineage, list_within, provider, set_policy, set_status,
};

text_enum! {
    /// Where in the tree an organization stands.
    pub enum Kind {
        /// The vendor that runs this server. There is one.
        Provider = "provider",
        /// A managed service provider.
        Partner = "partner",
        /// A partner's customer.
        Client = "client",
    }
}

text_enum! {
    /// Whether its people may sign in.
    pub enum Status {
        /// They may.
        Active = "active",
        /// Nobody of it, or of an organization below it, may.
        Suspended = "suspended",
    }
}

/// What an organization or product shows of itself on pages and in mails.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Branding {
    /// A CSS colour that was parsed and written out again, such as `#8a2f4f`.
    pub color: Option<String>,
    /// The address of a square logo.
    pub logo_uri: Option<String>,
}

/// A node of the tree.
#[derive(Debug, Clone)]
pub struct Organization {
    pub id: OrganizationId,
    /// None for the provider only.
    pub parent_id: Option<OrganizationId>,
    pub kind: Kind,
    pub name: String,
    /// The vendor's own number for a partner.
    pub external_id: Option<String>,
    pub contact_email: Option<String>,
    pub status: Status,
    /// What this level says itself.
    pub policy: Policy,
    pub branding: Branding,
    pub created_at: Timestamp,
}

/// What makes an organization.
#[derive(Debug, Clone)]
pub struct NewOrganization {
    /// None makes the provider.
    pub parent_id: Option<OrganizationId>,
    pub kind: Kind,
    pub name: String,
    pub external_id: Option<String>,
    pub contact_email: Option<String>,
    pub policy: Policy,
    pub branding: Branding,
}

/// Makes an organization below its parent.
///
/// # Errors
/// The database's.
pub async fn insert(tx: &mut Tx<'_>, new: &NewOrganization, now: Timestamp) -> store::Result<Organization> {
    insert_with_id(tx, OrganizationId::new(now), new, now).await
}

/// The same under an id chosen before, as the demo's declared world has it.
///
/// # Errors
/// The database's.
pub async fn insert_with_id(
    tx: &mut Tx<'_>,
    id: OrganizationId,
    new: &NewOrganization,
    now: Timestamp,
) -> store::Result<Organization> {
    let organization = Organization {
        id,
        parent_id: new.parent_id,
        kind: new.kind,
        name: new.name.clone(),
        external_id: new.external_id.clone(),
        contact_email: new.contact_email.clone(),
        status: Status::Active,
        policy: new.policy.clone(),
        branding: new.branding.clone(),
        created_at: now,
    };
    sql::insert(tx, &organization, now).await?;
    Ok(organization)
}

/// What holds for the people of an organization: its own policy, tightened by all above it.
///
/// # Errors
/// The database's.
pub async fn effective_policy(db: &mut Db<'_>, id: OrganizationId) -> store::Result<EffectivePolicy> {
    Ok(EffectivePolicy::over(lineage(db, id).await?.iter().map(|organization| &organization.policy)))
}

/// [`effective_policy`] of an organization whose people may be here: `None` unless it and all above it are active.
///
/// # Errors
/// The database's.
pub async fn live_policy(db: &mut Db<'_>, id: OrganizationId) -> store::Result<Option<EffectivePolicy>> {
    let lineage = lineage(db, id).await?;
    let is_active = !lineage.is_empty() && lineage.iter().all(|organization| organization.status == Status::Active);
    Ok(is_active.then(|| EffectivePolicy::over(lineage.iter().map(|organization| &organization.policy))))
}

/// Whether the organization and all above it are active.
///
/// # Errors
/// The database's.
pub async fn is_active(db: &mut Db<'_>, id: OrganizationId) -> store::Result<bool> {
    Ok(live_policy(db, id).await?.is_some())
}
