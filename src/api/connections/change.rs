use axum::{Json, extract::State};
use serde::{Deserialize, Deserializer};
use serde_json::json;
use utoipa::ToSchema;

use super::{
    Body, Caller, ConnectionDetail, Ids, Invalid, Problem, Refusal, attempt,
    create::word,
    managed, record,
    rules::{GroupRoles, Hand, give_more},
    standing::Standing,
    wire::{self, GuardRule},
};
use crate::{
    api::users::{
        change::check_name,
        grants::{Faults, ProductRoles},
    },
    app::App,
    audit::{self, Event, SubjectKind},
    connections::{self, Connection, Guard, Settings, Status},
    id::{ConnectionId, OrganizationId},
    provisioning::mapping,
    store::Db,
};

/// The most requests a second that one may set.
const HIGHEST_RATE: u32 = 10_000;
/// The largest minimum of the guard.
const LARGEST_MINIMUM: u32 = 100_000;

/// What to change of a connection. What is absent stays.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConnectionChange {
    name: Option<String>,
    /// `invite` or `activate`.
    on_create: Option<String>,
    /// `remove` or `deactivate`.
    on_delete: Option<String>,
    /// What each person provisioned from now on gets; never a role of the portal. Of this and the two lists below, what
    /// is not the caller's to give (`yours`) is sent along as it is.
    default_products: Option<Vec<ProductRoles>>,
    /// What the tool may give beside its defaults, through `assignments` of our schema extension of User;
    /// never a role of the portal. If there is nothing, `assignments` are read-only to it.
    assignable: Option<Vec<ProductRoles>>,
    /// Whether the tool may read where accounts stand: status, last sign-in, proven address, and which second factors
    /// people have.
    account_state: Option<bool>,
    /// Groups that give their members roles; never a role of the portal. It counts at once for those who are in them.
    group_roles: Option<Vec<GroupRoles>>,
    /// null switches the mass-change guard off.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<GuardRule>)]
    guard: Option<Option<GuardRule>>,
    /// Requests a second, 1 to 10000; null is without limit.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<u32>)]
    rate_limit: Option<Option<u32>>,
    /// Whether to refuse unknown attributes instead of ignoring them.
    strict: Option<bool>,
    /// Whether to answer as if, log, and change nothing.
    dry_run: Option<bool>,
}

/// Tells null from absent.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// Changes the name and the rules of a connection. They count from its next request on. Rules that give more than
/// those before, and letting the tool read where accounts stand, ask for a fresh sign-in.
#[utoipa::path(
    patch, path = "/api/v1/organizations/{organization}/connections/{connection}", tag = "connections",
    params(("organization" = Uuid, Path), ("connection" = Uuid, Path)), request_body = ConnectionChange,
    responses((status = 200, body = ConnectionDetail), (status = 401, body = Problem, content_type = "application/problem+json"), (status = 403, body = Problem, content_type = "application/problem+json"), (status = 404, body = Problem, content_type = "application/problem+json"), (status = 422, body = Problem, content_type = "application/problem+json")),
)]
pub async fn change(
    State(app): State<App>,
    caller: Caller,
    Ids(ids): Ids<(OrganizationId, ConnectionId)>,
    Body(change): Body<ConnectionChange>,
) -> Result<Json<ConnectionDetail>, Refusal> {
    let (parts, who) = (app.clone(), caller.clone());
    let outcome = app.store.write(async move |tx| {
        let (over, before) = managed(tx, &who, ids).await?;
        let mut hand = Hand::of(Standing::of(&over, who.now), &who);
        let after = applied(tx, &mut hand, &before, &change).await?;
        if give_more(&before.settings, &after.settings) {
            who.fresh()?;
        }
        if after != before {
            connections::update(tx, &after, who.now).await?;
            mapping::change(tx, (&before, &after), &parts.master, who.now).await?;
            let rules = hand.words(tx, &before.settings, &after.settings).await?;
            let details = json!({ "changed": changed(&before, &after), "rules": rules });
            record(tx, &parts, &who, (&after, "connection.changed"), details).await?;
        }
        wire::detail(tx, (&parts, &over), after, who.now).await
    });
    let attempt = attempt(ids.0, ids.1, "connection.changed");
    let changed = caller.denied(app.clone(), attempt, outcome.await).await?;
    // A rule that went may have left logout tokens to send.
    app.wake.ring();
    Ok(Json(changed))
}

