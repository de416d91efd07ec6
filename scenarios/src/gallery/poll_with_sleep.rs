//! Tutorial 002, a tip: sleeping until a task is done.

use core::time::Duration;

use sim::{JoinHandle, timeout};

use crate::scenario::{Ends, Moment, Random, Scenario, Variant, broken, ms, s};

pub(super) const SCENARIO: Scenario = Scenario {
    id: "poll-with-sleep",
    title: "Sleeping until it is done",
    tutorial: "002 Tasks, tips \"Avoid Arbitrary Sleeps\" and \"Use Timeouts Wisely\"",
    teaches: "Await the thing itself, with a timeout around it; never sleep and look.",
    claim: None,
    why: "A loop that sleeps and looks sees the end up to one sleep late, and needs a turn for every \
          look. The await resumes at the end itself, and the timeout bounds it.",
    variants: &[
        Variant {
            name: "bad",
            shows: "ends at 2.5s, seen at 3s",
            program: || Box::pin(bad()),
            output: &["1s not yet", "2s not yet", "3s Data: 100"],
            ends: broken("seen 0.5s late"),
            random: Random::Same,
        },
        Variant {
            name: "fixed",
            shows: "awaited: seen at 2.5s",
            program: || Box::pin(fixed()),
            output: &["2.5s Data: 100"],
            ends: Ends::Passes,
            random: Random::Same,
        },
        Variant {
            name: "timeout",
            shows: "a limit of 2s ends the wait at 2s",
            program: || Box::pin(limited()),
            output: &["2s Task took too long."],
            ends: Ends::Passes,
            random: Random::Same,
        },
    ],
};

fn fetch() -> JoinHandle<(u32, Duration)> {
    sim::spawn(async {
        sim::sleep(ms(2_500)).await;
        (100, sim::now())
    })
    .named("fetch")
}

fn print((data, came): (u32, Duration)) {
    sim::println!("Data: {data}");
    let late = sim::now() - came;
    assert!(late.is_zero(), "seen {} late", Moment(late));
}

async fn bad() {
    let task = fetch();
    sim::sleep(s(1)).await;
    while !task.is_finished() {
        sim::println!("not yet");
        sim::sleep(s(1)).await;
    }
    print(task.await.unwrap());
}

async fn fixed() {
    print(timeout(s(5), fetch()).await.expect("it ends in time").unwrap());
}

async fn limited() {
    match timeout(s(2), fetch()).await {
        Ok(data) => print(data.unwrap()),
        Err(_elapsed) => sim::println!("Task took too long."),
    }
}
