//! Recovery codes: ten of 125 random bits each, shown once, each good for one challenge.
//!
//! A code has more than 112 bits, so SHA-256 protects it at rest (ASVS 6.5.2). A new set replaces
//! the old one whole.

use zeroize::Zeroizing;

use super::sql;
use crate::{
    clock::Timestamp,
    id::UserId,
    secret::{self, Secret, SecretHash},
    store::{Db, Result, Tx},
};

/// How many a person gets.
pub const COUNT: usize = 10;
const GROUPS: usize = 5;
const GROUP_LENGTH: usize = 5;
/// Crockford's base32: no letter that looks like a digit.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Makes a new set; the codes of the old one, used or not, work no more.
///
/// # Errors
/// The database failed.
pub async fn generate(tx: &mut Tx<'_>, user: UserId, now: Timestamp) -> Result<Vec<Secret>> {
    sql::delete_recovery_codes(tx, user).await?;
    let codes: Vec<Secret> = (0..COUNT).map(|_| random_code()).collect();
    for code in &codes {
        sql::insert_recovery_code(tx, user, &hash(code.expose()), now).await?;
    }
    Ok(codes)
}

/// Spends a code: `true` for one request, however many race.
///
/// # Errors
/// The database failed.
pub async fn consume(tx: &mut Tx<'_>, user: UserId, typed: &str, now: Timestamp) -> Result<bool> {
    sql::consume_recovery_code(tx, user, &hash(typed), now).await
}

/// How many are left.
///
/// # Errors
/// The database failed.
pub async fn remaining(db: &mut Db<'_>, user: UserId) -> Result<i64> {
    sql::count_recovery_codes(db, user).await
}

fn random_code() -> Secret {
    let mut bytes = Zeroizing::new([0u8; GROUPS * GROUP_LENGTH]);
    secret::fill(bytes.as_mut());
    let groups: Vec<String> = bytes
        .chunks(GROUP_LENGTH)
        .map(|group| group.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect())
        .collect();
    Secret::from_text(groups.join("-"))
}

/// Hashes what was typed in one spelling: no separators, capitals, look-alikes as Crockford reads them.
fn hash(typed: &str) -> SecretHash {
    let plain: Zeroizing<String> = Zeroizing::new(
        typed
            .chars()
            .filter(|c| !c.is_whitespace() && *c != '-')
            .map(|c| match c.to_ascii_uppercase() {
                'O' => '0',
                'I' | 'L' => '1',
                other => other,
            })
            .collect(),
    );
    SecretHash::of(plain.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_125_bits_and_forgives_how_it_is_typed() {
        let code = random_code();
        assert_eq!(code.expose().len(), 29);
        assert_ne!(code, random_code());
        let sloppy =
            format!(" {} ", code.expose().to_lowercase().replace('-', " ").replace('0', "o").replace('1', "l"));
        assert_eq!(hash(&sloppy), hash(code.expose()));
        assert_ne!(hash(&code.expose()[..28]), hash(code.expose()));
    }
}
