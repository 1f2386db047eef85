//! Codes by e-mail: six digits, ten minutes, five tries each, one winner; the weakest factor.
//!
//! A code is good only where it was asked for (its login flow or session), and a new one there
//! voids the one before. At rest it is a hash, sealed, since six digits alone could be tried out.
//! It is a factor for a user who has enrolled it; whether it counts now is `mfa::mailbox_counts`'.

use std::time::Duration;

use subtle::ConstantTimeEq;
use uuid::Uuid;

use super::{BoundTo, change::addressee, sql};
use crate::{
    attempts::{self, Key, Limit, Verdict},
    clock::Timestamp,
    id::{self, FactorId, UserId},
    mail,
    secret::{self, MasterKeys, Secret, SecretHash},
    store::{Error, Result, Tx},
    users::{User, prepare_email},
};

/// NIST SP 800-63B: dead after ten minutes.
pub const LIFE: Duration = Duration::from_secs(10 * 60);
/// Wrong tries that one code survives.
pub const TRIES: i64 = 5;
/// Codes that one address can be sent in an hour, over all accounts that have it.
const SENDS: Limit = Limit { tries: 5, window: HOUR, pause: HOUR };
const HOUR: Duration = Duration::from_secs(3600);
const DIGITS: u32 = 6;

/// Why no code was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotSent {
    #[error("Five codes were sent within the hour. Use another method, or try again later.")]
    TooMany,
    #[error("There is no verified address to send a code to. Use another method.")]
    NoAddress,
}

/// Mails a code to the user's own, verified address; it voids the one sent there before.
///
/// # Errors
/// The database failed.
pub async fn send(
    tx: &mut Tx<'_>,
    keys: &MasterKeys,
    user: &User,
    bound_to: BoundTo,
    now: Timestamp,
) -> Result<Result<(), NotSent>> {
    let addressee = addressee(tx, user).await?.filter(|_| user.email_verified_at.is_some());
    let Some((to, brand)) = addressee else { return Ok(Err(NotSent::NoAddress)) };
    let key = Key::new("email codes", &prepare_email(to));
    if let Verdict::Paused { .. } = attempts::count(tx, &key, SENDS, now).await? {
        return Ok(Err(NotSent::TooMany));
    }
    let code = issue(tx, keys, user.id, bound_to, now).await?;
    let letter = mail::email_code(&brand, to, user.name(), code.expose(), LIFE.as_secs() / 60);
    mail::enqueue(tx, keys, &letter, now + LIFE, now).await?;
    Ok(Ok(()))
}

/// Makes a code and voids the one before it. Whoever calls it mails it and limits how often.
///
/// # Errors
/// The database failed.
pub async fn issue(
    tx: &mut Tx<'_>,
    keys: &MasterKeys,
    user: UserId,
    bound_to: BoundTo,
    now: Timestamp,
) -> Result<Secret> {
    sql::void_email_codes(tx, user, bound_to.0, now).await?;
    let code = random_digits();
    let id = id::uuid_at(now);
    let sealed = keys.seal(&place(id), SecretHash::of(code.expose().as_bytes()).as_bytes());
    sql::insert_email_code(tx, (id, user, bound_to.0), &sealed, now, now + LIFE).await?;
    Ok(code)
}

/// Whether this is the code that was sent there; then it is spent, else one try is.
///
/// # Errors
/// The database failed, or a stored code does not open.
pub async fn verify(
    tx: &mut Tx<'_>,
    keys: &MasterKeys,
    (user, bound_to): (UserId, BoundTo),
    typed: &str,
    now: Timestamp,
) -> Result<bool> {
    let digits: String = typed.chars().filter(|c| !c.is_whitespace()).collect();
    let given = SecretHash::of(digits.as_bytes());
    for row in sql::try_email_codes(tx, (user, bound_to.0), TRIES, now).await? {
        let opened = keys.open(&place(row.id), &row.code_hash);
        let stored = opened.map_err(|error| Error::Damaged(format!("e-mail code {}: {error}", row.id)))?;
        if bool::from(stored.as_slice().ct_eq(given.as_bytes())) {
            let won = sql::spend_email_code(tx, row.id, now).await?;
            if won {
                sql::use_email_factor(tx, user, now).await?;
            }
            return Ok(won);
        }
    }
    Ok(false)
}

/// Ends the codes that are on their way: the address is another.
///
/// # Errors
/// The database failed.
pub async fn void(tx: &mut Tx<'_>, user: UserId, now: Timestamp) -> Result<()> {
    sql::end_email_codes(tx, user, now).await
}

/// Makes e-mail one of the user's factors. The caller has just [`verify`]d a code.
///
/// # Errors
/// The database failed.
pub async fn enroll(tx: &mut Tx<'_>, keys: &MasterKeys, user: UserId, now: Timestamp) -> Result<FactorId> {
    if let Some(row) = sql::list_sealed(tx, user, "email").await?.first() {
        return Ok(row.id);
    }
    let factor = FactorId::new(now);
    // There is nothing to keep: the address is the account's, the codes have rows of their own.
    let sealed = keys.seal(&format!("email:{factor}"), b"");
    let new = sql::NewFactor {
        id: factor,
        user,
        kind: "email",
        name: "Code by e-mail",
        sealed: &sealed,
        credential_id: None,
        confirmed_at: Some(now),
    };
    sql::insert(tx, &new, now).await?;
    Ok(factor)
}

/// Six digits, each number as likely as any other.
fn random_digits() -> Secret {
    const RANGE: u32 = 10u32.pow(DIGITS);
    // The largest multiple of RANGE that fits: what lies above is thrown again.
    const FAIR: u32 = u32::MAX - u32::MAX % RANGE;
    loop {
        let mut bytes = [0u8; 4];
        secret::fill(&mut bytes);
        let number = u32::from_le_bytes(bytes);
        if number < FAIR {
            return Secret::from_text(format!("{:06}", number % RANGE));
        }
    }
}

fn place(code: Uuid) -> String {
    format!("email-code:{code}")
}
