use std::fmt;

use precis_profiles::{UsernameCaseMapped, precis_core::profile::PrecisFastInvocation};

/// A login name as it was given, with the prepared form in which it is compared.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct LoginName {
    given: String,
    prepared: String,
}

/// Why a text is no login name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LoginNameError {
    #[error("a login name is 1 to 320 characters long")]
    Length,
    /// RFC 8265 §3.3 with the identifier class of RFC 8264: no spaces, no control or look-alike marks.
    #[error("this login name has a character that names cannot have, such as a space")]
    Character,
}

/// The longest address of e-mail: 64 + 1 + 255 (RFC 5321 §4.5.3.1).
const LONGEST: usize = 320;

impl LoginName {
    /// Prepares and checks a name (RFC 8265 §3.3: width, case and normal form do not tell names apart).
    ///
    /// # Errors
    /// [`LoginNameError`], with what to mend.
    pub fn parse(text: &str) -> Result<Self, LoginNameError> {
        if text.is_empty() || text.chars().count() > LONGEST {
            return Err(LoginNameError::Length);
        }
        let prepared = UsernameCaseMapped::enforce(text).map_err(|_| LoginNameError::Character)?;
        Ok(Self { given: text.to_owned(), prepared: prepared.into_owned() })
    }

    /// From the two columns of a row.
    pub(super) fn from_row(given: String, prepared: String) -> Self {
        Self { given, prepared }
    }

    /// As the person or tool wrote it.
    pub fn as_given(&self) -> &str {
        &self.given
    }

    /// As it is compared.
    pub fn prepared(&self) -> &str {
        &self.prepared
    }
}

impl fmt::Display for LoginName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.given)
    }
}

impl fmt::Debug for LoginName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LoginName({:?})", self.given)
    }
}

/// The form in which addresses of e-mail are compared: the same as for login names, or the lower-case
/// text where an address has a character that names cannot have.
pub fn prepare_email(email: &str) -> String {
    LoginName::parse(email).map_or_else(|_| email.to_lowercase(), |name| name.prepared)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prepared(text: &str) -> String {
        LoginName::parse(text).expect("a name").prepared().to_owned()
    }

    #[test]
    fn case_and_width_do_not_tell_names_apart() {
        assert_eq!(prepared("Alice@Example.com"), "alice@example.com");
        assert_eq!(prepared("ａｌｉｃｅ"), "alice");
        assert_eq!(prepared("A\u{30a}sa"), prepared("Åsa"));
        assert_ne!(prepared("аlice"), prepared("alice"), "Cyrillic and Latin stay visibly apart");
    }

    proptest::proptest! {
        /// Filters compare folded text with the prepared column.
        #[test]
        fn a_prepared_name_is_a_folded_one(text in "\\PC{1,20}") {
            if let Ok(name) = LoginName::parse(&text) {
                proptest::prop_assert_eq!(name.prepared(), crate::text::fold(&text));
            }
        }
    }

    #[test]
    fn what_cannot_be_a_name_is_refused() {
        assert_eq!(LoginName::parse(""), Err(LoginNameError::Length));
        assert_eq!(LoginName::parse(&"a".repeat(321)), Err(LoginNameError::Length));
        for bad in ["a b", "a\nb", "a\0b", "a\u{202e}b"] {
            assert_eq!(LoginName::parse(bad), Err(LoginNameError::Character), "{bad:?}");
        }
    }
}
