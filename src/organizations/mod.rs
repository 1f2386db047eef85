//! (see the working contract)
pub mod sql;
