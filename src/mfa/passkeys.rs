//! Passkeys and security keys (WebAuthn Level 2): enrolling, answering a challenge, and signing in
//! without a user name.
//!
//! The relying party id is fixed by configuration; where the public URL is an IP address there is
//! none, and passkeys are off. Discoverable credentials and user verification are always asked for,
//! so a passkey alone is two factors.
//!
//! A ceremony's state stays here, sealed, bound to its login flow or session, and is spent by one
//! conditional update before its answer is looked at. Signatures are checked outside the writes.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;
use url::Url;
use uuid::Uuid;
use webauthn_rs::prelude::{
    AuthenticationResult, DiscoverableAuthentication, Passkey, PasskeyAuthentication, PasskeyRegistration,
    PublicKeyCredential, RegisterPublicKeyCredential, Webauthn, WebauthnBuilder,
};

use super::{
    BoundTo,
    ceremony::{self, Kind, Place},
    clean_name, sql,
};
use crate::{
    clock::Timestamp,
    id::{FactorId, UserId},
    secret::{MasterKeys, Sealed},
    store::{Db, Error, Result, Store, Tx},
    users::{self, User},
};

/// This server as authenticators know it.
#[derive(Clone)]
pub struct RelyingParty(Arc<Webauthn>);

/// The configured relying party id does not fit the public URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the WebAuthn relying party id {0:?} is neither the public URL's host nor a domain above it")]
pub struct UnfitRelyingParty(pub String);

/// What the browser is asked; `options` goes to `navigator.credentials` as it is.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Challenge {
    pub ceremony: Uuid,
    pub options: Value,
}

/// What the browser answered: the ceremony's id, and the credential as JSON.
#[derive(Debug, Clone)]
pub struct Answer {
    pub ceremony: Uuid,
    pub credential: String,
}

/// A passkey has answered for its user.
#[derive(Debug, Clone)]
pub struct Verified {
    pub user: UserId,
    pub factor: FactorId,
    /// RFC 8176: `swk` if the key can be copied to another device, else `hwk`; and `user`.
    pub amr: [&'static str; 2],
    /// The credential with its new counter, which shows a copied key.
    used: Sealed,
}

/// Why an answer was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("This took too long, or was answered already. Try again.")]
    NoCeremony,
    #[error("The passkey's answer was not right. Try again, or use another method.")]
    Invalid,
    #[error("This passkey is enrolled already.")]
    Taken,
}

impl RelyingParty {
    /// `None` where the public URL is an IP address: WebAuthn needs a name.
    ///
    /// # Errors
    /// [`UnfitRelyingParty`] if `rp_id` is not the host or a domain above it.
    pub fn new(public_url: &Url, rp_id: Option<&str>, name: &str) -> Result<Option<Self>, UnfitRelyingParty> {
        let Some(host) = public_url.domain() else { return Ok(None) };
        let rp_id = rp_id.unwrap_or(host);
        let unfit = |_| UnfitRelyingParty(rp_id.to_owned());
        // One exact origin: no other port, no subdomain (security.md row 152).
        let webauthn = WebauthnBuilder::new(rp_id, public_url).map_err(unfit)?.rp_name(name).build().map_err(unfit)?;
        Ok(Some(Self(Arc::new(webauthn))))
    }
}

/// Begins enrolling a passkey for `user`.
///
/// # Errors
/// The database failed, or a stored credential does not open.
pub async fn begin_register(
    tx: &mut Tx<'_>,
    (party, keys): (&RelyingParty, &MasterKeys),
    user: &User,
    bound_to: BoundTo,
    now: Timestamp,
) -> Result<Challenge> {
    let held = list(tx, keys, user.id).await?;
    let exclude = held.iter().map(|(_, passkey)| passkey.cred_id().clone()).collect();
    let (mut challenge, state) = party
        .0
        .start_passkey_registration(user.id.0, user.login_name.as_given(), user.name(), Some(exclude))
        .map_err(|error| Error::Damaged(format!("a registration could not begin: {error}")))?;
    // The handle is random, so that an authenticator learns nothing (WebAuthn section 14.6.1).
    challenge.public_key.user.id.clone_from(&user.webauthn_handle);
    let place = Place { kind: Kind::Register, user: Some(user.id), bound_to };
    let ceremony = ceremony::begin(tx, keys, place, &state, now).await?;
    let mut options = json(&challenge)?;
    // The library never asks for a discoverable credential, which signing in without a name needs.
    if let Some(selection) = options.pointer_mut("/publicKey/authenticatorSelection") {
        selection["residentKey"] = "required".into();
        selection["requireResidentKey"] = true.into();
    }
    Ok(Challenge { ceremony, options })
}

