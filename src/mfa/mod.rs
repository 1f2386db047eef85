//! (see the working contract)

text_enum! {
    /// A way to prove a second time who one is.
    pub enum Method {
        /// An authenticator app (RFC 6238).
        Totp = "totp",
        /// A code by e-mail: the weakest.
        Email = "email",
        /// A passkey or security key (WebAuthn).
        Passkey = "passkey",
        /// A one-time recovery code.
        Recovery = "recovery",
    }
}
