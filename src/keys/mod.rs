//! (see the working contract)

mod algorithm;

pub use algorithm::Algorithm;
