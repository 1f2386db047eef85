//! How much of a person a caller sees (O2): of a member from elsewhere what concerns the caller's own
//! organizations, and nothing of the account's home. Whom a connection has asked to join is shown as its tool says.

use crate::{
    access::{self, RoleOfUser},
    api::{Over, Refusal, organizations::Named},
    clock::Timestamp,
    connections,
    id::OrganizationId,
    mfa::{self, Factor},
    store::Db,
    users::User,
};

/// What one caller sees, over one request.
pub struct Sight<'a> {
    over: &'a Over,
    /// The organizations that were asked about, and whether the caller manages anything there.
    known: Vec<(OrganizationId, bool)>,
}

/// A person as a caller sees them.
pub struct Seen {
    /// The account; of one that is at home elsewhere without address and last sign-in.
    pub user: User,
    /// Those over organizations that the caller manages.
    pub roles: Vec<RoleOfUser>,
    /// None of a person whose home is elsewhere.
    pub factors: Vec<Factor>,
    /// Whether the caller manages the person's home organization.
    pub at_home: bool,
    /// Whether the home is another organization than the one that was asked for.
    pub is_member: bool,
    /// Of a stand-in, which is no account: the connection that has asked the person to join.
    pub asked_by: Option<Named>,
}

impl<'a> Sight<'a> {
    pub fn of(over: &'a Over) -> Self {
        Self { over, known: vec![(over.organization.id, true)] }
    }

    /// The person, as far as the caller sees them.
    pub async fn look(&mut self, db: &mut Db<'_>, user: &User, now: Timestamp) -> Result<Seen, Refusal> {
        let mut roles = Vec::new();
        for role in access::roles_of_user(db, user.id, now).await? {
            if self.reaches(db, role.organization_id).await? {
                roles.push(role);
            }
        }
        let at_home = self.reaches(db, user.organization_id).await?;
        let mut user = user.clone();
        let mut factors = Vec::new();
        if at_home {
            factors = mfa::enrolled(db, user.id).await?;
        } else {
            (user.email, user.email_verified_at, user.last_login_at, user.connection_id) = (None, None, None, None);
        }
        let is_member = user.organization_id != self.over.organization.id;
        let asked_by = match user.connection_id.filter(|_| user.stands_for.is_some()) {
            Some(id) => connections::find(db, id).await?.map(|found| Named { id: found.id.0, name: found.name }),
            None => None,
        };
        Ok(Seen { user, roles, factors, at_home, is_member, asked_by })
    }

    async fn reaches(&mut self, db: &mut Db<'_>, organization: OrganizationId) -> Result<bool, Refusal> {
        if let Some((_, reaches)) = self.known.iter().find(|(known, _)| *known == organization) {
            return Ok(*reaches);
        }
        let reaches = !self.over.actor.permissions_over(db, organization).await?.is_empty();
        self.known.push((organization, reaches));
        Ok(reaches)
    }
}
