//! The demo: a world with people in every role, a mailbox page, and three product apps.

pub mod apps;
