//! test_runners.

use std::cell::Cell;
use std::rc::Rc;

use sim::{FailureKind, Sim, catch_cancel, finally, note, sleep, spawn, try_spawn, yield_now};

use super::{fifo, forever, raises, secs};

super::covered![asyncio_run_cancels_hanging_tasks, asyncio_run_reports_hanging_tasks_errors];

#[test]
fn asyncio_run_cancels_hanging_tasks() {
    let cleaned = Rc::new(Cell::new(false));
    let task = Rc::clone(&cleaned);
    fifo(
        || async move {
            drop(spawn(finally(forever(), move || async move {
                note!("cleans");
                sleep(secs(3)).await;
                note!("is clean");
                task.set(true);
            })));
            yield_now().await;
            note!("main ends");
        },
        &["0 main ends", "0 cleans", "3 is clean"],
    );
    assert!(cleaned.get());
    // A task that is started in the last step has its first one before it is cancelled.
    fifo(
        || async {
            drop(spawn(async {
                note!("begins");
                note!("raised {}", raises(yield_now()).await);
            }));
        },
        &["0 begins", "0 raised true"],
    );
}

#[test]
fn asyncio_run_reports_hanging_tasks_errors() {
    // CPython's handler is told of it, and `run` returns; here the run fails, after the shutdown
    // of all tasks.
    let failure = Sim::new()
        .run(|| async {
            drop(try_spawn(async {
                drop(catch_cancel(forever()).await);
                Err::<(), _>("in the cleanup")
            }));
            drop(spawn(finally(forever(), || async {
                sleep(secs(1)).await;
                note!("the other one is clean");
            })));
            yield_now().await;
        })
        .unwrap_err();
    assert!(
        matches!(failure.kind(), FailureKind::UnobservedError { message, .. }
            if message.contains("in the cleanup")),
        "{failure}"
    );
    assert_eq!(failure.elapsed(), secs(1));
    failure.trace().assert_order(["the other one is clean"]);
}
