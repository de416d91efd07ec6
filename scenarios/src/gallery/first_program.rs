//! Tutorial 001, the first sample: an entry point, and a function that was only called.

use std::cell::Cell;
use std::rc::Rc;

use crate::scenario::{Ends, Random, Scenario, Variant, broken};

pub(super) const SCENARIO: Scenario = Scenario {
    id: "first-program",
    title: "The first program",
    tutorial: "001 Getting Started, sample 1",
    teaches: "Calling an async function runs nothing; awaiting or spawning it does.",
    claim: Some("When you define a function with `async def`, it becomes a coroutine."),
    why: "The function is no coroutine: calling it makes one, and that one is lazy. As printed the \
          sample raises NameError, for want of `import asyncio`.",
    variants: &[
        Variant {
            name: "sample",
            shows: "runs, and prints nothing",
            program: || Box::pin(sample()),
            output: &[],
            ends: Ends::Passes,
            random: Random::Same,
        },
        Variant {
            name: "bad",
            shows: "called and not awaited: it never runs",
            program: || Box::pin(bad()),
            output: &[],
            ends: broken("greet() was called and did not run"),
            random: Random::Same,
        },
        Variant {
            name: "fixed",
            shows: "awaited: it runs",
            program: || Box::pin(fixed()),
            output: &["0s hello"],
            ends: Ends::Passes,
            random: Random::Same,
        },
    ],
};

async fn sample() {}

async fn greet(ran: Rc<Cell<bool>>) {
    sim::println!("hello");
    ran.set(true);
}

async fn bad() {
    let ran = Rc::new(Cell::new(false));
    let coroutine = greet(ran.clone());
    drop(coroutine);
    assert!(ran.get(), "greet() was called and did not run");
}

async fn fixed() {
    let ran = Rc::new(Cell::new(false));
    greet(ran.clone()).await;
    assert!(ran.get(), "greet() was awaited and did not run");
}
