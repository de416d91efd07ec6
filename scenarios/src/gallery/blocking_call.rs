//! Tutorials 001, 003 and 004, a tip: a blocking call in place of `sleep`.

use crate::scenario::{Ends, Moment, Random, Scenario, Variant, broken, ms, s};

pub(super) const SCENARIO: Scenario = Scenario {
    id: "blocking-call",
    title: "A blocking call instead of sleep",
    tutorial: "001 Getting Started, tip 2; 003, tip 4; 004, the last tip",
    teaches: "A blocking call stops every task of the loop, not just its own.",
    claim: None,
    why: "`time.sleep(2)` keeps the thread, so the counter cannot even begin. Await instead, or \
          hand the call to a thread.",
    variants: &[
        Variant {
            name: "bad",
            shows: "the first count comes at 2.5s",
            program: || Box::pin(bad()),
            output: &["0s Fetching data...", "2.5s 0", "3s 1", "3.5s 2"],
            ends: broken("the first count came at 2"),
            random: Random::SameEnd,
        },
        Variant {
            name: "fixed",
            shows: "the first count comes at 0.5s",
            program: || Box::pin(fixed()),
            output: &["0s Fetching data...", "0.5s 0", "1s 1", "1.5s 2"],
            ends: Ends::Passes,
            random: Random::Same,
        },
        Variant {
            name: "pool",
            shows: "the same call in a thread: 0.5s, too",
            program: || Box::pin(pool()),
            output: &["0s Fetching data...", "0.5s 0", "1s 1", "1.5s 2"],
            ends: Ends::Passes,
            random: Random::Same,
        },
    ],
};

async fn count() {
    let mut first = None;
    for i in 0..3 {
        sim::sleep(ms(500)).await;
        sim::println!("{i}");
        first.get_or_insert(sim::now());
    }
    let first = first.unwrap_or_default();
    assert!(first == ms(500), "the first count came at {}", Moment(first));
}

async fn bad() {
    let fetch = sim::spawn(async {
        sim::println!("Fetching data...");
        sim::busy(s(2)); // time.sleep(2)
    })
    .named("fetch");
    let counter = sim::spawn(count()).named("counter");
    fetch.await.unwrap();
    counter.await.unwrap();
}

async fn fixed() {
    let fetch = sim::spawn(async {
        sim::println!("Fetching data...");
        sim::sleep(s(2)).await;
    })
    .named("fetch");
    let counter = sim::spawn(count()).named("counter");
    fetch.await.unwrap();
    counter.await.unwrap();
}

async fn pool() {
    let fetch = sim::spawn(async {
        sim::println!("Fetching data...");
        sim::run_blocking(s(2), || ()).await;
    })
    .named("fetch");
    let counter = sim::spawn(count()).named("counter");
    fetch.await.unwrap();
    counter.await.unwrap();
    assert_eq!(sim::now(), s(2));
}
