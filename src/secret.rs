//! Secrets: made here, hashed here, compared here, and never printed.
//!
//! A machine's secret carries 256 random bits, so one SHA-256 protects it at rest; slow hashes are
//! for what people choose (see `users::password`). [`Sealed`] keeps what must be read back (TOTP
//! seeds, signing keys, mails that carry links) under the master key.

use std::fmt;

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    constant_time, digest, hmac, rand,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

/// Fills a buffer from the system's cryptographic generator.
///
/// # Panics
/// If the generator fails: nothing safe can be done without it.
pub fn fill(buffer: &mut [u8]) {
    rand::fill(buffer).unwrap_or_else(|_| std::process::abort());
}

/// Seeds the generator in a thread of its own: the first use costs 65 ms of processor time.
pub fn warm_up() {
    std::thread::spawn(|| fill(&mut [0u8; 1]));
}

/// A random 256-bit secret as text: what a client, browser or mail holds. Never stored.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// 32 random bytes in base64url, 43 characters.
    pub fn random() -> Self {
        let mut bytes = Zeroizing::new([0u8; 32]);
        fill(bytes.as_mut());
        Self(Zeroizing::new(URL_SAFE_NO_PAD.encode(*bytes)))
    }

    /// The same with a prefix that tells scanners and people what it is, such as `cst_scim_`.
    pub fn random_with_prefix(prefix: &str) -> Self {
        Self(Zeroizing::new(format!("{prefix}{}", Self::random().0.as_str())))
    }

    /// A secret that came in from outside.
    pub fn from_text(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text itself. Every call is a place to look at: it leaves the process here.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What is stored in its stead.
    pub fn hash(&self) -> SecretHash {
        SecretHash::of(self.0.as_bytes())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// SHA-256 of a machine-made secret: the form in which it is stored and looked up.
#[derive(Clone, PartialEq, Eq, Hash, sqlx::Type)]
#[sqlx(transparent)]
pub struct SecretHash(Vec<u8>);

impl SecretHash {
    /// Hashes the secret's bytes.
    pub fn of(secret: &[u8]) -> Self {
        Self(digest::digest(&digest::SHA256, secret).as_ref().to_vec())
    }

    /// Whether this is the hash of `secret`, in constant time.
    pub fn matches(&self, secret: &[u8]) -> bool {
        constant_time::verify_slices_are_equal(&self.0, &Self::of(secret).0).is_ok()
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash(..)")
    }
}

/// One master key: its id and 256 bits.
struct Master {
    id: u8,
    key: LessSafeKey,
    derive: hmac::Key,
}

/// The master keys: the newest seals, all open (rotation keeps the old ones until re-sealed).
pub struct MasterKeys(Vec<Master>);

/// Ciphertext under a master key: key id, nonce, AES-256-GCM text and tag (SP 800-38D).
#[derive(Clone, PartialEq, Eq, sqlx::Type)]
#[sqlx(transparent)]
pub struct Sealed(Vec<u8>);

impl serde::Serialize for Sealed {
    /// Base64url, for sealed parts of a JSON column.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&URL_SAFE_NO_PAD.encode(&self.0))
    }
}

impl<'de> serde::Deserialize<'de> for Sealed {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        URL_SAFE_NO_PAD.decode(text.as_bytes()).map(Self).map_err(serde::de::Error::custom)
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} bytes)", self.0.len())
    }
}

/// Why something sealed could not be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// No master key with the id that sealed it is loaded.
    #[error("sealed under master key {0}, which is not loaded")]
    UnknownKey(u8),
    /// The text was changed, moved to another row, or sealed under another key.
    #[error("the sealed value does not open: wrong master key, or it was altered")]
    Altered,
}

impl MasterKeys {
    /// Takes `(id, 32 bytes)` pairs, the newest last. `None` if empty or a key has another length.
    pub fn new(keys: &[(u8, [u8; 32])]) -> Option<Self> {
        let masters: Option<Vec<Master>> = keys
            .iter()
            .map(|(id, bytes)| {
                Some(Master {
                    id: *id,
                    key: LessSafeKey::new(UnboundKey::new(&AES_256_GCM, bytes).ok()?),
                    derive: hmac::Key::new(hmac::HMAC_SHA256, bytes),
                })
            })
            .collect();
        masters.filter(|masters| !masters.is_empty()).map(Self)
    }

