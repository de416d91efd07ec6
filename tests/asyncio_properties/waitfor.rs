//! test_waitfor.

use std::rc::Rc;
use std::time::Duration;

use sim::sync::Event;
use sim::{catch_cancel, finally, note, sleep, spawn, try_spawn, wait_for, yield_now};

use super::{anywhere, fifo, forever, millis, raises, secs};

super::covered![
    wait_for_timeout_less_then_0_or_0_coroutine_do_not_started,
    wait_for_waits_for_task_cancellation,
    wait_for_reraises_exception_during_cancellation,
    cancel_wait_for,
    wait_for_cancel_suppressed,
    wait_for_issue86296,
];

#[test]
fn wait_for_timeout_less_then_0_or_0_coroutine_do_not_started() {
    anywhere(
        || async {
            let task = spawn(async { note!("started") });
            let result = wait_for(task, Duration::ZERO).await;
            note!("elapsed {}", result.unwrap_err().is_elapsed());
        },
        &["0 elapsed true"],
    );
}

#[test]
fn wait_for_waits_for_task_cancellation() {
    anywhere(
        || async {
            let task = spawn(finally(forever(), || async {
                sleep(secs(4)).await;
                note!("clean");
            }));
            let result = wait_for(task, secs(5)).await;
            note!("elapsed {}", result.unwrap_err().is_elapsed());
        },
        &["9 clean", "9 elapsed true"],
    );
}

#[test]
fn wait_for_reraises_exception_during_cancellation() {
    anywhere(
        || async {
            let task = try_spawn(async {
                drop(catch_cancel(forever()).await);
                Err::<(), _>("in the cleanup")
            });
            let result = wait_for(task, secs(1)).await;
            note!("{:?}", result.unwrap());
        },
        &["1 Err(\"in the cleanup\")"],
    );
}

#[test]
fn cancel_wait_for() {
    fifo(
        || async {
            let inner = spawn(async {
                note!("inner raised {}", raises(forever()).await);
                sim::task::raise_cancelled().await;
            });
            let watched = inner.clone();
            let waiter = spawn(async { drop(wait_for(inner, secs(60)).await) });
            sleep(secs(1)).await;
            note!("cancel {}", waiter.cancel());
            note!("waiter cancelled {}", waiter.await.unwrap_err().is_cancelled());
            note!("inner cancelled {}", watched.await.unwrap_err().is_cancelled());
        },
        &[
            "1 cancel true",
            "1 inner raised true",
            "1 waiter cancelled true",
            "1 inner cancelled true",
        ],
    );
}

#[test]
fn wait_for_cancel_suppressed() {
    anywhere(
        || async {
            let task = spawn(async {
                drop(catch_cancel(sleep(secs(10))).await);
                42
            });
            note!("{}", wait_for(task, millis(100)).await.unwrap());
        },
        &["0.1 42"],
    );
}

#[test]
fn wait_for_issue86296() {
    fifo(
        || async {
            let inner = spawn(async { "done" });
            let kept = inner.clone();
            let task = spawn(async {
                note!("begins");
                note!("{}", wait_for(inner, secs(100)).await.unwrap());
                sleep(secs(1)).await;
                note!("reached the end");
            });
            yield_now().await;
            note!("inner done {}", kept.is_finished());
            task.cancel();
            note!("task cancelled {}", task.await.unwrap_err().is_cancelled());
        },
        &["0 begins", "0 done", "0 inner done true", "0 task cancelled true"],
    );
    // The same one pass earlier: the inner task has ended, and its awaiter does not know yet.
    fifo(
        || async {
            let go = Rc::new(Event::new());
            let inner = spawn({
                let go = Rc::clone(&go);
                async move {
                    go.wait().await;
                    note!("inner ends");
                    "done"
                }
            });
            let kept = inner.clone();
            let task = spawn(async {
                drop(wait_for(inner, secs(100)).await);
                note!("went on");
            });
            yield_now().await;
            yield_now().await;
            go.set();
            drop(spawn({
                let (task, kept) = (task.abort_handle(), kept.abort_handle());
                async move { note!("inner done {}, cancel {}", kept.is_finished(), task.cancel()) }
            }));
            note!("task cancelled {}", task.await.unwrap_err().is_cancelled());
            note!("{}", kept.await.unwrap()); // nobody has taken it
        },
        &["0 inner ends", "0 inner done true, cancel true", "0 task cancelled true", "0 done"],
    );
}
