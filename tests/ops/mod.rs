//! Behaviour of operation: storage, configuration, commands.

mod readiness;
mod setup;
mod statements;
mod store;
