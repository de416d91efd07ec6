//! What CPython's own tests of asyncio hold, as tests of `sim`.
//!
//! One module for each of CPython's files, one test for each property, under CPython's name
//! without `test_`. The programs are written for `sim`: what counts are the notes they leave, in
//! exact order and at exact virtual times. [`fifo`] runs a program first in, first out, the
//! policy that is asyncio; [`anywhere`] runs it under 100 random schedules as well, for what CPython
//! holds whatever the order of the steps in a pass. Where `sim` deviates on purpose the test pins
//! the deviation, and says so.

use std::time::Duration;

use sim::{Outcome, Policy, Sim, catch_cancel};

mod futures;
mod locks;
mod queues;
mod runners;
mod taskgroups;
mod tasks;
mod timeouts;
mod waitfor;

/// The tests of a module, by name: one that is missing does not compile.
macro_rules! covered {
    ($($test:ident),* $(,)?) => {
        pub(crate) const COVERED: &[(&str, fn())] = &[$((stringify!($test), $test)),*];
    };
}
pub(crate) use covered;

/// All properties, as file and name.
const PROPERTIES: [&str; 94] = [
    "tasks::cancel",
    "tasks::cancel_yield",
    "tasks::cancel_inner_future",
    "tasks::cancel_both_task_and_inner_future",
    "tasks::cancel_task_catching",
    "tasks::cancel_current_task",
    "tasks::cancel_at_end",
    "tasks::cancel_awaited_task",
    "tasks::uncancel_basic",
    "tasks::uncancel_structured_blocks",
    "tasks::uncancel_resets_must_cancel",
    "tasks::baseexception_during_cancel",
    "tasks::sleep_cancel",
    "tasks::sleep_zero",
    "tasks::stop_while_run_in_complete",
    "tasks::task_awaits_on_itself",
    "tasks::yield_future_passes_cancel",
    "tasks::log_destroyed_pending_task",
    "tasks::yield_wait_does_not_shield_cancel",
    "tasks::wait_first_completed",
    "tasks::wait_really_done",
    "tasks::wait_first_exception",
    "tasks::wait_with_timeout",
    "tasks::wait_concurrent_complete",
    "tasks::as_completed_with_timeout",
    "tasks::as_completed_reverse_wait",
    "tasks::shield_effect",
    "tasks::shield_cancel_inner",
    "tasks::gather_shield",
    "tasks::success",
    "tasks::one_exception",
    "tasks::return_exceptions",
    "tasks::one_cancellation",
    "tasks::duplicate_coroutines",
    "tasks::cancellation_broadcast",
    "tasks::exception_marking",
    "tasks::cancel_gather_1",
    "futures::cancel",
    "futures::callbacks_invoked_on_set_result",
    "futures::remove_done_callback",
    "futures::tb_logger_exception_unretrieved",
    "futures::wrap_future_cancel",
    "locks::acquire",
    "locks::cancel_race",
    "locks::cancel_release_race",
    "locks::finished_waiter_cancelled",
    "locks::wait",
    "locks::notify",
    "locks::wait_cancel",
    "locks::wait_cancel_contested",
    "locks::wait_cancel_after_notify",
    "locks::cancelled_wakeup",
    "locks::acquire_cancel_before_awoken",
    "locks::acquire_no_hang",
    "locks::acquire_fifo_order",
    "locks::acquire_fifo_order_2",
    "locks::acquire_fifo_order_4",
    "locks::filling_tasks_cancel_one",
    "locks::reset_barrier_while_tasks_waiting",
    "locks::abort_barrier_when_exception",
    "queues::get_cancelled_race",
    "queues::get_cancel_drop_one_pending_reader",
    "queues::get_cancel_drop_many_pending_readers",
    "queues::put_cancel_drop",
    "queues::put_cancelled_race",
    "queues::task_done",
    "queues::shutdown_empty",
    "queues::shutdown_nonempty",
    "timeouts::nested_timeouts",
    "timeouts::nested_timeouts_concurrent",
    "timeouts::nested_timeouts_loop_busy",
    "timeouts::timeout_zero_sleep_zero",
    "timeouts::foreign_cancel_doesnt_timeout_if_not_expired",
    "timeouts::reschedule",
    "timeouts::cancel_in_timeout_after_cancellation",
    "taskgroups::taskgroup_03",
    "taskgroups::cancel_children_on_child_error",
    "taskgroups::taskgroup_08",
    "taskgroups::taskgroup_10",
    "taskgroups::taskgroup_15",
    "taskgroups::taskgroup_19",
    "taskgroups::error_and_cancel",
    "taskgroups::taskgroup_context_manager_exit_raises",
    "taskgroups::cancelling_level_preserved",
    "taskgroups::nested_groups_both_cancelled",
    "waitfor::wait_for_timeout_less_then_0_or_0_coroutine_do_not_started",
    "waitfor::wait_for_waits_for_task_cancellation",
    "waitfor::wait_for_reraises_exception_during_cancellation",
    "waitfor::cancel_wait_for",
    "waitfor::wait_for_cancel_suppressed",
    "waitfor::wait_for_issue86296",
    "runners::asyncio_run_cancels_hanging_tasks",
    "runners::asyncio_run_reports_hanging_tasks_errors",
    "runners::asyncio_run_closes_gens_after_hanging_tasks_errors",
];

