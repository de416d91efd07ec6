//! Tutorial 002, the cancelling sample, when it is the caller that is cancelled.

use std::cell::Cell;
use std::rc::Rc;

use sim::{JoinHandle, catch_cancel, finally};

use crate::scenario::{Ends, Random, Scenario, Variant, broken, s};

pub(super) const SCENARIO: Scenario = Scenario {
    id: "whose-cancel",
    title: "Whose cancellation is it?",
    tutorial: "002 Tasks, \"Canceling Tasks\"",
    teaches: "`except CancelledError` also catches the request to cancel yourself.",
    claim: Some("except asyncio.CancelledError: print(\"Task was already canceled.\")"),
    why: "The request was for the caller. The branch swallows it and says something false of the \
          task, which runs on. While the caller awaits a task, a request goes inward to that task, \
          and there it interrupts even a cleanup.",
    variants: &[
        Variant {
            name: "bad",
            shows: "\"already canceled\", and the fetch runs on",
            program: || Box::pin(bad()),
            output: &[
                "1s Task was already canceled.",
                "1s the caller swallowed its own cancellation",
                "10s the fetch finished",
            ],
            ends: broken("the fetch was said to be cancelled and ran on"),
            random: Random::Same,
        },
        Variant {
            name: "in-cleanup",
            shows: "a second cancel cuts the cleanup short",
            program: || Box::pin(in_cleanup()),
            output: &["2s slow: cleaning", "3s Task was canceled."],
            ends: broken("the cleanup was cut short"),
            random: Random::Same,
        },
        Variant {
            name: "fixed",
            shows: "passes its cancellation on, and lets it go on",
            program: || Box::pin(fixed()),
            output: &["1s the fetch was cancelled too", "1s the caller was cancelled"],
            ends: Ends::Passes,
            random: Random::Same,
        },
    ],
};

/// The sample: cancels the task after two seconds.
async fn caller(task: JoinHandle<()>) {
    let outer = catch_cancel(async {
        sim::sleep(s(2)).await;
        task.cancel();
        if catch_cancel(task.propagate()).await.is_err() {
            sim::println!("Task was canceled.");
        }
    });
    if outer.await.is_err() {
        sim::println!("Task was already canceled.");
    }
}

async fn bad() {
    let fetch = sim::spawn(sim::sleep(s(10))).named("fetch");
    let caller = sim::spawn(caller(fetch.clone())).named("caller");
    sim::sleep(s(1)).await;
    caller.cancel();
    if caller.await.is_ok() {
        sim::println!("the caller swallowed its own cancellation");
    }
    let ran_on = fetch.await.is_ok();
    sim::println!("the fetch finished");
    assert!(!ran_on, "the fetch was said to be cancelled and ran on");
}

async fn in_cleanup() {
    let cleaned = Rc::new(Cell::new(false));
    let slow = sim::spawn(finally(sim::sleep(s(10)), {
        let cleaned = cleaned.clone();
        move || async move {
            sim::println!("slow: cleaning");
            sim::sleep(s(3)).await;
            sim::println!("slow: cleaned");
            cleaned.set(true);
        }
    }))
    .named("slow");
    let caller = sim::spawn(caller(slow)).named("caller");
    sim::sleep(s(3)).await;
    caller.cancel();
    caller.await.unwrap();
    assert!(cleaned.get(), "the cleanup was cut short");
}

async fn fixed() {
    let fetch = sim::spawn(sim::sleep(s(10))).named("fetch");
    let task = fetch.clone();
    let caller = sim::spawn(finally(sim::sleep(s(2)), move || async move {
        // On every way out, and nothing is caught: the request goes on outward.
        task.cancel();
        if task.await.is_err_and(|error| error.is_cancelled()) {
            sim::println!("the fetch was cancelled too");
        }
    }))
    .named("caller");
    sim::sleep(s(1)).await;
    caller.cancel();
    if caller.await.is_err_and(|error| error.is_cancelled()) {
        sim::println!("the caller was cancelled");
    }
    assert!(fetch.await.is_err(), "the fetch ran on");
}
