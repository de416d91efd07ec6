//! Tutorial 005, tip 4: a sleep that is not awaited.

use crate::scenario::{Ends, Moment, Random, Scenario, Variant, broken, s};

pub(super) const SCENARIO: Scenario = Scenario {
    id: "forgotten-await",
    title: "A forgotten await",
    tutorial: "005 Sleep, tip 4",
    teaches: "`sleep(1)` without `await` waits for nothing.",
    claim: None,
    why: "The call makes a future, and a future that nobody awaits does nothing. Python warns at run \
          time (\"was never awaited\"), Rust when it compiles.",
    variants: &[
        Variant {
            name: "bad",
            shows: "Finished at 0s",
            program: || Box::pin(bad()),
            output: &["0s Started", "0s Finished"],
            ends: broken("the sleep took 0s"),
            random: Random::Same,
        },
        Variant {
            name: "fixed",
            shows: "Finished at 1s",
            program: || Box::pin(fixed()),
            output: &["0s Started", "1s Finished"],
            ends: Ends::Passes,
            random: Random::Same,
        },
    ],
};

fn check() {
    assert!(sim::now() == s(1), "the sleep took {}", Moment(sim::now()));
}

async fn bad() {
    sim::println!("Started");
    drop(sim::sleep(s(1)));
    sim::println!("Finished");
    check();
}

async fn fixed() {
    sim::println!("Started");
    sim::sleep(s(1)).await;
    sim::println!("Finished");
    check();
}
