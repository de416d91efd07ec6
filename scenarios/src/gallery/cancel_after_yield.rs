//! Tutorial 005, the third sample: `sleep(0)`, then cancel.

use sim::catch_cancel;

use crate::scenario::{Ends, Random, Scenario, Variant, broken, ms, s};

pub(super) const SCENARIO: Scenario = Scenario {
    id: "cancel-after-yield",
    title: "sleep(0), then cancel",
    tutorial: "005 Sleep, sample 3",
    teaches: "A turn given to a loop without checkpoints is the whole loop.",
    claim: Some("The `sleep(0)` allows the event loop to start the task … \"Task was cancelled\""),
    why: "Inside `sleep(0)` the counter runs from beginning to end, 20s at 20ns a turn; cancel() comes \
          too late, and nothing is ever printed. Without the praised line the task is cancelled \
          before it begins, and the message appears. The counter needs checkpoints.",
    variants: &[
        Variant {
            name: "bad",
            shows: "never \"Task was cancelled\"",
            program: || Box::pin(bad()),
            output: &["20s cancel() = false"],
            ends: broken("\"Task was cancelled\" was not printed"),
            random: Random::Either {
                fails: broken("\"Task was cancelled\" was not printed"),
                seed: 2,
            },
        },
        Variant {
            name: "no-sleep",
            shows: "cancelled before it begins, at 0s",
            program: || Box::pin(no_sleep()),
            output: &["0s cancel() = true", "0s Task was cancelled"],
            ends: Ends::Passes,
            random: Random::Same,
        },
        Variant {
            name: "fixed",
            shows: "checkpoints: cancelled at 0.02s",
            program: || Box::pin(fixed()),
            output: &["0.02s cancel() = true", "0.02s Task was cancelled"],
            ends: Ends::Passes,
            random: Random::SameEnd,
        },
    ],
};

/// The sample's `main` from the cancel on.
async fn cancel(task: sim::JoinHandle<()>) {
    sim::println!("cancel() = {}", task.cancel());
    let cancelled = catch_cancel(task.propagate()).await.is_err();
    if cancelled {
        sim::println!("Task was cancelled");
    }
    assert!(cancelled, "\"Task was cancelled\" was not printed");
}

async fn bad() {
    let task = sim::spawn(async { sim::busy(s(20)) }).named("counter");
    sim::sleep(s(0)).await;
    cancel(task).await;
}

async fn no_sleep() {
    let task = sim::spawn(async { sim::busy(s(20)) }).named("counter");
    cancel(task).await;
}

async fn fixed() {
    let task = sim::spawn(async {
        for _ in 0..1_000 {
            sim::busy(ms(20)); // a million turns
            sim::sleep(s(0)).await;
        }
    })
    .named("counter");
    sim::sleep(s(0)).await;
    cancel(task).await;
}
