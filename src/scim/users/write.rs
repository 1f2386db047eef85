//! What writes to a user do: one transaction each, whole or not at all.

use serde_json::{Map, Value, json};

use super::{
    TYPE, assignments,
    mapping::{self, Columns, UNIQUE_COLUMNS},
};
use crate::{
    audit::{self, Event, SubjectKind},
    connections::{OnCreate, OnDelete, unique},
    groups,
    id::UserId,
    organizations,
    provisioning::{Ending, HoldReason, guard},
    scim::{
        answer::Fault,
        call::Call,
        error::Refusal,
        event::{self, Kind, Subject},
        patch::{self, Operation},
        projection, provision,
        quirks::PASSWORD_LEFT_OUT,
        replace,
        schema::ResourceType,
        uniqueness, value,
    },
    secret::Secret,
    store::Tx,
    users::{
        self, LoginName, NewUser, Realm, Status, User, life_cycle,
        password::{self, PasswordHash, SetBy},
        provisioned,
    },
};
use axum::http::StatusCode;

/// How a user shall change.
pub(super) enum Change {
    /// PUT: the whole resource.
    Replace(Map<String, Value>),
    /// PATCH.
    Patch(Vec<Operation>),
}

/// The hash of a first password, where the connection's people are active at once; elsewhere they set
/// their own by the mailed link. Hashing is slow, so it is done before the write.
pub(super) async fn hash_password(call: &Call, resource: &Map<String, Value>) -> Result<Option<PasswordHash>, Fault> {
    let text = resource.get("password").and_then(Value::as_str);
    let Some(text) = text.filter(|_| call.connection.settings.on_create == OnCreate::Activate) else {
        return Ok(None);
    };
    let mut db = call.app.store.reader().await?;
    let minimum = organizations::effective_policy(&mut db, call.connection.organization_id).await?.password_minimum;
    drop(db);
    let user_name = resource.get("userName").and_then(Value::as_str).unwrap_or_default();
    if password::check_strength(text, &[user_name], minimum).is_err() {
        if call.quirks().leaves_out_weak_passwords() {
            call.warn(PASSWORD_LEFT_OUT.to_owned());
            return Ok(None);
        }
        return Err(Refusal::Value("password".to_owned(), "it is too short or too easy to guess").into());
    }
    let hash = call.app.passwords.hash(Secret::from_text(text)).await.map_err(|_| Refusal::RateLimited)?;
    Ok(Some(hash))
}

/// Provisions a person: the account, what it claims for itself alone, its default products, a way in.
pub(super) async fn create(
    tx: &mut Tx<'_>,
    call: &Call,
    resource: &Map<String, Value>,
    password: Option<&PasswordHash>,
) -> Result<User, Fault> {
    let mut resource = resource.clone();
    let named = assignments::take(&mut resource);
    let wanted = assignments::judge(tx, call, named.as_ref()).await?;
    // RFC 7643 §4.1.1 leaves the default to us; the answer says which it is.
    resource.entry("active").or_insert_with(|| true.into());
    let columns = Columns::of(&resource)?;
    let is_active = columns.active != Some(false);
    let new = NewUser {
        organization_id: call.connection.organization_id,
        realm: Realm::Portal,
        login_name: columns.login_name,
        email: columns.email,
        given_name: columns.given_name,
        family_name: columns.family_name,
        display_name: columns.display_name,
        status: match call.connection.settings.on_create {
            OnCreate::Invite => Status::Invited,
            OnCreate::Activate => Status::Active,
        },
        connection_id: Some(call.connection.id),
        external_id: columns.external_id,
        document: columns.document,
    };
    let user = match users::insert(tx, &new, call.now).await? {
        Ok(user) => user,
        // Whoever has the name, of this organization or of another, is not told (V6).
        Err(users::Taken) => {
            let mine = take_back(tx, call, &new.login_name).await?;
            let mine = mine.ok_or(Refusal::Unique("userName".to_owned()))?;
            assignments::set(tx, call, mine.id, &wanted).await?;
            return provision_again(tx, call, mine, &resource).await;
        }
    };
    claim(tx, call, &user, &resource).await?;
    assignments::give(tx, call, user.id, &wanted).await?;
    if let Some(hash) = password {
        password::set(tx, user.id, hash, SetBy::Import, call.now).await?;
    }
    let event = Event::new(user.organization_id, "user.provisioned", call.by.clone())
        .on(SubjectKind::User, user.id.0)
        .about(user.id, json!({ "login_name": user.login_name.as_given() }));
    audit::record(tx, &call.app.master, event, call.now).await?;
    let created = projection::loggable(call.resource_type(TYPE)?, &mapping::canonical(&user));
    publish(tx, call, Kind::Create, &user, &created).await?;
    call.log(tx, StatusCode::CREATED, (user.id.0, user.name()), json!({ "created": created })).await?;
    if !is_active {
        return end(tx, call, &user).await;
    }
    if user.status == Status::Invited {
        provision::invite(tx, call, &user).await?;
    }
    Ok(user)
}

