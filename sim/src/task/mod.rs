//! Tasks: starting, awaiting, cancelling and shielding them.

mod blocking;
mod cancel;
mod finally;
mod handle;
mod shield;
mod spawn;
mod yield_now;

pub use blocking::{BlockingPool, RunBlocking, run_blocking};
pub use cancel::{CancelExt, Cancelled, CatchCancel, Resume, catch_cancel, raise_cancelled};
pub use finally::{Finally, finally};
pub use handle::{AbortHandle, JoinError, JoinHandle, Propagate};
pub use shield::{Awaited, Shield, shield};
pub use spawn::{current, spawn, try_spawn};
pub use yield_now::{YieldNow, yield_now};

pub(crate) use cancel::caught;
pub(crate) use spawn::{spawn_at, try_spawn_at};
