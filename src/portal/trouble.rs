use std::fmt::Display;

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};

use super::api::Problem;
use crate::http::{Failure, see_other};

/// Why a page of the portal cannot be shown, and what is answered instead.
#[derive(Debug)]
pub enum Trouble {
    /// Nobody is signed in, or not freshly enough for this.
    SignIn {
        return_to: String,
        fresh: bool,
    },
    /// An answer to a sign-in that this browser did not begin, or that was used before.
    Refused,
    /// The person may not use the portal, or did not want to.
    NotSignedIn,
    /// The API refused to show something.
    Problem(Problem),
    /// Something broke; the cause has been logged.
    Answer(StatusCode),
    Failure(Failure),
}

impl Trouble {
    /// Something broke: logged here, once.
    pub fn broken(cause: impl Display) -> Self {
        tracing::error!(%cause, "a page of the portal failed");
        Self::Answer(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl IntoResponse for Trouble {
    fn into_response(self) -> Response {
        let failure = match self {
            Self::SignIn { return_to, fresh } => {
                let mut query = form_urlencoded::Serializer::new(String::new());
                query.append_pair("return_to", &return_to);
                if fresh {
                    query.append_pair("fresh", "true");
                }
                return see_other(&format!("/portal/sign-in?{}", query.finish()));
            }
            Self::Refused => Failure::new(
                StatusCode::BAD_REQUEST,
                "This sign-in does not belong here",
                "It was begun in another browser, took too long, or was used before. Open the portal and sign in again.",
            ),
            Self::NotSignedIn => Failure::new(
                StatusCode::FORBIDDEN,
                "You are not signed in to the portal",
                "The sign-in was cancelled, or your account has no portal role. Ask an administrator of your \
                 organization for one.",
            ),
            Self::Problem(problem) if problem.status == 404 => Failure::new(
                StatusCode::NOT_FOUND,
                "There is nothing here",
                "It was removed, or belongs to an organization that you do not manage.",
            ),
            Self::Problem(problem) if problem.status == 403 => Failure::new(
                StatusCode::FORBIDDEN,
                "You may not see this",
                "Your portal role does not allow it here. Ask an administrator of the organization.",
            ),
            Self::Problem(problem) if problem.status == 422 || problem.status == 400 => Failure::new(
                StatusCode::BAD_REQUEST,
                "This address asks for something we do not have",
                "Go back to the portal and choose from its pages.",
            ),
            Self::Problem(_) => broke(StatusCode::INTERNAL_SERVER_ERROR),
            Self::Answer(status) => broke(status),
            Self::Failure(failure) => failure,
        };
        failure.into_response()
    }
}

fn broke(status: StatusCode) -> Failure {
    Failure::new(status, "Something broke on our side", "It has been logged. Try again in a minute.")
}
