//! Tutorial 001, the program of samples 2 to 4: results in the order of the awaits.

use core::time::Duration;

use crate::scenario::{Ends, Moment, Random, Scenario, Variant, broken, ms, s};

pub(super) const SCENARIO: Scenario = Scenario {
    id: "fetch-and-count",
    title: "Fetch and count",
    tutorial: "001 Getting Started, samples 2 to 4",
    teaches: "Tasks overlap, but what stands behind an await has to wait for it.",
    claim: Some(
        "`await task1` waits for `fetch_data` to complete … print(\"Data received:\", data)",
    ),
    why: "The data is there at 2s, but the line that prints it stands behind `await task2`, which \
          takes until 5s. Use a result where it arrives.",
    variants: &[
        Variant {
            name: "bad",
            shows: "data there at 2s, printed at 5s",
            program: || Box::pin(bad()),
            output: &[
                "0s Fetching data...",
                "0.5s 0",
                "1s 1",
                "1.5s 2",
                "2s 3",
                "2.5s 4",
                "3s 5",
                "3.5s 6",
                "4s 7",
                "4.5s 8",
                "5s 9",
                "5s Data received: {'data': 1}",
            ],
            ends: broken("the data was printed 3s after it came"),
            random: Random::Same,
        },
        Variant {
            name: "fixed",
            shows: "printed at 2s, when it comes",
            program: || Box::pin(fixed()),
            output: &[
                "0s Fetching data...",
                "0.5s 0",
                "1s 1",
                "1.5s 2",
                "2s 3",
                "2s Data received: {'data': 1}",
                "2.5s 4",
                "3s 5",
                "3.5s 6",
                "4s 7",
                "4.5s 8",
                "5s 9",
            ],
            ends: Ends::Passes,
            random: Random::SameEnd,
        },
    ],
};

struct Data {
    id: u32,
    came: Duration,
}

async fn fetch_data(id: u32) -> Data {
    sim::println!("Fetching data...");
    sim::sleep(s(2)).await;
    Data { id, came: sim::now() }
}

async fn counter() {
    for i in 0..10 {
        sim::sleep(ms(500)).await;
        sim::println!("{i}");
    }
}

fn print(data: &Data) {
    sim::println!("Data received: {{'data': {}}}", data.id);
    let late = sim::now() - data.came;
    assert!(late.is_zero(), "the data was printed {} after it came", Moment(late));
}

async fn bad() {
    let task1 = sim::spawn(fetch_data(1)).named("fetch");
    let task2 = sim::spawn(counter()).named("counter");
    let data = task1.await.unwrap();
    task2.await.unwrap();
    print(&data);
}

async fn fixed() {
    let task1 = sim::spawn(fetch_data(1)).named("fetch");
    let task2 = sim::spawn(counter()).named("counter");
    print(&task1.await.unwrap());
    task2.await.unwrap();
    assert_eq!(sim::now(), s(5), "the two did not overlap");
}
