//! Tutorial 005, the second sample: `sleep` with a result.

use crate::scenario::{Ends, Random, Scenario, Variant, s};

pub(super) const SCENARIO: Scenario = Scenario {
    id: "sleep-result",
    title: "A sleep with a result",
    tutorial: "005 Sleep, sample 2 and tip 3",
    teaches: "`sleep(d, result)` is a fake of anything slow.",
    claim: None,
    why: "It gives its value when the time is over. With no time to sleep it still gives one turn to \
          everybody else first.",
    variants: &[
        Variant {
            name: "sample",
            shows: "the result at 1s",
            program: || Box::pin(sample()),
            output: &["0s Started", "1s Result: {'item': 'one', 'two': 2, 'three': 3}"],
            ends: Ends::Passes,
            random: Random::Same,
        },
        Variant {
            name: "zero",
            shows: "0s: others have a turn before the result",
            program: || Box::pin(zero()),
            output: &["0s another task", "0s x"],
            ends: Ends::Passes,
            random: Random::SameEnd,
        },
    ],
};

async fn sample() {
    sim::println!("Started");
    let result = sim::sleep_with(s(1), "{'item': 'one', 'two': 2, 'three': 3}").await;
    sim::println!("Result: {result}");
}

async fn zero() {
    let other = sim::spawn(async { sim::println!("another task") }).named("another");
    let result = sim::sleep_with(s(0), "x").await;
    sim::println!("{result}");
    other.await.unwrap();
}
