use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A set of scope tokens in the order they were first named (RFC 6749 §3.3).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Scope(Vec<String>);

/// A character that no scope token may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the scope holds a character that RFC 6749 section 3.3 does not allow")]
pub struct InvalidScope;

impl Scope {
    /// Whether the token is among them.
    pub fn contains(&self, token: &str) -> bool {
        self.0.iter().any(|own| own == token)
    }

    /// The tokens, in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether all of them are among `other`'s.
    pub fn is_within(&self, other: &Self) -> bool {
        self.iter().all(|token| other.contains(token))
    }

    /// Those that `keep` says yes to.
    #[must_use]
    pub fn filtered(&self, keep: impl Fn(&str) -> bool) -> Self {
        Self(self.0.iter().filter(|token| keep(token)).cloned().collect())
    }

    /// Its own and those of `other`.
    #[must_use]
    pub fn joined(&self, other: &Self) -> Self {
        self.iter().chain(other.iter().filter(|token| !self.contains(token))).collect()
    }
}

impl FromStr for Scope {
    type Err = InvalidScope;

    fn from_str(text: &str) -> Result<Self, InvalidScope> {
        let allowed = |byte: u8| matches!(byte, b'!' | b'#'..=b'[' | b']'..=b'~' | b' ');
        if !text.bytes().all(allowed) {
            return Err(InvalidScope);
        }
        let mut tokens: Vec<String> = Vec::new();
        for token in text.split(' ').filter(|token| !token.is_empty()) {
            if !tokens.iter().any(|own| own == token) {
                tokens.push(token.to_owned());
            }
        }
        Ok(Self(tokens))
    }
}

impl TryFrom<String> for Scope {
    type Error = InvalidScope;
    fn try_from(text: String) -> Result<Self, InvalidScope> {
        text.parse()
    }
}

impl From<Scope> for String {
    fn from(scope: Scope) -> Self {
        scope.to_string()
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}

impl<'a> FromIterator<&'a str> for Scope {
    fn from_iter<I: IntoIterator<Item = &'a str>>(tokens: I) -> Self {
        let text: Vec<&str> = tokens.into_iter().collect();
        text.join(" ").parse().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_a_set_in_the_order_given() {
        let scope: Scope = " openid  product openid ".parse().expect("valid");
        assert_eq!(scope.to_string(), "openid product");
        assert!(scope.contains("product") && !scope.contains("prod"));
        assert!(scope.is_within(&"product email openid".parse().expect("valid")));
        assert!(!scope.is_within(&"openid".parse().expect("valid")));
        let joined = scope.joined(&"product email".parse().expect("valid"));
        assert_eq!(joined.to_string(), "openid product email");
        assert_eq!("a\"b".parse::<Scope>(), Err(InvalidScope));
        assert_eq!("a\tb".parse::<Scope>(), Err(InvalidScope));
        assert_eq!("é".parse::<Scope>(), Err(InvalidScope));
    }
}
