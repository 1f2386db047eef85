//! What a change of groups takes away: whoever loses a product by it is signed out there at once.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::sql;
use crate::{
    access,
    clock::Timestamp,
    id::{GroupId, ProductId, UserId},
    secret::MasterKeys,
    sessions,
    store::{Result, Tx},
};

/// Up to so many members are looked at one by one; more cost as much as the whole group.
const FEW: usize = 50;

/// People and the products that they are signed in to and may lose, before a change.
#[derive(Debug, Default)]
pub struct Reach(Vec<(UserId, ProductId)>);

impl Reach {
    /// Of all members of a group, and of the groups within it. Costs nothing where the group gives nothing.
    ///
    /// # Errors
    /// The database's, here and below.
    pub async fn of_group(tx: &mut Tx<'_>, group: GroupId) -> Result<Self> {
        if !sql::gives_anything(tx, group).await? {
            return Ok(Self::default());
        }
        Ok(Self(sql::signed_in_by_group(tx, group).await?))
    }

    /// Of these members, users and groups.
    pub async fn of_members(tx: &mut Tx<'_>, group: GroupId, members: &[Uuid]) -> Result<Self> {
        if members.is_empty() || !sql::gives_anything(tx, group).await? {
            return Ok(Self::default());
        }
        if members.len() > FEW {
            return Ok(Self(sql::signed_in_by_group(tx, group).await?));
        }
        let mut found = Vec::new();
        for member in members {
            found.extend(sql::signed_in_by_member(tx, group, *member).await?);
        }
        Ok(Self(found))
    }

    /// Of one person, whatever gives them their products; of a stand-in, of whoever has joined by it.
    pub async fn of_user(tx: &mut Tx<'_>, user: UserId) -> Result<Self> {
        Ok(Self(sql::signed_in(tx, user).await?))
    }

    /// And those.
    pub fn add(&mut self, mut others: Self) {
        self.0.append(&mut others.0);
    }

    /// After the change: ends grants and tells the products of whoever holds nothing of them any more. Who holds
    /// the product in another way keeps what that gives.
    pub async fn settle(self, tx: &mut Tx<'_>, master: &MasterKeys, now: Timestamp) -> Result<()> {
        let mut by_product: BTreeMap<ProductId, Vec<UserId>> = BTreeMap::new();
        for (user, product) in self.0 {
            by_product.entry(product).or_default().push(user);
        }
        for (product, users) in by_product {
            let holders = access::holders(tx, product, &users, now).await?;
            for user in users.into_iter().filter(|user| !holders.contains(user)) {
                sessions::end_of_product(tx, master, (user, product), now).await?;
            }
        }
        Ok(())
    }
}
