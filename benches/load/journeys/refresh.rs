use anyhow::{Context, Result};

use super::{Code, Party, Tokens};
use crate::{http::Connection, measure::Journey};

/// A chain of refresh tokens, each used once.
pub struct Refresh {
    party: Party,
    connection: Connection,
    pub token: String,
}

impl Refresh {
    /// Chains begun by redeeming these codes.
    pub async fn chains(party: &Party, codes: Vec<Code>) -> Result<Vec<Self>> {
        let mut chains = Vec::new();
        for code in codes {
            let mut connection = Connection::open(&party.target).await?;
            let tokens = Tokens::of(connection.send(&party.code_request(&code)).await?)?;
            let token = tokens.refresh.context("a refresh token")?;
            chains.push(Self { party: party.clone(), connection, token });
        }
        Ok(chains)
    }
}

impl Journey for Refresh {
    async fn step(&mut self) -> Result<bool> {
        let answer = self.connection.send(&self.party.refresh_request(&self.token)).await?;
        self.token = Tokens::of(answer)?.refresh.context("a successor")?;
        Ok(true)
    }
}
