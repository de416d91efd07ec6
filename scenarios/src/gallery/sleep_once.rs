//! Tutorial 005, the first sample: what `sleep` blocks.

use crate::scenario::{Ends, Random, Scenario, Variant, broken, ms, s};

pub(super) const SCENARIO: Scenario = Scenario {
    id: "sleep-once",
    title: "What sleep blocks",
    tutorial: "005 Sleep, sample 1",
    teaches: "`sleep` pauses the task that awaits it, not the program.",
    claim: Some("You can use `asyncio.sleep()` to block your program."),
    why: "The sleeping task gives up control, and every other task may run meanwhile. What blocks a \
          program is a call that keeps the thread.",
    variants: &[
        Variant {
            name: "sample",
            shows: "Started at 0s, Finished at 1s",
            program: || Box::pin(sample()),
            output: &["0s Started", "1s Finished"],
            ends: Ends::Passes,
            random: Random::Same,
        },
        Variant {
            name: "bad",
            shows: "another task runs during the sleep",
            program: || Box::pin(bad()),
            output: &["0s Started", "0.5s another task", "1s Finished"],
            ends: broken("another task ran during the sleep"),
            random: Random::Same,
        },
        Variant {
            name: "fixed",
            shows: "a blocking call does block the program",
            program: || Box::pin(fixed()),
            output: &["0s Started", "1s Finished", "1.5s another task"],
            ends: Ends::Passes,
            random: Random::Same,
        },
    ],
};

async fn sample() {
    sim::println!("Started");
    sim::sleep(s(1)).await;
    sim::println!("Finished");
}

fn another() -> sim::JoinHandle<()> {
    sim::spawn(async {
        sim::sleep(ms(500)).await;
        sim::println!("another task");
    })
    .named("another")
}

async fn bad() {
    let other = another();
    sample().await;
    assert!(!other.is_finished(), "another task ran during the sleep");
}

async fn fixed() {
    let other = another();
    sim::println!("Started");
    sim::busy(s(1)); // time.sleep(1)
    sim::println!("Finished");
    assert!(!other.is_finished(), "another task ran during the call");
    other.await.unwrap();
}
