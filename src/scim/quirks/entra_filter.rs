//! Filters and paths as Entra ID writes them, in the form of RFC 7644 figure 1.
//!
//! `emails[type eq "work"].value eq "x"` becomes `emails[(type eq "work") and value eq "x"]`, and where
//! the schema has a boolean, `"True"` and `True` become `true`. What is no filter in this form either
//! stays as it is, for the parser to refuse.

use std::borrow::Cow;

use super::entra;
use crate::scim::{
    attribute::{Attribute, Kind},
    filter::{LONGEST, Lexer, Token},
    path,
    schema::ResourceType,
};

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    Term,
    Operator,
    Literal,
    Connective,
}

/// Rewrites a filter or a path; both may hold brackets with a filter over elements.
pub(super) fn standard<'t>(kind: &ResourceType, text: &'t str) -> Cow<'t, str> {
    if text.len() > LONGEST {
        return Cow::Borrowed(text);
    }
    let mut rewriter = Rewriter { kind, text, lexer: Lexer::new(text), out: String::new(), bracket: None, name: None };
    match rewriter.run() {
        Some(()) if rewriter.out != text => Cow::Owned(rewriter.out),
        _ => Cow::Borrowed(text),
    }
}

struct Rewriter<'s, 't> {
    kind: &'s ResourceType,
    text: &'t str,
    lexer: Lexer<'t>,
    out: String,
    /// The attribute whose elements the brackets are about, and where they open in `out`.
    bracket: Option<(&'s Attribute, usize)>,
    /// The attribute last named.
    name: Option<&'s Attribute>,
}

impl<'s, 't> Rewriter<'s, 't> {
    /// `None` if the text is no filter of any form.
    fn run(&mut self) -> Option<()> {
        let mut expected = Expected::Term;
        loop {
            let before = self.lexer.at();
            let token = self.lexer.next().ok()?;
            let raw = self.text.get(before..self.lexer.at())?;
            let Some(token) = token else {
                self.out.push_str(raw);
                return Some(());
            };
            expected = match (expected, token) {
                (Expected::Term, Token::Open) => self.keep(raw, Expected::Term),
                (Expected::Term, Token::Word(word)) if word.eq_ignore_ascii_case("not") => {
                    self.keep(raw, Expected::Term)
                }
                (Expected::Term, Token::Word(word)) => {
                    self.name = self.locate(word);
                    self.keep(raw, Expected::Operator)
                }
                (Expected::Operator, Token::OpenBracket) => {
                    let next = self.keep(raw, Expected::Term);
                    self.bracket = Some((self.name?, self.out.len()));
                    next
                }
                (Expected::Operator, Token::Word(word)) if word.eq_ignore_ascii_case("pr") => {
                    self.keep(raw, Expected::Connective)
                }
                (Expected::Operator, Token::Word(_)) => self.keep(raw, Expected::Literal),
                (Expected::Literal, token @ (Token::Word(_) | Token::Text(_))) => self.literal(raw, &token),
                (Expected::Connective, Token::Word(_)) => self.keep(raw, Expected::Term),
                (Expected::Connective, Token::Close) => self.keep(raw, Expected::Connective),
                (Expected::Connective, Token::CloseBracket) => self.close(raw)?,
                _ => return None,
            };
        }
    }

    fn keep(&mut self, raw: &str, next: Expected) -> Expected {
        self.out.push_str(raw);
        next
    }

    fn locate(&self, name: &str) -> Option<&'s Attribute> {
        match self.bracket {
            Some((attribute, _)) => attribute.sub(name),
            None => path::locate(self.kind, name).map(|found| found.leaf()),
        }
    }

    fn literal(&mut self, raw: &str, token: &Token<'_>) -> Expected {
        let text = match token {
            Token::Word("true" | "false") => "",
            Token::Word(word) => *word,
            Token::Text(text) => text.as_str(),
            _ => "",
        };
        let meant = entra::boolean(text).filter(|_| self.name.is_some_and(|name| name.kind == Kind::Boolean));
        match meant {
            Some(meant) => self.out.push_str(if meant { " true" } else { " false" }),
            None => self.out.push_str(raw),
        }
        Expected::Connective
    }

    /// `]`, and what follows it: `.value eq "x"` moves inside; `.value` alone ends a path.
    fn close(&mut self, raw: &str) -> Option<Expected> {
        let (attribute, open) = self.bracket.take()?;
        let before = self.lexer.at();
        let Ok(Some(Token::Sub(name))) = self.lexer.peek() else { return Some(self.keep(raw, Expected::Connective)) };
        self.lexer.next().ok()?;
        let sub = self.text.get(before..self.lexer.at())?;
        if self.lexer.rest().trim().is_empty() {
            self.out.push_str(raw);
            return Some(self.keep(sub, Expected::Connective));
        }
        self.out.insert(open, '(');
        self.out.push_str(") and ");
        self.out.push_str(name);
        self.name = attribute.sub(name);
        let before = self.lexer.at();
        let Some(Token::Word(operator)) = self.lexer.next().ok()? else { return None };
        let is_presence = operator.eq_ignore_ascii_case("pr");
        let operator = self.text.get(before..self.lexer.at())?;
        self.out.push_str(operator);
        if !is_presence {
            let before = self.lexer.at();
            let token = self.lexer.next().ok()??;
            let raw = self.text.get(before..self.lexer.at())?;
            self.literal(raw, &token);
        }
        Some(self.keep("]", Expected::Connective))
    }
}
