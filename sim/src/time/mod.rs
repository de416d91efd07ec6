//! The virtual clock as a program sees it.

mod busy;
mod interval;
mod now;
mod sleep;
mod timeout;

pub use busy::busy;
pub use interval::{Interval, MissedTickBehavior, Tick, interval, interval_at};
pub use now::now;
pub use sleep::{Sleep, SleepWith, sleep, sleep_until, sleep_with};
pub use timeout::{Elapsed, Timeout, timeout, timeout_at};