/// Enrols the passkey that answered. A credential that anybody holds already is refused.
///
/// # Errors
/// The database failed.
pub async fn finish_register(
    store: &Store,
    (party, keys): (&RelyingParty, &Arc<MasterKeys>),
    (user, bound_to, name): (UserId, BoundTo, &str),
    answer: &Answer,
    now: Timestamp,
) -> Result<Result<FactorId, Refused>> {
    let place = Place { kind: Kind::Register, user: Some(user), bound_to };
    let state = ceremony::consume::<PasskeyRegistration>(store, keys, answer.ceremony, place, now).await?;
    let Some(state) = state else { return Ok(Err(Refused::NoCeremony)) };
    let credential = serde_json::from_str::<RegisterPublicKeyCredential>(&answer.credential).ok();
    let credential = credential.filter(|credential| is_sound(&credential.id, &credential.raw_id, &credential.type_));
    let passkey = credential.and_then(|credential| party.0.finish_passkey_registration(&credential, &state).ok());
    let Some(passkey) = passkey else { return Ok(Err(Refused::Invalid)) };
    let (keys, name) = (Arc::clone(keys), clean_name(name, "Passkey"));
    let enrolled = store.write(async move |tx| enroll(tx, &keys, user, (&passkey, &name), now).await).await;
    match enrolled {
        Ok(factor) => Ok(Ok(factor)),
        Err(error) if error.conflict().is_some_and(|unique| unique.is("factors_credential_id")) => {
            Ok(Err(Refused::Taken))
        }
        Err(error) => Err(error),
    }
}

/// Asks for one of the user's passkeys; `None` if there are none.
///
/// # Errors
/// The database failed, or a stored credential does not open.
pub async fn begin_authenticate(
    tx: &mut Tx<'_>,
    (party, keys): (&RelyingParty, &MasterKeys),
    user: UserId,
    bound_to: BoundTo,
    now: Timestamp,
) -> Result<Option<Challenge>> {
    let passkeys: Vec<Passkey> = list(tx, keys, user).await?.into_iter().map(|(_, passkey)| passkey).collect();
    if passkeys.is_empty() {
        return Ok(None);
    }
    let (challenge, state) = party
        .0
        .start_passkey_authentication(&passkeys)
        .map_err(|error| Error::Damaged(format!("a challenge could not begin: {error}")))?;
    let place = Place { kind: Kind::Authenticate, user: Some(user), bound_to };
    let ceremony = ceremony::begin(tx, keys, place, &state, now).await?;
    Ok(Some(Challenge { ceremony, options: json(&challenge)? }))
}

/// Judges the answer to [`begin_authenticate`].
///
/// # Errors
/// The database failed, or a stored credential does not open.
pub async fn finish_authenticate(
    store: &Store,
    (party, keys): (&RelyingParty, &Arc<MasterKeys>),
    (user, bound_to): (UserId, BoundTo),
    answer: &Answer,
    now: Timestamp,
) -> Result<Result<Verified, Refused>> {
    let place = Place { kind: Kind::Authenticate, user: Some(user), bound_to };
    let state = ceremony::consume::<PasskeyAuthentication>(store, keys, answer.ceremony, place, now).await?;
    let Some(state) = state else { return Ok(Err(Refused::NoCeremony)) };
    let Some(credential) = parse(&answer.credential) else { return Ok(Err(Refused::Invalid)) };
    let Some(holder) = holder(store, keys, &credential).await? else { return Ok(Err(Refused::Invalid)) };
    // A handle may be absent here, but never another's (WebAuthn section 7.2, step 6).
    let handle_fits = credential.get_user_unique_id().is_none_or(|handle| handle == holder.handle);
    if holder.user != user || !handle_fits {
        return Ok(Err(Refused::Invalid));
    }
    match party.0.finish_passkey_authentication(&credential, &state) {
        Ok(result) => accept(keys, holder, &result).map(Ok),
        Err(_) => Ok(Err(Refused::Invalid)),
    }
}

/// Asks whoever is there for a passkey of this server.
///
/// # Errors
/// The database failed.
pub async fn begin_discoverable(
    tx: &mut Tx<'_>,
    (party, keys): (&RelyingParty, &MasterKeys),
    bound_to: BoundTo,
    now: Timestamp,
) -> Result<Challenge> {
    let (challenge, state) = party
        .0
        .start_discoverable_authentication()
        .map_err(|error| Error::Damaged(format!("a challenge could not begin: {error}")))?;
    let place = Place { kind: Kind::Discover, user: None, bound_to };
    let ceremony = ceremony::begin(tx, keys, place, &state, now).await?;
    Ok(Challenge { ceremony, options: json(&challenge)? })
}

/// Judges the answer to [`begin_discoverable`]. Whether the user may sign in is the caller's question.
///
/// # Errors
/// The database failed, or a stored credential does not open.
pub async fn finish_discoverable(
    store: &Store,
    (party, keys): (&RelyingParty, &Arc<MasterKeys>),
    bound_to: BoundTo,
    answer: &Answer,
    now: Timestamp,
) -> Result<Result<Verified, Refused>> {
    let place = Place { kind: Kind::Discover, user: None, bound_to };
    let state = ceremony::consume::<DiscoverableAuthentication>(store, keys, answer.ceremony, place, now).await?;
    let Some(state) = state else { return Ok(Err(Refused::NoCeremony)) };
    let Some(credential) = parse(&answer.credential) else { return Ok(Err(Refused::Invalid)) };
    let Some(holder) = holder(store, keys, &credential).await? else { return Ok(Err(Refused::Invalid)) };
    if credential.get_user_unique_id() != Some(holder.handle.as_slice()) {
        return Ok(Err(Refused::Invalid));
    }
    match party.0.finish_discoverable_authentication_v2(&credential, state, &holder.passkey) {
        Ok(result) => accept(keys, holder, &result).map(Ok),
        Err(_) => Ok(Err(Refused::Invalid)),
    }
}

