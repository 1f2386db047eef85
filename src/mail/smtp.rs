//! The way out: an SMTP server, the demo's mailbox, or nowhere.

use std::{fmt, time::Duration};

use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{Mailbox, MultiPart},
    transport::smtp::{
        authentication::Credentials,
        client::{Certificate, Tls as SmtpTls, TlsParameters},
    },
};

use super::{Mail, address, mailbox};
use crate::{
    clock::Timestamp,
    id::OutboxId,
    jobs::Failure,
    secret::{MasterKeys, Secret},
    store::Store,
};

/// No answer within this time is a failed delivery.
const PATIENCE: Duration = Duration::from_secs(20);

/// The server that takes our mail.
pub struct Smtp {
    pub host: String,
    pub port: u16,
    pub tls: Tls,
    pub login: Option<(String, Secret)>,
    /// `Name <address>`.
    pub from: String,
    /// PEM certificates of a private authority that is believed too.
    pub authorities: Option<Vec<u8>>,
}

/// How the connection is protected. Certificate and host name are verified either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// From the first byte (RFC 8314).
    Implicit,
    /// STARTTLS, never without.
    StartTls,
    /// None, which the configuration allows on loopback only.
    None,
}

/// Sends mails.
pub enum Mailer {
    Smtp(Box<SmtpMailer>),
    /// Into the demo's mailbox.
    Mailbox,
    /// No server is configured: mails wait until they expire.
    Nowhere,
}

/// The SMTP connection and the sender.
pub struct SmtpMailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl fmt::Debug for Mailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Smtp(_) => "Mailer(SMTP)",
            Self::Mailbox => "Mailer(mailbox)",
            Self::Nowhere => "Mailer(nowhere)",
        })
    }
}

impl Mailer {
    /// Prepares the connection; nothing is sent yet.
    ///
    /// # Errors
    /// What is wrong with the settings.
    pub fn smtp(smtp: &Smtp) -> Result<Self, String> {
        let from = smtp.from.parse::<Mailbox>().map_err(|error| format!("the sender {:?}: {error}", smtp.from))?;
        let parameters = || -> Result<TlsParameters, String> {
            let mut builder = TlsParameters::builder(smtp.host.clone());
            if let Some(pem) = &smtp.authorities {
                builder = builder.add_root_certificate(Certificate::from_pem(pem).map_err(|error| error.to_string())?);
            }
            builder.build().map_err(|error| error.to_string())
        };
        let tls = match smtp.tls {
            Tls::Implicit => SmtpTls::Wrapper(parameters()?),
            Tls::StartTls => SmtpTls::Required(parameters()?),
            Tls::None => SmtpTls::None,
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&smtp.host)
            .port(smtp.port)
            .tls(tls)
            .timeout(Some(PATIENCE));
        if let Some((user, password)) = &smtp.login {
            builder = builder.credentials(Credentials::new(user.clone(), password.expose().to_owned()));
        }
        Ok(Self::Smtp(Box::new(SmtpMailer { transport: builder.build(), from })))
    }

    /// Sends one mail. `id` names it in `Message-ID`, so that a mail sent twice is seen to be one.
    ///
    /// # Errors
    /// Why it did not leave, and whether it may later.
    pub async fn send(
        &self,
        (store, master): (&Store, &MasterKeys),
        id: OutboxId,
        mail: &Mail,
        now: Timestamp,
    ) -> Result<(), Failure> {
        if !address::is_mailable(&mail.to) {
            return Err(Failure::Never("not an address that mail can go to".to_owned()));
        }
        match self {
            Self::Smtp(mailer) => mailer.send(id, mail, now).await,
            Self::Mailbox => Ok(mailbox::put(store, master, mail, now).await?),
            Self::Nowhere => Err(Failure::Later("no mail server is configured".to_owned())),
        }
    }
}

impl SmtpMailer {
    async fn send(&self, id: OutboxId, mail: &Mail, now: Timestamp) -> Result<(), Failure> {
        let never = |error: &dyn fmt::Display| Failure::Never(format!("the mail could not be built: {error}"));
        let to = mail.to.parse::<lettre::Address>().map_err(|error| never(&error))?;
        let message = Message::builder()
            .message_id(Some(format!("<{id}@{}>", self.from.email.domain())))
            .date(now.to_chrono().into())
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(single_line(&mail.subject))
            .header(AutoSubmitted)
            .multipart(MultiPart::alternative_plain_html(mail.text.clone(), mail.html.clone()))
            .map_err(|error| never(&error))?;
        match tokio::time::timeout(PATIENCE * 2, self.transport.send(message)).await {
            Ok(Ok(_)) => Ok(()),
            // The answer's text is the server's: it goes to no log, its kind and code do.
            Ok(Err(error)) if error.is_permanent() => Err(Failure::Never(kind_of(&error))),
            Ok(Err(error)) => Err(Failure::Later(kind_of(&error))),
            Err(_) => Err(Failure::Later("the mail server does not answer".to_owned())),
        }
    }
}

fn kind_of(error: &lettre::transport::smtp::Error) -> String {
    match error.status() {
        Some(code) => format!("the mail server answered {code}"),
        None if error.is_tls() => "TLS with the mail server failed".to_owned(),
        None if error.is_timeout() => "the mail server does not answer".to_owned(),
        None => "the mail server could not be used".to_owned(),
    }
}

/// A header is one line, whatever a name holds.
pub(super) fn single_line(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}

/// `Auto-Submitted: auto-generated` (RFC 3834 §5): no holiday notices, please.
#[derive(Clone)]
struct AutoSubmitted;

impl lettre::message::header::Header for AutoSubmitted {
    fn name() -> lettre::message::header::HeaderName {
        lettre::message::header::HeaderName::new_from_ascii_str("Auto-Submitted")
    }
    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }
    fn display(&self) -> lettre::message::header::HeaderValue {
        lettre::message::header::HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}
