//! Tutorial 002, the sample with `wait_for`.

use sim::{JoinHandle, catch_cancel, finally, shield, timeout, wait_for};

use crate::scenario::{Ends, Moment, Random, Scenario, Variant, broken, s};

pub(super) const SCENARIO: Scenario = Scenario {
    id: "timeout-cancels",
    title: "A timeout cancels",
    tutorial: "002 Tasks, \"Using Timeouts\"",
    teaches: "`wait_for` cancels the task at the deadline, and waits for its cleanup.",
    claim: Some("Set a maximum wait time with `asyncio.wait_for()`."),
    why: "It limits the task, not just the wait, and not strictly: a task that cleans up for 4s \
          makes 5s take 9s, and one that suppresses the request gives its value. `shield` limits \
          the wait only.",
    variants: &[
        Variant {
            name: "bad",
            shows: "5s: too long, and the task is cancelled",
            program: || Box::pin(bad()),
            output: &["5s Task took too long.", "5s the task was cancelled"],
            ends: broken("the work was thrown away"),
            random: Random::Same,
        },
        Variant {
            name: "slow-cleanup",
            shows: "a maximum of 5s takes 9s",
            program: || Box::pin(slow_cleanup()),
            output: &["9s Task took too long."],
            ends: broken("a maximum wait of 5s took 9s"),
            random: Random::Same,
        },
        Variant {
            name: "suppressed",
            shows: "the task refuses: a value, no timeout",
            program: || Box::pin(suppressed()),
            output: &["6s Data: stubborn"],
            ends: broken("no timeout"),
            random: Random::Same,
        },
        Variant {
            name: "fixed",
            shows: "shielded: the wait ends, the task goes on",
            program: || Box::pin(fixed()),
            output: &["5s Task took too long.", "10s Data: 100"],
            ends: Ends::Passes,
            random: Random::Same,
        },
    ],
};

async fn bad() {
    let task: JoinHandle<u32> = sim::spawn(sim::sleep_with(s(10), 100)).named("fetch");
    if wait_for(task.clone(), s(5)).await.is_err() {
        sim::println!("Task took too long.");
    }
    match task.await {
        Ok(data) => sim::println!("Data: {data}"),
        Err(_) => {
            sim::println!("the task was cancelled");
            panic!("the work was thrown away");
        }
    }
}

async fn slow_cleanup() {
    let task = sim::spawn(finally(sim::sleep(s(10)), || sim::sleep(s(4)))).named("fetch");
    if wait_for(task, s(5)).await.is_err() {
        sim::println!("Task took too long.");
    }
    assert!(sim::now() == s(5), "a maximum wait of 5s took {}", Moment(sim::now()));
}

async fn suppressed() {
    let task = sim::spawn(async {
        if catch_cancel(sim::sleep(s(10))).await.is_err() {
            sim::sleep(s(1)).await;
        }
        "stubborn"
    })
    .named("fetch");
    match wait_for(task, s(5)).await {
        Err(_elapsed) => sim::println!("Task took too long."),
        Ok(data) => {
            sim::println!("Data: {data}");
            panic!("no timeout after {}", Moment(sim::now()));
        }
    }
}

async fn fixed() {
    let task = sim::spawn(sim::sleep_with(s(10), 100)).named("fetch");
    if timeout(s(5), shield(task.clone())).await.is_err() {
        sim::println!("Task took too long.");
    }
    sim::println!("Data: {}", task.await.unwrap());
}