async fn applied(
    db: &mut Db<'_>,
    hand: &mut Hand<'_>,
    before: &Connection,
    change: &ConnectionChange,
) -> Result<Connection, Refusal> {
    let mut faults = Faults::default();
    faults.invalid.extend(change.name.as_deref().and_then(|name| check_name("/name", name)));
    let mut after = before.clone();
    if let Some(name) = &change.name {
        name.trim().clone_into(&mut after.name);
    }
    let settings = &mut after.settings;
    if let Some(text) = &change.on_create {
        settings.on_create = word(("/on_create", "invite, activate"), text, &mut faults).unwrap_or(settings.on_create);
    }
    if let Some(text) = &change.on_delete {
        settings.on_delete =
            word(("/on_delete", "remove, deactivate"), text, &mut faults).unwrap_or(settings.on_delete);
    }
    let old = &before.settings;
    if let Some(asked) = &change.default_products {
        let before = ("/default_products", old.default_assignments.as_slice());
        settings.default_assignments = hand.products(db, before, asked, &mut faults).await?;
    }
    if let Some(asked) = &change.assignable {
        settings.assignable = hand.products(db, ("/assignable", &old.assignable), asked, &mut faults).await?;
    }
    if let Some(asked) = &change.group_roles {
        settings.group_roles = hand.group_roles(db, &old.group_roles, asked, &mut faults).await?;
    }
    limits(settings, change, &mut faults.invalid);
    settings.strict = change.strict.unwrap_or(settings.strict);
    settings.account_state = change.account_state.unwrap_or(settings.account_state);
    settings.dry_run = change.dry_run.unwrap_or(settings.dry_run);
    faults.into_result()?;
    Ok(after)
}

fn limits(settings: &mut Settings, change: &ConnectionChange, errors: &mut Vec<Invalid>) {
    if let Some(guard) = change.guard {
        if guard.is_some_and(|guard| !(1..=100).contains(&guard.share)) {
            errors.push(Invalid::new("/guard/share", "out-of-range", "Use 1 to 100 percent."));
        }
        if guard.is_some_and(|guard| !(1..=LARGEST_MINIMUM).contains(&guard.minimum)) {
            errors.push(Invalid::new("/guard/minimum", "out-of-range", "Use 1 to 100000 changes."));
        }
        settings.guard = guard.map(|guard| Guard { share: guard.share, minimum: guard.minimum });
    }
    if let Some(rate) = change.rate_limit {
        if rate.is_some_and(|rate| !(1..=HIGHEST_RATE).contains(&rate)) {
            errors.push(Invalid::new("/rate_limit", "out-of-range", "Use 1 to 10000 requests a second."));
        }
        settings.rate_limit = rate;
    }
}

/// The names of what differs, for the audit log.
fn changed(before: &Connection, after: &Connection) -> Vec<&'static str> {
    let (old, new) = (&before.settings, &after.settings);
    let differs = [
        ("name", before.name != after.name),
        ("on_create", old.on_create != new.on_create),
        ("on_delete", old.on_delete != new.on_delete),
        ("default_products", old.default_assignments != new.default_assignments),
        ("assignable", old.assignable != new.assignable),
        ("account_state", old.account_state != new.account_state),
        ("group_roles", old.group_roles != new.group_roles),
        ("guard", old.guard != new.guard),
        ("rate_limit", old.rate_limit != new.rate_limit),
        ("strict", old.strict != new.strict),
        ("dry_run", old.dry_run != new.dry_run),
    ];
    differs.into_iter().filter_map(|(name, differs)| differs.then_some(name)).collect()
}

/// Lets no request of the tool in until it is resumed. Its people stay as they are, and may be changed by hand.
#[utoipa::path(
    post, path = "/api/v1/organizations/{organization}/connections/{connection}/pause", tag = "connections",
    params(("organization" = Uuid, Path), ("connection" = Uuid, Path)),
    responses((status = 200, body = ConnectionDetail), (status = 403, body = Problem, content_type = "application/problem+json"), (status = 404, body = Problem, content_type = "application/problem+json")),
)]
pub async fn pause(
    State(app): State<App>,
    caller: Caller,
    Ids(ids): Ids<(OrganizationId, ConnectionId)>,
) -> Result<Json<ConnectionDetail>, Refusal> {
    set_status(app, caller, ids, Status::Paused).await
}

/// Lets the tool in again.
#[utoipa::path(
    post, path = "/api/v1/organizations/{organization}/connections/{connection}/resume", tag = "connections",
    params(("organization" = Uuid, Path), ("connection" = Uuid, Path)),
    responses((status = 200, body = ConnectionDetail), (status = 403, body = Problem, content_type = "application/problem+json"), (status = 404, body = Problem, content_type = "application/problem+json")),
)]
pub async fn resume(
    State(app): State<App>,
    caller: Caller,
    Ids(ids): Ids<(OrganizationId, ConnectionId)>,
) -> Result<Json<ConnectionDetail>, Refusal> {
    set_status(app, caller, ids, Status::Active).await
}

async fn set_status(
    app: App,
    caller: Caller,
    ids: (OrganizationId, ConnectionId),
    status: Status,
) -> Result<Json<ConnectionDetail>, Refusal> {
    let attempt = attempt(ids.0, ids.1, kind(status));
    let (parts, who) = (app.clone(), caller.clone());
    let outcome = app.store.write(async move |tx| {
        let (over, before) = managed(tx, &who, ids).await?;
        let after = Connection { status, ..before.clone() };
        if after != before {
            connections::update(tx, &after, who.now).await?;
            let event = Event::new(after.organization_id, kind(status), who.by.clone());
            audit::record(tx, &parts.master, event.on(SubjectKind::Connection, after.id.0), who.now).await?;
        }
        wire::detail(tx, (&parts, &over), after, who.now).await
    });
    caller.denied(app.clone(), attempt, outcome.await).await.map(Json)
}

const fn kind(status: Status) -> &'static str {
    match status {
        Status::Paused => "connection.paused",
        Status::Active => "connection.resumed",
    }
}
