//! test_futures. What asyncio says of a future holds here for a task, its only future.

use std::rc::Rc;

use sim::sync::Event;
use sim::{FailureKind, Sim, note, spawn, try_spawn, yield_now};

use super::{fifo, forever, secs};

super::covered![cancel, callbacks_invoked_on_set_result, tb_logger_exception_unretrieved];

#[test]
fn cancel() {
    fifo(
        || async {
            let task = spawn(forever());
            yield_now().await;
            // CPython: `InvalidStateError` while it is pending; here there is no result yet.
            note!("result yet: {}", task.try_result().is_some());
            note!("cancel {}", task.cancel());
            yield_now().await;
            note!("done {}", task.is_finished());
            // Asking again gives the same, as often as one likes.
            for _ in 0..2 {
                note!("{}", (&task).await.unwrap_err().is_cancelled());
            }
            note!("cancel {}", task.cancel());
        },
        &[
            "0 result yet: false",
            "0 cancel true",
            "0 done true",
            "0 true",
            "0 true",
            "0 cancel false",
        ],
    );
}

#[test]
fn callbacks_invoked_on_set_result() {
    // Callbacks are not public; waiters stand in the same list, and are called the same way.
    fifo(
        || async {
            let future = Rc::new(Event::new());
            let waiters: Vec<_> = (1..=3)
                .map(|waiter| {
                    let future = Rc::clone(&future);
                    spawn(async move {
                        future.wait().await;
                        note!("waiter {waiter}");
                    })
                })
                .collect();
            yield_now().await;
            future.set();
            drop(spawn(async { note!("queued after") }));
            note!("set"); // nobody has run inside `set`
            for waiter in waiters {
                waiter.await.unwrap();
            }
        },
        &["0 set", "0 waiter 1", "0 waiter 2", "0 waiter 3", "0 queued after"],
    );
}

#[test]
fn tb_logger_exception_unretrieved() {
    // CPython logs when the object dies; here the run fails.
    let failure = Sim::new()
        .run(|| async {
            let task = try_spawn(async { Err::<(), _>("nobody looks") });
            yield_now().await;
            assert!(task.is_finished());
            note!("failed, and still held");
            drop(task);
            sim::sleep(secs(1)).await;
        })
        .unwrap_err();
    assert!(
        matches!(failure.kind(), FailureKind::UnobservedError { message, .. }
            if message.contains("nobody looks")),
        "{failure}"
    );
    // Looked at, it is no failure.
    Sim::new()
        .run(|| async {
            let task = try_spawn(async { Err::<(), _>("seen") });
            assert_eq!(task.await.unwrap(), Err("seen"));
        })
        .unwrap();
}
