//! Property tests with proptest: many inputs, many schedules of each.
//!
//! [`property!`](crate::property!) is for properties of async programs: it shrinks inputs and
//! schedule together. [`schedule`] gives schedules to a plain `proptest!` block, and [`run`] runs
//! one.
//!
//! Reading order: `macros` (the front door), `property` (its settings), `tester` (what is done with
//! each input), `joint` (how proptest's runner is used), `shrink` (the loop that shrinks both, with
//! `likeness` and `renumber`); `schedule` for plain blocks.
//!
//! # What shrinking leaves
//!
//! Of a lost update among up to seven deposits, where two deposits and one deviation are the least,
//! on the average of 200 failing cases (`tests/prop/shrinking.rs`):
//!
//! | the schedule is | deviations | deposits |
//! |---|---|---|
//! | a `u64` seed, as an input | 5.3 | 2.9 |
//! | [`schedule`]'s, as an input | 1.4 | 2.8 |
//! | [`property!`](crate::property!)'s | 1.0 | 2.0 |

mod config;
mod inputs;
mod joint;
mod likeness;
mod macros;
mod property;
mod renumber;
mod schedule;
mod shrink;
mod tester;
mod verdict;

use core::future::Future;
use core::panic::Location;

use crate::explore::Written;
use crate::run::Sim;

#[doc(inline)]
pub use crate::__prop_config as config;
#[doc(inline)]
pub use crate::property;
#[doc(hidden)]
pub use config::{config_with, regressions};
pub use inputs::Inputs;
pub use property::{Held, Property, PropertyError};
#[doc(hidden)]
pub use proptest::test_runner::TestCaseError;
pub use schedule::{Schedule, ScheduleTree, Schedules, schedule};
pub use verdict::Verdict;

/// Runs a program under a schedule, inside a plain `proptest!` block.
///
/// The program may return nothing or a `Result`.
///
/// # Errors
///
/// Where the run fails, with its report; nothing panics meanwhile, so that shrinking prints
/// nothing. A rejection by `prop_assume!` in the program is handed on.
///
/// # Examples
///
/// See [`schedule`].
#[track_caller]
pub fn run<F, Fut>(schedule: Schedule, program: F) -> Result<(), TestCaseError>
where
    F: FnOnce() -> Fut,
    Fut: Future + 'static,
    Fut::Output: Verdict,
{
    run_with(schedule, |sim| sim, program)
}

/// The same, with settings for the run.
///
/// # Errors
///
/// As [`run`].
#[track_caller]
pub fn run_with<F, Fut>(
    schedule: Schedule,
    settings: impl FnOnce(Sim) -> Sim,
    program: F,
) -> Result<(), TestCaseError>
where
    F: FnOnce() -> Fut,
    Fut: Future + 'static,
    Fut::Output: Verdict,
{
    let place = Location::caller();
    let (chooser, written) = Written::of(schedule.chooser());
    let program = || {
        let running = program();
        async move { verdict::conclude(running.await, place) }
    };
    match settings(Sim::new()).chooser(chooser).run(program) {
        Ok(outcome) => match outcome.into_value() {
            None => Ok(()),
            Some(reason) => Err(TestCaseError::Reject(reason)),
        },
        Err(failure) => {
            let how = "a schedule of proptest's".to_owned();
            Err(TestCaseError::fail(written.report("", failure, how).to_string()))
        }
    }
}

/// A test's name without its crate's, as the test harness knows it.
#[doc(hidden)]
#[must_use]
pub fn without_crate(path: &str) -> &str {
    path.split_once("::").map_or(path, |(_, rest)| rest)
}

/// Configures a property as its block says, and then as the environment does.
#[doc(hidden)]
pub fn configured(property: Property, configure: impl FnOnce(Property) -> Property) -> Property {
    configure(property).contextualized()
}

/// A value of any type, never made.
#[doc(hidden)]
#[must_use]
pub fn unreachable<T>() -> T {
    unreachable!("[sim bug] code behind `if false` has run")
}
