use askama::Template;
use axum::{
    extract::{Query, State},
    http::StatusCode,
    response::Response,
};
use serde::Deserialize;

use super::{Account, Stop, words};
use crate::{
    app::App,
    connections,
    http::Page,
    id::{FactorId, SessionId},
    mfa::{self, Method, policy},
    organizations, sessions,
    store::Db,
    tokens::requests::{self, Consent},
    users::{User, password},
};

#[derive(Template)]
#[template(path = "account/pages/overview.html", config = ".config/askama.toml")]
struct Overview<'a> {
    page: &'a Page,
    user: &'a User,
    organization: String,
    /// The connection that manages names, login name and address.
    managed_by: Option<String>,
    /// Whether something demands a second factor.
    demanded: bool,
    factors: Vec<FactorLine>,
    recovery_codes: i64,
    /// What may still be added.
    addable: Vec<Method>,
    passkeys_possible: bool,
    has_password: bool,
    sessions: Vec<SessionLine>,
    /// Apps of others that the person has allowed to see their account.
    consents: Vec<Consent>,
    /// What was just done.
    done: Option<&'static str>,
}

struct FactorLine {
    id: FactorId,
    name: String,
    kind: &'static str,
    icon: &'static str,
    added: String,
    used: Option<String>,
}

struct SessionLine {
    id: SessionId,
    device: String,
    address: String,
    since: String,
    seen: String,
    is_this: bool,
}

/// What a redirect to this page may say.
#[derive(Deserialize)]
pub struct Notice {
    done: Option<String>,
}

pub async fn show(State(app): State<App>, Query(notice): Query<Notice>, account: Account) -> Result<Response, Stop> {
    let mut db = app.store.reader().await?;
    let (user, now) = (account.user(), account.now);
    let held = mfa::enrolled(&mut db, user.id).await?;
    let organization = organizations::find(&mut db, user.organization_id).await?;
    let allowed = organizations::effective_policy(&mut db, user.organization_id).await?.methods;
    let password = password::find(&mut db, user.id).await?;
    let mailbox_counts = mfa::mailbox_counts(&mut db, user).await?;
    let has_email = held.iter().any(|factor| factor.method == Method::Email);
    let addable = allowed
        .into_iter()
        .filter(|method| match method {
            Method::Email => mailbox_counts && !has_email,
            Method::Passkey => app.passkeys.is_some(),
            Method::Totp => true,
            Method::Recovery => false,
        })
        .collect();
    let view = Overview {
        page: &account.page,
        user,
        managed_by: managed_by(&mut db, user).await?,
        organization: organization.map(|organization| organization.name).unwrap_or_default(),
        demanded: policy::must_keep_a_factor(&mut db, user, now).await?,
        recovery_codes: mfa::recovery_codes::remaining(&mut db, user.id).await?,
        factors: held.into_iter().map(line).collect(),
        addable,
        passkeys_possible: app.passkeys.is_some(),
        has_password: password.is_some(),
        sessions: list_sessions(&mut db, &account).await?,
        consents: requests::consents_of_user(&mut db, user.id).await?,
        done: notice.done.as_deref().and_then(sentence),
    };
    Ok(account.page.console(StatusCode::OK, &view))
}

/// The name of the connection whose the account is.
async fn managed_by(db: &mut Db<'_>, user: &User) -> Result<Option<String>, Stop> {
    let Some(connection) = user.connection_id else { return Ok(None) };
    Ok(connections::find(db, connection).await?.map(|connection| connection.name))
}

/// The sentence of a notice: only known words reach the page.
fn sentence(done: &str) -> Option<&'static str> {
    Some(match done {
        "password" => "Password changed. Your other sessions have ended.",
        "added" => "Added. You can use it from the next sign-in on.",
        "renamed" => "Renamed.",
        "removed" => "Removed.",
        "withdrawn" => "The app's access has ended.",
        "ended" => "Session ended.",
        "ended-others" => "All other sessions have ended.",
        _ => return None,
    })
}

fn line(factor: mfa::Factor) -> FactorLine {
    FactorLine {
        id: factor.id,
        kind: factor.method.title(),
        icon: icon(factor.method),
        added: words::when(factor.created_at),
        used: factor.last_used_at.map(words::when),
        name: factor.name,
    }
}

/// The sign of a method.
fn icon(method: Method) -> &'static str {
    match method {
        Method::Totp => "phone",
        Method::Email => "mail",
        Method::Passkey => "fingerprint",
        Method::Recovery => "key",
    }
}

async fn list_sessions(db: &mut Db<'_>, account: &Account) -> Result<Vec<SessionLine>, Stop> {
    let listed = sessions::list_of_user(db, account.user().id, account.now).await?;
    Ok(listed
        .into_iter()
        .map(|session| SessionLine {
            id: session.id,
            device: words::device(&session.user_agent),
            address: session.address,
            since: words::when(session.created_at),
            seen: words::when(session.last_seen_at),
            is_this: session.id == account.session().id,
        })
        .collect())
}
