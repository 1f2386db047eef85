//! Whom the guard takes back of a run (V3): told of to those who were told of the ending.

use serde_json::Map;

use super::{
    TYPE, mapping,
    write::{claim, publish},
};
use crate::{
    provisioning::{Ending, TakenBack},
    scim::{answer::Fault, call::Call, event::Kind, projection},
    store::Tx,
};

/// Tells the organization's webhooks that these people are back, in the transaction that takes them back. Whoever
/// had been deleted is a resource again, as if the tool had made it anew.
pub(super) async fn tell(tx: &mut Tx<'_>, call: &Call, taken_back: &[TakenBack]) -> Result<(), Fault> {
    for TakenBack { user, ending } in taken_back {
        if *ending == Ending::Detach {
            let resource = mapping::canonical(user);
            match claim(tx, call, user, &resource).await {
                // What another has taken meanwhile is the other's: the next write of either says so.
                Ok(()) | Err(Fault::Refused(_)) => {}
                Err(fault) => return Err(fault),
            }
            let kind = call.resource_type(TYPE)?;
            publish(tx, call, Kind::Create, user, &projection::loggable(kind, &resource)).await?;
        }
        publish(tx, call, Kind::Activate, user, &Map::new()).await?;
    }
    Ok(())
}
