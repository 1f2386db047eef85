use std::fmt;

/// Where the events of a webhook go. Receivers put keys into queries, so nothing behind the path is shown.
#[derive(Clone, PartialEq, Eq, sqlx::Type)]
#[sqlx(transparent)]
pub struct Address(String);

impl Address {
    /// The longest, in bytes.
    pub const LONGEST: usize = 2048;

    /// An address that was judged.
    pub fn new(url: impl Into<String>) -> Self {
        Self(url.into())
    }

    /// All of it: for delivery.
    pub fn whole(&self) -> &str {
        &self.0
    }
}

/// Without what may be a secret: `https://desk.example.com/events?...`.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let before_fragment = self.0.split('#').next().unwrap_or_default();
        match before_fragment.split_once('?') {
            Some((shown, _)) => write!(f, "{shown}?..."),
            None => f.write_str(before_fragment),
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::Address;

    #[test]
    fn what_stands_behind_the_path_is_not_shown() {
        for (whole, shown) in [
            ("https://desk.example.com/events", "https://desk.example.com/events"),
            ("https://desk.example.com/events?key=geese", "https://desk.example.com/events?..."),
            ("https://desk.example.com/?geese", "https://desk.example.com/?..."),
            ("https://desk.example.com/#geese?x", "https://desk.example.com/"),
        ] {
            let address = Address::new(whole);
            assert_eq!(
                (address.to_string(), format!("{address:?}"), address.whole()),
                (shown.to_owned(), shown.to_owned(), whole)
            );
        }
    }
}
