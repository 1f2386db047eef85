text_enum! {
    /// What signs a token (RFC 7518 §3.1, RFC 8037 §3.1).
    pub enum Algorithm {
        /// ECDSA on P-256: the default.
        Es256 = "ES256",
        /// Ed25519.
        EdDsa = "EdDSA",
        /// RSA PKCS#1 v1.5, which OIDC Core §15.1 asks every provider to offer.
        Rs256 = "RS256",
    }
}

impl Algorithm {
    /// All of them, in the order in which metadata lists them.
    pub const ALL: [Self; 3] = [Self::Es256, Self::EdDsa, Self::Rs256];
}
