use crate::scim::error::Refusal;

/// A piece of a filter.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::scim) enum Token<'t> {
    /// A name, an operator or a literal without quotes.
    Word(&'t str),
    /// A JSON string, unescaped.
    Text(String),
    Open,
    Close,
    OpenBracket,
    CloseBracket,
    /// What directly follows a bracket: `.value`.
    Sub(&'t str),
}

/// What stands between tokens. Other spaces of Unicode are part of a word, and make it one that nobody knows.
const BLANKS: [char; 4] = [' ', '\t', '\r', '\n'];

/// Cuts a filter into tokens, each with its place.
pub(in crate::scim) struct Lexer<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Lexer<'t> {
    pub(in crate::scim) fn new(text: &'t str) -> Self {
        Self { text, at: 0 }
    }

    /// Where the next token begins.
    pub(in crate::scim) fn at(&self) -> usize {
        self.at
    }

    /// What has not been read.
    pub(in crate::scim) fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    /// The next token without taking it.
    pub(in crate::scim) fn peek(&self) -> Result<Option<Token<'t>>, Refusal> {
        Lexer { text: self.text, at: self.at }.next()
    }

    /// The next token; `None` at the end.
    pub(in crate::scim) fn next(&mut self) -> Result<Option<Token<'t>>, Refusal> {
        let rest = self.rest();
        let trimmed = rest.trim_start_matches(BLANKS);
        self.at += rest.len() - trimmed.len();
        let Some(first) = trimmed.chars().next() else { return Ok(None) };
        let single = match first {
            '(' => Some(Token::Open),
            ')' => Some(Token::Close),
            '[' => Some(Token::OpenBracket),
            ']' => Some(Token::CloseBracket),
            _ => None,
        };
        if let Some(token) = single {
            self.at += 1;
            return Ok(Some(token));
        }
        if first == '"' {
            return self.string(trimmed).map(Some);
        }
        // What begins no other token is at least one character long, so that each step goes on.
        let length = trimmed.find(|c| BLANKS.contains(&c) || "()[]\"".contains(c)).unwrap_or(trimmed.len());
        self.at += length;
        let word = &trimmed[..length];
        Ok(Some(word.strip_prefix('.').map_or(Token::Word(word), Token::Sub)))
    }

    /// A JSON string with all its escapes (RFC 8259 §7).
    fn string(&mut self, text: &str) -> Result<Token<'t>, Refusal> {
        let unclosed = Refusal::Filter { at: self.at, expected: "a closing quotation mark" };
        let mut escaped = false;
        let end = text.char_indices().skip(1).find(|(_, c)| {
            let closes = *c == '"' && !escaped;
            escaped = *c == '\\' && !escaped;
            closes
        });
        let (end, _) = end.ok_or(unclosed)?;
        let string = serde_json::from_str(&text[..=end])
            .map_err(|_| Refusal::Filter { at: self.at, expected: "a JSON string" })?;
        self.at += end + 1;
        Ok(Token::Text(string))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_token_goes_on() {
        for text in ["\u{a0}", "a\u{a0}eq\u{2003}b", "\u{b}", "\u{85}[\u{3000}]", ". .\u{a0}", "userName\u{a0}pr"] {
            let mut lexer = Lexer::new(text);
            let mut before = 0;
            while lexer.next().expect("tokens").is_some() {
                assert!(lexer.at() > before, "{text:?}");
                before = lexer.at();
            }
        }
    }
}