/// The account of that name if this connection has deleted it and the administrators keep it.
async fn take_back(tx: &mut Tx<'_>, call: &Call, name: &LoginName) -> Result<Option<User>, Fault> {
    let Some(user) = users::find_by_login_name(tx, Realm::Portal, name).await? else { return Ok(None) };
    let is_here = user.organization_id == call.connection.organization_id && user.status == Status::Deactivated;
    if !is_here || !provisioned::attach(tx, &user, call.connection.id).await? {
        return Ok(None);
    }
    Ok(provisioned::find(tx, call.connection.id, user.id).await?)
}

/// Provisions a person whom the tool had deleted: the same account, as the tool says it now.
async fn provision_again(
    tx: &mut Tx<'_>,
    call: &Call,
    user: User,
    resource: &Map<String, Value>,
) -> Result<User, Fault> {
    let columns = Columns::of(resource)?;
    let is_active = columns.active != Some(false);
    let mut next = user;
    columns.put_into(&mut next);
    let written = users::update(tx, &next, call.now).await?.ok_or(Refusal::Stale)?;
    let user = written.map_err(|_| Refusal::Unique("userName".to_owned()))?;
    claim(tx, call, &user, resource).await?;
    let event = Event::new(user.organization_id, "user.provisioned", call.by.clone())
        .on(SubjectKind::User, user.id.0)
        .about(user.id, json!({ "login_name": user.login_name.as_given() }));
    audit::record(tx, &call.app.master, event, call.now).await?;
    let created = projection::loggable(call.resource_type(TYPE)?, &mapping::canonical(&user));
    publish(tx, call, Kind::Create, &user, &created).await?;
    let details = json!({ "created": created, "kept": true });
    call.log(tx, StatusCode::CREATED, (user.id.0, user.name()), details).await?;
    if is_active { begin_again(tx, call, &user).await } else { Ok(user) }
}

/// What came of a request to change or delete somebody.
pub(super) enum Changed {
    /// It wanted what is so already.
    Nothing(User),
    Written(User),
    Removed,
    /// The guard keeps it for an administrator; what it has written about that must commit.
    Held(Refusal),
}

/// Applies a change, and answers the user and whether it differs now.
///
/// On PostgreSQL another request may change the row between our reading and our conditional write;
/// then all is judged again on the new state. Each round somebody has won, so this ends.
pub(super) async fn change(tx: &mut Tx<'_>, call: &Call, id: UserId, change: &Change) -> Result<Changed, Fault> {
    let kind = call.resource_type(TYPE)?;
    let mut is_given = false;
    loop {
        let user = provisioned::find(tx, call.connection.id, id).await?.ok_or(Refusal::NotFound)?;
        call.check_version(user.version)?;
        let given = assignments::given(tx, call, &[id]).await?;
        let given = assignments::shown(tx, call, &given, id).await?;
        let mut before = mapping::canonical(&user);
        if assignments::is_declared(kind) {
            assignments::put(&mut before, given.clone());
        }
        let mut after = match change {
            Change::Replace(resource) => replaced(kind, &before, resource)?,
            Change::Patch(operations) => patch::apply(kind, &before, operations, call.quirks().unknown())?,
        };
        let whole = after.clone();
        let named = assignments::take(&mut after);
        let mut columns = Columns::of(&after)?;
        let was_active = mapping::is_active(&user);
        columns.active = Some(columns.active.unwrap_or(was_active));
        if was_active && columns.active == Some(false) {
            if let Some(refusal) = held(tx, call, &user, Ending::Deactivate).await? {
                return Ok(Changed::Held(refusal));
            }
        } else if change.says_active() {
            guard::changed_its_mind(tx, &call.connection, id, call.now).await?;
        }
        if assignments::is_declared(kind) && named != given {
            let wanted = assignments::judge(tx, call, named.as_ref()).await?;
            is_given |= assignments::set(tx, call, id, &wanted).await?;
        }
        if !is_given && columns == Columns::of_user(&user) {
            return Ok(Changed::Nothing(user));
        }
        if let Some(user) = write(tx, call, &user, (columns, is_given), (&before, &whole)).await? {
            return Ok(Changed::Written(user));
        }
    }
}