    /// Encrypts `plain` for the place `context` (say `totp:<factor id>`): it opens nowhere else.
    pub fn seal(&self, context: &str, plain: &[u8]) -> Sealed {
        let Some(master) = self.0.last() else { std::process::abort() };
        let mut nonce = [0u8; NONCE_LEN];
        fill(&mut nonce);
        let mut text = plain.to_vec();
        let sealed = master.key.seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(context.as_bytes()),
            &mut text,
        );
        // AES-GCM fails only beyond 64 GiB of plain text.
        if sealed.is_err() {
            std::process::abort();
        }
        Sealed([&[master.id][..], &nonce, &text].concat())
    }

    /// A secret that is computed instead of stored: HMAC-SHA-256 of `purpose` under the newest
    /// master key. It changes when that key does.
    pub fn derive(&self, purpose: &str) -> Secret {
        let Some(master) = self.0.last() else { std::process::abort() };
        let tag = hmac::sign(&master.derive, format!("castellan derive 1: {purpose}").as_bytes());
        Secret::from_text(URL_SAFE_NO_PAD.encode(tag.as_ref()))
    }

    /// Decrypts what [`MasterKeys::seal`] made for the same `context`.
    ///
    /// # Errors
    /// [`OpenError`] if the key is not loaded or the text was altered or moved.
    pub fn open(&self, context: &str, sealed: &Sealed) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        let (&id, rest) = sealed.0.split_first().ok_or(OpenError::Altered)?;
        let (nonce, text) = rest.split_at_checked(NONCE_LEN).ok_or(OpenError::Altered)?;
        let master = self.0.iter().find(|master| master.id == id).ok_or(OpenError::UnknownKey(id))?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| OpenError::Altered)?;
        let mut plain = Zeroizing::new(text.to_vec());
        let length = master
            .key
            .open_in_place(nonce, Aad::from(context.as_bytes()), &mut plain)
            .map_err(|_| OpenError::Altered)?
            .len();
        plain.truncate(length);
        Ok(plain)
    }
}

impl fmt::Debug for MasterKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MasterKeys({} keys)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_value_opens_only_in_its_own_place_and_unaltered() {
        let keys = MasterKeys::new(&[(1, [7; 32])]).expect("one key");
        let sealed = keys.seal("totp:a", b"seed");
        assert_eq!(keys.open("totp:a", &sealed).expect("opens").as_slice(), b"seed");
        assert_eq!(keys.open("totp:b", &sealed), Err(OpenError::Altered));
        let mut flipped = sealed.clone();
        flipped.0[20] ^= 1;
        assert_eq!(keys.open("totp:a", &flipped), Err(OpenError::Altered));
        assert_ne!(keys.seal("totp:a", b"seed"), sealed, "nonces differ");
    }

    #[test]
    fn an_older_master_key_still_opens() {
        let old = MasterKeys::new(&[(1, [7; 32])]).expect("one key");
        let both = MasterKeys::new(&[(1, [7; 32]), (2, [8; 32])]).expect("two keys");
        let sealed = old.seal("x", b"plain");
        assert_eq!(both.open("x", &sealed).expect("opens").as_slice(), b"plain");
        assert_eq!(old.open("x", &both.seal("x", b"new")), Err(OpenError::UnknownKey(2)));
    }

    #[test]
    fn a_derived_secret_is_stable_and_its_purposes_differ() {
        let keys = MasterKeys::new(&[(1, [7; 32])]).expect("one key");
        assert_eq!(keys.derive("a").expose(), keys.derive("a").expose());
        assert_ne!(keys.derive("a").expose(), keys.derive("b").expose());
        let newer = MasterKeys::new(&[(1, [7; 32]), (2, [8; 32])]).expect("two keys");
        assert_ne!(newer.derive("a").expose(), keys.derive("a").expose());
    }

    #[test]
    fn secrets_do_not_print() {
        let secret = Secret::random();
        assert_eq!(format!("{secret:?}"), "Secret(..)");
        assert_eq!(secret.expose().len(), 43);
        assert!(secret.hash().matches(secret.expose().as_bytes()));
    }
}
