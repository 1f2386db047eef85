//! What the server knows of a person and no tool sets: what they hold in products (core `roles` and
//! `entitlements`), and the state of the account (our own extension). Each is read only where it is asked
//! for.

use serde_json::{Map, Value, json};

use super::{assignments::EXTENSION, joins};
use crate::{
    access,
    id::UserId,
    mfa, organizations,
    scim::{
        answer::Fault,
        call::Call,
        projection::Selection,
        schema::{Located, ResourceType},
    },
    store::Db,
    users::User,
};

/// Whether an attribute is one of these, or of what the connection has given.
pub fn is_told(located: &Located<'_>) -> bool {
    match located.extension {
        None => matches!(located.attribute.name.as_str(), "roles" | "entitlements"),
        Some(urn) => urn == EXTENSION,
    }
}

/// What is told of several people, read at once.
pub struct Told {
    /// What they hold over the connection's organization and those below it: what others gave them is not the tool's
    /// to know.
    held: Vec<access::Told>,
    requires_mfa: bool,
}

/// Reads what `selection` shows of these people and no row of theirs says.
pub async fn read(
    db: &mut Db<'_>,
    call: &Call,
    (kind, selection): (&ResourceType, &Selection<'_>),
    users: &[UserId],
) -> Result<Told, Fault> {
    let organization = call.connection.organization_id;
    let held = if selection.shows(kind, "roles") || selection.shows(kind, "entitlements") {
        access::held_within(db, organization, users, call.now).await?
    } else {
        Vec::new()
    };
    let requires_mfa = selection.shows(kind, &format!("{EXTENSION}:mfa"))
        && organizations::effective_policy(db, organization).await?.mfa == organizations::MfaRule::Required;
    Ok(Told { held, requires_mfa })
}

/// Adds to a resource what `selection` shows of all this.
pub async fn put(
    db: &mut Db<'_>,
    told: &Told,
    (kind, selection): (&ResourceType, &Selection<'_>),
    (resource, user): (&mut Map<String, Value>, &User),
) -> Result<(), Fault> {
    hold(told, (kind, selection), (resource, user));
    let shows = |name: &str| selection.shows(kind, &format!("{EXTENSION}:{name}"));
    let mut state = Map::new();
    if shows("status") {
        state.insert("status".to_owned(), joins::status(user).as_str().into());
    }
    if shows("lastLogin")
        && let Some(at) = user.last_login_at
    {
        state.insert("lastLogin".to_owned(), at.to_rfc3339().into());
    }
    if shows("emailVerified") {
        state.insert("emailVerified".to_owned(), user.email_verified_at.is_some().into());
    }
    if shows("mfa") {
        state.insert("mfa".to_owned(), factors(db, told, user).await?);
    }
    if !state.is_empty()
        && let Some(extension) = resource.entry(EXTENSION).or_insert_with(|| json!({})).as_object_mut()
    {
        extension.extend(state);
    }
    Ok(())
}

/// What the person holds now, however it came: `product:role`, and `product:module:action`.
fn hold(
    told: &Told,
    (kind, selection): (&ResourceType, &Selection<'_>),
    (resource, user): (&mut Map<String, Value>, &User),
) {
    for (name, of_roles) in [("roles", true), ("entitlements", false)] {
        if !selection.shows(kind, name) {
            continue;
        }
        let held = told.held.iter().filter(|held| held.user_id == user.id && held.is_role() == of_roles);
        let value = |held: &access::Told| match of_roles {
            true => json!({ "value": format!("{}:{}", held.product, held.name), "type": held.product }),
            false => json!({ "value": held.name, "type": held.product }),
        };
        let values: Vec<Value> = held.map(value).collect();
        if !values.is_empty() {
            resource.insert(name.to_owned(), Value::Array(values));
        }
    }
}

async fn factors(db: &mut Db<'_>, told: &Told, user: &User) -> Result<Value, Fault> {
    let mut methods: Vec<&str> = Vec::new();
    let enrolled = mfa::enrolled(db, user.id).await?;
    for factor in &enrolled {
        if !methods.contains(&factor.method.as_str()) {
            methods.push(factor.method.as_str());
        }
    }
    let mut factors = json!({
        "enrolled": !methods.is_empty(),
        "required": told.requires_mfa,
    });
    if !methods.is_empty() {
        factors["methods"] = json!(methods);
    }
    Ok(factors)
}
