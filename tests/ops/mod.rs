//! Behaviour of operation: storage, configuration, commands, the demo.

mod commands;
mod demo;
mod process;
mod readiness;
mod setup;
mod statements;
mod store;
