//! Why a SCIM request is refused, and how that is said (RFC 7644 §3.12).

use axum::http::StatusCode;
use serde_json::{Value, json};

/// A refusal: each variant is one sentence that the request broke.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the request is not understood: {0}")]
    Syntax(&'static str),
    #[error("the attribute {0} is of another type: {1}")]
    Value(String, &'static str),
    #[error("the attribute {0} is required")]
    Required(String),
    #[error("no schema knows the attribute {0}")]
    Unknown(String),
    #[error("the path {0:?} is not understood")]
    Path(String),
    #[error("the filter is not understood at character {at}: {expected}")]
    Filter { at: usize, expected: &'static str },
    #[error("nothing of the resource matches {0}")]
    NoTarget(String),
    #[error("the attribute {0} cannot be changed: {1}")]
    Mutability(String, &'static str),
    #[error("another resource has this {0}")]
    Unique(String),
    #[error(
        "this cannot be answered in time over so many resources; filter or sort by an indexed attribute, or page by cursor"
    )]
    TooMany,
    #[error("the cursor is none of this server's for this list; begin with an empty one")]
    InvalidCursor,
    #[error("the cursor has expired; begin with an empty one")]
    ExpiredCursor,
    #[error("with a cursor, count is a whole number from 1 to {0}")]
    Count(i64),
    #[error("the member {0} is no user of this connection, nor another group of it")]
    NoMember(String),
    #[error("bulkId:{0} names no operation of this request that has made a resource")]
    Reference(String),
    #[error("this connection cannot give {0}")]
    NotGrantable(String),
    #[error("there is no such resource")]
    NotFound,
    #[error("the resource has been changed since it was read")]
    Stale,
    #[error("this operation is not offered here")]
    Method,
    #[error("a connection is nobody's account, so there is no /Me")]
    NobodysAccount,
    #[error("these resources cannot be filtered")]
    Forbidden,
    #[error("a valid bearer token of this connection is needed")]
    Unauthorized,
    #[error("too many requests; try again later")]
    RateLimited,
    #[error("the request body is larger than is accepted")]
    TooLarge,
    #[error("the last administrator of an organization cannot be deactivated or removed by a tool")]
    LastAdministrator,
    #[error(
        "held: this connection would end the access of more people within an hour than its guard allows. This person \
         was not changed. An administrator of the organization decides in the portal; send it again later"
    )]
    Held,
    #[error(
        "held: more people would lose product roles by this change of a group than the connection's guard allows. The \
         group was not changed. An administrator of the organization decides in the portal; send it again later"
    )]
    GroupHeld,
    #[error("held: an administrator discarded this change within the last day. Nothing was changed")]
    HeldAgain,
    #[error("not attempted: the request has had as many errors as it allows")]
    NotAttempted,
    #[error("not attempted: the connection was paused, or a day has passed since the request was accepted")]
    Stopped,
    #[error("the server failed; quote {0}")]
    Internal(String),
}

impl Refusal {
    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Syntax(_)
            | Self::Value(..)
            | Self::Required(_)
            | Self::Unknown(_)
            | Self::Path(_)
            | Self::Filter { .. }
            | Self::NoTarget(_)
            | Self::Mutability(..)
            | Self::TooMany
            | Self::InvalidCursor
            | Self::ExpiredCursor
            | Self::Count(_)
            | Self::NoMember(_) => StatusCode::BAD_REQUEST,
            // RFC 7644 §3.7.1.
            Self::Reference(_) => StatusCode::CONFLICT,
            Self::Unique(_) | Self::LastAdministrator | Self::Held | Self::GroupHeld | Self::HeldAgain => {
                StatusCode::CONFLICT
            }
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Stale => StatusCode::PRECONDITION_FAILED,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            // RFC 7644 §3.11.
            Self::NobodysAccount => StatusCode::NOT_IMPLEMENTED,
            Self::Forbidden | Self::NotGrantable(_) => StatusCode::FORBIDDEN,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::RateLimited => StatusCode::TOO_MANY_REQUESTS,
            Self::NotAttempted => StatusCode::FAILED_DEPENDENCY,
            Self::Stopped => StatusCode::SERVICE_UNAVAILABLE,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The `scimType`, where RFC 7644 table 9 or RFC 9865 §3 has one.
    pub fn scim_type(&self) -> Option<&'static str> {
        match self {
            Self::Syntax(_) => Some("invalidSyntax"),
            Self::Value(..) | Self::Required(_) | Self::Unknown(_) | Self::NoMember(_) => Some("invalidValue"),
            Self::Path(_) => Some("invalidPath"),
            Self::Filter { .. } => Some("invalidFilter"),
            Self::NoTarget(_) => Some("noTarget"),
            Self::Mutability(..) => Some("mutability"),
            Self::Unique(_) => Some("uniqueness"),
            Self::TooMany => Some("tooMany"),
            Self::InvalidCursor => Some("invalidCursor"),
            Self::ExpiredCursor => Some("expiredCursor"),
            Self::Count(_) => Some("invalidCount"),
            _ => None,
        }
    }

    /// The body. The status is a string (RFC 7644 §3.12).
    pub fn body(&self) -> Value {
        self.body_that_says(self.to_string())
    }

    /// The body for those who were not the client: without what the request had for values. Paths have
    /// filters in them, and these have values.
    pub fn told(&self) -> Value {
        let detail = match self {
            Self::Path(_) => "a path is not understood",
            Self::NoTarget(_) => "nothing of the resource matches a path",
            Self::NoMember(_) => "a member is no user of this connection, nor another group of it",
            Self::NotGrantable(_) => "this connection cannot give an assignment that was asked for",
            _ => return self.body(),
        };
        self.body_that_says(detail.to_owned())
    }

    fn body_that_says(&self, detail: String) -> Value {
        let mut body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
            "status": self.status().as_u16().to_string(),
        });
        if let Some(scim_type) = self.scim_type() {
            body["scimType"] = scim_type.into();
        }
        body["detail"] = detail.into();
        body
    }
}
