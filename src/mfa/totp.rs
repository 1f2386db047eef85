//! Authenticator apps: time-based one-time passwords (RFC 6238), six digits, thirty seconds, SHA-1,
//! which is what every app can do.
//!
//! A set-up is a row without `confirmed_at` whose seed opens only for the login flow or session
//! that began it. It becomes a factor when a code proves that the app has the seed; until then
//! every older factor stays as it is (security.md row 156).
//!
//! A code counts once: one compare-and-set moves `last_step` forward, so of fifty parallel requests
//! with one code one wins, and no older step is taken afterwards (row 155).

use fast_qr::{ECL, QRBuilder};
use totp_rs::{Builder, Totp};
use zeroize::Zeroizing;

use super::{BoundTo, clean_name, sql};
use crate::{
    clock::Timestamp,
    id::{FactorId, UserId},
    secret::{MasterKeys, Sealed},
    store::{Db, Error, Result, Tx},
};
use std::time::Duration;

/// RFC 4226 section 4 (R6) recommends 160 bits.
const SEED_BYTES: usize = 20;
/// A set-up that was left alone longer than this is void.
const SETUP_LIFE: Duration = Duration::from_secs(30 * 60);
/// RFC 6238 section 5.2: one step of network delay either way.
const SKEW: u16 = 1;

/// A set-up under way: what the page shows, once.
pub struct Setup {
    pub factor: FactorId,
    seed: Zeroizing<Vec<u8>>,
}

/// Why a set-up was not confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotConfirmed {
    #[error("There is no set-up under way. Start again.")]
    NoSetup,
    #[error("This is not the code the app shows now. Type the next one.")]
    WrongCode,
}

/// Begins a set-up; one that was under way is dropped. Live factors are untouched.
///
/// # Errors
/// The database failed.
pub async fn begin(
    tx: &mut Tx<'_>,
    keys: &MasterKeys,
    user: UserId,
    bound_to: BoundTo,
    now: Timestamp,
) -> Result<Setup> {
    let mut seed = Zeroizing::new(vec![0u8; SEED_BYTES]);
    crate::secret::fill(&mut seed);
    let factor = FactorId::new(now);
    sql::delete_setups(tx, user, "totp").await?;
    let sealed = keys.seal(&setup_place(factor, bound_to), &seed);
    sql::insert(
        tx,
        &sql::NewFactor {
            id: factor,
            user,
            kind: "totp",
            name: "",
            sealed: &sealed,
            credential_id: None,
            confirmed_at: None,
        },
        now,
    )
    .await?;
    Ok(Setup { factor, seed })
}

/// The set-up that `bound_to` has under way, for showing its page again.
///
/// # Errors
/// The database failed.
pub async fn pending(
    db: &mut Db<'_>,
    keys: &MasterKeys,
    user: UserId,
    bound_to: BoundTo,
    now: Timestamp,
) -> Result<Option<Setup>> {
    let Some(row) = sql::find_setup(db, user, "totp", now - SETUP_LIFE).await? else { return Ok(None) };
    // A set-up of another browser does not open: for this one there is none.
    let seed = keys.open(&setup_place(row.id, bound_to), &row.sealed).ok();
    Ok(seed.map(|seed| Setup { factor: row.id, seed }))
}

/// What a person typed to finish a set-up.
#[derive(Debug, Clone, Copy)]
pub struct Confirmation<'a> {
    pub code: &'a str,
    /// What to call the factor.
    pub name: &'a str,
}

/// Turns the set-up into a factor if the code is right. The step of that code is spent.
///
/// # Errors
/// The database failed.
pub async fn confirm(
    tx: &mut Tx<'_>,
    keys: &MasterKeys,
    (user, bound_to): (UserId, BoundTo),
    confirmation: Confirmation<'_>,
    now: Timestamp,
) -> Result<Result<FactorId, NotConfirmed>> {
    let Some(setup) = pending(tx, keys, user, bound_to, now).await? else { return Ok(Err(NotConfirmed::NoSetup)) };
    let Some(step) = matching_step(&setup.seed, confirmation.code, now) else {
        return Ok(Err(NotConfirmed::WrongCode));
    };
    let sealed = keys.seal(&place(setup.factor), &setup.seed);
    let name = clean_name(confirmation.name, "Authenticator app");
    let confirmed = sql::confirm_totp(tx, setup.factor, &name, (&sealed, step), now).await?;
    Ok(if confirmed { Ok(setup.factor) } else { Err(NotConfirmed::NoSetup) })
}

/// Enrols a known seed at once, for the demo's people and imports.
///
/// # Errors
/// The database failed.
pub async fn enroll(tx: &mut Tx<'_>, keys: &MasterKeys, user: UserId, seed: &[u8], now: Timestamp) -> Result<FactorId> {
    let factor = FactorId::new(now);
    let sealed = keys.seal(&place(factor), seed);
    let new = sql::NewFactor {
        id: factor,
        user,
        kind: "totp",
        name: "Authenticator app",
        sealed: &sealed,
        credential_id: None,
        confirmed_at: Some(now),
    };
    sql::insert(tx, &new, now).await?;
    Ok(factor)
}

