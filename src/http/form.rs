use axum::{
    body::{Body, Bytes, to_bytes},
    extract::{FromRequest, Request},
    http::StatusCode,
};
use serde::de::DeserializeOwned;

use super::{Browser, Failure, cookies, csrf};

/// A form of one of our pages. Forms of other sites, and tokens of other browsers, are refused
/// (RFC 9700 §4.7, ASVS 3.5); a field given twice is refused where `T` knows it.
#[derive(Debug)]
pub struct Form<T>(pub T);

/// Pages have no larger forms.
const LARGEST: usize = 256 * 1024;

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Form<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        let (parts, body) = request.into_parts();
        let site = cookies::site(&parts)?;
        if !csrf::is_same_origin(&parts.headers, &site) {
            return Err(Failure::foreign_form());
        }
        let bytes: Bytes = to_bytes(body, LARGEST).await.map_err(|_| Failure::too_large())?;
        let given = form_urlencoded::parse(&bytes).find(|(name, _)| name == csrf::FIELD).map(|(_, value)| value);
        let browser = Browser::from_headers(&parts.headers, site);
        if !given.is_some_and(|token| csrf::matches(browser.secret(), &token)) {
            return Err(Failure::foreign_form());
        }
        let request = Request::from_parts(parts, Body::from(bytes));
        match axum::Form::<T>::from_request(request, state).await {
            Ok(axum::Form(form)) => Ok(Self(form)),
            Err(_) => Err(Failure::new(
                StatusCode::BAD_REQUEST,
                "This form is not complete",
                "A field is missing, or came twice. Go back and try again.",
            )),
        }
    }
}
