//! Tutorial 001, on `await`: it pauses only if what it awaits is not ready.

use crate::scenario::{Ends, Random, Scenario, Variant, broken, ms};

pub(super) const SCENARIO: Scenario = Scenario {
    id: "await-goes-on",
    title: "An await that does not wait",
    tutorial: "001 Getting Started, \"Fetching Data Asynchronously\"",
    teaches: "`await` on something that is ready goes on at once: nobody else runs.",
    claim: Some(
        "`await` tells the event loop to pause this coroutine and allow other tasks to run.",
    ),
    why: "The awaited coroutine has no await that suspends, and the awaited task has ended: there is \
          nothing to wait for. A free lock, a queue with room and a set event are like that too.",
    variants: &[
        Variant {
            name: "bad",
            shows: "three awaits, and the other task has not run",
            program: || Box::pin(bad()),
            output: &["0.001s three awaits later"],
            ends: broken("the other task has not run"),
            random: Random::Same,
        },
        Variant {
            name: "fixed",
            shows: "an await that suspends lets it run",
            program: || Box::pin(fixed()),
            output: &["0s the other task runs", "0.001s one await later"],
            ends: Ends::Passes,
            random: Random::Same,
        },
    ],
};

async fn bad() {
    async fn answer() -> u32 {
        42
    }
    let done = sim::spawn(answer()).named("done");
    sim::sleep(ms(1)).await;
    let other = sim::spawn(async { sim::println!("the other task runs") }).named("other");
    answer().await;
    std::future::ready(()).await;
    done.await.unwrap();
    sim::println!("three awaits later");
    assert!(other.is_finished(), "the other task has not run");
}

async fn fixed() {
    let other = sim::spawn(async { sim::println!("the other task runs") }).named("other");
    sim::sleep(ms(1)).await;
    sim::println!("one await later");
    assert!(other.is_finished(), "the other task has not run");
}
