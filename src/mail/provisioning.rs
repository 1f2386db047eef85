//! What administrators and people are told about the work of a connection.

use super::{
    Mail,
    letters::{Brand, Content, clean, letter, when},
};
use crate::clock::Timestamp;

/// A tool would end the access of too many at once.
pub fn run_held(
    brand: &Brand,
    to: &str,
    name: &str,
    (connection, organization, changes): (&str, &str, i64),
    link: &str,
) -> Mail {
    let (connection, organization) = (clean(connection), clean(organization));
    let content = Content {
        subject: format!("{connection} waits for you: {changes} people of {organization}"),
        paragraphs: vec![
            format!("{connection} would end the access of more people of {organization} in an hour than you allow it."),
            format!("{changes} changes are held so far, and more may come. Nobody has lost their account."),
            "Look at who they are, then let the run through or discard it.".to_owned(),
        ],
        action: Some(("Look at the run", link)),
        code: None,
        closing: "Until you decide, further deactivations of this connection wait too. Its other changes go on.",
    };
    letter(brand, to, name, content)
}

/// A tool would take roles from too many people at once, by a change of one group.
pub fn group_held(
    brand: &Brand,
    to: &str,
    name: &str,
    ((connection, organization, group), people): ((&str, &str, &str), i64),
    link: &str,
) -> Mail {
    let (connection, organization, group) = (clean(connection), clean(organization), clean(group));
    let content = Content {
        subject: format!("{connection} waits for you: {people} people of {organization} would lose roles"),
        paragraphs: vec![
            format!("{connection} would empty or delete the group {group}, by which {people} people have roles."),
            "That is more than you allow it at once. The change is held, and nobody has lost anything.".to_owned(),
            "Look at it, then let it through or discard it.".to_owned(),
        ],
        action: Some(("Look at the change", link)),
        code: None,
        closing: "Other changes of this connection go on. You get no other mail for further groups until you decide.",
    };
    letter(brand, to, name, content)
}

/// A tool would leave an organization without an administrator.
pub fn last_administrator_held(
    brand: &Brand,
    to: &str,
    name: &str,
    (connection, organization, person): (&str, &str, &str),
    link: &str,
) -> Mail {
    let (connection, organization, person) = (clean(connection), clean(organization), clean(person));
    let content = Content {
        subject: format!("{connection} would end the last administrator of {organization}"),
        paragraphs: vec![
            format!("{connection} asked to end the access of {person}, the last administrator of {organization}."),
            "That was not done: nobody could manage the organization any more.".to_owned(),
            "Make somebody else an administrator, then let the change through, or discard it.".to_owned(),
        ],
        action: Some(("Look at the change", link)),
        code: None,
        closing: "If the person has left, their access should end soon.",
    };
    letter(brand, to, name, content)
}

/// What a tool has changed of how a person is known.
#[derive(Debug, Clone, Copy)]
pub struct IdentityChange<'a> {
    pub connection: &'a str,
    pub organization: &'a str,
    /// Before and after.
    pub login_names: (&'a str, &'a str),
    /// Whether one signs in with another name now.
    pub is_renamed: bool,
    /// Whether mail goes to another address now, or to none.
    pub is_elsewhere: bool,
}

/// To the address as it was: a tool has changed the address, or the name to sign in with. The new address
/// stands nowhere, and the new name only if the reader is still the person's.
pub fn identity_changed(brand: &Brand, to: &str, name: &str, change: &IdentityChange<'_>, now: Timestamp) -> Mail {
    let (connection, organization) = (clean(change.connection), clean(change.organization));
    let (old, new) = (clean(change.login_names.0), clean(change.login_names.1));
    let mut paragraphs = vec![format!(
        "{connection}, the tool with which {organization} manages its accounts, changed yours on {}.",
        when(now)
    )];
    if change.is_renamed {
        paragraphs.push(if change.is_elsewhere {
            format!("Nobody signs in to it as {old} any more.")
        } else {
            format!("From now on you sign in as {new}, and no longer as {old}.")
        });
    }
    if change.is_elsewhere {
        paragraphs.push(
            "Its mail goes to another address from now on, and no longer to this one. Links and codes that were \
             mailed here open nothing any more."
                .to_owned(),
        );
    }
    let content = Content {
        subject: "Your account at {brand} was changed".to_owned(),
        paragraphs,
        action: None,
        code: None,
        closing: "If you did not expect this, ask the administrators of your organization now.",
    };
    letter(brand, to, name, content)
}
