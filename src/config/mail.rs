use std::{fmt, path::PathBuf};

use serde::Deserialize;

use super::{Invalid, server::read_secret};
use crate::secret::Secret;

/// The SMTP server that takes our mail.
#[derive(Clone)]
pub struct Mail {
    pub host: String,
    pub port: u16,
    pub transport: Transport,
    /// User name and password, if the server asks for them.
    pub login: Option<(String, Secret)>,
    /// `Name <address>` of the sender.
    pub from: String,
}

/// How the connection is protected. The certificate is verified in both ways of TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// TLS from the first byte (RFC 8314).
    #[default]
    Tls,
    /// STARTTLS, required.
    StartTls,
    /// None: to a loopback address only.
    None,
}

impl fmt::Debug for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mail({}:{} as {})", self.host, self.port, self.from)
    }
}

/// The section `[mail]` as written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    host: String,
    port: Option<u16>,
    #[serde(default)]
    transport: Transport,
    username: Option<String>,
    password: Option<String>,
    password_file: Option<PathBuf>,
    from: String,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("mail::Settings(..)")
    }
}

impl Settings {
    pub(super) fn judge(self) -> Result<Mail, Invalid> {
        if self.transport == Transport::None && !is_loopback(&self.host) {
            let problem = format!("mail to {} would travel in clear", self.host);
            return Err(Invalid::new("mail.transport", problem, "Use \"tls\" or \"starttls\""));
        }
        if self.from.parse::<lettre::message::Mailbox>().is_err() {
            let problem = format!("{:?} is no sender", self.from);
            return Err(Invalid::new("mail.from", problem, "Write \"Name <address@example.com>\""));
        }
        let password = match (self.password, self.password_file) {
            (Some(_), Some(_)) => {
                return Err(Invalid::new("mail.password_file", "is set beside `mail.password`", "Keep one of them"));
            }
            (password, None) => password,
            (None, Some(file)) => Some(read_secret("mail.password_file", &file)?),
        };
        let login = match (self.username, password) {
            (None, None) => None,
            (Some(username), Some(password)) => Some((username, Secret::from_text(password))),
            (Some(_), None) => {
                let remedy = "Name its file in `mail.password_file`, or set CASTELLAN_MAIL__PASSWORD";
                return Err(Invalid::new("mail.password", "is missing beside `mail.username`", remedy));
            }
            (None, Some(_)) => {
                return Err(Invalid::new("mail.username", "is missing beside the password", "Write the user name"));
            }
        };
        let port = self.port.unwrap_or(match self.transport {
            Transport::Tls => 465,
            Transport::StartTls => 587,
            Transport::None => 25,
        });
        Ok(Mail { host: self.host, port, transport: self.transport, login, from: self.from })
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}
