use super::{
    DEEPEST, Filter, LONGEST, Literal, MOST_TERMS, Operator,
    lexer::{Lexer, Token},
};
use crate::{
    scim::{
        attribute::{Attribute, Kind, Returned},
        error::Refusal,
        path,
        schema::{Located, ResourceType},
        value,
    },
    text::fold,
};

/// Reads a filter over resources of a type.
///
/// # Errors
/// `invalidFilter`, with the place and what was expected there.
pub fn parse<'s>(resource_type: &'s ResourceType, text: &str) -> Result<Filter<'s>, Refusal> {
    let mut parser = Parser::new(text, Names::Resource(resource_type))?;
    let filter = parser.disjunction(0)?;
    match parser.lexer.next()? {
        None => Ok(filter),
        Some(_) => parser.refuse("`and`, `or` or the end"),
    }
}

/// Reads `[filter]` over the elements of `attribute`, and answers what follows it.
///
/// # Errors
/// `invalidFilter`, likewise.
pub fn parse_elements<'s, 't>(attribute: &'s Attribute, text: &'t str) -> Result<(Filter<'s>, &'t str), Refusal> {
    let mut parser = Parser::new(text, Names::Element(attribute))?;
    parser.expect(&Token::OpenBracket, "`[`")?;
    let filter = parser.disjunction(0)?;
    parser.expect(&Token::CloseBracket, "`]`")?;
    Ok((filter, parser.lexer.rest()))
}

