//! Deterministic simulation testing for async Rust.
//!
//! `sim` runs ordinary futures on a virtual clock, one task step at a time, and makes every choice
//! that a real scheduler makes by accident: who runs next, which timer of one instant fires first,
//! which branch of a `select!` is polled first. A run is a function of its seed and policy: run it
//! again and it is the same, to the last record. First-in-first-out it does what CPython 3.13's
//! asyncio does, event for event.
//!
//! # A race, found and replayed
//!
//! ```
//! use std::{cell::Cell, rc::Rc, time::Duration};
//! use sim::{Policy, Sim};
//!
//! async fn two_deposits() {
//!     let balance = Rc::new(Cell::new(0));
//!     let deposit = |amount| {
//!         let balance = balance.clone();
//!         sim::spawn(async move {
//!             let seen = balance.get();
//!             sim::sleep(Duration::from_millis(5)).await; // somebody else may run here
//!             balance.set(seen + amount);
//!         })
//!     };
//!     let (a, b) = (deposit(1), deposit(2));
//!     a.await.unwrap();
//!     b.await.unwrap();
//!     assert_eq!(balance.get(), 3, "money was lost");
//! }
//!
//! let failure = Sim::new().run(two_deposits).unwrap_err();
//! assert_eq!(failure.rule().id, "SIM011"); // a panic: the assertion
//! println!("{failure}"); // what was lost, where, and a table of who did what when
//!
//! // The same run again, from its recorded decisions:
//! let again = Sim::new().replay(failure.decisions().clone()).run(two_deposits).unwrap_err();
//! assert_eq!(failure.digest(), again.digest());
//!
//! // Other schedules: one for each seed.
//! let failures = (0..100)
//!     .filter(|seed| Sim::new().seed(*seed).policy(Policy::Random).run(two_deposits).is_err())
//!     .count();
//! assert_eq!(failures, 100);
//! ```
//!
//! # What is where
//!
//! | for | see |
//! |---|---|
//! | one run: seed, policy, limits, replay, stepping by hand | [`Sim`], [`Run`], [`Outcome`], [`Failure`] |
//! | tasks, cancelling them, catching that | [`task`] |
//! | the clock: sleeping, timeouts, intervals, busy loops | [`time`] |
//! | locks, queues, channels | [`sync`] |
//! | gathering, task groups, as-completed | [`combine`] |
//! | byte streams | [`io`] |
//! | property tests with proptest: inputs and schedule shrink together | `prop`, with feature `prop` |
//! | what happened: records, notes, tables | [`trace`], [`report`], [`note!`] |
//!
//! # Limits
//!
//! A run controls what goes through `sim`: its tasks, timers and primitives, and any
//! executor-agnostic future around them. It does not control real threads, sockets, files, the
//! real clock, or generators and hash maps seeded by the process; a wake from another thread is
//! reported. A passing run says something about the schedules that were run, and nothing about
//! others.

extern crate self as sim;

// With all that it shows.
#[cfg(all(doctest, feature = "prop"))]
#[doc = include_str!("../../README.md")]
struct Readme;

mod cell;
mod clock;
pub mod combine;
pub mod decision;
mod detect;
pub mod explore;
mod id;
pub mod io;
mod kernel;
mod mark;
mod note;
mod policy;
#[cfg(feature = "prop")]
pub mod prop;
pub mod report;
mod rng;
mod run;
mod schedule_point;
mod seed;
mod select;
pub mod sync;
pub mod task;
pub mod time;
pub mod trace;

pub use cell::SimCell;
#[doc(inline)]
pub use combine::{
    GatherError, GroupClosed, GroupError, JoinSet, TaskError, TaskGroup, WaitFor, WaitForError,
    as_completed, gather, gather_tasks, gather_value_tasks, gather_values, join, try_join, wait,
    wait_for,
};
pub use decision::DecisionLog;
#[doc(inline)]
pub use explore::explore;
pub use id::{ObjectId, TaskId};
pub use policy::{Policy, UnknownPolicy};
pub use rng::{SimRng, rng};
pub use run::{Failure, FailureKind, Leaks, Outcome, Progress, Rule, Run, Sim};
pub use schedule_point::{SchedulePoint, Tracked, schedule_point};
#[doc(inline)]
pub use task::{
    AbortHandle, BlockingPool, CancelExt, Cancelled, JoinError, JoinHandle, catch_cancel, finally,
    run_blocking, shield, spawn, try_spawn, yield_now,
};
#[doc(inline)]
pub use time::{
    busy, interval, interval_at, now, sleep, sleep_until, sleep_with, timeout, timeout_at,
};
#[doc(inline)]
pub use trace::Trace;

#[doc(inline)]
pub use sim_macros::test;

#[doc(hidden)]
pub mod __private {
    pub use crate::explore::{Judged, Test, judge};
    pub use crate::mark::{discard, sometimes};
    pub use crate::note::note;
    pub use crate::select::select_start;
    pub use sim_macros::select_impl;

    #[cfg(feature = "prop")]
    pub use proptest;
}
