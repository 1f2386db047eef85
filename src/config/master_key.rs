//! The master keys, under which seeds, signing keys and mails lie in the database.
//!
//! A key is a line `ID:BASE64URL`, id 1 to 255, 32 random bytes; the last line seals, all open. To
//! rotate, append a line (`castellan keys new-master`) and restart: what is sealed anew uses it.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::Path,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use super::{Invalid, server::read_secret};
use crate::secret::{self, MasterKeys};

/// The file looked for where none is named.
pub const DEFAULT_FILE: &str = "castellan.key";
const MAKE: &str = "Make one with `castellan keys new-master FILE`";

/// The keys of the variable `CASTELLAN_MASTER_KEY` if set, else of the file.
pub(super) fn load(text: Option<&str>, file: &Path) -> Result<MasterKeys, Invalid> {
    match text {
        Some(text) => parse("master_key", text),
        None => read(file),
    }
}

/// The keys of a file.
///
/// # Errors
/// It is absent, malformed, or everybody may read it.
pub fn read(file: &Path) -> Result<MasterKeys, Invalid> {
    if !file.exists() {
        let problem = format!("{} does not exist, and without it nothing sealed opens", file.display());
        return Err(Invalid::new("master_key_file", problem, MAKE));
    }
    refuse_readable_by_all(file)?;
    parse("master_key_file", &read_secret("master_key_file", file)?)
}

/// Makes the file with one new key, mode 0600, if it is absent. Answers whether it did.
///
/// # Errors
/// The file cannot be made.
pub fn create(file: &Path) -> std::io::Result<bool> {
    if file.exists() {
        return Ok(false);
    }
    let mut made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)?;
    made.write_all(new_line(1).as_bytes())?;
    made.sync_all()?;
    Ok(true)
}

/// Appends a new key, which seals from the next start on; answers its id. Makes the file if absent.
///
/// # Errors
/// The file is not one of master keys, or cannot be written.
pub fn append(file: &Path) -> Result<u8, Invalid> {
    let io = |error: std::io::Error| Invalid::new("master_key_file", error.to_string(), "Let this user write it");
    if create(file).map_err(io)? {
        return Ok(1);
    }
    let ids: Vec<u8> =
        lines("master_key_file", &read_secret("master_key_file", file)?)?.iter().map(|key| key.0).collect();
    let next = ids.iter().max().and_then(|id| id.checked_add(1)).ok_or_else(|| {
        Invalid::new("master_key_file", "holds key 255 already", "Remove keys that no longer seal anything")
    })?;
    let mut text = fs::read_to_string(file).map_err(io)?;
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text.push_str(&new_line(next));
    // By rename, so that a full disk never costs the keys that are there.
    let beside = file.with_extension("key.new");
    let mut made = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside).map_err(io)?;
    made.write_all(text.as_bytes()).and_then(|()| made.sync_all()).map_err(io)?;
    fs::rename(&beside, file).map_err(io)?;
    Ok(next)
}

fn new_line(id: u8) -> Zeroizing<String> {
    let mut bytes = Zeroizing::new([0u8; 32]);
    secret::fill(bytes.as_mut());
    Zeroizing::new(format!("{id}:{}\n", URL_SAFE_NO_PAD.encode(*bytes)))
}

fn refuse_readable_by_all(file: &Path) -> Result<(), Invalid> {
    let mode = fs::metadata(file).map(|metadata| metadata.permissions().mode()).unwrap_or_default();
    if mode & 0o007 != 0 {
        let problem = format!("{} can be read by everyone on this machine", file.display());
        return Err(Invalid::new("master_key_file", problem, format!("Run `chmod 600 {}`", file.display())));
    }
    Ok(())
}

fn parse(key: &str, text: &str) -> Result<MasterKeys, Invalid> {
    MasterKeys::new(&lines(key, text)?).ok_or_else(|| Invalid::new(key, "holds no key", MAKE))
}

/// Lines of a file; a variable may separate them by commas or blanks.
fn lines(key: &str, text: &str) -> Result<Vec<(u8, [u8; 32])>, Invalid> {
    let mut keys: Vec<(u8, [u8; 32])> = Vec::new();
    for line in text.split([',', ' ', '\n', '\r']).filter(|line| !line.is_empty()) {
        let parsed = line.split_once(':').and_then(|(id, bytes)| {
            let id = id.parse().ok().filter(|id| *id > 0)?;
            let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(bytes).ok()?);
            Some((id, <[u8; 32]>::try_from(bytes.as_slice()).ok()?))
        });
        let parsed = parsed.filter(|(id, _)| keys.iter().all(|(other, _)| other != id));
        keys.push(parsed.ok_or_else(|| {
            Invalid::new(key, "is not lines of ID:KEY with different ids and 32 bytes in base64url", MAKE)
        })?);
    }
    Ok(keys)
}
