//! How a connection reads in JSON.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::standing::{RuleOrigin, Standing};
use crate::{
    api::{Over, Refusal, users::NamedSlug},
    app::App,
    clock::Timestamp,
    connections::{self, Connection, DefaultAssignment, Rule, Token},
    counters::{self, Counter},
    provisioning::{held, mapping},
    store::Db,
};

/// One external tool's SCIM access to the organization.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConnectionDetail {
    pub id: Uuid,
    pub name: String,
    /// `entra`, `okta`, `onelogin`, `jumpcloud` or `generic`.
    pub vendor: String,
    /// `active` or `paused`.
    pub status: String,
    /// Where the tool sends its requests.
    pub base_url: String,
    /// What each provisioned user gets.
    pub default_products: Vec<ListedProduct>,
    /// What the tool may give beside that.
    pub assignable: Vec<ListedProduct>,
    /// Groups that give their members roles.
    pub group_roles: Vec<GroupRoleDetail>,
    #[serde(flatten)]
    pub rules: Rules,
    pub tokens: Vec<ConnectionToken>,
    /// How many people the tool manages.
    pub people: i64,
    /// How many groups it has.
    pub groups: i64,
    /// What waits for a decision; null if nothing does.
    pub held: Option<HeldChanges>,
    /// RFC 3339.
    pub created_at: String,
    pub last_used_at: Option<String>,
}

/// What an administrator has decided about a connection.
#[derive(Debug, Serialize, ToSchema)]
pub struct Rules {
    /// What becomes of a person right after POST: `invite` or `activate`.
    pub on_create: String,
    /// What DELETE of a person does: `remove` or `deactivate`.
    pub on_delete: String,
    /// The mass-change guard; null is off.
    pub guard: Option<GuardRule>,
    /// Requests a second; null is without limit.
    pub rate_limit: Option<u32>,
    /// Whether the tool may read where accounts stand.
    pub account_state: bool,
    /// Whether unknown attributes are refused instead of ignored.
    pub strict: bool,
    /// Whether requests are answered as if, logged, and change nothing.
    pub dry_run: bool,
}

/// How much a tool may end in an hour before a person is asked.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GuardRule {
    /// In percent of the connection's users: 1 to 100.
    pub share: u8,
    /// Fewer changes than this are never held: 1 to 100000.
    pub minimum: u32,
}

/// Changes that the guard keeps.
#[derive(Debug, Serialize, ToSchema)]
pub struct HeldChanges {
    pub changes: i64,
    /// How many of them remove people for good.
    pub removals: i64,
    /// How many would end an organization's last administrator: these wait until another is made.
    pub administrators: i64,
    /// How many would empty or delete a group that gives product roles.
    pub groups: i64,
    /// How many people would lose roles by these.
    pub losing: i64,
    /// RFC 3339.
    pub since: String,
}

/// A product that provisioned users start with, or may be given.
#[derive(Debug, Serialize, ToSchema)]
pub struct ListedProduct {
    pub slug: String,
    pub name: String,
    /// The names of the roles.
    pub roles: Vec<String>,
    pub role_slugs: Vec<String>,
    /// Whether it covers the organizations below too.
    pub subtree: bool,
    /// Whether the caller may give it here, and so change it; what is not theirs is sent along as it is.
    pub yours: bool,
    /// Null if the operator set it, or an older version, which did not note it.
    pub set_by: Option<RuleOrigin>,
}

/// A group that gives roles.
#[derive(Debug, Serialize, ToSchema)]
pub struct GroupRoleDetail {
    /// Its display name or id, as the rule says.
    pub group: String,
    /// Whether the tool has such a group now.
    pub known: bool,
    pub product: NamedSlug,
    pub roles: Vec<NamedSlug>,
    pub subtree: bool,
    /// Whether the caller may give it here, and so change it; what is not theirs is sent along as it is.
    pub yours: bool,
    /// Null if the operator set it, or an older version, which did not note it.
    pub set_by: Option<RuleOrigin>,
}

