use anyhow::Result;

use crate::{
    http::{Connection, Target},
    measure::Journey,
};

/// One and the same request, answered 200: discovery, JWKS, introspection, client credentials.
pub struct Fixed {
    connection: Connection,
    request: Vec<u8>,
}

impl Fixed {
    /// So many connections that send it.
    pub async fn connections(target: &Target, request: &[u8], count: usize) -> Result<Vec<Self>> {
        let mut journeys = Vec::new();
        for _ in 0..count {
            journeys.push(Self { connection: Connection::open(target).await?, request: request.to_vec() });
        }
        Ok(journeys)
    }
}

impl Journey for Fixed {
    async fn step(&mut self) -> Result<bool> {
        self.connection.send(&self.request).await?.expect(200)?;
        Ok(true)
    }
}
