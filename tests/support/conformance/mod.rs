//! Conformance programs: small cooperative programs as JSON, and the trace each gives.
//!
//! Run on CPython's asyncio under a virtual clock, a program gives one trace; run on `sim` under
//! FIFO it must give the same, line for line. `program` says what a program is, `interpret`
//! runs one through `sim`'s public API: it doubles as a tour of it.

mod difference;
mod exception;
mod interpret;
mod program;

pub use difference::first_difference;
pub use interpret::trace;
pub use program::{Case, Except, Op, Program, QueueKind, QueueSpec, When};