impl Change {
    /// Whether the request itself says that the person is active.
    fn says_active(&self) -> bool {
        let is_true =
            |value: &Value| value == true || value.as_str().is_some_and(|text| text.eq_ignore_ascii_case("true"));
        match self {
            Self::Replace(resource) => resource.get("active").is_some_and(is_true),
            Self::Patch(operations) => operations.iter().any(|operation| match &operation.path {
                Some(path) => {
                    path.rsplit(':').next().is_some_and(|path| path.eq_ignore_ascii_case("active"))
                        && is_true(&operation.value)
                }
                None => operation.value.as_object().is_some_and(|members| {
                    members.iter().any(|(name, value)| {
                        name.rsplit(':').next().is_some_and(|name| name.eq_ignore_ascii_case("active"))
                            && is_true(value)
                    })
                }),
            }),
        }
    }
}

/// Asks the guard about an ending, before anything of it is done (V3, V5).
async fn held(tx: &mut Tx<'_>, call: &Call, user: &User, ending: Ending) -> Result<Option<Refusal>, Fault> {
    let Some(reason) = call.guarded().judge(tx, user, ending).await? else { return Ok(None) };
    let refusal = match reason {
        HoldReason::Run => Refusal::Held,
        HoldReason::Discarded => Refusal::HeldAgain,
        HoldReason::LastAdministrator => Refusal::LastAdministrator,
    };
    let details = json!({ "held": refusal.to_string(), "wanted": ending });
    call.log(tx, refusal.status(), (user.id.0, user.name()), details).await?;
    Ok(Some(refusal))
}

/// What PUT makes of a resource: all that the client may set is as it says, but an omitted `active`
/// keeps (an omission must not let in or out), and what is set once stays.
fn replaced(
    kind: &ResourceType,
    before: &Map<String, Value>,
    resource: &Map<String, Value>,
) -> Result<Map<String, Value>, Refusal> {
    let mut after = resource.clone();
    after.shift_remove("password");
    // Nor does anybody lose a product because a tool does not know our extension.
    if assignments::take(&mut after.clone()).is_none() {
        let given = assignments::take(&mut before.clone());
        assignments::put(&mut after, given);
    }
    if let Some(active) = before.get("active") {
        after.entry("active").or_insert_with(|| active.clone());
    }
    replace::apply(kind, before, &after)
}

/// Writes the change and what it means; `None` if the row has moved meanwhile.
async fn write(
    tx: &mut Tx<'_>,
    call: &Call,
    user: &User,
    (columns, is_given): (Columns, bool),
    (before, after): (&Map<String, Value>, &Map<String, Value>),
) -> Result<Option<User>, Fault> {
    let was_active = mapping::is_active(user);
    let is_active = columns.active.unwrap_or(was_active);
    let mut next = user.clone();
    if is_given || (Columns { active: Some(was_active), ..columns.clone() }) != Columns::of_user(user) {
        columns.put_into(&mut next);
        next = match users::update(tx, &next, call.now).await? {
            None => return Ok(None),
            Some(written) => written.map_err(|_| Refusal::Unique("userName".to_owned()))?,
        };
        claim(tx, call, &next, after).await?;
        let event = Event::new(user.organization_id, "user.updated", call.by.clone())
            .on(SubjectKind::User, user.id.0)
            .with(json!({ "attributes": value::differences(before, after).keys().collect::<Vec<_>>() }));
        audit::record(tx, &call.app.master, event, call.now).await?;
    }
    let kind = call.resource_type(TYPE)?;
    let (before, after) = (projection::loggable(kind, before), projection::loggable(kind, after));
    let changed = value::differences(&before, &after);
    let mut beside_active = changed.clone();
    beside_active.shift_remove("active");
    if !beside_active.is_empty() {
        publish(tx, call, Kind::of_change(call), &next, &beside_active).await?;
    }
    call.log(tx, StatusCode::OK, (user.id.0, next.name()), json!({ "changed": changed })).await?;
    let user = match (was_active, is_active) {
        (true, false) => end(tx, call, &next).await?,
        (false, true) => begin_again(tx, call, &next).await?,
        _ => next,
    };
    Ok(Some(user))
}

