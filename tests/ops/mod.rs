//! Behaviour of operation: storage, configuration, commands.

mod statements;
mod store;
