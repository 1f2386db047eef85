//! What a newly provisioned person gets: the connection's default products, and a way in (V2).

use serde_json::json;

use super::{answer::Fault, call::Call};
use crate::{
    access::{self, NewAssignment, Source, Subject},
    action_tokens::{self, NewActionToken, Purpose},
    mail, organizations, products,
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
    let Some(email) = &user.email else { return Ok(()) };
    let Some(organization) = organizations::find(tx, user.organization_id).await? else { return Ok(()) };
    let life = call.app.config.links.activation;
    let expires_at = call.now + life;
    let token =
        NewActionToken { user_id: user.id, purpose: Purpose::Activate, created_by: None, data: json!({}), expires_at };
    let secret = action_tokens::issue(tx, &token, call.now).await?;
    let link = call.app.config.url(&format!("/login/activate?token={}", secret.expose()));
    let brand = mail::Brand { name: organization.name, support: organization.contact_email };
    let names = (user.name(), user.login_name.as_given());
    let days = life.as_secs().div_ceil(24 * 3600);
    let letter = mail::activation(&brand, email, names, &link, days);
    mail::enqueue(tx, &call.app.master, &letter, expires_at, call.now).await?;
    Ok(())
}
