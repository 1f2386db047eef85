//! Answers to the client, through the browser (RFC 6749 §4.1.2, RFC 9207).

use axum::response::Response;

use super::{
    destination::{Destination, ResponseMode},
    pages,
    request::RequestError,
};
use crate::http::{Page, see_other};

/// The code.
pub(super) fn grant(page: &Page, issuer: &str, destination: &Destination, code: &str) -> Response {
    answer(page, issuer, destination, vec![("code", code.to_owned())])
}

/// An error.
pub(super) fn refuse(page: &Page, issuer: &str, destination: &Destination, error: &RequestError) -> Response {
    let parameters = vec![("error", error.code().to_owned()), ("error_description", error.to_string())];
    answer(page, issuer, destination, parameters)
}

fn answer(
    page: &Page,
    issuer: &str,
    destination: &Destination,
    mut parameters: Vec<(&'static str, String)>,
) -> Response {
    if let Some(state) = &destination.state {
        parameters.push(("state", state.clone()));
    }
    // RFC 9207 §2: on every answer, so that a client of several servers is not mixed up.
    parameters.push(("iss", issuer.to_owned()));
    match destination.mode {
        ResponseMode::Query => see_other(&with_query(&destination.redirect_uri, &parameters)),
        ResponseMode::FormPost => pages::form_post(page, &destination.redirect_uri, &parameters),
    }
}

/// Adds parameters to a redirect URI and changes nothing else of it (RFC 6749 §3.1.2: its query stays).
fn with_query(redirect_uri: &str, parameters: &[(&'static str, String)]) -> String {
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
    let separator = match redirect_uri.split_once('?') {
        None => "?",
        Some((_, own)) if own.is_empty() || own.ends_with('&') => "",
        Some(_) => "&",
    };
    format!("{redirect_uri}{separator}{query}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_uri_keeps_its_own_query() {
        let parameters = [("code", "a b&c".to_owned())];
        assert_eq!(with_query("https://a.example/cb", &parameters), "https://a.example/cb?code=a+b%26c");
        assert_eq!(with_query("https://a.example/cb?x=%20", &parameters), "https://a.example/cb?x=%20&code=a+b%26c");
        assert_eq!(with_query("https://a.example/cb?", &parameters), "https://a.example/cb?code=a+b%26c");
        assert_eq!(with_query("com.example.app:/cb", &parameters), "com.example.app:/cb?code=a+b%26c");
    }
}
