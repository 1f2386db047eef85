use serde::{Deserialize, Serialize};

use crate::mfa::Method;

text_enum! {
    /// Whether a second factor is demanded.
    pub enum MfaRule {
        /// People may enrol one.
        Optional = "optional",
        /// Nobody gets a token without one.
        Required = "required",
    }
}

/// What one level says itself (product.md O4). `None` leaves it to the levels above.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    pub mfa: Option<MfaRule>,
    /// The factors people may enrol and use; recovery codes are always allowed.
    pub methods: Option<Vec<Method>>,
    pub session_idle_seconds: Option<i64>,
    pub session_absolute_seconds: Option<i64>,
    pub password_minimum: Option<i64>,
    /// Whether support@ and its like may be accounts (P4).
    pub role_addresses_allowed: Option<bool>,
    /// The domains new users' addresses must be of.
    pub email_domains: Option<Vec<String>>,
}

/// A policy with a value for everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EffectivePolicy {
    pub mfa: MfaRule,
    pub methods: Vec<Method>,
    pub session_idle_seconds: i64,
    pub session_absolute_seconds: i64,
    pub password_minimum: usize,
    pub role_addresses_allowed: bool,
    /// `None`: any.
    pub email_domains: Option<Vec<String>>,
}

/// Eight hours without a sign of life end a session.
const SESSION_IDLE_SECONDS: i64 = 8 * 3600;
/// Sign in again after a day, whatever happens.
const SESSION_ABSOLUTE_SECONDS: i64 = 24 * 3600;
/// ASVS 6.2.1: at least 8, and 15 are advised; with strength judged beside it, 10.
const PASSWORD_MINIMUM: usize = 10;

impl Default for EffectivePolicy {
    fn default() -> Self {
        Self {
            mfa: MfaRule::Optional,
            methods: vec![Method::Totp, Method::Email, Method::Passkey],
            session_idle_seconds: SESSION_IDLE_SECONDS,
            session_absolute_seconds: SESSION_ABSOLUTE_SECONDS,
            password_minimum: PASSWORD_MINIMUM,
            role_addresses_allowed: false,
            email_domains: None,
        }
    }
}

impl EffectivePolicy {
    /// Tightens the defaults by each level's policy, in any order.
    pub fn over<'a>(levels: impl Iterator<Item = &'a Policy>) -> Self {
        // Whether role addresses are allowed is each organization's own choice, unless a higher one forbids it.
        let mut effective = Self::default();
        let mut role_addresses = None;
        for level in levels {
            effective.tighten(level);
            role_addresses = match (role_addresses, level.role_addresses_allowed) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (before, here) => before.or(here),
            };
        }
        effective.role_addresses_allowed = role_addresses.unwrap_or(false);
        effective
    }

    fn tighten(&mut self, level: &Policy) {
        if level.mfa == Some(MfaRule::Required) {
            self.mfa = MfaRule::Required;
        }
        if let Some(allowed) = &level.methods {
            self.methods.retain(|method| allowed.contains(method));
        }
        if let Some(seconds) = level.session_idle_seconds {
            self.session_idle_seconds = self.session_idle_seconds.min(seconds);
        }
        if let Some(seconds) = level.session_absolute_seconds {
            self.session_absolute_seconds = self.session_absolute_seconds.min(seconds);
        }
        if let Some(minimum) = level.password_minimum.and_then(|minimum| usize::try_from(minimum).ok()) {
            self.password_minimum = self.password_minimum.max(minimum);
        }
        if let Some(domains) = &level.email_domains {
            self.email_domains = Some(match self.email_domains.take() {
                None => domains.clone(),
                Some(before) => before.into_iter().filter(|domain| domains.contains(domain)).collect(),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lower_level_only_tightens() {
        let provider = Policy { mfa: Some(MfaRule::Required), session_idle_seconds: Some(600), ..Policy::default() };
        let client = Policy {
            mfa: Some(MfaRule::Optional),
            session_idle_seconds: Some(6000),
            methods: Some(vec![Method::Totp, Method::Passkey]),
            ..Policy::default()
        };
        let effective = EffectivePolicy::over([&client, &provider].into_iter());
        assert_eq!(effective.mfa, MfaRule::Required);
        assert_eq!(effective.session_idle_seconds, 600);
        assert_eq!(effective.methods, [Method::Totp, Method::Passkey]);
    }
}
