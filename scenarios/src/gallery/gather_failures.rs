//! One of several fails: what becomes of the others.

use std::cell::Cell;
use std::rc::Rc;

use sim::{TaskGroup, catch_cancel};

use crate::scenario::{Ends, Random, Scenario, Variant, broken, s};

pub(super) const SCENARIO: Scenario = Scenario {
    id: "gather-failures",
    title: "One of several fails",
    tutorial: "004 Gather, sample 2 and tip 1",
    teaches: "`gather` raises the first error, and the siblings run on.",
    claim: Some("`return_exceptions=True` … without stopping the execution of other tasks."),
    why: "Nothing stops them either way: the flag only decides whether gather waits for them. If main \
          returns, the end of the run cancels them. A task group cancels them itself, and waits \
          until they have ended.",
    variants: &[
        Variant {
            name: "bad",
            shows: "error at 0s, a sibling saves at 1s",
            program: || Box::pin(bad()),
            output: &["0s An error occurred: No data found", "1s saved 1", "1s saved 2"],
            ends: broken("2 siblings ran on after the error"),
            random: Random::SameEnd,
        },
        Variant {
            name: "main-leaves",
            shows: "main returns: run() cancels the siblings",
            program: || Box::pin(main_leaves()),
            output: &[
                "0s An error occurred: No data found",
                "0s 1 was cancelled",
                "0s 2 was cancelled",
            ],
            ends: Ends::Passes,
            random: Random::SameEnd,
        },
        Variant {
            name: "as-values",
            shows: "waits for all: errors as values at 1s",
            program: || Box::pin(return_exceptions()),
            output: &["1s saved 1", "1s saved 2", "1s Results: [1, 2, Exception('No data found')]"],
            ends: Ends::Passes,
            random: Random::SameEnd,
        },
        Variant {
            name: "fixed",
            shows: "a group: siblings cancelled, then the error",
            program: || Box::pin(fixed()),
            output: &[
                "0s 1 was cancelled",
                "0s 2 was cancelled",
                "0s An error occurred: No data found",
            ],
            ends: Ends::Passes,
            random: Random::SameEnd,
        },
    ],
};

/// How many values were saved.
type Saved = Rc<Cell<u32>>;

async fn fetch_and_save(value: u32, saved: Saved) -> Result<u32, &'static str> {
    if value == 0 {
        return Err("No data found");
    }
    match catch_cancel(sim::sleep(s(1))).await {
        Ok(()) => {
            sim::println!("saved {value}");
            saved.set(saved.get() + 1);
            Ok(value)
        }
        Err(cancelled) => {
            sim::println!("{value} was cancelled");
            match cancelled.resume().await {}
        }
    }
}

/// The sample without its flag, with something to see of each fetch.
async fn gather(saved: &Saved) {
    let fetches = [1, 2, 0].map(|value| fetch_and_save(value, saved.clone()));
    match sim::gather(fetches).await {
        Ok(results) => sim::println!("Results: {results:?}"),
        Err(error) => {
            sim::println!("An error occurred: {}", error.error.failed().expect("it failed"));
        }
    }
}

async fn bad() {
    let saved = Saved::default();
    gather(&saved).await;
    sim::sleep(s(2)).await;
    assert!(saved.get() == 0, "{} siblings ran on after the error", saved.get());
}

async fn main_leaves() {
    gather(&Saved::default()).await;
}

async fn return_exceptions() {
    let saved = Saved::default();
    let fetches = [1, 2, 0].map(|value| fetch_and_save(value, saved.clone()));
    let results = sim::gather(fetches).return_exceptions().await;
    let shown: Vec<_> = results
        .iter()
        .map(|result| match result {
            Ok(value) => value.to_string(),
            Err(error) => format!("Exception('{}')", error.failed().expect("it failed")),
        })
        .collect();
    sim::println!("Results: [{}]", shown.join(", "));
    assert_eq!(saved.get(), 2);
}

async fn fixed() {
    let saved = Saved::default();
    let group = TaskGroup::scope(|group| {
        let saved = saved.clone();
        async move {
            for value in [1, 2, 0] {
                drop(group.spawn(fetch_and_save(value, saved.clone())));
            }
            Ok(())
        }
    });
    let error = group.await.expect_err("one of them fails");
    for failed in error.failed() {
        sim::println!("An error occurred: {failed}");
    }
    sim::sleep(s(2)).await;
    assert!(saved.get() == 0, "{} siblings ran on after the error", saved.get());
}
