//! The parameters of a request, read once and strictly (RFC 6749 §3.1, §3.2).

use std::borrow::Cow;

/// A longer value is refused, never cut (security.md row 17): tokens and assertions fit well within.
const LONGEST: usize = 8 * 1024;
/// A longer body or query is not read.
pub(super) const LARGEST: usize = 64 * 1024;
/// No request has so many; comparing their names with one another stays cheap.
const MOST: usize = 64;
/// May come more than once (RFC 8707 §2).
const REPEATABLE: &str = "resource";

/// Names and values in the order they came.
#[derive(Debug, Clone, Default)]
pub struct Parameters(Vec<(String, String)>);

/// Why parameters cannot be taken as they came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    #[error("a parameter is given more than once")]
    Repeated,
    #[error("there are too many parameters")]
    TooMany,
    #[error("a parameter is too long")]
    TooLong,
    #[error("a parameter holds a control character")]
    ControlCharacter,
    #[error("the request is not in UTF-8")]
    NotText,
}

impl Parameters {
    /// Reads a query or a form body. What is wrong with it is asked by [`Parameters::check`], since
    /// `/authorize` must know its client before it answers.
    pub fn parse(encoded: &[u8]) -> Self {
        Self(form_urlencoded::parse(encoded).map(|(name, value)| (name.into_owned(), value.into_owned())).collect())
    }

    /// From a stored request.
    pub fn from_pairs(pairs: Vec<(String, String)>) -> Self {
        Self(pairs)
    }

    /// For storing.
    pub fn into_pairs(self) -> Vec<(String, String)> {
        self.0
    }

    /// The value; `None` also where it is empty (RFC 6749 §3.1: treated as if it were omitted).
    pub fn get(&self, name: &str) -> Option<&str> {
        self.given(name).filter(|value| !value.is_empty())
    }

    /// The value as it came, empty or not: where leaving out and leaving empty must differ.
    pub fn given(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// All values of a parameter that may repeat.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// Whether the parameter is given more than once.
    pub fn repeats(&self, name: &str) -> bool {
        self.all(name).nth(1).is_some()
    }

    /// Whether every parameter is given once, is short enough, and holds no control characters.
    pub fn check(&self) -> Result<(), Malformed> {
        if self.0.len() > MOST {
            return Err(Malformed::TooMany);
        }
        for (index, (name, value)) in self.0.iter().enumerate() {
            if name != REPEATABLE && self.0[..index].iter().any(|(earlier, _)| earlier == name) {
                return Err(Malformed::Repeated);
            }
            if value.len() > LONGEST {
                return Err(Malformed::TooLong);
            }
            if value.chars().any(char::is_control) {
                return Err(Malformed::ControlCharacter);
            }
            // What form_urlencoded puts in place of bytes that are no UTF-8.
            if value.contains(char::REPLACEMENT_CHARACTER) {
                return Err(Malformed::NotText);
            }
        }
        Ok(())
    }

    /// The value in the form that oxide-auth asks for.
    pub(super) fn cow(&self, name: &str) -> Option<Cow<'_, str>> {
        self.get(name).map(Cow::Borrowed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_parameter_is_malformed_and_an_empty_one_absent() {
        assert_eq!(Parameters::parse(b"a=1&b=2&a=1").check(), Err(Malformed::Repeated));
        assert_eq!(Parameters::parse(b"resource=x&resource=y").check(), Ok(()));
        let parameters = Parameters::parse(b"a=&b=x%20y+z");
        assert_eq!(parameters.get("a"), None);
        assert_eq!(parameters.given("a"), Some(""));
        assert_eq!(parameters.get("b"), Some("x y z"));
        assert_eq!(parameters.check(), Ok(()));
    }

    #[test]
    fn nothing_is_cut_or_read_as_something_else() {
        let long = format!("scope={}", "a".repeat(LONGEST + 1));
        assert_eq!(Parameters::parse(long.as_bytes()).check(), Err(Malformed::TooLong));
        let many: String = (0..=MOST).map(|n| format!("p{n}=1&")).collect();
        assert_eq!(Parameters::parse(many.as_bytes()).check(), Err(Malformed::TooMany));
        assert_eq!(Parameters::parse(b"code=a%00").check(), Err(Malformed::ControlCharacter));
        assert_eq!(Parameters::parse(b"code=%ff").check(), Err(Malformed::NotText));
    }
}
