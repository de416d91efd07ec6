//! Tutorial 002, samples 5 and 6: `done()` before `result()`.

use sim::JoinHandle;

use crate::scenario::{Ends, Random, Scenario, Variant, broken, s};

pub(super) const SCENARIO: Scenario = Scenario {
    id: "done-is-not-success",
    title: "Done is not success",
    tutorial: "002 Tasks, \"Checking Task Status\" and \"Handling Task Results\"",
    teaches: "A task is done when it has failed or was cancelled, too.",
    claim: Some("Use `task.done()` before accessing `task.result()` to avoid exceptions."),
    why: "`done()` says that the task has ended, not how. `result()` gives the value, or raises what \
          the task raised.",
    variants: &[
        Variant {
            name: "bad",
            shows: "done, and result() raises the task's error",
            program: || Box::pin(bad()),
            output: &["2s done() = true"],
            ends: broken("no data"),
            random: Random::Same,
        },
        Variant {
            name: "cancelled",
            shows: "done, and result() raises CancelledError",
            program: || Box::pin(cancelled()),
            output: &["2s done() = true"],
            ends: broken("was cancelled"),
            random: Random::Same,
        },
        Variant {
            name: "pending",
            shows: "result() too early: InvalidStateError",
            program: || Box::pin(pending()),
            output: &["2s done() = false"],
            ends: broken("InvalidStateError"),
            random: Random::Same,
        },
        Variant {
            name: "fixed",
            shows: "asks how it ended: all four answers",
            program: || Box::pin(fixed()),
            output: &[
                "2s value: Data: 100",
                "2s failed: no data",
                "2s cancelled: Task was cancelled.",
                "2s pending: Data not ready yet.",
            ],
            ends: Ends::Passes,
            random: Random::Same,
        },
    ],
};

async fn fails() -> u32 {
    sim::sleep(s(1)).await;
    panic!("no data")
}

/// The sample: the result, if the task is done.
async fn look(task: JoinHandle<u32>) {
    sim::sleep(s(1)).await;
    sim::println!("done() = {}", task.is_finished());
    if task.is_finished() {
        let data = task.try_result().expect("a task that is done has a result").unwrap();
        sim::println!("Data: {data}");
    }
}

async fn bad() {
    let task = sim::spawn(fails()).named("fetch");
    sim::sleep(s(1)).await;
    look(task).await;
}

async fn cancelled() {
    let task = sim::spawn(sim::sleep_with(s(10), 100)).named("fetch");
    sim::sleep(s(1)).await;
    task.cancel();
    look(task).await;
}

async fn pending() {
    let task = sim::spawn(sim::sleep_with(s(10), 100)).named("fetch");
    sim::sleep(s(2)).await;
    sim::println!("done() = {}", task.is_finished());
    let data = task.try_result().expect("InvalidStateError: result is not set").unwrap();
    sim::println!("Data: {data}");
}

fn say(what: &str, task: &JoinHandle<u32>) {
    match task.try_result() {
        None => sim::println!("{what}: Data not ready yet."),
        Some(Ok(data)) => sim::println!("{what}: Data: {data}"),
        Some(Err(error)) if error.is_cancelled() => sim::println!("{what}: Task was cancelled."),
        Some(Err(error)) => {
            sim::println!("{what}: {}", error.panic_message().unwrap_or("a panic"));
        }
    }
}

async fn fixed() {
    let value = sim::spawn(sim::sleep_with(s(1), 100)).named("value");
    let failed = sim::spawn(fails()).named("failed");
    let cancelled = sim::spawn(sim::sleep_with(s(10), 100)).named("cancelled");
    let pending = sim::spawn(sim::sleep_with(s(10), 100)).named("pending");
    cancelled.cancel();
    sim::sleep(s(2)).await;
    say("value", &value);
    say("failed", &failed);
    say("cancelled", &cancelled);
    say("pending", &pending);
}