/// What cannot hold or fail here, and why.
const NOT_APPLICABLE: &[(&str, &str)] = &[
    (
        "tasks::stop_while_run_in_complete",
        "a run has no `stop`: it ends with its root, or is driven from outside and dropped",
    ),
    (
        "futures::remove_done_callback",
        "done-callbacks are not public: who wants to know of an end awaits it, and dropping the \
         await takes it back",
    ),
    (
        "futures::wrap_future_cancel",
        "a simulation runs on one thread: there is no executor whose futures could be wrapped",
    ),
    (
        "timeouts::reschedule",
        "a timeout is a future that its awaiter owns: no handle exists that could move its \
         deadline from elsewhere",
    ),
    (
        "runners::asyncio_run_closes_gens_after_hanging_tasks_errors",
        "Rust has no asynchronous generators that a loop would have to close: a stream is dropped \
         with its owner",
    ),
];

#[test]
fn every_property_has_a_test_or_a_reason() {
    let modules = [
        ("tasks", tasks::COVERED),
        ("futures", futures::COVERED),
        ("locks", locks::COVERED),
        ("queues", queues::COVERED),
        ("timeouts", timeouts::COVERED),
        ("taskgroups", taskgroups::COVERED),
        ("waitfor", waitfor::COVERED),
        ("runners", runners::COVERED),
    ];
    let mut found: Vec<String> = modules
        .iter()
        .flat_map(|(module, tests)| tests.iter().map(move |(test, _)| format!("{module}::{test}")))
        .chain(NOT_APPLICABLE.iter().map(|(property, _)| (*property).to_owned()))
        .collect();
    found.sort();
    let mut expected = PROPERTIES.map(str::to_owned);
    expected.sort();
    assert_eq!(found, expected);
    assert!(NOT_APPLICABLE.iter().all(|(_, reason)| !reason.is_empty()));
}

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn millis(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// A future that is never done.
async fn forever() {
    std::future::pending::<()>().await;
}

/// Whether a request to cancel is raised in the future; it is swallowed here.
async fn raises<F: Future>(future: F) -> bool {
    catch_cancel(future).await.is_err()
}

/// Asks the running task to cancel itself.
fn cancel_me() -> bool {
    sim::task::current().is_some_and(|me| me.cancel())
}

/// How many requests the running task has had.
fn cancelling() -> u32 {
    sim::task::current().map_or(0, |me| me.cancelling())
}

fn notes<T>(outcome: &Outcome<T>) -> Vec<String> {
    outcome.trace().notes().map(|(now, _, text)| format!("{} {text}", now as f64 / 1e9)).collect()
}

/// Runs a program as asyncio would, and compares its notes: `seconds text`.
#[track_caller]
fn fifo<F, Fut>(program: F, expected: &[&str])
where
    F: FnOnce() -> Fut,
    Fut: Future + 'static,
{
    let outcome = Sim::new().run(program).unwrap();
    assert_eq!(notes(&outcome), expected);
}

/// Runs a program under 100 random schedules, where its own assertions have to hold.
#[track_caller]
fn every_order<F, Fut>(program: F)
where
    F: Fn() -> Fut,
    Fut: Future + 'static,
{
    for seed in 0..100 {
        if let Err(failure) = Sim::new().policy(Policy::Random).seed(seed).run(&program) {
            panic!("seed {seed}: {failure}");
        }
    }
}

/// Runs a program as asyncio would, and then under 100 random schedules, where the same notes
/// have to come at the same times, in some order.
#[track_caller]
fn anywhere<F, Fut>(program: F, expected: &[&str])
where
    F: Fn() -> Fut,
    Fut: Future + 'static,
{
    fifo(&program, expected);
    let mut sorted = expected.to_vec();
    sorted.sort_unstable();
    for seed in 0..100 {
        let outcome = Sim::new().policy(Policy::Random).seed(seed).run(&program).unwrap();
        let mut found = notes(&outcome);
        found.sort_unstable();
        assert_eq!(found, sorted, "seed {seed}");
    }
}
