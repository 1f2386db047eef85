use super::{Factor, Method, enrolled, policy::Requirement, recovery_codes};
use crate::{
    store::{Db, Result},
    users::{User, password},
};

/// What a sign-in that has shown something must do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Nothing: the requirement is met.
    Done,
    /// Answer one of these. Never empty.
    Challenge(Vec<Method>),
    /// Set up one of these. May be empty, where policy leaves nothing that this account could use:
    /// then only an administrator can help.
    Enroll(Vec<Method>),
    /// There are factors, but none counts now: only an administrator can help.
    Stuck,
}

/// What comes next for `user`, who has shown `amr` (at least a first factor) towards `requirement`.
///
/// Enrolment without a challenge is for those who have no factor at all. Whoever has one shows it
/// first, even where policy no longer takes it, and enrols a fitting one after that.
///
/// # Errors
/// The database failed.
pub async fn next(db: &mut Db<'_>, user: &User, requirement: &Requirement, amr: &[String]) -> Result<Next> {
    if requirement.is_met_by(amr) {
        return Ok(Next::Done);
    }
    let held = enrolled(db, user.id).await?;
    let trust = Trust::of(db, user).await?;
    let shown_second = amr.iter().any(|value| value == "mfa");
    let fitting = trust.filter(&held, |method| requirement.methods.contains(&method));
    if held.is_empty() || (shown_second && (fitting.is_empty() || shown_recovery(amr))) {
        return Ok(Next::Enroll(enrollable(user, requirement, trust)));
    }
    if shown_second {
        return Ok(Next::Challenge(fitting));
    }
    let mut methods = if fitting.is_empty() { trust.filter(&held, |_| true) } else { fitting };
    if recovery_codes::remaining(db, user.id).await? > 0 {
        methods.push(Method::Recovery);
    }
    Ok(if methods.is_empty() { Next::Stuck } else { Next::Challenge(methods) })
}

/// The methods that may be asked of `user` now and count towards `requirement`; recovery codes
/// last. Here the rule of security.md section 0.1 lives: while nothing but a mailbox vouches for
/// the password, a code to that mailbox is no second factor.
///
/// # Errors
/// The database failed.
pub async fn usable(db: &mut Db<'_>, user: &User, requirement: &Requirement) -> Result<Vec<Method>> {
    let held = enrolled(db, user.id).await?;
    let trust = Trust::of(db, user).await?;
    let mut methods = trust.filter(&held, |method| requirement.methods.contains(&method));
    if !held.is_empty() && recovery_codes::remaining(db, user.id).await? > 0 {
        methods.push(Method::Recovery);
    }
    Ok(methods)
}

fn shown_recovery(amr: &[String]) -> bool {
    amr.iter().any(|value| value == "recovery")
}

/// What may be set up: what policy allows, and e-mail only where it can be trusted.
fn enrollable(user: &User, requirement: &Requirement, trust: Trust) -> Vec<Method> {
    let mut methods = requirement.methods.clone();
    methods.retain(|&method| method != Method::Email || (trust.email && user.email_verified_at.is_some()));
    methods
}

/// How far the account's mailbox may be trusted.
#[derive(Clone, Copy)]
struct Trust {
    email: bool,
}

impl Trust {
    async fn of(db: &mut Db<'_>, user: &User) -> Result<Self> {
        let mailbox_only = password::find(db, user.id).await?.is_some_and(|password| password.is_mailbox_only());
        Ok(Self { email: user.email.is_some() && user.email_verified_at.is_some() && !mailbox_only })
    }

    /// The methods of `held` that pass, each once, the strongest first.
    fn filter(self, held: &[Factor], allowed: impl Fn(Method) -> bool) -> Vec<Method> {
        [Method::Passkey, Method::Totp, Method::Email]
            .into_iter()
            .filter(|&method| held.iter().any(|factor| factor.method == method) && allowed(method))
            .filter(|&method| method != Method::Email || self.email)
            .collect()
    }
}
