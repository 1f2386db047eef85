//! Product assignments of our own extension: what this connection has given a person, as rows.
//!
//! The attribute says roles as `product:role` over an organization or its subtree, in the place of the
//! connection's defaults. What may be given [`Delegation`] answers; whatever else the person holds (by groups, by
//! administrators) is not this attribute's, and no write of it touches that.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::{
    access::{self, Given, NewAssignment, Source, Subject},
    connections::{self, Connection},
    id::{AssignmentId, OrganizationId, ProductId, RoleId, UserId},
    products,
    provisioning::{Delegation, Reach},
    scim::{answer::Fault, call::Call, error::Refusal, schema::ResourceType},
    store::{Db, Tx},
};

/// Our extension of User.
pub const EXTENSION: &str = "urn:ietf:params:scim:schemas:extension:castellan:2.0:User";
/// Its attribute.
pub const NAME: &str = "assignments";

/// One role over one place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Held {
    pub organization: OrganizationId,
    pub subtree: bool,
    pub product: ProductId,
    pub role: RoleId,
}

/// Whether the tool chooses at all: an administrator has listed what it may give beside the defaults. Other tools have
/// no such attribute.
pub fn is_choosing(connection: &Connection) -> bool {
    !connection.settings.assignable.is_empty()
}

/// Whether the connection's schemas have the attribute at all.
pub fn is_declared(kind: &ResourceType) -> bool {
    kind.extension(EXTENSION).is_some_and(|schema| schema.attribute(NAME).is_some())
}

/// What the connection has given these people itself, where it is the connection's to choose.
pub async fn given(db: &mut Db<'_>, call: &Call, users: &[UserId]) -> Result<Vec<Given>, Fault> {
    if !is_choosing(&call.connection) {
        return Ok(Vec::new());
    }
    Ok(access::given_by_connection(db, call.connection.id, users).await?)
}

/// The attribute of one person, of the rows of several; `None` is unassigned: the connection's defaults, or
/// nothing at all.
pub async fn shown(db: &mut Db<'_>, call: &Call, given: &[Given], user: UserId) -> Result<Option<Value>, Fault> {
    let given: Vec<&Given> = given.iter().filter(|given| given.user_id == user).collect();
    let held: BTreeSet<Held> = given.iter().copied().map(held).collect();
    if held.is_empty() || is_default(db, call, &held).await? {
        return Ok(None);
    }
    let mut elements: Vec<Value> = Vec::new();
    for given in given {
        let role = format!("{}:{}", given.product, given.role);
        let element = json!({ "role": role, "organization": given.organization_id, "subtree": given.subtree });
        if !elements.contains(&element) {
            elements.push(element);
        }
    }
    Ok(Some(Value::Array(elements)))
}

/// Whether that is what the connection gives by itself. Most of the time the settings alone can tell.
async fn is_default(db: &mut Db<'_>, call: &Call, held: &BTreeSet<Held>) -> Result<bool, Fault> {
    let organization = call.connection.organization_id;
    let listed: BTreeSet<Held> = call
        .connection
        .settings
        .default_assignments
        .iter()
        .flat_map(|listed| {
            let (subtree, product) = (listed.subtree, listed.product);
            listed.roles.iter().map(move |role| Held { organization, subtree, product, role: *role })
        })
        .collect();
    Ok(*held == listed || (held.is_subset(&listed) && *held == defaults(db, call).await?))
}

/// Puts the attribute into a canonical resource.
pub fn put(resource: &mut Map<String, Value>, assignments: Option<Value>) {
    let Some(assignments) = assignments else { return };
    let extension = resource.entry(EXTENSION).or_insert_with(|| json!({}));
    extension[NAME] = assignments;
}

/// Takes the attribute out of a canonical resource, and the extension if nothing is left in it.
pub fn take(resource: &mut Map<String, Value>) -> Option<Value> {
    let extension = resource.get_mut(EXTENSION)?.as_object_mut()?;
    let assignments = extension.shift_remove(NAME);
    if extension.is_empty() {
        resource.shift_remove(EXTENSION);
    }
    assignments
}

