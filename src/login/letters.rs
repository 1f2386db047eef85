//! In whose name mails of signing in are written, and how an address is shown.

use std::time::Duration;

use super::outcome::Context;
use crate::{
    clock::Timestamp,
    mail::{self, Brand, Mail},
    organizations,
    store::{Db, Result, Tx},
    users::User,
};

/// A notice that nobody could be sent within a day is none any more.
pub(super) const NOTICE_LIFE: Duration = Duration::from_secs(86_400);

/// The organization's name, which the reader knows.
pub(super) async fn brand(db: &mut Db<'_>, user: &User) -> Result<Brand> {
    let organization = organizations::find(db, user.organization_id).await?;
    Ok(match organization {
        Some(organization) => Brand { name: organization.name, support: organization.contact_email },
        None => Brand { name: "Castellan".to_owned(), support: None },
    })
}

/// Tells a person something about their account, if there is an address to tell it to.
pub(super) async fn tell(
    tx: &mut Tx<'_>,
    context: &Context,
    user: &User,
    letter: impl FnOnce(&Brand, &str) -> Mail,
    now: Timestamp,
) -> Result<()> {
    let Some(to) = user.email.as_deref() else { return Ok(()) };
    let letter = letter(&brand(tx, user).await?, to);
    mail::enqueue(tx, &context.master, &letter, now + NOTICE_LIFE, now).await.map(|_| ())
}

/// `m•••@brackwater.example`: enough for its owner, too little for others.
pub(super) fn masked(address: &str) -> String {
    match address.rsplit_once('@') {
        Some((local, domain)) => format!("{}•••@{domain}", local.chars().next().unwrap_or('•')),
        None => "your mailbox".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn an_address_is_shown_to_those_who_know_it() {
        assert_eq!(super::masked("mara@brackwater.example"), "m•••@brackwater.example");
        assert_eq!(super::masked(""), "your mailbox");
    }
}
