//! What a newly provisioned person gets: the connection's default products, and a way in (V2).

use super::{answer::Fault, call::Call};
use crate::{
    access::{self, NewAssignment, Source, Subject},
    action_tokens::Purpose,
    mailed_links::{self, Sent},
    products,
    store::Tx,
    users::User,
};

/// Gives the default assignments, and nothing else. The portal's administrator is left out, whatever
/// the settings say: a tool makes no administrators (V5, security.md row 75).
pub async fn grant_defaults(tx: &mut Tx<'_>, call: &Call, user: &User) -> Result<(), Fault> {
    let connection = &call.connection;
    for default in &connection.settings.default_assignments {
        let mut roles = default.roles.clone();
        let portal = products::find_by_slug(tx, products::portal::SLUG).await?;
        if portal.is_some_and(|portal| portal.id == default.product) {
            let administrator = products::find_role(tx, default.product, products::portal::ADMINISTRATOR).await?;
            roles.retain(|role| administrator.as_ref().is_none_or(|administrator| administrator.id != *role));
        }
        if roles.is_empty() {
            continue;
        }
        let assignment = NewAssignment {
            subject: Subject::User(user.id),
            product: default.product,
            roles,
            organization: connection.organization_id,
            subtree: default.subtree,
            source: Source::Connection,
            connection: Some(connection.id),
            created_by: None,
        };
        access::assign(tx, &assignment, call.now).await?;
    }
    Ok(())
}

/// Mails the link at which the person sets a password. Who has no address waits for an administrator.
pub async fn invite(tx: &mut Tx<'_>, call: &Call, user: &User) -> Result<(), Fault> {
    let link = call.app.link(Purpose::Activate, call.by.clone());
    match mailed_links::send(tx, &call.app.master, user, &link, call.now).await? {
        Sent::Mailed | Sent::NoAddress | Sent::Withheld => Ok(()),
    }
}
