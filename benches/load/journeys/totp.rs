use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use aws_lc_rs::hmac;

/// The code of an authenticator app now (RFC 6238: SHA-1, 30 s, six digits).
pub fn code(secret: &str) -> Result<String> {
    #[expect(clippy::disallowed_methods, reason = "a program of its own, without the server's clock")]
    let step = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs() / 30;
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &base32(secret)?);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let tag = tag.as_ref();
    let offset = usize::from(tag.last().context("a tag")? & 0xf);
    let word: [u8; 4] = tag.get(offset..offset + 4).context("a tag")?.try_into()?;
    Ok(format!("{:06}", (u32::from_be_bytes(word) & 0x7fff_ffff) % 1_000_000))
}

/// RFC 4648 §6, spaces and padding ignored.
pub fn base32(text: &str) -> Result<Vec<u8>> {
    let (mut bits, mut held, mut bytes) = (0_u32, 0, Vec::new());
    for letter in text.bytes().filter(|letter| !matches!(letter, b' ' | b'=' | b'-')) {
        let value = match letter.to_ascii_uppercase() {
            letter @ b'A'..=b'Z' => letter - b'A',
            letter @ b'2'..=b'7' => letter - b'2' + 26,
            _ => anyhow::bail!("not base32"),
        };
        bits = (bits << 5) | u32::from(value);
        held += 5;
        if held >= 8 {
            held -= 8;
            bytes.push(((bits >> held) & 0xff) as u8);
        }
    }
    Ok(bytes)
}
