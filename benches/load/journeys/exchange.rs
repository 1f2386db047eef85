use std::{cell::RefCell, rc::Rc};

use anyhow::{Context, Result};

use super::{Code, Party, Tokens};
use crate::{http::Connection, measure::Journey};

/// An authorization request with a live session: single sign-on. The codes are kept.
pub struct Authorize {
    party: Party,
    cookies: String,
    connection: Connection,
    codes: Rc<RefCell<Vec<Code>>>,
}

impl Authorize {
    pub fn new(party: &Party, cookies: &str, codes: &Rc<RefCell<Vec<Code>>>) -> Self {
        Self {
            party: party.clone(),
            cookies: cookies.to_owned(),
            connection: Connection::new(&party.target),
            codes: Rc::clone(codes),
        }
    }

    /// So many codes, one after the other.
    pub async fn codes(party: &Party, cookies: &str, count: usize) -> Result<Vec<Code>> {
        let codes = Rc::default();
        let mut journey = Self::new(party, cookies, &codes);
        for _ in 0..count {
            journey.step().await?;
        }
        Ok(codes.take())
    }
}

impl Journey for Authorize {
    async fn step(&mut self) -> Result<bool> {
        let (path, verifier) = self.party.authorization();
        let request = self.party.target.get(&path, &[("cookie", &self.cookies)]);
        let answer = self.connection.send(&request).await?.expect(303)?;
        let location = answer.header("location").context("a location")?;
        let url = url::Url::parse(location).with_context(|| format!("not at the client: {location}"))?;
        self.codes.borrow_mut().push(Code::of_redirect(&url, verifier)?);
        Ok(true)
    }
}

/// Redeems codes, each once, until none is left.
pub struct Exchange {
    party: Party,
    connection: Connection,
    codes: Rc<RefCell<Vec<Code>>>,
    /// What they bought.
    pub tokens: Vec<Tokens>,
}

impl Exchange {
    pub fn new(party: &Party, codes: &Rc<RefCell<Vec<Code>>>) -> Self {
        Self {
            party: party.clone(),
            connection: Connection::new(&party.target),
            codes: Rc::clone(codes),
            tokens: Vec::new(),
        }
    }
}

impl Journey for Exchange {
    async fn step(&mut self) -> Result<bool> {
        let Some(code) = self.codes.borrow_mut().pop() else { return Ok(false) };
        let answer = self.connection.send(&self.party.code_request(&code)).await?;
        self.tokens.push(Tokens::of(answer)?);
        Ok(true)
    }
}
