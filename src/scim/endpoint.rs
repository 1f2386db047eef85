//! What a request changes, whichever resource type it is about, and whichever way it comes.

use axum::{http::Method, response::Response};

use super::{
    answer::{Answer, Fault},
    asynchronous,
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

/// Answers a request that changes a resource, which is performed now, or later if it wants that.
pub async fn answer(call: Call, act: Act) -> Response {
    let outcome = match asynchronous::accept(&call, act).await {
        Ok(None) => perform(&call, call.endpoint(), act).await,
        Ok(Some(accepted)) => Ok(accepted),
        Err(fault) => Err(fault),
    };
    call.finish(outcome).await
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
