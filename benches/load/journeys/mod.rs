//! What clients and people do.

mod exchange;
mod fixed;
mod login;
mod party;
mod refresh;
mod totp;

pub use exchange::{Authorize, Exchange};
pub use fixed::Fixed;
pub use login::{FullLogin, sign_in};
pub use party::{Code, Party, Tokens, random};
pub use refresh::Refresh;
pub use totp::base32;
