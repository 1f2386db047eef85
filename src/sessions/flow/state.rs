use serde::{Deserialize, Serialize};

use crate::{
    clock::Timestamp,
    id::{ProductId, SessionId},
    mfa::{Method, passkeys::Verified},
    secret::Sealed,
};

/// What a flow remembers from step to step.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    pub start: Start,
    /// The login name as typed: somebody's or nobody's.
    pub typed: Option<String>,
    /// What has been shown, in order.
    pub proofs: Vec<Proof>,
    /// The live session that this flow raises.
    pub raises: Option<SessionId>,
    /// Recovery codes that the person has yet to put away, sealed.
    pub codes: Option<Sealed>,
}

/// With what a flow begins.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Start {
    /// The product to be entered, whose policy counts too.
    pub product_id: Option<ProductId>,
    /// The levels asked for (`acr_values`).
    pub acr_values: Vec<String>,
    /// Fills the first field; proves nothing.
    pub login_hint: Option<String>,
    /// Where to go at the end if no request waits: a path of this server.
    pub back: Option<String>,
}

/// Something that was shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    pub kind: ProofKind,
    pub at: Timestamp,
    /// What it adds to `amr` (RFC 8176 §2; `email` and `recovery` are ours).
    amr: Vec<String>,
}

text_enum! {
    /// The kinds of proof.
    pub enum ProofKind {
        Password = "password",
        /// With user verification: two factors in one.
        Passkey = "passkey",
        Totp = "totp",
        Email = "email",
        Recovery = "recovery",
    }
}

impl Proof {
    /// The password, or a link that has just set it.
    pub fn password(at: Timestamp) -> Self {
        Self { kind: ProofKind::Password, at, amr: vec!["pwd".to_owned()] }
    }

    /// A code.
    pub fn second(method: Method, at: Timestamp) -> Self {
        let kind = match method {
            Method::Totp => ProofKind::Totp,
            Method::Email => ProofKind::Email,
            Method::Passkey => ProofKind::Passkey,
            Method::Recovery => ProofKind::Recovery,
        };
        Self { kind, at, amr: method.amr().iter().map(|&word| word.to_owned()).collect() }
    }

    /// A passkey, which tells what kind of key it lies in.
    pub fn passkey(verified: &Verified, at: Timestamp) -> Self {
        let words = verified.amr.iter().copied().chain(["mfa"]);
        Self { kind: ProofKind::Passkey, at, amr: words.map(str::to_owned).collect() }
    }

    /// A passkey that has just been made, its user verified. Whether it can be copied is not known here,
    /// so it claims the less: `swk`.
    pub fn new_passkey(at: Timestamp) -> Self {
        Self { kind: ProofKind::Passkey, at, amr: ["swk", "user", "mfa"].map(str::to_owned).to_vec() }
    }

    /// Whether a sign-in may begin with it.
    pub(super) fn can_be_first(&self) -> bool {
        matches!(self.kind, ProofKind::Password | ProofKind::Passkey)
    }
}

impl State {
    /// Whether a first factor was shown.
    pub fn has_first(&self) -> bool {
        !self.proofs.is_empty()
    }

    /// Whether a proof of this kind was shown.
    pub fn has(&self, kind: ProofKind) -> bool {
        self.proofs.iter().any(|proof| proof.kind == kind)
    }

    /// When a second factor was last shown.
    pub(super) fn mfa_time(&self) -> Option<Timestamp> {
        self.proofs.iter().rev().find(|proof| proof.kind != ProofKind::Password).map(|proof| proof.at)
    }

    /// How the person signed in, each word once (RFC 8176).
    pub fn amr(&self) -> Vec<String> {
        let mut amr: Vec<String> = Vec::new();
        for word in self.proofs.iter().flat_map(|proof| &proof.amr) {
            if !amr.contains(word) {
                amr.push(word.clone());
            }
        }
        amr
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mfa::policy;

    fn told(proofs: &[Proof]) -> (String, &'static str) {
        let state = State { proofs: proofs.to_vec(), ..State::default() };
        (state.amr().join(" "), policy::acr(&state.amr()))
    }

    #[test]
    fn amr_and_acr_say_what_happened() {
        let at = Timestamp::from_seconds(1);
        let password = Proof::password(at);
        assert_eq!(told(std::slice::from_ref(&password)), ("pwd".to_owned(), policy::ACR_PASSWORD));
        for (method, amr) in [(Method::Totp, "pwd otp mfa"), (Method::Email, "pwd email mfa")] {
            assert_eq!(told(&[password.clone(), Proof::second(method, at)]), (amr.to_owned(), policy::ACR_MFA));
        }
    }
}
