//! A small SMTP server (RFC 5321) that keeps what it is given: real TCP, real commands.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use castellan::config::{Mail, Transport};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader},
    net::TcpListener,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::aws_lc_rs,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    },
};

/// What one transaction brought.
#[derive(Debug, Clone, Default)]
pub struct Delivered {
    /// The argument of MAIL FROM.
    pub from: String,
    /// The arguments of RCPT TO; each of our mails has one.
    pub to: Vec<String>,
    /// Headers and body as they came.
    pub data: String,
}

impl Delivered {
    /// The lines of the head, folded ones joined.
    pub fn headers(&self) -> Vec<String> {
        let head = self.data.split("\r\n\r\n").next().unwrap_or_default();
        head.replace("\r\n ", " ").replace("\r\n\t", " ").split("\r\n").map(str::to_owned).collect()
    }

    pub fn header(&self, name: &str) -> String {
        let prefix = format!("{name}: ");
        self.headers().iter().find_map(|line| line.strip_prefix(&prefix).map(str::to_owned)).unwrap_or_default()
    }
}

/// How it treats who comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    Takes,
    /// Greylisted, full, restarting: 4xx at RCPT.
    Later,
    /// No such mailbox: 5xx at RCPT.
    Never,
    /// Accepts the connection and hangs up.
    HangsUp,
}

/// A running server; it ends with the test's runtime.
#[derive(Clone)]
pub struct SmtpSink {
    pub address: SocketAddr,
    delivered: Arc<Mutex<Vec<Delivered>>>,
    mood: Arc<Mutex<Mood>>,
}

impl SmtpSink {
    /// Listens on a free port of loopback.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let sink = Self {
            address: listener.local_addr().expect("an address"),
            delivered: Arc::default(),
            mood: Arc::new(Mutex::new(Mood::Takes)),
        };
        let served = sink.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let sink = served.clone();
                tokio::spawn(async move { sink.talk(stream).await });
            }
        });
        sink
    }

    /// The same behind TLS from the first byte, with one of the certificates in `tls/`.
    pub async fn start_tls(certificate: &'static str, key: &'static str) -> Self {
        let chain = CertificateDer::from_pem_slice(certificate.as_bytes()).expect("a certificate");
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("a key");
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![chain], key)
            .expect("a certificate and its key");
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let sink = Self {
            address: listener.local_addr().expect("an address"),
            delivered: Arc::default(),
            mood: Arc::new(Mutex::new(Mood::Takes)),
        };
        let served = sink.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (sink, acceptor) = (served.clone(), acceptor.clone());
                tokio::spawn(async move { sink.talk(acceptor.accept(stream).await.ok()?).await });
            }
        });
        sink
    }

    /// The configuration that leads here: loopback, so without TLS.
    pub fn config(&self) -> Mail {
        Mail {
            host: self.address.ip().to_string(),
            port: self.address.port(),
            transport: Transport::None,
            login: None,
            from: "Castellan <castellan@vendor.example>".to_owned(),
        }
    }

    pub fn set(&self, mood: Mood) {
        *self.mood.lock().expect("a lock") = mood;
    }

    pub fn delivered(&self) -> Vec<Delivered> {
        self.delivered.lock().expect("a lock").clone()
    }

    /// Speaks SMTP until the other side ends it.
    pub async fn talk(&self, stream: impl AsyncRead + AsyncWrite + Unpin) -> Option<()> {
        let mood = *self.mood.lock().expect("a lock");
        if mood == Mood::HangsUp {
            return None;
        }
        let mut stream = BufReader::new(stream);
        stream.write_all(b"220 sink\r\n").await.ok()?;
        let mut mail = Delivered::default();
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await.ok()? == 0 {
                return None;
            }
            let (verb, argument) = line.trim_end().split_once([' ', ':']).unwrap_or((line.trim_end(), ""));
            let answer = match verb.to_ascii_uppercase().as_str() {
                "EHLO" | "HELO" => "250 sink",
                "MAIL" => {
                    mail = Delivered { from: argument.to_owned(), ..Delivered::default() };
                    "250 ok"
                }
                "RCPT" if mood == Mood::Later => "451 later",
                "RCPT" if mood == Mood::Never => "550 no such mailbox",
                "RCPT" => {
                    mail.to.push(argument.trim_start_matches("TO:").trim_matches(['<', '>']).to_owned());
                    "250 ok"
                }
                "DATA" => {
                    stream.write_all(b"354 go on\r\n").await.ok()?;
                    loop {
                        let mut line = String::new();
                        if stream.read_line(&mut line).await.ok()? == 0 {
                            return None;
                        }
                        if line == ".\r\n" {
                            break;
                        }
                        // §4.5.2: a dot at the start was doubled.
                        mail.data.push_str(line.strip_prefix('.').unwrap_or(&line));
                    }
                    self.delivered.lock().expect("a lock").push(mail.clone());
                    "250 taken"
                }
                "RSET" | "NOOP" => "250 ok",
                "QUIT" => {
                    stream.write_all(b"221 bye\r\n").await.ok()?;
                    return Some(());
                }
                _ => "500 what?",
            };
            stream.write_all(format!("{answer}\r\n").as_bytes()).await.ok()?;
        }
    }
}
