use std::net::SocketAddr;

use anyhow::{Context, Result, bail, ensure};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{Answer, Target};

/// One keep-alive connection, HTTP/1.1, one request at a time.
pub struct Connection {
    address: SocketAddr,
    stream: Option<TcpStream>,
    buffer: Vec<u8>,
}

impl Connection {
    pub fn new(target: &Target) -> Self {
        Self { address: target.address, stream: None, buffer: Vec::with_capacity(16 * 1024) }
    }

    /// Opens the connection now, so that the first request does not pay for it.
    pub async fn open(target: &Target) -> Result<Self> {
        let mut connection = Self::new(target);
        connection.stream().await?;
        Ok(connection)
    }

    /// Sends a request as it stands and reads its answer. A connection that failed is not used again.
    pub async fn send(&mut self, request: &[u8]) -> Result<Answer> {
        let answer = self.exchange(request).await;
        if !answer.as_ref().is_ok_and(|answer| answer.header("connection") != Some("close")) {
            self.stream = None;
        }
        answer
    }

    async fn stream(&mut self) -> Result<&mut TcpStream> {
        // The server closes connections that have been silent for long, such as between two rounds.
        if self.stream.as_ref().is_some_and(|stream| matches!(stream.try_read(&mut [0]), Ok(0))) {
            self.stream = None;
        }
        if self.stream.is_none() {
            let stream = TcpStream::connect(self.address).await?;
            stream.set_nodelay(true)?;
            self.stream = Some(stream);
        }
        self.stream.as_mut().context("connected")
    }

    async fn exchange(&mut self, request: &[u8]) -> Result<Answer> {
        self.stream().await?.write_all(request).await?;
        self.buffer.clear();
        let head = loop {
            if let Some(end) = find(&self.buffer, b"\r\n\r\n") {
                break end + 4;
            }
            self.fill().await?;
        };
        let mut answer = Answer::of_head(&self.buffer[..head])?;
        if let Some(length) = answer.header("content-length") {
            let end = head + length.parse::<usize>()?;
            while self.buffer.len() < end {
                self.fill().await?;
            }
            answer.body = self.buffer[head..end].to_vec();
        } else if answer.header("transfer-encoding") == Some("chunked") {
            answer.body = self.chunks(head).await?;
        } else {
            ensure!(matches!(answer.status, 204 | 304), "an answer without a length: {}", answer.status);
        }
        Ok(answer)
    }

    async fn chunks(&mut self, mut at: usize) -> Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let line = loop {
                if let Some(end) = find(&self.buffer[at..], b"\r\n") {
                    break at + end;
                }
                self.fill().await?;
            };
            let length = usize::from_str_radix(std::str::from_utf8(&self.buffer[at..line])?.trim(), 16)?;
            let end = line + 2 + length + 2;
            while self.buffer.len() < end {
                self.fill().await?;
            }
            body.extend_from_slice(&self.buffer[line + 2..line + 2 + length]);
            if length == 0 {
                return Ok(body);
            }
            at = end;
        }
    }

    async fn fill(&mut self) -> Result<()> {
        let stream = self.stream.as_mut().context("connected")?;
        if stream.read_buf(&mut self.buffer).await? == 0 {
            bail!("the server closed the connection");
        }
        Ok(())
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}
