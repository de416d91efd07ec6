//! Polling futures side by side inside one task.

/// Polls futures side by side inside the running task, until all have given their values.
///
/// No task is started: an `Err` stops nothing, a panic in one takes the others with it, and a
/// request to cancel reaches all of them. The futures are polled in the order in which they are
/// written, so equal schedules give equal runs.
///
/// ```
/// use std::time::Duration;
///
/// # sim::Sim::new().run(|| async {
/// let one = sim::sleep_with(Duration::from_secs(1), 1);
/// let two = sim::sleep_with(Duration::from_secs(2), 2);
/// assert_eq!(sim::join!(one, two), (1, 2));
/// assert_eq!(sim::now(), Duration::from_secs(2));
/// # }).unwrap();
/// ```
///
/// This is `futures::join!`:
pub use futures::join;

/// Polls futures side by side inside the running task, until all have given their `Ok` or one
/// gives an `Err`; the others are then dropped at their awaits.
///
/// That is where it differs from [`gather`](crate::gather()), whose tasks run on. The futures are
/// polled in the order in which they are written.
///
/// ```
/// use std::time::Duration;
///
/// # sim::Sim::new().run(|| async {
/// let fails = async { Err::<(), _>("no") };
/// let long = async { sim::sleep(Duration::from_secs(9)).await; Ok(()) };
/// assert_eq!(sim::try_join!(fails, long), Err("no"));
/// assert_eq!(sim::now(), Duration::ZERO);
/// # }).unwrap();
/// ```
///
/// This is `futures::try_join!`:
pub use futures::try_join;
