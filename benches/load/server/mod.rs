//! The servers under load: processes of their own, pinned, counted by the kernel, killed at the end.

mod ceilings;
mod demo;
mod process;
mod world;

pub use ceilings::Ceilings;
pub use demo::{Demo, Options, free_port, second_node};
pub use process::Process;
use process::SERVER_CORE;
pub use world::{Client, User, World};
