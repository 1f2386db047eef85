//! Text as it is compared where case does not count (RFC 7644 §5, RFC 8265): SQLite's `LOWER` and
//! PostgreSQL's collations disagree beyond ASCII, so the folding is ours and a column holds its result.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;

/// Lower case, one width, one normal form.
pub fn fold(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            Cow::Owned(text.to_ascii_lowercase())
        } else {
            Cow::Borrowed(text)
        };
    }
    // Lower-casing can bring marks out of order, hence the second normal form.
    Cow::Owned(text.nfkc().flat_map(char::to_lowercase).nfc().collect())
}

#[cfg(test)]
mod tests {
    use super::fold;

    #[test]
    fn case_width_and_composition_do_not_count() {
        assert_eq!(fold("Support EMEA"), "support emea");
        assert_eq!(fold("Ｔｅａｍ"), "team");
        assert_eq!(fold("A\u{30a}SA"), fold("åsa"));
        assert_eq!(fold(&fold("ΌΣΟΣ")), fold("ΌΣΟΣ"));
    }
}
