//! Tutorial 001, on coroutines: one that never suspends blocks everybody.

use crate::scenario::{Ends, Moment, Random, Scenario, Variant, broken, ms, s};

pub(super) const SCENARIO: Scenario = Scenario {
    id: "coroutine-blocks",
    title: "A coroutine that blocks",
    tutorial: "001 Getting Started, \"Understanding Coroutines\"",
    teaches: "A coroutine lets others run only where it suspends.",
    claim: Some("Coroutines are non-blocking by nature."),
    why: "`greedy` works for three seconds and has no await that suspends, so the loop gets no turn \
          before it ends. With a checkpoint after every 10 ms the ready task runs in between.",
    variants: &[
        Variant {
            name: "bad",
            shows: "a ready task waits for 3s",
            program: || Box::pin(bad()),
            output: &["3s greedy is done", "3s the ready task runs"],
            ends: broken("a ready task had to wait for 3s"),
            random: Random::Same,
        },
        Variant {
            name: "fixed",
            shows: "the ready task runs after 0.01s",
            program: || Box::pin(fixed()),
            output: &["0.01s the ready task runs", "3s greedy is done"],
            ends: Ends::Passes,
            random: Random::SameEnd,
        },
    ],
};

fn ready_task() -> sim::JoinHandle<core::time::Duration> {
    sim::spawn(async {
        sim::println!("the ready task runs");
        sim::now()
    })
    .named("ready")
}

async fn bad() {
    async fn greedy() {
        sim::busy(s(3));
        sim::println!("greedy is done");
    }
    let ready = ready_task();
    greedy().await;
    let waited = ready.await.unwrap();
    assert!(waited < s(3), "a ready task had to wait for {}", Moment(waited));
}

async fn fixed() {
    async fn considerate() {
        for _ in 0..300 {
            sim::busy(ms(10));
            sim::yield_now().await;
        }
        sim::println!("greedy is done");
    }
    let ready = ready_task();
    considerate().await;
    let waited = ready.await.unwrap();
    assert!(waited < s(3), "a ready task had to wait for {}", Moment(waited));
}
