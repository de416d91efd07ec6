//! `#[sim::test]`: what it runs, what it says, and what the environment changes.

mod child;
mod compile;
mod environment;
mod examples;
mod regressions;
mod sharding;
