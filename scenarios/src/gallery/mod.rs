//! The scenarios, in the order of the tutorials: one file each.
//!
//! The table is the source of the lists, the help, the main job and the tests. To add a scenario,
//! add its file and its two lines here.
//!
//! Where the 19 code blocks of the tutorials are, fragments joined to their program:
//!
//! | block | scenario |
//! |---|---|
//! | 1: `main(): pass` | `first-program` |
//! | 2 to 4: `fetch_data`, `counter`, `main` | `fetch-and-count` |
//! | 5 to 8: the walkthrough, `create_task` and `await` | `task-starts-later` |
//! | 9: `task.cancel()` | `cancel-a-task`, `whose-cancel` |
//! | 10, 11: `done()`, `result()` | `done-is-not-success` |
//! | 12: `wait_for` | `timeout-cancels` |
//! | 13, 14: a long loop, without and with checkpoints | `starvation`, `checkpoint-crossover` |
//! | 15: `gather` | `gather-three` |
//! | 16: `gather` and an exception | `gather-flag`, `gather-failures` |
//! | 17: `sleep(1)` | `sleep-once` |
//! | 18: `sleep(1, result=…)` | `sleep-result` |
//! | 19: `sleep(0)`, then cancel | `cancel-after-yield` |
//!
//! The others are what the texts claim and what their tips describe.

mod as_completed;
mod await_goes_on;
mod blocking_call;
mod busy_wait;
mod cancel_a_task;
mod cancel_after_yield;
mod cancel_at_sleep;
mod checkpoint_crossover;
mod checkpoint_sleep_zero;
mod condition_instead_of_sleep;
mod coroutine_blocks;
mod done_is_not_success;
mod event_instead_of_sleep;
mod fetch_and_count;
mod first_program;
mod forgotten_await;
mod gather_failures;
mod gather_flag;
mod gather_three;
mod hang;
mod limited_concurrency;
mod poll_with_sleep;
mod sleep_once;
mod sleep_result;
mod starvation;
mod swallowed_cancel;
mod task_starts_later;
mod timeout_cancels;
mod whose_cancel;

use crate::scenario::Scenario;

/// Every scenario, in the order in which they are listed and run.
pub const SCENARIOS: &[Scenario] = &[
    first_program::SCENARIO,
    coroutine_blocks::SCENARIO,
    await_goes_on::SCENARIO,
    fetch_and_count::SCENARIO,
    blocking_call::SCENARIO,
    task_starts_later::SCENARIO,
    cancel_a_task::SCENARIO,
    whose_cancel::SCENARIO,
    done_is_not_success::SCENARIO,
    timeout_cancels::SCENARIO,
    poll_with_sleep::SCENARIO,
    starvation::SCENARIO,
    checkpoint_crossover::SCENARIO,
    checkpoint_sleep_zero::SCENARIO,
    swallowed_cancel::SCENARIO,
    cancel_at_sleep::SCENARIO,
    gather_three::SCENARIO,
    gather_flag::SCENARIO,
    gather_failures::SCENARIO,
    limited_concurrency::SCENARIO,
    as_completed::SCENARIO,
    sleep_once::SCENARIO,
    sleep_result::SCENARIO,
    forgotten_await::SCENARIO,
    cancel_after_yield::SCENARIO,
    busy_wait::SCENARIO,
    event_instead_of_sleep::SCENARIO,
    condition_instead_of_sleep::SCENARIO,
];

/// A program whose only poll never returns: it proves the watchdog, and is in no list.
pub const HANG: Scenario = hang::SCENARIO;