/// A bearer token, without its secret.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConnectionToken {
    pub id: Uuid,
    /// Its last four characters.
    pub hint: String,
    pub created_at: String,
    pub expires_at: String,
    pub last_used_at: Option<String>,
    /// Whether it opens anything now.
    pub live: bool,
}

/// All that administrators see of a connection.
pub async fn detail(
    db: &mut Db<'_>,
    (app, over): (&App, &Over),
    connection: Connection,
    now: Timestamp,
) -> Result<ConnectionDetail, Refusal> {
    let mut standing = Standing::of(over, now);
    let tokens = connections::tokens(db, connection.id).await?;
    let default_products = listed(db, &mut standing, &connection.settings.default_assignments).await?;
    let assignable = listed(db, &mut standing, &connection.settings.assignable).await?;
    let group_roles = group_roles(db, &mut standing, &connection).await?;
    let held = held::summary(db, connection.id).await?.map(|held| HeldChanges {
        changes: held.changes,
        removals: held.removals,
        administrators: held.administrators,
        groups: held.groups,
        losing: held.losing,
        since: held.since.to_rfc3339(),
    });
    let settings = &connection.settings;
    Ok(ConnectionDetail {
        id: connection.id.0,
        base_url: app.config.url(&connection.path()),
        vendor: connection.vendor.as_str().to_owned(),
        status: connection.status.as_str().to_owned(),
        default_products,
        assignable,
        group_roles,
        rules: Rules {
            on_create: settings.on_create.as_str().to_owned(),
            on_delete: settings.on_delete.as_str().to_owned(),
            guard: settings.guard.map(|guard| GuardRule { share: guard.share, minimum: guard.minimum }),
            rate_limit: settings.rate_limit,
            account_state: settings.account_state,
            strict: settings.strict,
            dry_run: settings.dry_run,
        },
        tokens: tokens.iter().map(|token| ConnectionToken::of(token, now)).collect(),
        people: counters::total(db, connection.id.0, Counter::Users).await?,
        groups: counters::total(db, connection.id.0, Counter::Groups).await?,
        held,
        created_at: connection.created_at.to_rfc3339(),
        last_used_at: connection.last_used_at.map(Timestamp::to_rfc3339),
        name: connection.name,
    })
}

async fn group_roles(
    db: &mut Db<'_>,
    standing: &mut Standing<'_>,
    connection: &Connection,
) -> Result<Vec<GroupRoleDetail>, Refusal> {
    let mut rules = Vec::new();
    for rule in &connection.settings.group_roles {
        let Some((product, roles)) = standing.named(db, rule.gives()).await? else { continue };
        rules.push(GroupRoleDetail {
            group: rule.group.clone(),
            known: mapping::find(db, connection, &rule.group).await?.is_some(),
            product,
            roles,
            subtree: rule.subtree,
            yours: standing.is_yours(db, rule.gives()).await?,
            set_by: standing.origin(db, rule.origin, rule.gives()).await?,
        });
    }
    Ok(rules)
}

async fn listed(
    db: &mut Db<'_>,
    standing: &mut Standing<'_>,
    assignments: &[DefaultAssignment],
) -> Result<Vec<ListedProduct>, Refusal> {
    let mut products = Vec::new();
    for listed in assignments {
        let Some((product, roles)) = standing.named(db, listed.gives()).await? else { continue };
        products.push(ListedProduct {
            slug: product.slug,
            name: product.name,
            role_slugs: roles.iter().map(|role| role.slug.clone()).collect(),
            roles: roles.into_iter().map(|role| role.name).collect(),
            subtree: listed.subtree,
            yours: standing.is_yours(db, listed.gives()).await?,
            set_by: standing.origin(db, listed.origin, listed.gives()).await?,
        });
    }
    Ok(products)
}

impl ConnectionToken {
    fn of(token: &Token, now: Timestamp) -> Self {
        Self {
            id: token.id.0,
            hint: token.hint.clone(),
            created_at: token.created_at.to_rfc3339(),
            expires_at: token.expires_at.to_rfc3339(),
            last_used_at: token.last_used_at.map(Timestamp::to_rfc3339),
            live: token.is_live(now),
        }
    }
}
