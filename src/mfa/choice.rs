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
    let mailbox_counts = mailbox_counts(db, user).await?;
    let trusted = |method| method != Method::Email || mailbox_counts;
    let shown_second = amr.iter().any(|value| value == "mfa");
    let fitting = of_held(&held, |method| trusted(method) && requirement.methods.contains(&method));
    if held.is_empty() || (shown_second && (fitting.is_empty() || shown_recovery(amr))) {
        return Ok(Next::Enroll(enrollable(requirement, trusted)));
    }
    if shown_second {
        return Ok(Next::Challenge(fitting));
    }
    let mut methods = if fitting.is_empty() { of_held(&held, trusted) } else { fitting };
    if recovery_codes::remaining(db, user.id).await? > 0 {
        methods.push(Method::Recovery);
    }
    Ok(if methods.is_empty() { Next::Stuck } else { Next::Challenge(methods) })
}

fn shown_recovery(amr: &[String]) -> bool {
    amr.iter().any(|value| value == "recovery")
}

/// What may be set up: what policy allows, and e-mail only where it can be trusted.
fn enrollable(requirement: &Requirement, trusted: impl Fn(Method) -> bool) -> Vec<Method> {
    let mut methods = requirement.methods.clone();
    methods.retain(|&method| trusted(method));
    methods
}

/// Whether the user's mailbox counts for anything in signing in. Here the rule of security.md section 0.1
/// lives: while nothing but that mailbox vouches for the password, a code to it is no second factor.
///
/// # Errors
/// The database failed.
pub async fn mailbox_counts(db: &mut Db<'_>, user: &User) -> Result<bool> {
    let mailbox_only = password::find(db, user.id).await?.is_some_and(|password| password.is_mailbox_only());
    Ok(user.email.is_some() && user.email_verified_at.is_some() && !mailbox_only)
}

/// The methods of `held` that pass, each once, the strongest first.
fn of_held(held: &[Factor], allowed: impl Fn(Method) -> bool) -> Vec<Method> {
    [Method::Passkey, Method::Totp, Method::Email]
        .into_iter()
        .filter(|&method| held.iter().any(|factor| factor.method == method) && allowed(method))
        .collect()
}
