use aws_lc_rs::{
    digest,
    encoding::{AsDer, Pkcs8V1Der},
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ED25519, EcdsaKeyPair, Ed25519KeyPair, KeyPair,
        ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair,
    },
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::Algorithm;

/// A parsed key pair.
pub(super) struct Key {
    pair: Pair,
    public: ParsedPublicKey,
    random: SystemRandom,
}

enum Pair {
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
    Rsa(RsaKeyPair),
}

/// A key as it is made: its name, its public half, its PKCS #8 form.
pub struct NewKey {
    pub id: String,
    pub algorithm: Algorithm,
    pub public_jwk: Value,
    pub pkcs8: Zeroizing<Vec<u8>>,
}

/// The library refused; it never says why.
#[derive(Debug, thiserror::Error)]
#[error("the cryptographic library refused the key")]
pub(super) struct Rejected;

impl From<aws_lc_rs::error::Unspecified> for Rejected {
    fn from(_: aws_lc_rs::error::Unspecified) -> Self {
        Self
    }
}

impl From<aws_lc_rs::error::KeyRejected> for Rejected {
    fn from(_: aws_lc_rs::error::KeyRejected) -> Self {
        Self
    }
}

impl NewKey {
    /// Makes a key. P-256 and Ed25519 take 0.1 ms, RSA up to a second.
    pub fn generate(algorithm: Algorithm) -> Result<Self, Rejected> {
        let pkcs8 = match algorithm {
            Algorithm::Es256 => {
                EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?.to_pkcs8v1()?.as_ref().to_vec()
            }
            Algorithm::EdDsa => Ed25519KeyPair::generate()?.to_pkcs8v1()?.as_ref().to_vec(),
            Algorithm::Rs256 => {
                let der: Pkcs8V1Der<'_> = RsaKeyPair::generate(KeySize::Rsa2048)?.as_der()?;
                der.as_ref().to_vec()
            }
        };
        let pkcs8 = Zeroizing::new(pkcs8);
        let key = Key::parse(algorithm, &pkcs8)?;
        let mut public_jwk = key.public_jwk();
        let id = thumbprint(&public_jwk);
        public_jwk["use"] = json!("sig");
        public_jwk["alg"] = json!(algorithm.as_str());
        public_jwk["kid"] = json!(id);
        Ok(Self { id, algorithm, public_jwk, pkcs8 })
    }
}

impl Key {
    /// Reads a PKCS #8 document.
    pub fn parse(algorithm: Algorithm, pkcs8: &[u8]) -> Result<Self, Rejected> {
        let (pair, public) = match algorithm {
            Algorithm::Es256 => {
                let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8)?;
                let public = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, pair.public_key().as_ref())?;
                (Pair::Ec(pair), public)
            }
            Algorithm::EdDsa => {
                let pair = Ed25519KeyPair::from_pkcs8(pkcs8)?;
                let public = ParsedPublicKey::new(&ED25519, pair.public_key().as_ref())?;
                (Pair::Ed(pair), public)
            }
            Algorithm::Rs256 => {
                let pair = RsaKeyPair::from_pkcs8(pkcs8)?;
                let public = ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.public_key().as_ref())?;
                (Pair::Rsa(pair), public)
            }
        };
        Ok(Self { pair, public, random: SystemRandom::new() })
    }

    /// Signs as JWS wants it: fixed-length R and S, not DER (RFC 7518 §3.4).
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Rejected> {
        match &self.pair {
            Pair::Ec(pair) => Ok(pair.sign(&self.random, message)?.as_ref().to_vec()),
            Pair::Ed(pair) => Ok(pair.try_sign(message)?.as_ref().to_vec()),
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &self.random, message, &mut signature)?;
                Ok(signature)
            }
        }
    }

    /// Whether this key signed `message`.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        self.public.verify_sig(message, signature).is_ok()
    }

    /// The required members alone, in the order of RFC 7638 §3.2.
    fn public_jwk(&self) -> Value {
        let encode = |bytes: &[u8]| BASE64URL.encode(bytes);
        match &self.pair {
            Pair::Ec(pair) => {
                // SEC 1 uncompressed: 0x04, X, Y.
                let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
                json!({"crv": "P-256", "kty": "EC", "x": encode(x), "y": encode(y)})
            }
            Pair::Ed(pair) => json!({"crv": "Ed25519", "kty": "OKP", "x": encode(pair.public_key().as_ref())}),
            Pair::Rsa(pair) => {
                let public = pair.public_key();
                let exponent = encode(public.exponent().big_endian_without_leading_zero());
                let modulus = encode(public.modulus().big_endian_without_leading_zero());
                json!({"e": exponent, "kty": "RSA", "n": modulus})
            }
        }
    }
}

/// The thumbprint of a JWK that holds its required members only, in order (RFC 7638 §3).
fn thumbprint(jwk: &Value) -> String {
    BASE64URL.encode(digest::digest(&digest::SHA256, jwk.to_string().as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_algorithm_signs_what_it_verifies() {
        for algorithm in Algorithm::ALL {
            let new = NewKey::generate(algorithm).expect("a key");
            let key = Key::parse(algorithm, &new.pkcs8).expect("its own form");
            let signature = key.sign(b"message").expect("a signature");
            assert!(key.verify(b"message", &signature), "{algorithm:?}");
            assert!(!key.verify(b"massage", &signature), "{algorithm:?}");
            assert_eq!(new.public_jwk["alg"], algorithm.as_str());
        }
    }

    /// RFC 7638 §3.1, its own example.
    #[test]
    fn thumbprints_are_those_of_the_rfc() {
        let jwk = json!({"e": "AQAB", "kty": "RSA", "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"});
        assert_eq!(thumbprint(&jwk), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    }
}
