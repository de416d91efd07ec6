//! Tutorial 004, tips: results as they come, and progress.

use core::time::Duration;

use crate::scenario::{Ends, Moment, Random, Scenario, Variant, broken, s};

pub(super) const SCENARIO: Scenario = Scenario {
    id: "as-completed",
    title: "Results as they come",
    tutorial: "004 Gather, tips \"Leverage async for\" and \"Monitor Task Progress\"",
    teaches: "`gather` shows nothing before the slowest; `as_completed` gives each at once.",
    claim: None,
    why: "gather needs the last result for its list. as_completed gives results in the order of \
          completion. (`async for` over it works in Python 3.13, and is a TypeError before.)",
    variants: &[
        Variant {
            name: "bad",
            shows: "there at 1s, shown at 3s",
            program: || Box::pin(bad()),
            output: &["3s slow, came at 3s", "3s quick, came at 1s"],
            ends: broken("quick was shown 2s after it came"),
            random: Random::Same,
        },
        Variant {
            name: "fixed",
            shows: "shown at 1s, 2s and 3s",
            program: || Box::pin(fixed()),
            output: &["1s quick, came at 1s", "2s middle, came at 2s", "3s slow, came at 3s"],
            ends: Ends::Passes,
            random: Random::Same,
        },
        Variant {
            name: "progress",
            shows: "gather that counts: 1 of 3 at 1s",
            program: || Box::pin(progress()),
            output: &["1s 1 of 3", "2s 2 of 3", "3s 3 of 3"],
            ends: Ends::Passes,
            random: Random::Same,
        },
    ],
};

struct Data {
    name: &'static str,
    came: Duration,
}

async fn fetch((name, seconds): (&'static str, u64)) -> Data {
    sim::sleep(s(seconds)).await;
    Data { name, came: sim::now() }
}

const FETCHES: [(&str, u64); 3] = [("slow", 3), ("quick", 1), ("middle", 2)];

fn show(data: &Data) {
    sim::println!("{}, came at {}", data.name, Moment(data.came));
    let late = sim::now() - data.came;
    assert!(late.is_zero(), "{} was shown {} after it came", data.name, Moment(late));
}

async fn bad() {
    for data in sim::gather_values(FETCHES.map(fetch)).await.unwrap() {
        show(&data);
    }
}

async fn fixed() {
    let mut completed =
        sim::as_completed(FETCHES.map(|what| sim::spawn(fetch(what)).named(what.0)));
    while let Some((_, data)) = completed.next().await {
        show(&data.unwrap());
    }
}

async fn progress() {
    sim::gather_values(FETCHES.map(fetch))
        .on_progress(|done, total| sim::println!("{done} of {total}"))
        .await
        .unwrap();
}
