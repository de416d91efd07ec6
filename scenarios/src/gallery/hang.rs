//! A poll that never returns, for the watchdog.

use crate::scenario::{Ends, Random, Scenario, Variant, ms};

pub(super) const SCENARIO: Scenario = Scenario {
    id: "hang",
    title: "A poll that never returns",
    tutorial: "none",
    teaches: "What never returns to the loop can only be ended from outside.",
    claim: None,
    why: "No budget of steps or of virtual time is checked inside a poll.",
    variants: &[Variant {
        name: "bad",
        shows: "the watchdog ends the process with status 124",
        program: || Box::pin(bad()),
        output: &[],
        ends: Ends::Passes,
        random: Random::SameEnd,
    }],
};

async fn bad() {
    let other = sim::spawn(sim::sleep(ms(1))).named("sleeper");
    let spinner = sim::spawn(async {
        sim::sleep(ms(2)).await;
        loop {
            std::hint::spin_loop();
        }
    })
    .named("spinner");
    let _ = (other.await, spinner.await);
}
