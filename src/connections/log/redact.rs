//! Taking secrets out of what is logged.

use std::borrow::Cow;

/// How our bearer tokens begin: of connections, of the API, and whatever else we issue.
const TOKEN: &str = "cst_";
const REDACTED: &str = "(redacted)";
/// Query parameters whose value is a secret that strayed into a URL.
const SECRET_PARAMETERS: [&str; 6] = ["access_token", "token", "password", "secret", "client_secret", "authorization"];

/// A path with its query, without secrets.
pub fn path(path: &str) -> String {
    let Some((before, query)) = path.split_once('?') else { return tokens(path).into_owned() };
    let parameters: Vec<Cow<'_, str>> = query
        .split('&')
        .map(|parameter| match parameter.split_once('=') {
            Some((name, value))
                if SECRET_PARAMETERS.iter().any(|secret| name.eq_ignore_ascii_case(secret))
                    || (name.eq_ignore_ascii_case("filter") && asks_for_a_password(value)) =>
            {
                Cow::Owned(format!("{name}={REDACTED}"))
            }
            _ => tokens(parameter),
        })
        .collect();
    format!("{}?{}", tokens(before), parameters.join("&"))
}

/// Whether a filter compares a password: such a one is refused, and what it was compared with is not kept.
fn asks_for_a_password(value: &str) -> bool {
    let parts = form_urlencoded::parse(value.as_bytes());
    parts.flat_map(|(a, b)| [a, b]).any(|text| text.to_ascii_lowercase().contains("password"))
}

/// Text without bearer tokens of ours: what follows the prefix, up to a character that no token has.
pub fn tokens(text: &str) -> Cow<'_, str> {
    if !text.contains(TOKEN) {
        return Cow::Borrowed(text);
    }
    let mut parts = text.split(TOKEN);
    let mut clean = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        clean.push_str(REDACTED);
        clean.push_str(part.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-'));
    }
    Cow::Owned(clean)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_do_not_stay_in_paths_or_text() {
        assert_eq!(
            path("/Users?filter=title%20pr&Access_Token=abc&count=1"),
            "/Users?filter=title%20pr&Access_Token=(redacted)&count=1"
        );
        for filter in
            ["password%20eq%20%22s3cret%22", "p%41ssWord+eq+%22s3cret%22", "title=password%20eq%20%22s3cret%22"]
        {
            assert_eq!(path(&format!("/Users?filter={filter}&count=1")), "/Users?filter=(redacted)&count=1");
        }
        assert_eq!(path("/Users/cst_scim_Ab-_9?x"), "/Users/(redacted)?x");
        assert_eq!(tokens("Bearer cst_scim_Ab9, then \"cst_api_x\"."), "Bearer (redacted), then \"(redacted)\".");
        assert_eq!(tokens("nothing"), "nothing");
    }
}
