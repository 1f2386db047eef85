//! What the server knows of a person and no tool sets: what they hold in products (core `roles` and
//! `entitlements`), and the state of the account (our own extension). Each is read only where it is asked
//! for.

use serde_json::{Map, Value, json};

use super::{assignments::EXTENSION, joins};
use crate::{
    access, mfa, organizations,
    scim::{answer::Fault, call::Call, projection::Selection, schema::ResourceType},
    store::Db,
    users::User,
};

/// Adds to a resource what `selection` shows of all this.
pub async fn put(
    db: &mut Db<'_>,
    call: &Call,
    (kind, selection): (&ResourceType, &Selection<'_>),
    (resource, user): (&mut Map<String, Value>, &User),
) -> Result<(), Fault> {
    let (roles, entitlements) = (selection.shows(kind, "roles"), selection.shows(kind, "entitlements"));
    if roles || entitlements {
        hold(db, call, (roles, entitlements), (resource, user)).await?;
    }
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
        state.insert("mfa".to_owned(), factors(db, user).await?);
    }
    if !state.is_empty()
        && let Some(extension) = resource.entry(EXTENSION).or_insert_with(|| json!({})).as_object_mut()
    {
        extension.extend(state);
    }
    Ok(())
}

/// What the person holds now, however it came: `product:role`, and `product:module:action`.
async fn hold(
    db: &mut Db<'_>,
    call: &Call,
    (roles, entitlements): (bool, bool),
    (resource, user): (&mut Map<String, Value>, &User),
) -> Result<(), Fault> {
    let (mut held, mut may) = (Vec::new(), Vec::new());
    for (product, entitlement) in access::products_of(db, user.id, call.now).await? {
        let value = |name: &str| json!({ "value": name, "type": product.slug });
        held.extend(entitlement.roles.iter().map(|role| value(&format!("{}:{role}", product.slug))));
        may.extend(entitlement.permissions.iter().map(|permission| value(permission)));
    }
    for (name, is_shown, values) in [("roles", roles, held), ("entitlements", entitlements, may)] {
        if is_shown && !values.is_empty() {
            resource.insert(name.to_owned(), Value::Array(values));
        }
    }
    Ok(())
}

async fn factors(db: &mut Db<'_>, user: &User) -> Result<Value, Fault> {
    let mut methods: Vec<&str> = Vec::new();
    let enrolled = mfa::enrolled(db, user.id).await?;
    for factor in &enrolled {
        if !methods.contains(&factor.method.as_str()) {
            methods.push(factor.method.as_str());
        }
    }
    let policy = organizations::effective_policy(db, user.organization_id).await?;
    let mut factors = json!({
        "enrolled": !methods.is_empty(),
        "required": policy.mfa == organizations::MfaRule::Required,
    });
    if !methods.is_empty() {
        factors["methods"] = json!(methods);
    }
    Ok(factors)
}
