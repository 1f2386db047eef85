//! A software authenticator: what a browser and a security key do together, by the `passkey` crate.

use std::pin::Pin;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use passkey::{
    authenticator::{Authenticator, UiHint, UserCheck, UserValidationMethod},
    client::{Client, DefaultClientData},
    crypto::aws_lc_rs::AwsLcRsBackend,
    types::{
        Passkey,
        ctap2::{Aaguid, Ctap2Error},
        webauthn::{CredentialCreationOptions, CredentialRequestOptions},
    },
};
use serde_json::Value;
use url::Url;

use crate::support::PUBLIC_URL;

/// Somebody who touches the key whenever it blinks, and verifies by finger if `verifies`.
struct Finger {
    verifies: bool,
}

/// Bytes as base64url (WebAuthn Level 3 section 5.1, `toJSON`), where the crate writes lists of numbers.
fn as_browsers_write(value: Value) -> Value {
    match value {
        Value::Array(items) if !items.is_empty() && items.iter().all(Value::is_u64) => {
            let bytes = items.iter().filter_map(Value::as_u64).map(|byte| u8::try_from(byte).expect("a byte"));
            Value::String(URL_SAFE_NO_PAD.encode(bytes.collect::<Vec<u8>>()))
        }
        Value::Object(members) => {
            Value::Object(members.into_iter().map(|(name, value)| (name, as_browsers_write(value))).collect())
        }
        other => other,
    }
}

/// What `async_trait` makes of an async function.
type Answer<'f> = Pin<Box<dyn Future<Output = Result<UserCheck, Ctap2Error>> + Send + 'f>>;

impl UserValidationMethod for Finger {
    type PasskeyItem = Passkey;

    fn check_user<'a, 's, 'f>(&'s self, _: UiHint<'a, Passkey>, _: bool, _: bool) -> Answer<'f>
    where
        'a: 'f,
        's: 'f,
        Self: 'f,
    {
        let check = UserCheck { presence: true, verification: self.verifies };
        Box::pin(async move { Ok(check) })
    }

    fn is_presence_enabled(&self) -> bool {
        true
    }

    fn is_verification_enabled(&self) -> Option<bool> {
        Some(self.verifies)
    }
}

/// A key that holds one credential, in a browser that is at an origin.
#[derive(Clone)]
pub struct Key {
    verifies: bool,
    origin: Url,
    held: Option<Passkey>,
}

impl Key {
    /// A key that verifies its owner, in a browser at our own pages.
    pub fn new() -> Self {
        Self { verifies: true, origin: Url::parse(PUBLIC_URL).expect("an origin"), held: None }
    }

    /// The same key, noticing no more than a touch.
    pub fn touched_only(mut self) -> Self {
        self.verifies = false;
        self
    }

    /// The same key after its owner was led to another origin.
    pub fn at(mut self, origin: &str) -> Self {
        self.origin = Url::parse(origin).expect("an origin");
        self
    }

    /// `navigator.credentials.create()`.
    pub async fn create(&mut self, options: &Value) -> Value {
        let options: CredentialCreationOptions = serde_json::from_value(options.clone()).expect("creation options");
        let mut client = Client::new(self.authenticator()).allows_insecure_localhost(true);
        let made = client.register(&self.origin, options, DefaultClientData).await.expect("a new credential");
        self.held.clone_from(client.authenticator().store());
        as_browsers_write(serde_json::to_value(made).expect("JSON"))
    }

    /// `navigator.credentials.get()`.
    pub async fn get(&mut self, options: &Value) -> Value {
        let options: CredentialRequestOptions = serde_json::from_value(options.clone()).expect("request options");
        let mut client = Client::new(self.authenticator()).allows_insecure_localhost(true);
        let made = client.authenticate(&self.origin, options, DefaultClientData).await.expect("an assertion");
        self.held.clone_from(client.authenticator().store());
        as_browsers_write(serde_json::to_value(made).expect("JSON"))
    }

    fn authenticator(&self) -> Authenticator<Option<Passkey>, Finger, AwsLcRsBackend> {
        let finger = Finger { verifies: self.verifies };
        let mut authenticator = Authenticator::new(Aaguid::new_empty(), self.held.clone(), finger, AwsLcRsBackend);
        authenticator.set_make_credentials_with_signature_counter(true);
        authenticator
    }
}
