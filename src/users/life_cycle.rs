//! What ending, and beginning again, an account means.