/// `active: false` (P11, V5): everything ends with this commit.
async fn end(tx: &mut Tx<'_>, call: &Call, user: &User) -> Result<User, Fault> {
    let act = life_cycle::Act { master: &call.app.master, by: &call.by };
    life_cycle::deactivate(tx, act, user, call.now).await?.map_err(refusal)?;
    publish(tx, call, Kind::Deactivate, user, &Map::new()).await?;
    reread(tx, call, user).await
}

/// `active: true`: the person may sign in again. Who has never had a password is invited.
async fn begin_again(tx: &mut Tx<'_>, call: &Call, user: &User) -> Result<User, Fault> {
    let act = life_cycle::Act { master: &call.app.master, by: &call.by };
    life_cycle::reactivate(tx, act, user, call.now).await?.map_err(refusal)?;
    publish(tx, call, Kind::Activate, user, &Map::new()).await?;
    let user = reread(tx, call, user).await?;
    if user.status == Status::Invited {
        provision::invite(tx, call, &user).await?;
    }
    Ok(user)
}

async fn reread(tx: &mut Tx<'_>, call: &Call, user: &User) -> Result<User, Fault> {
    Ok(provisioned::find(tx, call.connection.id, user.id).await?.ok_or(Refusal::NotFound)?)
}

/// Removes a person for good (P12), or from this connection only, as it is set.
pub(super) async fn delete(tx: &mut Tx<'_>, call: &Call, id: UserId) -> Result<Changed, Fault> {
    let user = provisioned::find(tx, call.connection.id, id).await?.ok_or(Refusal::NotFound)?;
    call.check_version(user.version)?;
    let ending = match call.connection.settings.on_delete {
        OnDelete::Remove => Ending::Remove,
        OnDelete::Deactivate => Ending::Detach,
    };
    if let Some(refusal) = held(tx, call, &user, ending).await? {
        return Ok(Changed::Held(refusal));
    }
    groups::leave_all(tx, id, call.now).await?;
    let act = life_cycle::Act { master: &call.app.master, by: &call.by };
    let details = match call.connection.settings.on_delete {
        OnDelete::Remove => {
            life_cycle::remove(tx, act, &user, call.now).await?.map_err(refusal)?;
            json!({ "removed": true })
        }
        OnDelete::Deactivate => {
            let user = if user.status == Status::Deactivated { user.clone() } else { end(tx, call, &user).await? };
            unique::release(tx, id.0).await?;
            if !provisioned::detach(tx, &user, call.connection.id, call.now).await? {
                return Err(Refusal::Stale.into());
            }
            json!({ "removed": true, "deactivated": true })
        }
    };
    publish(tx, call, Kind::Delete, &user, &Map::new()).await?;
    // The name of somebody who is erased has gone with them.
    let name = if call.connection.settings.on_delete == OnDelete::Remove { "" } else { user.name() };
    call.log(tx, StatusCode::NO_CONTENT, (id.0, name), details).await?;
    Ok(Changed::Removed)
}

/// Tells the organization's webhooks.
async fn publish(
    tx: &mut Tx<'_>,
    call: &Call,
    kind: Kind,
    user: &User,
    changed: &Map<String, Value>,
) -> Result<(), Fault> {
    let subject = Subject { uri: format!("/Users/{}", user.id), external_id: user.external_id.as_deref() };
    event::publish(tx, call, kind, &subject, changed).await
}

/// Takes the values that nobody else of the connection may have.
async fn claim(tx: &mut Tx<'_>, call: &Call, user: &User, resource: &Map<String, Value>) -> Result<(), Fault> {
    let claims = uniqueness::claims(call.resource_type(TYPE)?, resource, &UNIQUE_COLUMNS);
    let held = unique::hold(tx, call.connection.id, user.id.0, &claims).await?;
    held.map_err(|attribute| Fault::from(Refusal::Unique(uniqueness::short_name(&attribute).to_owned())))
}

fn refusal(refusal: life_cycle::Refusal) -> Refusal {
    match refusal {
        life_cycle::Refusal::LastAdministrator => Refusal::LastAdministrator,
        // Somebody was faster; the client reads again.
        life_cycle::Refusal::State => Refusal::Stale,
    }
}
