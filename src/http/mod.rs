//! (see the working contract)
