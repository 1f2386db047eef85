//! What the pages know of `/api/v1`: the answers, as far as they are shown. The portal shares no type
//! with the server, so that it can only use what the API says.

use serde::Deserialize;
use uuid::Uuid;

/// An RFC 9457 problem.
#[derive(Debug, Clone, Deserialize)]
pub struct Problem {
    #[serde(rename = "type")]
    pub kind: String,
    pub title: String,
    pub status: u16,
    #[serde(default)]
    pub detail: String,
    #[serde(default)]
    pub errors: Vec<FieldError>,
}

impl Problem {
    /// The same for a small form, whose one fault stands in the banner.
    #[must_use]
    pub fn by_first_fault(mut self) -> Self {
        if let Some(first) = self.errors.first() {
            self.detail.clone_from(&first.detail);
        }
        self
    }

    /// Whether it is the one of that word.
    pub fn is(&self, word: &str) -> bool {
        self.kind.strip_prefix("urn:castellan:problem:") == Some(word)
    }
}

/// A field to correct.
#[derive(Debug, Clone, Deserialize)]
pub struct FieldError {
    pub pointer: String,
    pub detail: String,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Named {
    pub id: Uuid,
    pub name: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct NamedSlug {
    pub slug: String,
    pub name: String,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Organization {
    pub id: Uuid,
    pub name: String,
    pub kind: String,
    pub parent_id: Option<Uuid>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct OrganizationDetail {
    #[serde(flatten)]
    pub organization: Organization,
    pub permissions: Vec<String>,
}

impl OrganizationDetail {
    pub fn may(&self, permission: &str) -> bool {
        self.permissions.iter().any(|held| held == permission)
    }
}

#[derive(Debug, Clone, Deserialize)]
pub struct OrganizationList {
    pub organizations: Vec<Organization>,
    pub total: usize,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Me {
    pub id: Uuid,
    pub login_name: String,
    pub given_name: String,
    pub display_name: String,
    pub organization: Organization,
    pub portal_roles: Vec<NamedSlug>,
    pub second_factors: usize,
    pub last_login_at: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct MyProducts {
    pub products: Vec<MyProduct>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct MyProduct {
    pub slug: String,
    pub name: String,
    pub description: String,
    pub launch_url: Option<String>,
    pub color: Option<String>,
    pub access: Vec<Access>,
    pub phishing_resistant: bool,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Access {
    pub product: NamedSlug,
    pub roles: Vec<NamedSlug>,
    pub organization: Named,
    pub subtree: bool,
    pub source: String,
    pub group: Option<String>,
    pub connection: Option<Named>,
    pub by_hand: bool,
}

#[derive(Debug, Clone, Deserialize)]
pub struct UserList {
    pub users: Vec<UserSummary>,
    pub next: Option<Uuid>,
    pub counts: Counts,
}

#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Counts {
    pub active: i64,
    pub invited: i64,
    pub deactivated: i64,
}

#[derive(Debug, Clone, Deserialize)]
pub struct UserSummary {
    pub id: Uuid,
    pub login_name: String,
    pub email: Option<String>,
    pub given_name: String,
    pub family_name: String,
    pub display_name: String,
    pub status: String,
    pub portal_role: Option<NamedSlug>,
    pub products: Vec<NamedSlug>,
    pub factors: Vec<String>,
    pub provisioned: bool,
    pub member: bool,
    /// Who asks somebody from elsewhere to join: then this is no account.
    pub asked_by: Option<Named>,
    pub created_at: String,
    pub last_login_at: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct UserDetail {
    #[serde(flatten)]
    pub summary: UserSummary,
    pub organization: Named,
    pub email_verified: bool,
    pub connection: Option<Named>,
    pub access: Vec<Access>,
    pub second_factors: Vec<SecondFactor>,
    pub recovery_codes_left: i64,
    pub allowed: Vec<String>,
}

impl UserDetail {
    pub fn may(&self, act: &str) -> bool {
        self.allowed.iter().any(|allowed| allowed == act)
    }
}

#[derive(Debug, Clone, Deserialize)]
pub struct SecondFactor {
    pub kind: String,
    pub name: String,
    pub last_used_at: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct ProductList {
    pub products: Vec<ProductWithRoles>,
    pub portal_roles: Vec<ProductRole>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct ProductWithRoles {
    pub slug: String,
    pub name: String,
    pub description: String,
    pub color: Option<String>,
    pub roles: Vec<ProductRole>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct ProductRole {
    pub slug: String,
    pub name: String,
    pub description: String,
    pub grantable: bool,
}

#[derive(Debug, Clone, Deserialize)]
pub struct ConnectionList {
    pub connections: Vec<Connection>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Connection {
    pub id: Uuid,
    pub name: String,
    pub vendor: String,
    pub status: String,
    pub base_url: String,
    pub default_products: Vec<DefaultProduct>,
    pub assignable: Vec<DefaultProduct>,
    pub group_roles: Vec<GroupRole>,
    pub on_create: String,
    pub on_delete: String,
    pub guard: Option<GuardRule>,
    pub rate_limit: Option<u32>,
    pub account_state: bool,
    pub strict: bool,
    pub dry_run: bool,
    pub tokens: Vec<ConnectionToken>,
    pub people: i64,
    pub groups: i64,
    pub held: Option<HeldChanges>,
    pub created_at: String,
    pub last_used_at: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct DefaultProduct {
    pub slug: String,
    pub name: String,
    pub roles: Vec<String>,
    pub role_slugs: Vec<String>,
    pub subtree: bool,
    /// Whether one may change it.
    pub yours: bool,
    pub set_by: Option<RuleOrigin>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct GroupRole {
    pub group: String,
    pub known: bool,
    pub product: NamedSlug,
    pub roles: Vec<NamedSlug>,
    pub subtree: bool,
    /// Whether one may change it.
    pub yours: bool,
    pub set_by: Option<RuleOrigin>,
}

/// Who set a rule.
#[derive(Debug, Clone, Deserialize)]
pub struct RuleOrigin {
    pub kind: String,
    pub name: Option<String>,
    pub at: String,
    pub still_may: bool,
}

#[derive(Debug, Clone, Deserialize)]
pub struct GuardRule {
    pub share: u8,
    pub minimum: u32,
}

#[derive(Debug, Clone, Deserialize)]
pub struct HeldChanges {
    pub changes: i64,
    pub removals: i64,
    pub administrators: i64,
    pub groups: i64,
    pub losing: i64,
    pub since: String,
}

#[derive(Debug, Clone, Deserialize)]
pub struct HeldList {
    pub changes: Vec<HeldChange>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct HeldChange {
    /// `None` if it is about a group.
    pub user: Option<Uuid>,
    pub name: String,
    pub login_name: Option<String>,
    pub change: String,
    pub people: Option<i64>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct ConnectionHealth {
    pub open: bool,
    pub checks: Vec<Check>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Check {
    pub state: String,
    pub detail: String,
}

#[derive(Debug, Clone, Deserialize)]
pub struct LogPage {
    pub entries: Vec<LogEntry>,
    pub next: Option<Uuid>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct LogEntry {
    pub at: String,
    pub method: String,
    pub path: String,
    pub status: i64,
    pub outcome: String,
    pub resource: Option<Uuid>,
    pub name: String,
    pub changes: Vec<AttributeChange>,
    pub reason: Option<String>,
    pub warnings: Vec<String>,
    pub members_added: u64,
    pub members_removed: u64,
}

#[derive(Debug, Clone, Deserialize)]
pub struct AttributeChange {
    pub attribute: String,
    pub before: serde_json::Value,
    pub after: serde_json::Value,
}

#[derive(Debug, Clone, Deserialize)]
pub struct ConnectionToken {
    pub id: Uuid,
    pub hint: String,
    pub expires_at: String,
    pub last_used_at: Option<String>,
    pub live: bool,
}

#[derive(Clone, Deserialize)]
pub struct ConnectionWithToken {
    pub connection: Connection,
    /// Shown once.
    pub token: String,
}

#[derive(Debug, Clone, Deserialize)]
pub struct ConnectionClientList {
    pub clients: Vec<ConnectionClient>,
    pub token_endpoint: String,
}

#[derive(Debug, Clone, Deserialize)]
pub struct ConnectionClient {
    pub id: Uuid,
    pub name: String,
    pub client_id: String,
    pub created_at: String,
}

#[derive(Clone, Deserialize)]
pub struct ConnectionClientWithSecret {
    pub client: ConnectionClient,
    /// Shown once.
    pub client_secret: String,
    pub token_endpoint: String,
    pub scope: String,
}

#[derive(Debug, Clone, Deserialize)]
pub struct WebhookList {
    pub webhooks: Vec<Webhook>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Webhook {
    pub id: Uuid,
    pub url: String,
    pub status: String,
    pub created_at: String,
}

#[derive(Clone, Deserialize)]
pub struct WebhookWithSecret {
    pub webhook: Webhook,
    /// Shown once.
    pub secret: String,
}
