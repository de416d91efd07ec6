//! Tutorial 002, the cancelling sample: what its two branches really say.

use sim::{JoinHandle, catch_cancel};

use crate::scenario::{Ends, Random, Scenario, Variant, broken, s};

pub(super) const SCENARIO: Scenario = Scenario {
    id: "cancel-a-task",
    title: "Cancelling a task",
    tutorial: "002 Tasks, \"Canceling Tasks\"",
    teaches: "`cancel()` is a request: only the task's end tells what became of it.",
    claim: Some("A task that was cancelled before prints \"Task was already canceled.\""),
    why: "`cancel()` on a task that has ended returns False and raises nothing, and `await` on a \
          cancelled task raises at the inner `try`. The outer branch catches one thing only: a \
          request to cancel the caller.",
    variants: &[
        Variant {
            name: "sample",
            shows: "2s: Task was canceled.",
            program: || Box::pin(sample()),
            output: &["0s Fetching data...", "2s cancel() = true", "2s Task was canceled."],
            ends: Ends::Passes,
            random: Random::Same,
        },
        Variant {
            name: "bad",
            shows: "cancelled before: the wrong branch prints",
            program: || Box::pin(bad()),
            output: &["0s Fetching data...", "3s cancel() = false", "3s Task was canceled."],
            ends: broken("the sample said \"Task was canceled.\""),
            random: Random::Same,
        },
        Variant {
            name: "finished",
            shows: "done after 1s: cancel() is too late",
            program: || Box::pin(finished()),
            output: &["2s cancel() = false", "2s data = quick"],
            ends: Ends::Passes,
            random: Random::Same,
        },
        Variant {
            name: "suppressed",
            shows: "the task refuses: a value at 18s",
            program: || Box::pin(suppressed()),
            output: &["2s cancel() = true", "2s no, thanks", "18s data = stubborn"],
            ends: Ends::Passes,
            random: Random::Same,
        },
        Variant {
            name: "fixed",
            shows: "asks the task's end, not cancel()",
            program: || Box::pin(fixed()),
            output: &[
                "2s pending: the task was cancelled",
                "2s cancelled before: the task was cancelled",
                "2s finished: quick",
                "2s no, thanks",
                "18s refused: stubborn",
            ],
            ends: Ends::Passes,
            random: Random::Same,
        },
    ],
};

async fn fetch_data() -> &'static str {
    sim::println!("Fetching data...");
    sim::sleep(s(10)).await;
    "Some data"
}

async fn quick() -> &'static str {
    sim::sleep(s(1)).await;
    "quick"
}

async fn stubborn() -> &'static str {
    if catch_cancel(sim::sleep(s(10))).await.is_err() {
        sim::println!("no, thanks");
        sim::sleep(s(16)).await;
    }
    "stubborn"
}

/// The sample, around a task that exists already; gives the line that it printed.
async fn wait_and_cancel(task: JoinHandle<&'static str>) -> String {
    let outer = catch_cancel(async {
        sim::sleep(s(2)).await;
        sim::println!("cancel() = {}", task.cancel());
        match catch_cancel(task.propagate()).await {
            Ok(data) => format!("data = {data}"),
            Err(_cancelled) => "Task was canceled.".to_owned(),
        }
    });
    let line = match outer.await {
        Ok(line) => line,
        Err(_cancelled) => "Task was already canceled.".to_owned(),
    };
    sim::println!("{line}");
    line
}

async fn sample() {
    let line = wait_and_cancel(sim::spawn(fetch_data()).named("fetch")).await;
    assert_eq!(line, "Task was canceled.");
}

async fn bad() {
    let task = sim::spawn(fetch_data()).named("fetch");
    sim::sleep(s(1)).await;
    task.cancel();
    let line = wait_and_cancel(task).await;
    assert!(line == "Task was already canceled.", "the sample said {line:?}");
}

async fn finished() {
    let line = wait_and_cancel(sim::spawn(quick()).named("quick")).await;
    assert_eq!(line, "data = quick");
}

async fn suppressed() {
    let line = wait_and_cancel(sim::spawn(stubborn()).named("stubborn")).await;
    assert_eq!(line, "data = stubborn");
}

async fn cancel_and_say(what: &str, task: JoinHandle<&'static str>) {
    task.cancel();
    match task.await {
        Ok(data) => sim::println!("{what}: {data}"),
        Err(error) if error.is_cancelled() => sim::println!("{what}: the task was cancelled"),
        Err(error) => panic!("{error}"),
    }
}

async fn fixed() {
    let pending = sim::spawn(sim::sleep_with(s(10), "Some data")).named("pending");
    let before = sim::spawn(sim::sleep_with(s(10), "Some data")).named("cancelled");
    let finished = sim::spawn(quick()).named("quick");
    let refused = sim::spawn(stubborn()).named("stubborn");
    before.cancel();
    sim::sleep(s(2)).await;
    cancel_and_say("pending", pending).await;
    cancel_and_say("cancelled before", before).await;
    cancel_and_say("finished", finished).await;
    cancel_and_say("refused", refused).await;
}
