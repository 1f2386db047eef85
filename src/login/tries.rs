//! Counting tries: which counters a password or a code moves, and what happens at the limit.

use std::time::Duration;

use super::{events, letters, outcome::Context};
use crate::{
    attempts::{self, Key, Limit, Verdict},
    clock::Timestamp,
    config::Limits,
    http::ClientAddress,
    mail,
    mfa::{self, Method},
    store::{Result, Tx},
    users::User,
};

/// The counters of one try.
#[derive(Debug, Clone)]
pub(super) struct Tries {
    account: Key,
    source: Key,
    account_limit: Limit,
    source_limit: Limit,
    /// Wrong codes in a row, however long they take.
    in_a_row: Option<Key>,
    /// Whether they bar this one: a recovery code is the way back.
    barred_in_a_row: bool,
}

/// Second factors are short: five wrong ones, then a pause (security.md row 45).
const CODES: i64 = 5;
/// After so many wrong codes in a row, whatever the pauses between them, an account takes no more (NIST SP
/// 800-63B-4 §3.2.2: at most 100) until a recovery code was right or an administrator has reset its factors.
const IN_A_ROW: Limit = Limit { tries: 100, window: FOR_GOOD, pause: FOR_GOOD };
const FOR_GOOD: Duration = Duration::from_secs(100 * 365 * 86_400);

impl Tries {
    /// Passwords of whoever was typed: an account, or a name that is nobody's.
    pub fn of_password(limits: &Limits, user: Option<&User>, prepared: &str, address: ClientAddress) -> Self {
        let whom = user.map_or_else(|| format!("name {prepared}"), |user| format!("user {}", user.id));
        Self::new(limits, Key::new("password", &whom), limits.account_failures, address)
    }

    /// Codes of a known account, whichever method, over all its flows.
    pub fn of_code(limits: &Limits, user: &User, address: ClientAddress) -> Self {
        Self::new(limits, Key::new("code", &user.id.to_string()), CODES.min(limits.account_failures), address)
    }

    /// The same where a code is to prove who somebody is: these count in a row too.
    pub fn of_challenge(limits: &Limits, user: &User, method: Method, address: ClientAddress) -> Self {
        Self {
            in_a_row: Some(mfa::wrong_codes_in_a_row(user.id)),
            barred_in_a_row: method != Method::Recovery,
            ..Self::of_code(limits, user, address)
        }
    }

    fn new(limits: &Limits, account: Key, tries: i64, address: ClientAddress) -> Self {
        let (window, pause) = (limits.window, limits.lockout);
        Self {
            account,
            source: Key::new("source", &address.source().to_string()),
            account_limit: Limit { tries, window, pause },
            source_limit: Limit { tries: limits.address_failures, window, pause },
            in_a_row: None,
            barred_in_a_row: false,
        }
    }

    /// Counts this try. The source first: a source in a pause shall not use up an account's tries.
    pub async fn count(&self, tx: &mut Tx<'_>, now: Timestamp) -> Result<Verdict> {
        if let paused @ Verdict::Paused { .. } = attempts::count(tx, &self.source, self.source_limit, now).await? {
            return Ok(paused);
        }
        let mut verdict = attempts::count(tx, &self.account, self.account_limit, now).await?;
        if let (Verdict::Go { .. }, Some(in_a_row), true) = (verdict, &self.in_a_row, self.barred_in_a_row)
            && let paused @ Verdict::Paused { .. } = attempts::count(tx, in_a_row, IN_A_ROW, now).await?
        {
            verdict = paused;
        }
        if matches!(verdict, Verdict::Paused { .. }) {
            attempts::take_back(tx, &self.source).await?;
        }
        Ok(verdict)
    }

    /// The answer was right.
    pub async fn forgive(&self, tx: &mut Tx<'_>) -> Result<()> {
        attempts::forgive(tx, &self.account).await?;
        if let Some(in_a_row) = &self.in_a_row {
            attempts::forgive(tx, in_a_row).await?;
        }
        attempts::take_back(tx, &self.source).await
    }

    /// The answer was wrong: written down, and at the last try told to the person.
    pub async fn wrong(
        &self,
        tx: &mut Tx<'_>,
        context: &Context,
        (user, method, left): (&User, &str, i64),
        now: Timestamp,
    ) -> Result<()> {
        events::refused(tx, context, user, ("login.failed", method), now).await?;
        if left > 0 {
            return Ok(());
        }
        events::refused(tx, context, user, ("login.paused", method), now).await?;
        let pause = minutes(self.account_limit.pause);
        letters::tell(tx, context, user, |brand, to| mail::locked(brand, to, user.name(), pause), now).await
    }
}

pub(super) fn minutes(duration: Duration) -> u64 {
    duration.as_secs().div_ceil(60)
}

/// "After 4 more tries we pause this login for 15 minutes."
pub(super) fn warning(limits: &Limits, left: i64) -> String {
    let pause = minutes(limits.lockout);
    match left {
        ..=0 => format!("There were too many tries. This login is paused for {pause} minutes."),
        1 => format!("After 1 more try we pause this login for {pause} minutes."),
        left => format!("After {left} more tries we pause this login for {pause} minutes."),
    }
}

/// "Try again in 12 minutes."
pub(super) fn pause_words(until: Timestamp, now: Timestamp) -> String {
    if until.since(now) > Duration::from_secs(365 * 86_400) {
        return "This account takes no more of them. Use a recovery code or a passkey, or ask your administrator to \
                reset your second factors."
            .to_owned();
    }
    match minutes(until.since(now)) {
        0 | 1 => "Try again in a minute.".to_owned(),
        minutes => format!("Try again in {minutes} minutes."),
    }
}

/// The word for a method in the audit log.
pub(super) fn word(method: Method) -> &'static str {
    method.as_str()
}