/// What the attribute means, judged: roles that exist, and that this connection may give there; unassigned,
/// the connection's defaults.
///
/// # Errors
/// 403: it is not the connection's to give, or there is no such role or organization.
pub async fn judge(tx: &mut Tx<'_>, call: &Call, assignments: Option<&Value>) -> Result<BTreeSet<Held>, Fault> {
    let Some(assignments) = assignments else { return defaults(tx, call).await };
    // What is taken from the list meanwhile is not given after.
    connections::lock(tx, call.connection.id).await?;
    let connection = connections::find(tx, call.connection.id).await?.ok_or(Refusal::Unauthorized)?;
    let delegation = Delegation::of(&connection);
    let mut wanted = BTreeSet::new();
    for element in assignments.as_array().into_iter().flatten() {
        let organization = match element.get("organization").and_then(Value::as_str) {
            None => connection.organization_id,
            // A foreign organization is as unknown as one that never was.
            Some(id) => id.parse().map_err(|_| Refusal::NotGrantable(format!("over the organization {id}")))?,
        };
        let subtree = element.get("subtree") == Some(&Value::Bool(true));
        let name = element.get("role").and_then(Value::as_str).unwrap_or_default();
        let refused = || Refusal::NotGrantable(format!("{name} over {organization}"));
        let (product, role) = name.split_once(':').ok_or_else(refused)?;
        let product = products::find_by_slug(tx, product).await?.ok_or_else(refused)?;
        let role = products::find_role(tx, product.id, role).await?.ok_or_else(refused)?;
        if !delegation.may_choose(tx, &role, (organization, subtree)).await? {
            return Err(refused().into());
        }
        wanted.insert(Held { organization, subtree, product: product.id, role: role.id });
    }
    Ok(wanted)
}

/// Makes `wanted` the whole of what the connection has given the person; `false` if it was so already. What stays
/// is not written again.
pub async fn set(tx: &mut Tx<'_>, call: &Call, user: UserId, wanted: &BTreeSet<Held>) -> Result<bool, Fault> {
    let given = access::given_by_connection(tx, call.connection.id, &[user]).await?;
    let mut rows: BTreeMap<AssignmentId, BTreeSet<Held>> = BTreeMap::new();
    for given in &given {
        rows.entry(given.assignment_id).or_default().insert(held(given));
    }
    let mut missing = wanted.clone();
    let mut over = Vec::new();
    for (id, roles) in rows {
        if roles.is_subset(&missing) {
            missing.retain(|held| !roles.contains(held));
        } else {
            over.push(id);
        }
    }
    if over.is_empty() && missing.is_empty() {
        return Ok(false);
    }
    let reach = if over.is_empty() { Reach::default() } else { Reach::of_user(tx, user).await? };
    for id in over {
        access::unassign(tx, id).await?;
    }
    give(tx, call, user, &missing).await?;
    reach.settle(tx, &call.app.master, call.now).await?;
    Ok(true)
}

/// Gives what was judged.
pub async fn give(tx: &mut Tx<'_>, call: &Call, user: UserId, wanted: &BTreeSet<Held>) -> Result<(), Fault> {
    let mut places: BTreeMap<(ProductId, OrganizationId, bool), Vec<RoleId>> = BTreeMap::new();
    for held in wanted {
        places.entry((held.product, held.organization, held.subtree)).or_default().push(held.role);
    }
    for ((product, organization, subtree), roles) in places {
        let assignment = NewAssignment {
            subject: Subject::User(user),
            product,
            roles,
            organization,
            subtree,
            source: Source::Connection,
            connection: Some(call.connection.id),
            created_by: None,
        };
        access::assign(tx, &assignment, call.now).await?;
    }
    Ok(())
}

/// The connection's defaults, as far as they are its to give.
async fn defaults(db: &mut Db<'_>, call: &Call) -> Result<BTreeSet<Held>, Fault> {
    let delegation = Delegation::of(&call.connection);
    let organization = call.connection.organization_id;
    let mut wanted = BTreeSet::new();
    for default in &call.connection.settings.default_assignments {
        for role in products::list_roles(db, default.product).await? {
            let is_listed = default.roles.contains(&role.id);
            if is_listed && delegation.may_grant(db, &role).await? {
                wanted.insert(Held { organization, subtree: default.subtree, product: default.product, role: role.id });
            }
        }
    }
    Ok(wanted)
}

/// Completes the schema's document: the canonical values are what this connection may assign.
pub async fn describe(db: &mut Db<'_>, call: &Call, document: &mut Value) -> Result<(), Fault> {
    if !is_choosing(&call.connection) {
        return Ok(());
    }
    let roles = Delegation::of(&call.connection).roles(db).await?;
    let roles: Vec<String> = roles.iter().map(|(product, role)| format!("{}:{}", product.slug, role.slug)).collect();
    let attributes = document.get_mut("attributes").and_then(Value::as_array_mut).into_iter().flatten();
    for attribute in attributes.filter(|attribute| attribute["name"] == NAME) {
        for sub in attribute["subAttributes"].as_array_mut().into_iter().flatten() {
            match sub["name"].as_str() {
                Some("role") => sub["canonicalValues"] = json!(roles),
                Some("organization") => sub["canonicalValues"] = json!([call.connection.organization_id]),
                _ => {}
            }
        }
    }
    Ok(())
}

fn held(given: &Given) -> Held {
    Held { organization: given.organization_id, subtree: given.subtree, product: given.product_id, role: given.role_id }
}
