//! Tutorial 004, the first sample: three fetches at once.

use crate::scenario::{Ends, Moment, Random, Scenario, Variant, broken, s};

pub(super) const SCENARIO: Scenario = Scenario {
    id: "gather-three",
    title: "Three at once",
    tutorial: "004 Gather, sample 1",
    teaches: "`gather` overlaps, and gives results in the order of its arguments.",
    claim: None,
    why: "It starts a task for each argument at the call. An await for each in turn starts each when \
          the one before has ended, because a coroutine that nobody awaits does nothing.",
    variants: &[
        Variant {
            name: "bad",
            shows: "one after the other: 3s",
            program: || Box::pin(bad()),
            output: &["3s Results: [{'data': 1}, {'data': 2}, {'data': 3}]"],
            ends: broken("it took 3s"),
            random: Random::Same,
        },
        Variant {
            name: "fixed",
            shows: "the sample: all of them at 1s",
            program: || Box::pin(fixed()),
            output: &["1s Results: [{'data': 1}, {'data': 2}, {'data': 3}]"],
            ends: Ends::Passes,
            random: Random::Same,
        },
        Variant {
            name: "order",
            shows: "3, 1, 2 come as 1, 2, 3 and stay 3, 1, 2",
            program: || Box::pin(order()),
            output: &[
                "1s fetched 1",
                "2s fetched 2",
                "3s fetched 3",
                "3s Results: [{'data': 3}, {'data': 1}, {'data': 2}]",
            ],
            ends: Ends::Passes,
            random: Random::Same,
        },
    ],
};

fn print(results: &[u64]) {
    let shown: Vec<_> = results.iter().map(|value| format!("{{'data': {value}}}")).collect();
    sim::println!("Results: [{}]", shown.join(", "));
}

fn check() {
    assert!(sim::now() == s(1), "it took {}", Moment(sim::now()));
}

async fn bad() {
    let coroutines = [1, 2, 3].map(|value| sim::sleep_with(s(1), value));
    let mut results = Vec::new();
    for coroutine in coroutines {
        results.push(coroutine.await);
    }
    print(&results);
    check();
}

async fn fixed() {
    let fetches = [1, 2, 3].map(|value| sim::sleep_with(s(1), value));
    print(&sim::gather_values(fetches).await.unwrap());
    check();
}

async fn order() {
    let fetches = [3, 1, 2].map(|value| async move {
        sim::sleep(s(value)).await;
        sim::println!("fetched {value}");
        value
    });
    print(&sim::gather_values(fetches).await.unwrap());
}
