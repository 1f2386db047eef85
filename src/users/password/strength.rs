use unicode_normalization::UnicodeNormalization;

/// Longer inputs are refused before anything is hashed.
pub const MAXIMUM_BYTES: usize = 1024;

/// Whatever a policy says, nothing shorter is taken (NIST SP 800-63B section 3.1.1.2).
const FLOOR: usize = 8;

/// Why a password is not taken. The message says what to do (ui/README.md, Voice).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Weak {
    #[error("Use at least {0} characters.")]
    TooShort(usize),
    #[error("This is too long. Use at most 1,024 bytes of text.")]
    TooLong,
    #[error("This holds your name, your address or the organization's. Use words that have nothing to do with you.")]
    Personal,
    #[error("This one is easy to guess. Use several unrelated words, or let a password manager make one.")]
    Guessable,
}

/// Judges a new password: length in characters after normalization (each code point counts, no
/// rules of composition), the person's own words in `context`, and how quickly it is guessed.
///
/// # Errors
/// The first rule that it breaks.
pub fn check_strength(plain: &str, context: &[&str], minimum: usize) -> Result<(), Weak> {
    if plain.len() > MAXIMUM_BYTES {
        return Err(Weak::TooLong);
    }
    let minimum = minimum.max(FLOOR);
    let normalized: String = plain.nfkc().collect();
    if normalized.chars().count() < minimum {
        return Err(Weak::TooShort(minimum));
    }
    let words = words(context);
    if is_mostly_personal(&normalized.to_lowercase(), &words, minimum) {
        return Err(Weak::Personal);
    }
    // Ten thousand million guesses: beyond what a rate-limited attacker or a common list reaches.
    let inputs: Vec<&str> = words.iter().map(String::as_str).collect();
    let score = zxcvbn::zxcvbn(&normalized, &inputs).score();
    if score < zxcvbn::Score::Three { Err(Weak::Guessable) } else { Ok(()) }
}

/// The words of names and addresses that are long enough to mean something.
fn words(context: &[&str]) -> Vec<String> {
    let lowered = context.iter().map(|text| text.to_lowercase());
    let mut words: Vec<String> = lowered
        .flat_map(|text| text.split(|c: char| !c.is_alphanumeric()).map(str::to_owned).collect::<Vec<_>>())
        .filter(|word| word.chars().count() >= 4)
        .collect();
    words.push("castellan".to_owned());
    words
}

/// Whether too little is left once the person's own words are taken away.
fn is_mostly_personal(password: &str, words: &[String], minimum: usize) -> bool {
    let rest = words.iter().fold(password.to_owned(), |rest, word| rest.replace(word.as_str(), ""));
    rest.len() < password.len() && rest.chars().count() < minimum.min(FLOOR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weak_passwords_are_refused_with_their_reason() {
        let context = ["Mara Lindqvist", "mara@brackwater.example", "Brackwater IT"];
        for (password, verdict) in [
            ("short", Err(Weak::TooShort(12))),
            ("password12345", Err(Weak::Guessable)),
            ("aaaaaaaaaaaaaaaa", Err(Weak::Guessable)),
            ("Lindqvist2026!", Err(Weak::Personal)),
            ("brackwater-mara-1", Err(Weak::Personal)),
            ("timber otter vault nine", Ok(())),
            ("\u{1f40c}\u{1f40c}\u{1f40c}", Err(Weak::TooShort(12))),
        ] {
            assert_eq!(check_strength(password, &context, 12), verdict, "{password}");
        }
        assert_eq!(check_strength(&"long words ".repeat(100), &context, 12), Err(Weak::TooLong));
        assert_eq!(check_strength("abcdefg", &[], 1), Err(Weak::TooShort(8)), "no policy goes below eight");
    }
}
