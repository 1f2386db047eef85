//! What a user must show: the organization's policy, the product's, and what the request asks for.
//!
//! `amr` tells what happened (RFC 8176), `acr` follows from it; neither is ever written by hand.
//! A code by e-mail and a recovery code have names of their own, `email` and `recovery`, since RFC
//! 8176 has none that would be true.

use super::{Method, sql};
use crate::{
    access,
    clock::Timestamp,
    organizations::{self, EffectivePolicy, MfaRule},
    products::Product,
    store::{Db, Result},
    users::User,
};

/// `acr` of a password alone.
pub const ACR_PASSWORD: &str = "urn:castellan:acr:password";
/// `acr` of two factors.
pub const ACR_MFA: &str = "urn:castellan:acr:mfa";
/// `acr` of a passkey: phishing-resistant (OpenID EAP ACR Values 1.0).
pub const ACR_PHISHING_RESISTANT: &str = "phr";
/// What discovery lists, the weakest first.
pub const ACR_VALUES: &[&str] = &[ACR_PASSWORD, ACR_MFA, ACR_PHISHING_RESISTANT];

/// What a session must have shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    /// A second factor at all.
    pub mfa: bool,
    /// A passkey, nothing else.
    pub phishing_resistant: bool,
    /// The ways that count. Recovery codes always do, unless it must resist phishing.
    pub methods: Vec<Method>,
}

/// What `user` must show to sign in to `product` (to the account pages if `None`).
///
/// Whoever has enrolled a factor is asked for one: it would protect nothing otherwise. Of
/// `acr_values` the first that we know counts, since it is a list by preference (OIDC Core 3.1.2.1).
///
/// # Errors
/// The database failed.
pub async fn requirement(
    db: &mut Db<'_>,
    user: &User,
    product: Option<&Product>,
    acr_values: &[&str],
) -> Result<Requirement> {
    let policy = organizations::effective_policy(db, user.organization_id).await?;
    let asked = acr_values.iter().find(|value| ACR_VALUES.contains(value)).copied();
    let product_demands = product.is_some_and(|product| product.policy.mfa == Some(MfaRule::Required));
    let phishing_resistant =
        product.is_some_and(|product| product.policy.phishing_resistant) || asked == Some(ACR_PHISHING_RESISTANT);
    let mfa = phishing_resistant
        || policy.mfa == MfaRule::Required
        || product_demands
        || asked == Some(ACR_MFA)
        || sql::has_factor(db, user.id).await?;
    let methods = if phishing_resistant { vec![Method::Passkey] } else { policy.methods };
    Ok(Requirement { mfa, phishing_resistant, methods })
}

/// Whether anything the user may sign in to demands a second factor: then the last one stays (M3).
///
/// # Errors
/// The database failed.
pub async fn must_keep_a_factor(db: &mut Db<'_>, user: &User, now: Timestamp) -> Result<bool> {
    if organizations::effective_policy(db, user.organization_id).await?.mfa == MfaRule::Required {
        return Ok(true);
    }
    let held = access::products_of(db, user.id, now).await?;
    Ok(held
        .iter()
        .any(|(product, _)| product.policy.mfa == Some(MfaRule::Required) || product.policy.phishing_resistant))
}

impl Requirement {
    /// What a sign-in of before must have shown to go on, under the policies of today: a live session's, or a
    /// grant's for `product`. Who has enrolled a factor since is not asked before the next sign-in.
    pub fn to_go_on(policy: &EffectivePolicy, product: Option<&Product>) -> Self {
        let of_product = product.map(|product| &product.policy);
        Self {
            mfa: policy.mfa == MfaRule::Required
                || of_product.is_some_and(|policy| policy.mfa == Some(MfaRule::Required)),
            phishing_resistant: of_product.is_some_and(|policy| policy.phishing_resistant),
            methods: policy.methods.clone(),
        }
    }

    /// Whether a session with this `amr` has shown enough.
    pub fn is_met_by(&self, amr: &[String]) -> bool {
        if self.phishing_resistant {
            return acr(amr) == ACR_PHISHING_RESISTANT;
        }
        !self.mfa || methods(amr).any(|method| method == Method::Recovery || self.methods.contains(&method))
    }
}

impl Method {
    /// What a successful challenge adds to `amr`. A passkey's own is [`super::passkeys::Verified::amr`].
    pub const fn amr(self) -> &'static [&'static str] {
        match self {
            Self::Totp => &["otp", "mfa"],
            Self::Email => &["email", "mfa"],
            Self::Recovery => &["recovery", "mfa"],
            Self::Passkey => &["user", "mfa"],
        }
    }
}

/// The second factors that an `amr` tells of.
fn methods(amr: &[String]) -> impl Iterator<Item = Method> {
    amr.iter().filter_map(|value| match value.as_str() {
        "otp" => Some(Method::Totp),
        "email" => Some(Method::Email),
        "recovery" => Some(Method::Recovery),
        "hwk" | "swk" => Some(Method::Passkey),
        _ => None,
    })
}

/// The `acr` that follows from what happened.
pub fn acr(amr: &[String]) -> &'static str {
    let has = |name: &str| amr.iter().any(|value| value == name);
    if (has("hwk") || has("swk")) && has("user") {
        ACR_PHISHING_RESISTANT
    } else if methods(amr).next().is_some() {
        ACR_MFA
    } else {
        ACR_PASSWORD
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amr_meets_what_it_says_and_no_more() {
        let any = Requirement {
            mfa: true,
            phishing_resistant: false,
            methods: vec![Method::Totp, Method::Email, Method::Passkey],
        };
        let none = Requirement { mfa: false, ..any.clone() };
        let no_email = Requirement { methods: vec![Method::Totp, Method::Passkey], ..any.clone() };
        let strong = Requirement { phishing_resistant: true, methods: vec![Method::Passkey], ..any.clone() };
        for (amr, expected) in [
            // none, any, no e-mail, phishing-resistant
            (vec!["pwd"], [true, false, false, false]),
            (vec!["pwd", "mfa"], [true, false, false, false]),
            (vec!["pwd", "otp", "mfa"], [true, true, true, false]),
            (vec!["pwd", "email", "mfa"], [true, true, false, false]),
            (vec!["pwd", "recovery", "mfa"], [true, true, true, false]),
            (vec!["hwk", "user", "mfa"], [true, true, true, true]),
            (vec!["pwd", "swk", "user", "mfa"], [true, true, true, true]),
        ] {
            let shown: Vec<String> = amr.iter().map(|&value| value.to_owned()).collect();
            let met = [&none, &any, &no_email, &strong].map(|requirement| requirement.is_met_by(&shown));
            assert_eq!(met, expected, "{amr:?}");
        }
    }
}
