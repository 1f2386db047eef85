//! The ear of a relying party: a small HTTP server that keeps the requests it gets.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU16, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// A running server; it ends with the test's runtime.
#[derive(Clone)]
pub struct RelyingParty {
    pub address: SocketAddr,
    heard: Arc<Mutex<Vec<String>>>,
    status: Arc<AtomicU16>,
}

impl RelyingParty {
    /// Listens on a free port of loopback and answers 200.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let party = Self {
            address: listener.local_addr().expect("an address"),
            heard: Arc::default(),
            status: Arc::new(AtomicU16::new(200)),
        };
        let served = party.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                served.answer(stream).await;
            }
        });
        party
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// What it answers from now on.
    pub fn answers(&self, status: u16) {
        self.status.store(status, Ordering::SeqCst);
    }

    /// The requests so far, heads and bodies.
    pub fn heard(&self) -> Vec<String> {
        self.heard.lock().expect("a lock").clone()
    }

    /// The logout tokens so far.
    pub fn logout_tokens(&self) -> Vec<String> {
        let body = |request: &String| request.split("\r\n\r\n").nth(1).unwrap_or_default().to_owned();
        let bodies: Vec<String> = self.heard().iter().map(body).collect();
        let tokens = bodies.iter().filter_map(|body| {
            form_urlencoded::parse(body.as_bytes())
                .find(|(name, _)| name == "logout_token")
                .map(|(_, token)| token.into_owned())
        });
        tokens.collect()
    }

    async fn answer(&self, mut stream: TcpStream) -> Option<()> {
        let mut request = Vec::new();
        loop {
            let mut piece = [0u8; 4096];
            let read = stream.read(&mut piece).await.ok()?;
            request.extend_from_slice(&piece[..read]);
            let text = String::from_utf8_lossy(&request).into_owned();
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let length = head
                    .lines()
                    .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
                if body.len() >= length.unwrap_or(0) {
                    self.heard.lock().expect("a lock").push(text);
                    break;
                }
            }
            if read == 0 {
                return None;
            }
        }
        let status = self.status.load(Ordering::SeqCst);
        let location = self.url("/elsewhere");
        let answer =
            format!("HTTP/1.1 {status} x\r\nlocation: {location}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        stream.write_all(answer.as_bytes()).await.ok()
    }
}
