use std::collections::{BTreeSet, HashMap};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD_NO_PAD as BASE64, URL_SAFE_NO_PAD as BASE64URL},
};

use crate::journeys::base32;

/// Bytes by which a canary is recognised before it is compared whole.
const PREFIX: usize = 8;

/// Secrets in every form in which they could lie about.
#[derive(Default)]
pub struct Canaries {
    known: BTreeSet<String>,
    by_prefix: HashMap<[u8; PREFIX], Vec<(String, Vec<u8>)>>,
}

impl Canaries {
    pub fn add(&mut self, name: &str, secret: Option<&str>) {
        let Some(secret) = secret.filter(|secret| secret.len() >= PREFIX) else { return };
        if !self.known.insert(secret.to_owned()) {
            return;
        }
        self.add_form(name, "as it is", secret.as_bytes());
        self.add_form(name, "in hex", hex(secret.as_bytes()).as_bytes());
        self.add_form(name, "in base64", BASE64.encode(secret).as_bytes());
        let escaped: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        self.add_form(name, "escaped", escaped.as_bytes());
        // What the text stands for: a token's bytes, a TOTP seed, a JWT's signature.
        let signature = secret.rsplit('.').next().unwrap_or_default();
        if signature != secret {
            self.add_form(name, "its signature", signature.as_bytes());
        }
        let decoded = [BASE64URL.decode(signature).ok(), base32(secret).ok().filter(|_| name == "TOTP secret")];
        for bytes in decoded.into_iter().flatten().filter(|bytes| bytes.len() >= 16) {
            self.add_form(name, "decoded", &bytes);
            self.add_form(name, "decoded, in hex", hex(&bytes).as_bytes());
        }
    }

    fn add_form(&mut self, name: &str, form: &str, bytes: &[u8]) {
        if let Some(prefix) = bytes.first_chunk::<PREFIX>() {
            self.by_prefix.entry(*prefix).or_default().push((format!("{name}, {form}"), bytes.to_vec()));
        }
    }

    /// How many secrets are known.
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// What was found, by name: the secret itself is not repeated.
    pub fn found_in(&self, bytes: &[u8]) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        for at in 0..bytes.len().saturating_sub(PREFIX - 1) {
            let Some(prefix) = bytes[at..].first_chunk::<PREFIX>() else { break };
            for (name, canary) in self.by_prefix.get(prefix).into_iter().flatten() {
                if bytes[at..].starts_with(canary) {
                    found.insert(name.clone());
                }
            }
        }
        found
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
