//! A task that is cancelled while it sleeps: its cleanup lost, and kept.

use std::cell::Cell;
use std::rc::Rc;

use sim::{JoinHandle, finally};

use crate::scenario::{Ends, Random, Scenario, Variant, broken, ms, s};

pub(super) const SCENARIO: Scenario = Scenario {
    id: "cancel-at-sleep",
    title: "Cancelled at a sleep",
    tutorial: "003 Important!, tip 3",
    teaches: "Code after an await may never run: cleanup belongs into finally or a guard.",
    claim: Some("… catch `asyncio.CancelledError` and perform any necessary cleanup operations."),
    why: "The request ends the await itself, so what stands behind it is skipped. `finally` runs on \
          every way out and may await; a destructor runs even if the task is aborted.",
    variants: &[
        Variant {
            name: "bad",
            shows: "cleanup behind the sleep: lost",
            program: || Box::pin(cancelled(behind)),
            output: &["0s opened", "0.5s cancel"],
            ends: broken("the file was left open"),
            random: Random::Same,
        },
        Variant {
            name: "fixed",
            shows: "finally: flushed, and closed at 0.7s",
            program: || Box::pin(cancelled(in_finally)),
            output: &["0s opened", "0.5s cancel", "0.5s flushing", "0.7s closed"],
            ends: Ends::Passes,
            random: Random::Same,
        },
        Variant {
            name: "aborted",
            shows: "abort() drops it: finally is lost, too",
            program: || Box::pin(aborted(in_finally)),
            output: &["0s opened", "0.5s abort"],
            ends: broken("the file was left open"),
            random: Random::Same,
        },
        Variant {
            name: "guard",
            shows: "a guard closes it even then",
            program: || Box::pin(aborted(with_guard)),
            output: &["0s opened", "0.5s abort", "0.5s closed"],
            ends: Ends::Passes,
            random: Random::Same,
        },
    ],
};

/// Whether the file is open.
type File = Rc<Cell<bool>>;

fn open(file: &File) {
    file.set(true);
    sim::println!("opened");
}

fn close(file: &File) {
    file.set(false);
    sim::println!("closed");
}

fn behind(file: File) -> JoinHandle<()> {
    sim::spawn(async move {
        open(&file);
        sim::sleep(s(1)).await;
        close(&file);
    })
}

fn in_finally(file: File) -> JoinHandle<()> {
    let body = {
        let file = file.clone();
        async move {
            open(&file);
            sim::sleep(s(1)).await;
        }
    };
    sim::spawn(finally(body, || async move {
        sim::println!("flushing");
        sim::sleep(ms(200)).await;
        close(&file);
    }))
}

fn with_guard(file: File) -> JoinHandle<()> {
    struct Closing(File);
    impl Drop for Closing {
        fn drop(&mut self) {
            close(&self.0);
        }
    }
    sim::spawn(async move {
        open(&file);
        let _closing = Closing(file);
        sim::sleep(s(1)).await;
    })
}

async fn cancelled(start: fn(File) -> JoinHandle<()>) {
    let file = File::default();
    let task = start(file.clone()).named("writer");
    sim::sleep(ms(500)).await;
    sim::println!("cancel");
    task.cancel();
    assert!(task.await.is_err_and(|error| error.is_cancelled()));
    assert!(!file.get(), "the file was left open");
}

async fn aborted(start: fn(File) -> JoinHandle<()>) {
    let file = File::default();
    let task = start(file.clone()).named("writer");
    sim::sleep(ms(500)).await;
    sim::println!("abort");
    task.abort();
    assert!(task.await.is_err_and(|error| error.is_cancelled()));
    assert!(!file.get(), "the file was left open");
}
