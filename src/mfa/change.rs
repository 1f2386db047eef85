use serde_json::json;

use super::{Factor, Method, clean_name, enrolled, policy, recovery_codes, sql, wrong_codes_in_a_row};
use crate::{
    attempts,
    audit::{self, By, Event, Outcome, SubjectKind},
    clock::Timestamp,
    id::FactorId,
    mail::{self, Brand, Mail},
    organizations,
    secret::MasterKeys,
    sessions,
    store::{Db, Result, Tx},
    tokens,
    users::User,
};
use std::time::Duration;

/// A notice nobody has read after three days is not worth sending.
const NOTICE_LIFE: Duration = Duration::from_secs(3 * 24 * 3600);

/// Why a factor stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CannotRemove {
    #[error("There is no such factor.")]
    NotFound,
    #[error("This is your last second factor, and you need one. Add another first, then remove this one.")]
    Last,
}

/// Gives a factor another name. `false` if the user has none of that id.
///
/// # Errors
/// The database failed, here and below.
pub async fn rename(
    tx: &mut Tx<'_>,
    keys: &MasterKeys,
    (user, factor, name): (&User, FactorId, &str),
    by: &By,
    now: Timestamp,
) -> Result<bool> {
    if !sql::rename(tx, user.id, factor, &clean_name(name, "Unnamed")).await? {
        return Ok(false);
    }
    record(tx, keys, user, ("mfa.renamed", by, None), now).await?;
    Ok(true)
}

/// Takes one factor away, unless policy needs it (M3). With the last one its recovery codes go.
pub async fn remove(
    tx: &mut Tx<'_>,
    keys: &MasterKeys,
    (user, factor): (&User, FactorId),
    by: &By,
    now: Timestamp,
) -> Result<Result<Factor, CannotRemove>> {
    // Two removals at once must not leave none: the organization's revision puts them in a row.
    organizations::bump_revision(tx, user.organization_id).await?;
    let (mut gone, rest): (Vec<Factor>, Vec<Factor>) =
        enrolled(tx, user.id).await?.into_iter().partition(|held| held.id == factor);
    let Some(gone) = gone.pop() else { return Ok(Err(CannotRemove::NotFound)) };
    let allowed = organizations::effective_policy(tx, user.organization_id).await?.methods;
    let still_fits = rest.iter().any(|held| allowed.contains(&held.method));
    if !still_fits && policy::must_keep_a_factor(tx, user, now).await? {
        return Ok(Err(CannotRemove::Last));
    }
    sql::delete(tx, user.id, factor).await?;
    if rest.is_empty() {
        sql::delete_recovery_codes(tx, user.id).await?;
    }
    record(tx, keys, user, ("mfa.removed", by, Some(gone.method)), now).await?;
    Ok(Ok(gone))
}

/// Takes away all that was a second factor: methods, recovery codes, trusted browsers, and with them
/// every session and grant (M4). Set-up is forced at the next sign-in that demands a factor.
pub async fn reset(tx: &mut Tx<'_>, keys: &MasterKeys, user: &User, by: &By, now: Timestamp) -> Result<()> {
    sql::delete_all(tx, user.id, now).await?;
    attempts::forgive(tx, &wrong_codes_in_a_row(user.id)).await?;
    sessions::end_of_user(tx, keys, user.id, None, now).await?;
    tokens::revoke_of_user(tx, user.id, now).await?;
    if let Some((to, brand)) = addressee(tx, user).await? {
        notify(tx, keys, &mail::mfa_reset(&brand, to, user.name()), now).await?;
    }
    record(tx, keys, user, ("mfa.reset", by, None), now).await
}

/// Notes that a factor was enrolled, and tells its owner by mail (ASVS 6.3.7).
pub async fn note_enrolled(
    tx: &mut Tx<'_>,
    keys: &MasterKeys,
    (user, method): (&User, Method),
    by: &By,
    now: Timestamp,
) -> Result<()> {
    if let Some((to, brand)) = addressee(tx, user).await? {
        notify(tx, keys, &mail::factor_added(&brand, to, user.name(), method.title(), now), now).await?;
    }
    record(tx, keys, user, ("mfa.enrolled", by, Some(method)), now).await
}

/// Notes that a code was wrong that should have confirmed a new factor.
pub async fn note_enrolment_refused(
    tx: &mut Tx<'_>,
    keys: &MasterKeys,
    (user, method): (&User, Method),
    by: &By,
    now: Timestamp,
) -> Result<()> {
    let event = Event::new(user.organization_id, "mfa.enrolment_refused", by.clone()).refused();
    let event = event.on(SubjectKind::User, user.id.0).with(json!({ "method": method }));
    audit::record(tx, keys, event, now).await
}

/// Makes a new set of recovery codes, and notes it.
pub async fn renew_recovery_codes(
    tx: &mut Tx<'_>,
    keys: &MasterKeys,
    user: &User,
    by: &By,
    now: Timestamp,
) -> Result<Vec<crate::secret::Secret>> {
    let codes = recovery_codes::generate(tx, user.id, now).await?;
    record(tx, keys, user, ("mfa.recovery_codes_made", by, Some(Method::Recovery)), now).await?;
    Ok(codes)
}

/// Where mail to this user goes, and in whose name: the organization's, which the reader knows.
pub(super) async fn addressee<'u>(db: &mut Db<'_>, user: &'u User) -> Result<Option<(&'u str, Brand)>> {
    let Some(to) = user.email.as_deref() else { return Ok(None) };
    let organization = organizations::find(db, user.organization_id).await?;
    Ok(organization.map(|organization| (to, Brand { name: organization.name, support: organization.contact_email })))
}

async fn notify(tx: &mut Tx<'_>, keys: &MasterKeys, letter: &Mail, now: Timestamp) -> Result<()> {
    mail::enqueue(tx, keys, letter, now + NOTICE_LIFE, now).await.map(|_| ())
}

async fn record(
    tx: &mut Tx<'_>,
    keys: &MasterKeys,
    user: &User,
    (kind, by, method): (&'static str, &By, Option<Method>),
    now: Timestamp,
) -> Result<()> {
    let event = Event {
        organization: user.organization_id,
        kind,
        by: by.clone(),
        subject: Some((SubjectKind::User, user.id.0)),
        outcome: Outcome::Success,
        details: method.map_or_else(|| json!({}), |method| json!({ "method": method })),
        personal: None,
    };
    audit::record(tx, keys, event, now).await
}
