//! One run: the builder, the driver, and what comes out.
//!
//! [`Sim`] is the front door; [`Run`] is a run that is driven from outside, one step at a time;
//! [`Outcome`] and [`Failure`] are what a run gives.

mod builder;
mod driver;
mod failure;
mod outcome;

pub use builder::{Leaks, Sim};
pub use driver::{Progress, Run};
#[cfg(test)]
pub(crate) use failure::Inner;
pub(crate) use failure::Origin;
pub use failure::{Failure, FailureKind, Rule};
pub use outcome::Outcome;