/// The factor that made this code, which is hereby spent; `None` if it is wrong, too old, or was
/// used before.
///
/// # Errors
/// The database failed, or a stored seed does not open.
pub async fn verify(
    tx: &mut Tx<'_>,
    keys: &MasterKeys,
    user: UserId,
    code: &str,
    now: Timestamp,
) -> Result<Option<FactorId>> {
    for row in sql::list_sealed(tx, user, "totp").await? {
        let seed = open(keys, row.id, &row.sealed)?;
        if let Some(step) = matching_step(&seed, code, now) {
            return Ok(sql::spend_step(tx, row.id, step, now).await?.then_some(row.id));
        }
    }
    Ok(None)
}

/// What the app of whoever holds this seed (base32) shows now: the demo's page stands in for it.
pub fn code_of(text_key: &str, now: Timestamp) -> Option<String> {
    let seed = totp_rs::Secret::try_from_base32(text_key).ok()?;
    Some(machine(seed.as_ref()).generate(u64::try_from(now.as_seconds()).ok()?).to_string())
}

impl Setup {
    /// The seed as people type it: base32 (RFC 4648 section 6), no padding.
    pub fn text_key(&self) -> String {
        totp_rs::Secret::from(self.seed.to_vec()).to_base32()
    }

    /// The `otpauth://` URI that the picture holds.
    pub fn uri(&self, issuer: &str, account: &str) -> String {
        // The label's separator must not occur in its parts.
        let plain = |text: &str| text.replace(':', " ");
        Builder::new()
            .with_secret(self.seed.to_vec())
            .with_account_name(plain(account))
            .with_issuer(Some(plain(issuer)))
            .build()
            .and_then(|totp| totp.to_url())
            .unwrap_or_default()
    }

    /// The QR picture as inline SVG: the policy of our pages allows no data: images.
    pub fn qr_svg(&self, issuer: &str, account: &str) -> String {
        QRBuilder::new(self.uri(issuer, account)).ecl(ECL::M).build().map(|code| svg(&code)).unwrap_or_default()
    }
}

/// One path, a rectangle for each run of dark modules, with the quiet zone of four.
fn svg(code: &fast_qr::QRCode) -> String {
    use std::fmt::Write;
    const QUIET: usize = 4;
    let side = code.size + 2 * QUIET;
    let mut path = String::new();
    for row in 0..code.size {
        let mut column = 0;
        while column < code.size {
            let run = (column..code.size).take_while(|&at| code[row][at].value()).count();
            if run > 0 {
                let (x, y) = (column + QUIET, row + QUIET);
                // Writing to a String cannot fail.
                _ = write!(path, "M{x} {y}h{run}v1h-{run}z");
            }
            column += run.max(1);
        }
    }
    format!(
        "<svg viewBox=\"0 0 {side} {side}\" role=\"img\" aria-label=\"QR code with your set-up key\" \
         shape-rendering=\"crispEdges\"><path d=\"{path}\"/></svg>"
    )
}

fn place(factor: FactorId) -> String {
    format!("totp:{factor}")
}

fn setup_place(factor: FactorId, bound_to: BoundTo) -> String {
    format!("totp-setup:{factor}:{}", bound_to.0)
}

fn open(keys: &MasterKeys, factor: FactorId, sealed: &Sealed) -> Result<Zeroizing<Vec<u8>>> {
    keys.open(&place(factor), sealed).map_err(|error| Error::Damaged(format!("factor {factor}: {error}")))
}

fn machine(seed: &[u8]) -> Totp {
    // Not `build`: it refuses seeds shorter than 128 bits, which older apps' imports may have.
    Builder::new().with_secret(seed.to_vec()).with_skew(SKEW).build_noncompliant()
}

/// The time step whose code this is. People may type blanks; nothing else is forgiven.
fn matching_step(seed: &[u8], code: &str, now: Timestamp) -> Option<i64> {
    let digits: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    let step = machine(seed).check(&digits, u64::try_from(now.as_seconds()).ok()?)?;
    i64::try_from(step).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238 appendix B, cut to six digits.
    #[test]
    fn codes_are_those_of_the_rfc_within_one_step() {
        let seed = b"12345678901234567890";
        let at = Timestamp::from_seconds;
        assert_eq!(matching_step(seed, "287082", at(59)), Some(1));
        assert_eq!(matching_step(seed, "28 7082", at(89)), Some(1), "one step later, with a blank");
        assert_eq!(matching_step(seed, "287082", at(90)), None, "two steps later");
        assert_eq!(matching_step(seed, "081804", at(1_111_111_109)), Some(37_037_036));
        for wrong in ["", "28708", "2870820", "+28708", "28708a", "\u{ff12}87082"] {
            assert_eq!(matching_step(seed, wrong, at(59)), None, "{wrong}");
        }
    }

    #[test]
    fn the_picture_is_inline_svg_and_the_uri_names_issuer_and_account() {
        let setup = Setup { factor: FactorId::new(Timestamp::from_seconds(0)), seed: Zeroizing::new(vec![7; 20]) };
        let uri = setup.uri("Castellan: demo", "mara@brackwater.example");
        assert!(uri.starts_with("otpauth://totp/Castellan%20%20demo:mara%40brackwater.example?secret="), "{uri}");
        assert!(uri.contains(&setup.text_key()));
        let svg = setup.qr_svg("Castellan", "mara");
        assert!(svg.starts_with("<svg viewBox") && !svg.contains("style") && !svg.contains("data:"), "{svg}");
    }
}
