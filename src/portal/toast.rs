//! What the last act has to tell, on the page that follows it: a word in a cookie, so that a GET
//! changes nothing at the server and no text of anybody's stands in a URL.

use axum::http::{HeaderMap, HeaderValue};

use super::Portal;
use crate::http;

const COOKIE: &str = "castellan_portal_told";

macro_rules! toasts {
    ($($variant:ident = $word:literal, $title:literal, $text:literal;)*) => {
        /// Something was done.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Toast { $($variant,)* }

        impl Toast {
            fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
            fn parse(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)* _ => None }
            }
            /// What was done.
            pub fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)* }
            }
            /// What follows from it.
            pub fn text(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }
    };
}

toasts! {
    Named = "named", "Names saved", "";
    AccessChanged = "access", "Access saved", "It counts from the next request on.";
    Deactivated = "deactivated", "User deactivated", "Sessions, tokens and products have ended.";
    Reactivated = "reactivated", "User reactivated", "With the access as before.";
    Removed = "removed", "User removed for good", "The address can be invited again.";
    PasswordSent = "password", "Link sent", "It works once, for an hour.";
    MfaReset = "mfa", "MFA reset", "All sessions have ended. A new factor is set up at the next sign-in.";
    Invited = "invited", "Invitation sent again", "The old link is dead.";
    RunReleased = "run-released", "The run was let through", "Their access ended now.";
    RunDiscarded = "run-discarded", "The run was discarded", "Nobody was changed.";
    RulesSaved = "rules", "Rules saved", "They count from the next request on.";
    ConnectionPaused = "connection-paused", "The connection is paused", "Every request is refused until you resume it.";
    ConnectionResumed = "connection-resumed", "The connection is active again", "";
    ConnectionDeleted = "connection-deleted", "The connection is deleted", "Its people stay, and are managed by hand.";
    ClientEnded = "client", "OAuth client ended", "Its tokens open nothing any more.";
    WebhookRemoved = "webhook", "Webhook removed", "What was on its way there is not sent.";
    TokenRevoked = "token", "Token revoked", "It opens nothing any more.";
}

/// Tells it on the next page.
pub fn tell(portal: &Portal, toast: Toast) -> HeaderValue {
    http::http_only(&portal.site, COOKIE, toast.word())
}

/// It has been told.
pub fn told(portal: &Portal) -> HeaderValue {
    http::expired(&portal.site, COOKIE)
}

/// What is to be told.
pub fn of(portal: &Portal, headers: &HeaderMap) -> Option<Toast> {
    http::read(&portal.site, headers, COOKIE).and_then(|word| Toast::parse(word.expose()))
}
