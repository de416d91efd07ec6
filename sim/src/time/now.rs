//! Reading the clock.

use core::time::Duration;

use crate::kernel::context;

/// Reads the virtual clock: how long the run has lasted.
///
/// # Panics
///
/// Outside a simulation.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// # sim::Sim::new().run(|| async {
/// sim::sleep(Duration::from_millis(1_500)).await;
/// assert_eq!(sim::now().as_millis(), 1_500);
/// # }).unwrap();
/// ```
#[must_use]
#[track_caller]
pub fn now() -> Duration {
    Duration::from_nanos(context::expect("now", |state| state.now))
}
