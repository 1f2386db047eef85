//! What administrators and people are told about the work of a connection.

use super::{
    Mail,
    letters::{Brand, Content, clean, letter},
};

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
