//! What the integration tests and the command-line tools of this crate share.

pub mod conformance;
pub mod programs;
