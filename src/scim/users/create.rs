//! What POST of a user does: an account, the account that the tool had deleted, or a stand-in for somebody whose
//! account lives in another organization (V6).

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use super::{
    TYPE, assignments, identity, joins,
    mapping::{self, Columns},
    write::{begin_again, claim, claim_first, end, publish},
};
use crate::{
    audit::{self, Event, SubjectKind},
    connections::OnCreate,
    organizations,
    provisioning::guard,
    scim::{answer::Fault, call::Call, error::Refusal, event::Kind, projection, provision, quirks::PASSWORD_LEFT_OUT},
    secret::Secret,
    store::Tx,
    users::{
        self, LoginName, NewUser, Realm, Status, User,
        password::{self, PasswordHash, SetBy},
        provisioned,
    },
};

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

/// Provisions a person: the account or stand-in, what it claims for itself alone, its default products, a way in.
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
    let user = match joins::insert(tx, call, &new).await? {
        Ok(user) => user,
        Err(users::Taken) => {
            let mine = take_back(tx, call, &new.login_name).await?;
            let mine = mine.ok_or(Refusal::Unique("userName".to_owned()))?;
            assignments::set(tx, call, mine.id, &wanted).await?;
            return provision_again(tx, call, mine, &resource).await;
        }
    };
    let is_account = user.stands_for.is_none();
    claim_first(tx, call, &user, &resource).await?;
    assignments::give(tx, call, user.id, &wanted).await?;
    if let Some(hash) = password.filter(|_| is_account) {
        password::set(tx, user.id, hash, SetBy::Import, call.now).await?;
    }
    let kind = if is_account { "user.provisioned" } else { "membership.proposed" };
    let event = Event::new(user.organization_id, kind, call.by.clone())
        .on(SubjectKind::User, user.id.0)
        .about_new(user.id, json!({ "login_name": user.login_name.as_given() }));
    audit::record(tx, &call.app.master, event, call.now).await?;
    let created = projection::loggable(call.resource_type(TYPE)?, &mapping::canonical(&user));
    publish(tx, call, Kind::Create, &user, &created).await?;
    let mut details = json!({ "created": created });
    if !is_account {
        details["join"] = "asked".into();
    }
    call.log(tx, StatusCode::CREATED, (user.id.0, user.name()), details).await?;
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

/// Provisions a person whom the tool had deleted: the same account, as the tool says it now. They are in no group:
/// DELETE took them out of all, and which ones they are in again is the tool's to say.
async fn provision_again(
    tx: &mut Tx<'_>,
    call: &Call,
    before: User,
    resource: &Map<String, Value>,
) -> Result<User, Fault> {
    let columns = Columns::of(resource)?;
    let is_active = columns.active != Some(false);
    let mut next = before.clone();
    columns.put_into(&mut next);
    let written = users::update(tx, &next, call.now).await?.ok_or(Refusal::Stale)?;
    let user = written.map_err(|_| Refusal::Unique("userName".to_owned()))?;
    identity::changed(tx, call, &before, &user).await?;
    claim(tx, call, &user, resource).await?;
    let event = Event::new(user.organization_id, "user.provisioned", call.by.clone())
        .on(SubjectKind::User, user.id.0)
        .about(user.id, json!({ "login_name": user.login_name.as_given() }));
    audit::record(tx, &call.app.master, event, call.now).await?;
    let created = projection::loggable(call.resource_type(TYPE)?, &mapping::canonical(&user));
    publish(tx, call, Kind::Create, &user, &created).await?;
    let details = json!({ "created": created, "kept": true });
    call.log(tx, StatusCode::CREATED, (user.id.0, user.name()), details).await?;
    if !is_active {
        return Ok(user);
    }
    guard::changed_its_mind(tx, &call.connection, user.id, call.now).await?;
    begin_again(tx, call, &user).await
}