/// What names mean.
#[derive(Clone, Copy)]
enum Names<'s> {
    Resource(&'s ResourceType),
    /// Sub-attributes of one attribute.
    Element(&'s Attribute),
}

struct Parser<'s, 't> {
    lexer: Lexer<'t>,
    names: Names<'s>,
    terms: usize,
    /// Where the token last taken began.
    at: usize,
}

impl<'s, 't> Parser<'s, 't> {
    fn new(text: &'t str, names: Names<'s>) -> Result<Self, Refusal> {
        if text.len() > LONGEST {
            return Err(Refusal::Filter { at: LONGEST, expected: "a filter of at most 4096 bytes" });
        }
        Ok(Self { lexer: Lexer::new(text), names, terms: 0, at: 0 })
    }

    fn refuse<T>(&self, expected: &'static str) -> Result<T, Refusal> {
        Err(Refusal::Filter { at: self.at, expected })
    }

    fn take(&mut self) -> Result<Option<Token<'t>>, Refusal> {
        self.lexer.peek()?;
        let before = self.lexer.at();
        let token = self.lexer.next()?;
        self.at = before;
        Ok(token)
    }

    fn expect(&mut self, token: &Token<'t>, expected: &'static str) -> Result<(), Refusal> {
        if self.take()?.as_ref() == Some(token) { Ok(()) } else { self.refuse(expected) }
    }

    /// Takes the word if it comes next.
    fn word(&mut self, word: &str) -> Result<bool, Refusal> {
        let found = matches!(self.lexer.peek()?, Some(Token::Word(next)) if next.eq_ignore_ascii_case(word));
        if found {
            self.take()?;
        }
        Ok(found)
    }

    // `or` binds weakest, then `and`, then `not` (RFC 7644 table 4 and figure 1).
    fn disjunction(&mut self, depth: usize) -> Result<Filter<'s>, Refusal> {
        let mut left = self.conjunction(depth)?;
        while self.word("or")? {
            left = Filter::Or(Box::new(left), Box::new(self.conjunction(depth)?));
        }
        Ok(left)
    }

    fn conjunction(&mut self, depth: usize) -> Result<Filter<'s>, Refusal> {
        let mut left = self.term(depth)?;
        while self.word("and")? {
            left = Filter::And(Box::new(left), Box::new(self.term(depth)?));
        }
        Ok(left)
    }

    fn term(&mut self, depth: usize) -> Result<Filter<'s>, Refusal> {
        if depth >= DEEPEST {
            return self.refuse("less nesting");
        }
        self.terms += 1;
        if self.terms > MOST_TERMS {
            return self.refuse("at most 100 comparisons");
        }
        match self.take()? {
            Some(Token::Open) => {
                let inner = self.disjunction(depth + 1)?;
                self.expect(&Token::Close, "`)`")?;
                Ok(inner)
            }
            Some(Token::Word(word)) if word.eq_ignore_ascii_case("not") => {
                self.expect(&Token::Open, "`(` after `not`")?;
                let inner = self.disjunction(depth + 1)?;
                self.expect(&Token::Close, "`)`")?;
                Ok(Filter::Not(Box::new(inner)))
            }
            Some(Token::Word(name)) => {
                let located = self.locate(name)?;
                if self.lexer.peek()? == Some(Token::OpenBracket) {
                    return self.elements(located, depth);
                }
                self.comparison(located)
            }
            _ => self.refuse("an attribute, `not` or `(`"),
        }
    }

    fn locate(&self, name: &str) -> Result<Located<'s>, Refusal> {
        let located = match self.names {
            Names::Resource(resource_type) => path::locate(resource_type, name),
            Names::Element(attribute) => {
                attribute.sub(name).map(|sub| Located { extension: None, attribute: sub, sub: None })
            }
        };
        match located {
            None => self.refuse("an attribute that the schema knows"),
            // Secrets answer no questions.
            Some(found) if found.leaf().returned == Returned::Never => self.refuse("an attribute that can be read"),
            Some(found) => Ok(found),
        }
    }

    /// `attr[filter]`
    fn elements(&mut self, located: Located<'s>, depth: usize) -> Result<Filter<'s>, Refusal> {
        let attribute = located.attribute;
        let outer = match self.names {
            Names::Resource(_) if located.sub.is_none() && attribute.is_complex() => self.names,
            _ => return self.refuse("a comparison; only complex attributes have brackets, and not within brackets"),
        };
        self.take()?;
        self.names = Names::Element(attribute);
        let inner = self.disjunction(depth + 1)?;
        self.expect(&Token::CloseBracket, "`]`")?;
        self.names = outer;
        Ok(Filter::Elements(located, Box::new(inner)))
    }

    fn comparison(&mut self, located: Located<'s>) -> Result<Filter<'s>, Refusal> {
        let Some(Token::Word(word)) = self.take()? else { return self.refuse("an operator such as eq") };
        if word.eq_ignore_ascii_case("pr") {
            return Ok(Filter::Present(located));
        }
        let Some(operator) = Operator::parse(word) else {
            return self.refuse("an operator: eq, ne, co, sw, ew, pr, gt, ge, lt or le");
        };
        let token = self.take()?;
        // `emails co "x"` means `emails.value co "x"` (RFC 7644 §3.4.2.2).
        let located = match located {
            Located { attribute, sub: None, .. } if attribute.is_complex() => {
                Located { sub: attribute.sub("value"), ..located }
            }
            located => located,
        };
        match self.literal(located.leaf(), operator, token) {
            Ok(literal) => Ok(Filter::Compare(located, operator, literal)),
            Err(expected) => self.refuse(expected),
        }
    }

    fn literal(
        &self,
        attribute: &Attribute,
        operator: Operator,
        token: Option<Token<'t>>,
    ) -> Result<Literal, &'static str> {
        let equality = matches!(operator, Operator::Equal | Operator::NotEqual);
        let part = matches!(operator, Operator::Contains | Operator::StartsWith | Operator::EndsWith);
        if matches!(&token, Some(Token::Word(word)) if word.eq_ignore_ascii_case("null")) {
            return if equality { Ok(Literal::Null) } else { Err("eq or ne before null") };
        }
        let text = |text: String| {
            if attribute.is_exact() { Literal::Exact(text) } else { Literal::Text(fold(&text).into_owned()) }
        };
        match (attribute.kind, token) {
            (Kind::Complex, _) => Err("a sub-attribute, or pr"),
            (Kind::Boolean, Some(Token::Word(word))) if equality => boolean(word),
            (Kind::Boolean, _) => Err("eq or ne with true or false"),
            (Kind::Integer | Kind::Decimal, Some(Token::Word(word))) if !part => {
                word.parse().map(Literal::Number).map_err(|_| "a number")
            }
            (Kind::Integer | Kind::Decimal, _) => Err("a comparison with a number"),
            (Kind::DateTime, Some(Token::Text(time))) if !part => {
                value::instant(&time).map(Literal::Instant).ok_or("a date and time")
            }
            (Kind::Binary, Some(Token::Text(binary))) if equality => Ok(Literal::Exact(binary)),
            (Kind::Binary, _) => Err("eq or ne"),
            (_, Some(Token::Text(string))) => Ok(text(string)),
            _ => Err("a string in quotation marks"),
        }
    }
}

fn boolean(word: &str) -> Result<Literal, &'static str> {
    match word {
        "true" => Ok(Literal::Boolean(true)),
        "false" => Ok(Literal::Boolean(false)),
        _ => Err("true or false"),
    }
}

impl Operator {
    fn parse(word: &str) -> Option<Self> {
        Some(match word.to_ascii_lowercase().as_str() {
            "eq" => Self::Equal,
            "ne" => Self::NotEqual,
            "co" => Self::Contains,
            "sw" => Self::StartsWith,
            "ew" => Self::EndsWith,
            "gt" => Self::Greater,
            "ge" => Self::GreaterOrEqual,
            "lt" => Self::Less,
            "le" => Self::LessOrEqual,
            _ => return None,
        })
    }
}
