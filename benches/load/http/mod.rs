//! HTTP/1.1 as far as a load needs it: requests built once as bytes, answers with their length told.

mod browser;
mod connection;
mod form;

use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use serde_json::Value;

pub use browser::{Browser, Landing};
pub use connection::Connection;
pub use form::{Form, encode};

/// Where requests go: the address, and the host they name.
#[derive(Clone, Debug)]
pub struct Target {
    pub address: SocketAddr,
    pub host: String,
}

impl Target {
    /// The loopback address behind `http://HOST:PORT`.
    pub fn of_url(url: &str) -> Result<Self> {
        let url = url::Url::parse(url)?;
        let port = url.port_or_known_default().context("a port")?;
        let host = url.host_str().context("a host")?;
        ensure!(matches!(host, "localhost" | "127.0.0.1"), "loopback only, not {host}");
        Ok(Self { address: ([127, 0, 0, 1], port).into(), host: format!("{host}:{port}") })
    }

    pub fn get(&self, path: &str, headers: &[(&str, &str)]) -> Vec<u8> {
        self.request("GET", path, headers, None)
    }

    /// A POST of a form.
    pub fn post(&self, path: &str, headers: &[(&str, &str)], form: &[(&str, &str)]) -> Vec<u8> {
        self.request("POST", path, headers, Some(("application/x-www-form-urlencoded", &encode(form))))
    }

    pub fn request(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<(&str, &str)>) -> Vec<u8> {
        let mut text = format!("{method} {path} HTTP/1.1\r\nhost: {}\r\nuser-agent: load\r\n", self.host);
        for (name, value) in headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        if let Some((kind, body)) = body {
            text.push_str(&format!("content-type: {kind}\r\ncontent-length: {}\r\n\r\n{body}", body.len()));
        } else {
            text.push_str("\r\n");
        }
        text.into_bytes()
    }
}

/// The value of an `Authorization` header of HTTP Basic, as RFC 6749 §2.3.1 has it.
pub fn basic(client_id: &str, secret: &str) -> String {
    let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    format!("Basic {}", BASE64.encode(format!("{}:{}", encoded(client_id), encoded(secret))))
}

/// What came back.
#[derive(Debug, Default)]
pub struct Answer {
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    fn of_head(head: &[u8]) -> Result<Self> {
        let mut lines = std::str::from_utf8(head)?.split("\r\n");
        let status = lines.next().and_then(|line| line.get(9..12)).context("a status line")?.parse()?;
        let headers = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        Ok(Self { status, headers, body: Vec::new() })
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> Result<Value> {
        serde_json::from_slice(&self.body).with_context(|| format!("JSON, not {}: {}", self.status, self.text()))
    }

    /// The answer, if its status is the wanted one.
    pub fn expect(self, status: u16) -> Result<Self> {
        let got = self.status;
        let location = self.header("location").unwrap_or_default();
        let text: String = self.text().chars().take(600).collect();
        ensure!(got == status, "wanted {status}, got {got} {location} {text}");
        Ok(self)
    }
}
