//! The cast of the behaviour suite.
