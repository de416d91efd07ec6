//! What spans many runs, and what watches over them.

pub mod watchdog;

#[doc(inline)]
pub use watchdog::{Watch, Watchdog};
