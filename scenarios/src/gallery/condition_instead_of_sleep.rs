//! Tutorial 005, tip 5: a condition in place of a sleep, and how not to wait for it.

use core::time::Duration;
use std::rc::Rc;

use sim::sync::Condition;

use crate::scenario::{Ends, Moment, Random, Scenario, Variant, broken, ms, s};

pub(super) const SCENARIO: Scenario = Scenario {
    id: "condition-instead-of-sleep",
    title: "A condition instead of a sleep",
    tutorial: "005 Sleep, tip 5",
    teaches: "Wait for a condition on the data; a notification alone is not kept.",
    claim: None,
    why: "A consumer that sleeps and looks takes each item late. One that waits for the next \
          notification without looking first misses the one that came before, and waits for ever. \
          `wait_for` looks first, and again after every notification.",
    variants: &[
        Variant {
            name: "bad",
            shows: "sleeps and looks: items up to 0.8s late",
            program: || Box::pin(bad()),
            output: &[
                "0.4s put 0",
                "0.8s put 1",
                "1s took 0",
                "1s took 1",
                "1.2s put 2",
                "2s took 2",
            ],
            ends: broken("0.8s late"),
            random: Random::Same,
        },
        Variant {
            name: "unchecked",
            shows: "waits without looking: a deadlock",
            program: || Box::pin(unchecked()),
            output: &["0.4s put 0"],
            ends: Ends::Fails { rule: "SIM002", says: "main can never run again" },
            random: Random::Same,
        },
        Variant {
            name: "fixed",
            shows: "wait_for: each item when it comes",
            program: || Box::pin(fixed()),
            output: &[
                "0.4s put 0",
                "0.4s took 0",
                "0.8s put 1",
                "0.8s took 1",
                "1.2s put 2",
                "1.2s took 2",
            ],
            ends: Ends::Passes,
            random: Random::Same,
        },
    ],
};

/// What was put and not yet taken: the item, and when it came.
type Stock = Rc<Condition<Vec<(u32, Duration)>>>;

fn stock(items: u32) -> Stock {
    let stock = Rc::new(Condition::new(Vec::new()).named("stock"));
    let producer = stock.clone();
    drop(
        sim::spawn(async move {
            for item in 0..items {
                sim::sleep(ms(400)).await;
                let mut stock = producer.lock().await;
                sim::println!("put {item}");
                stock.push((item, sim::now()));
                stock.notify_one();
            }
        })
        .named("producer"),
    );
    stock
}

fn take((item, came): (u32, Duration)) -> Duration {
    sim::println!("took {item}");
    sim::now() - came
}

fn check(late: Duration) {
    assert!(late.is_zero(), "{} late", Moment(late));
}

async fn bad() {
    let stock = stock(3);
    let (mut taken, mut late) = (0, Duration::ZERO);
    while taken < 3 {
        sim::sleep(s(1)).await;
        for item in stock.lock().await.drain(..) {
            taken += 1;
            late = late.max(take(item));
        }
    }
    check(late);
}

async fn unchecked() {
    let stock = stock(1);
    sim::sleep(s(1)).await;
    let mut stock = stock.lock().await.wait().await;
    check(take(stock.remove(0)));
}

async fn fixed() {
    let stock = stock(3);
    for _ in 0..3 {
        let mut stock = stock.lock().await.wait_for(|stock| !stock.is_empty()).await;
        check(take(stock.remove(0)));
    }
}
