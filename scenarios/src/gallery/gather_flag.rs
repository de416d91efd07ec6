//! Tutorial 004, the second sample: a flag with nearly the right name.

use core::cell::Cell;

use crate::scenario::{Ends, Random, Scenario, Variant, broken, s};

pub(super) const SCENARIO: Scenario = Scenario {
    id: "gather-flag",
    title: "return_exception is not return_exceptions",
    tutorial: "004 Gather, sample 2",
    teaches: "The sample never raises: its flag is its own, not gather's.",
    claim: Some("except Exception as e: print(\"An error occurred:\", str(e))"),
    why: "`fetch_data(0, return_exception=True)` returns a dict with the exception in it, which to \
          gather is a value like any other. Without the flag the error comes out at 0s.",
    variants: &[
        Variant {
            name: "bad",
            shows: "1s: results, and no error is handled",
            program: || Box::pin(bad()),
            output: &[
                "1s Results: [{'data': 1}, {'data': 2}, {'exception': Exception('No data found')}]",
            ],
            ends: broken("no error was handled"),
            random: Random::Same,
        },
        Variant {
            name: "fixed",
            shows: "without the flag: the error at 0s",
            program: || Box::pin(fixed()),
            output: &["0s An error occurred: No data found"],
            ends: Ends::Passes,
            random: Random::Same,
        },
    ],
};

async fn fetch_data(value: u32, return_exception: bool) -> Result<String, String> {
    if value == 0 {
        let error = "No data found".to_owned();
        return if return_exception {
            Ok(format!("{{'exception': Exception('{error}')}}"))
        } else {
            Err(error)
        };
    }
    sim::sleep(s(1)).await;
    Ok(format!("{{'data': {value}}}"))
}

async fn sample(flag: bool) {
    let handled = Cell::new(false);
    let tasks = [fetch_data(1, false), fetch_data(2, false), fetch_data(0, flag)];
    match sim::gather(tasks).await {
        Ok(results) => sim::println!("Results: [{}]", results.join(", ")),
        Err(error) => {
            sim::println!("An error occurred: {}", error.error.failed().expect("it failed"));
            handled.set(true);
        }
    }
    assert!(handled.get(), "no error was handled");
}

async fn bad() {
    sample(true).await;
}

async fn fixed() {
    sample(false).await;
}
