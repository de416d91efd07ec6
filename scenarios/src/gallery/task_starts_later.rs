//! Tutorial 002, the walkthrough: when a task begins.

use core::time::Duration;

use crate::scenario::{Ends, Moment, Random, Scenario, Variant, broken, ms, s};

pub(super) const SCENARIO: Scenario = Scenario {
    id: "task-starts-later",
    title: "A task starts later",
    tutorial: "002 Tasks, samples 1 to 4",
    teaches: "`create_task` only queues a task: it begins when its maker gives up control.",
    claim: Some("Tasks … schedule them to run on the event loop as soon as possible."),
    why: "The maker keeps the thread until it awaits something that suspends. `sleep(0)` gives one \
          turn away, which is enough first-in-first-out only; a real wait is enough always.",
    variants: &[
        Variant {
            name: "sample",
            shows: "'Doing something else...' comes first",
            program: || Box::pin(sample()),
            output: &[
                "0s Doing something else...",
                "0s Fetching data...",
                "1s Doing something else again...",
                "10s Data: {'id': 100, 'data': 'Some data'}",
            ],
            ends: Ends::Passes,
            random: Random::Same,
        },
        Variant {
            name: "awaited",
            shows: "awaited at once: as a plain call",
            program: || Box::pin(awaited()),
            output: &["0s Fetching data...", "10s Data: {'id': 100, 'data': 'Some data'}"],
            ends: Ends::Passes,
            random: Random::Same,
        },
        Variant {
            name: "bad",
            shows: "3s of work first: it starts at 3s",
            program: || Box::pin(bad()),
            output: &["3s Fetching data...", "13s Data: {'id': 100, 'data': 'Some data'}"],
            ends: broken("the task started at 3s"),
            random: Random::Same,
        },
        Variant {
            name: "turn",
            shows: "sleep(0) first: enough in fifo, not always",
            program: || Box::pin(turn()),
            output: &["0s Fetching data...", "10s Data: {'id': 100, 'data': 'Some data'}"],
            ends: Ends::Passes,
            random: Random::Either { fails: broken("the task started at 3s"), seed: 0 },
        },
        Variant {
            name: "fixed",
            shows: "a real wait first: it starts at 0s",
            program: || Box::pin(fixed()),
            output: &["0s Fetching data...", "10s Data: {'id': 100, 'data': 'Some data'}"],
            ends: Ends::Passes,
            random: Random::Same,
        },
    ],
};

struct Data {
    id: u32,
    began: Duration,
}

async fn fetch_data(id: u32) -> Data {
    sim::println!("Fetching data...");
    let began = sim::now();
    sim::sleep(s(10)).await;
    Data { id, began }
}

fn print(data: &Data) {
    sim::println!("Data: {{'id': {}, 'data': 'Some data'}}", data.id);
}

async fn sample() {
    let task = sim::spawn(fetch_data(100)).named("fetch");
    sim::println!("Doing something else...");
    sim::sleep(s(1)).await;
    sim::println!("Doing something else again...");
    print(&task.await.unwrap());
}

async fn awaited() {
    let task = sim::spawn(fetch_data(100)).named("fetch");
    print(&task.await.unwrap());
}

async fn work_and_take(task: sim::JoinHandle<Data>) {
    sim::busy(s(3));
    let data = task.await.unwrap();
    print(&data);
    assert!(data.began.is_zero(), "the task started at {}", Moment(data.began));
}

async fn bad() {
    let task = sim::spawn(fetch_data(100)).named("fetch");
    work_and_take(task).await;
}

async fn turn() {
    let task = sim::spawn(fetch_data(100)).named("fetch");
    sim::yield_now().await;
    work_and_take(task).await;
}

async fn fixed() {
    let task = sim::spawn(fetch_data(100)).named("fetch");
    sim::sleep(ms(1)).await;
    work_and_take(task).await;
}
