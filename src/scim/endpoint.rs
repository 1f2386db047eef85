//! What a request changes, whichever resource type it is about: for those that come by another way than
//! their own route.

use axum::http::Method;

use super::{
    answer::{Answer, Fault},
    call::Call,
    custom,
    error::Refusal,
    groups, users,
};

/// What is done to one resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    Create,
    Replace,
    Patch,
    Delete,
}

impl Act {
    /// What a method does, if it changes anything.
    pub fn of(method: &Method) -> Option<Self> {
        match *method {
            Method::POST => Some(Self::Create),
            Method::PUT => Some(Self::Replace),
            Method::PATCH => Some(Self::Patch),
            Method::DELETE => Some(Self::Delete),
            _ => None,
        }
    }
}

/// Does what a request to that endpoint (`/Users`) would.
///
/// # Errors
/// 404 where there is no such endpoint; else what the endpoint refuses.
pub async fn perform(call: &Call, endpoint: &str, act: Act) -> Result<Answer, Fault> {
    let kind = call.registry()?.endpoint(endpoint).ok_or(Refusal::NotFound)?;
    match (kind.name.as_str(), act) {
        ("User", Act::Create) => users::create_user(call).await,
        ("User", Act::Replace) => users::replace_user(call).await,
        ("User", Act::Patch) => users::patch_user(call).await,
        ("User", Act::Delete) => users::delete_user(call).await,
        ("Group", Act::Create) => groups::create_group(call).await,
        ("Group", Act::Replace) => groups::replace_group(call).await,
        ("Group", Act::Patch) => groups::patch_group(call).await,
        ("Group", Act::Delete) => groups::delete_group(call).await,
        (_, Act::Create) => custom::create_resource(call).await,
        (_, Act::Replace) => custom::replace_resource(call).await,
        (_, Act::Patch) => custom::patch_resource(call).await,
        (_, Act::Delete) => custom::delete_resource(call).await,
    }
}