/// A stored passkey and whose it is.
struct Holder {
    factor: FactorId,
    user: UserId,
    handle: Vec<u8>,
    passkey: Passkey,
}

async fn holder(store: &Store, keys: &MasterKeys, credential: &PublicKeyCredential) -> Result<Option<Holder>> {
    let mut db = store.reader().await?;
    let Some(row) = sql::find_credential(&mut db, &credential.raw_id).await? else { return Ok(None) };
    let Some(user) = users::find(&mut db, row.user_id).await? else { return Ok(None) };
    let passkey = open(keys, row.id, &row.sealed)?;
    Ok(Some(Holder { factor: row.id, user: user.id, handle: user.webauthn_handle, passkey }))
}

fn accept(keys: &MasterKeys, mut holder: Holder, result: &AuthenticationResult) -> Result<Verified> {
    holder.passkey.update_credential(result);
    let used = keys.seal(&place_of(holder.factor), &bytes(&holder.passkey)?);
    let key = if result.backup_eligible() { "swk" } else { "hwk" };
    Ok(Verified { user: holder.user, factor: holder.factor, amr: [key, "user"], used })
}

/// Keeps counter and time of use, in the write that takes the answer for a proof. `false` if the passkey was taken
/// away since it answered: then it proves nothing.
///
/// # Errors
/// The database failed.
pub async fn note_use(tx: &mut Tx<'_>, verified: &Verified, now: Timestamp) -> Result<bool> {
    sql::use_passkey(tx, verified.factor, &verified.used, now).await
}

async fn enroll(
    tx: &mut Tx<'_>,
    keys: &MasterKeys,
    user: UserId,
    (passkey, name): (&Passkey, &str),
    now: Timestamp,
) -> Result<FactorId> {
    let factor = FactorId::new(now);
    let sealed = keys.seal(&place_of(factor), &bytes(passkey)?);
    let new = sql::NewFactor {
        id: factor,
        user,
        kind: "passkey",
        name,
        sealed: &sealed,
        credential_id: Some(passkey.cred_id()),
        confirmed_at: Some(now),
    };
    sql::insert(tx, &new, now).await?;
    Ok(factor)
}

async fn list(db: &mut Db<'_>, keys: &MasterKeys, user: UserId) -> Result<Vec<(FactorId, Passkey)>> {
    let rows = sql::list_sealed(db, user, "passkey").await?;
    rows.into_iter().map(|row| Ok((row.id, open(keys, row.id, &row.sealed)?))).collect()
}

fn open(keys: &MasterKeys, factor: FactorId, sealed: &Sealed) -> Result<Passkey> {
    let damaged = |reason: String| Error::Damaged(format!("factor {factor}: {reason}"));
    let text = keys.open(&place_of(factor), sealed).map_err(|error| damaged(error.to_string()))?;
    serde_json::from_slice(&text).map_err(|error| damaged(error.to_string()))
}

fn parse(credential: &str) -> Option<PublicKeyCredential> {
    serde_json::from_str::<PublicKeyCredential>(credential)
        .ok()
        .filter(|credential| is_sound(&credential.id, &credential.raw_id, &credential.type_))
}

/// Both spellings of the id must be one: the library looks at `rawId` alone (security.md row 151).
fn is_sound(id: &str, raw_id: &[u8], kind: &str) -> bool {
    kind == "public-key" && URL_SAFE_NO_PAD.decode(id).is_ok_and(|bytes| bytes == raw_id)
}

fn place_of(factor: FactorId) -> String {
    format!("passkey:{factor}")
}

fn bytes(passkey: &Passkey) -> Result<Vec<u8>> {
    serde_json::to_vec(passkey).map_err(|error| Error::Damaged(error.to_string()))
}

fn json(challenge: &impl serde::Serialize) -> Result<Value> {
    serde_json::to_value(challenge).map_err(|error| Error::Damaged(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relying_party_has_a_name_and_an_id_above_its_host() {
        let party = |url: &str, id: Option<&str>| {
            RelyingParty::new(&Url::parse(url).expect("a URL"), id, "Castellan").map(|party| party.is_some())
        };
        assert_eq!(party("https://login.example.com", None), Ok(true));
        assert_eq!(party("https://login.example.com", Some("example.com")), Ok(true));
        assert_eq!(party("http://localhost:8080", None), Ok(true));
        assert_eq!(party("http://127.0.0.1:8080", None), Ok(false), "an IP address has no passkeys");
        let unfit = party("https://login.example.com", Some("ample.com"));
        assert_eq!(unfit, Err(UnfitRelyingParty("ample.com".to_owned())));
    }
}
