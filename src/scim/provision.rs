//! What a newly provisioned person gets beside their products: a way in (V2).

use super::{answer::Fault, call::Call};
use crate::{
    action_tokens::Purpose,
    mailed_links::{self, Sent},
    store::Tx,
    users::User,
};

/// Mails the link at which the person sets a password, or answers whether to join. Who has no address waits for an
/// administrator.
pub async fn invite(tx: &mut Tx<'_>, call: &Call, user: &User) -> Result<(), Fault> {
    let purpose = if user.stands_for.is_some() { Purpose::Join } else { Purpose::Activate };
    let link = call.app.link(purpose, call.by.clone());
    match mailed_links::send(tx, &call.app.master, user, &link, call.now).await? {
        Sent::Mailed | Sent::NoAddress | Sent::Withheld => Ok(()),
    }
}
