//! Which addresses mail goes to.

/// Whether mail can go to this address: one mailbox, nothing that a header or an SMTP command could
/// take for more (no control characters, no quoting, no lists), within the lengths of RFC 5321 §4.5.3.1.
pub fn is_mailable(address: &str) -> bool {
    let Some((local, domain)) = address.split_once('@') else { return false };
    let plain = |character: char| !character.is_control() && !character.is_whitespace();
    let unquoted =
        |character: char| !matches!(character, '"' | '\\' | ',' | ';' | ':' | '<' | '>' | '(' | ')' | '[' | ']');
    local.len() <= 64
        && address.len() <= 254
        && !domain.contains('@')
        && address.chars().all(|character| plain(character) && unquoted(character))
        && domain.split('.').count() >= 2
        && domain.split('.').all(|label| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-'))
        && address.parse::<lettre::Address>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::is_mailable;

    #[test]
    fn ordinary_addresses_are_mailable() {
        for address in ["anna@example.com", "a.b+c@sub.example.co", "o'neill@example.org", "x_1-2@example.net"] {
            assert!(is_mailable(address), "{address}");
        }
    }

    /// Rows 30, 31 and 144 of the security programme.
    #[test]
    fn nothing_else_is() {
        for address in [
            "",
            "a",
            "@",
            "a@",
            "@example.com",
            "a@b",
            "a@example.com,b@example.com",
            "a@example.com;b@example.com",
            "a@example.com b@example.com",
            "a@@example.com",
            "a@b@example.com",
            "\"a b\"@example.com",
            "\"a\r\nRCPT TO:<b@example.com>\"@example.com",
            "a@example.com\r\nBcc: b@example.com",
            "a@example.com\n",
            "a%0d%0a@example.com\0",
            "<a@example.com>",
            "A <a@example.com>",
            "a@[127.0.0.1]",
            "a@example..com",
            "a@.example.com",
            "a@-example.com",
            "a\u{ff20}example.com",
            "a@example.com\u{2028}",
            "a(c)@example.com",
            "a:b@example.com",
            "a\\@example.com",
            " a@example.com",
            "a@exa mple.com",
            "a\t@example.com",
        ] {
            assert!(!is_mailable(address), "{address:?}");
        }
    }
}
