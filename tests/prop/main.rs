//! Property tests of async programs: what `sim::prop` finds, leaves and says.

mod bank;
mod blocks;
mod counting;
mod properties;
mod reports;
mod shrinking;
