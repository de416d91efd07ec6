//! The rules of cancellation, by their rows in the study of asyncio (C01, C02, …).
//!
//! Each program's notes are what CPython 3.13 prints for its twin, in order and time.

use std::time::Duration;

use sim::{JoinHandle, Outcome, Sim, catch_cancel, note, sleep, spawn, yield_now};

const SECOND: Duration = Duration::from_secs(1);

fn notes<T>(outcome: &Outcome<T>) -> Vec<String> {
    outcome
        .trace()
        .notes()
        .map(|(now, _, text)| format!("{}s {text}", now / 1_000_000_000))
        .collect()
}

#[track_caller]
fn check<F, Fut>(program: F, expected: &[&str])
where
    F: FnOnce() -> Fut,
    Fut: Future + 'static,
{
    let outcome = Sim::new().run(program).unwrap();
    assert_eq!(notes(&outcome), expected);
}

#[test]
fn c01_before_the_first_step_nothing_of_the_body_runs() {
    check(
        || async {
            let task = spawn(async { note!("ran") });
            note!("cancel {}", task.cancel());
            note!("{}", task.await.unwrap_err().is_cancelled());
        },
        &["0s cancel true", "0s true"],
    );
}

#[test]
fn c03_c15_the_request_goes_inward_and_cleanups_are_awaited_inner_first() {
    check(
        || async {
            let inner = spawn(async {
                let caught = catch_cancel(sleep(10 * SECOND)).await;
                note!("inner cleans");
                sleep(2 * SECOND).await;
                note!("inner is clean");
                if let Err(cancelled) = caught {
                    cancelled.resume().await;
                }
            });
            let middle = spawn(async move {
                let caught = catch_cancel(inner.propagate()).await;
                note!("middle {}", caught.is_err());
                if let Err(cancelled) = caught {
                    cancelled.resume().await;
                }
            });
            sleep(SECOND).await;
            note!("cancel {} {}", middle.cancel(), middle.cancelling());
            note!("{}", middle.await.unwrap_err());
        },
        &[
            "1s cancel true 1",
            "1s inner cleans",
            "3s inner is clean",
            "3s middle true",
            "3s task `task-2` was cancelled",
        ],
    );
}

#[test]
fn c04_a_request_that_the_inner_task_swallows_is_lost() {
    check(
        || async {
            let inner = spawn(async { catch_cancel(sleep(10 * SECOND)).await.is_err() });
            let outer = spawn(async move {
                let swallowed = inner.propagate().await;
                sleep(SECOND).await;
                swallowed
            });
            yield_now().await;
            yield_now().await;
            outer.cancel();
            let handle = outer.clone();
            note!("{:?} after {} request", outer.await.unwrap(), handle.cancelling());
        },
        &["1s true after 1 request"],
    );
}

#[test]
fn c05_two_requests_before_delivery_are_raised_once() {
    check(
        || async {
            let task = spawn(async {
                note!("{}", catch_cancel(sleep(10 * SECOND)).await.is_err());
                sleep(SECOND).await;
                note!("not raised again");
            });
            yield_now().await;
            task.cancel();
            task.cancel();
            note!("cancelling {}", task.cancelling());
            task.await.unwrap();
        },
        &["0s cancelling 2", "0s true", "1s not raised again"],
    );
}

#[test]
fn c06_a_request_during_cleanup_interrupts_the_cleanup() {
    check(
        || async {
            let task = spawn(async {
                let _ = catch_cancel(sleep(10 * SECOND)).await;
                note!("cleanup");
                if let Err(cancelled) = catch_cancel(sleep(10 * SECOND)).await {
                    note!("interrupted");
                    cancelled.resume().await;
                }
            });
            sleep(SECOND).await;
            task.cancel();
            sleep(SECOND).await;
            task.cancel();
            note!("{}", task.await.unwrap_err());
        },
        &["1s cleanup", "2s interrupted", "2s task `task-1` was cancelled"],
    );
}

#[test]
fn c08_uncancel_takes_back_a_request_that_was_not_raised() {
    check(
        || async {
            let task = spawn(async {
                let me = sim::task::current().unwrap();
                me.cancel();
                note!("left {}", me.uncancel());
                yield_now().await;
                note!("not raised");
            });
            task.await.unwrap();
        },
        &["0s left 0", "0s not raised"],
    );
}

#[test]
fn c11_a_request_against_oneself_waits_for_the_next_suspension() {
    check(
        || async {
            let returns = spawn(async {
                sim::task::current().unwrap().cancel();
                7
            });
            note!("value lost: {}", returns.await.unwrap_err().is_cancelled());
            let suspends = spawn(async {
                let done = spawn(async { 1 });
                yield_now().await;
                sim::task::current().unwrap().cancel();
                note!("a task that has ended does not suspend: {:?}", done.await.unwrap());
                sleep(10 * SECOND).await;
            });
            note!("{}", suspends.await.unwrap_err());
        },
        &[
            "0s value lost: true",
            "0s a task that has ended does not suspend: 1",
            "0s task `task-2` was cancelled",
        ],
    );
}

#[test]
fn c12_a_value_that_was_there_but_not_seen_is_lost() {
    check(
        || async {
            let (sender, receiver) = futures::channel::oneshot::channel();
            let task = spawn(async move { receiver.await.unwrap() });
            yield_now().await;
            sender.send(1).unwrap();
            note!("cancel {}", task.cancel());
            note!("{}", task.await.unwrap_err());
        },
        &["0s cancel true", "0s task `task-1` was cancelled"],
    );
}

#[test]
fn c17_delivery_is_in_the_order_of_the_requests() {
    check(
        || async {
            let tasks: Vec<JoinHandle<()>> = ["A", "B", "C"]
                .map(|name| {
                    spawn(async move {
                        if let Err(cancelled) = catch_cancel(std::future::pending::<()>()).await {
                            note!("{name}");
                            cancelled.resume().await;
                        }
                    })
                })
                .into();
            yield_now().await;
            drop(spawn(async { note!("queued before") }));
            for index in [1, 2, 0] {
                tasks[index].cancel();
            }
            drop(spawn(async { note!("queued after") }));
            yield_now().await;
        },
        &["0s queued before", "0s B", "0s C", "0s A", "0s queued after"],
    );
}

#[test]
fn c18_a_timer_and_a_request_in_one_pass_cancel_wins() {
    for canceller_first in [false, true] {
        let outcome = Sim::new()
            .run(move || async move {
                let sleeper = || spawn(async { sleep(SECOND).await });
                let canceller = |task: JoinHandle<()>| {
                    spawn(async move {
                        sleep(SECOND).await;
                        task.cancel()
                    })
                };
                if canceller_first {
                    let cell = std::rc::Rc::new(std::cell::RefCell::new(None::<JoinHandle<()>>));
                    let target = std::rc::Rc::clone(&cell);
                    let canceller = spawn(async move {
                        sleep(SECOND).await;
                        let task = target.borrow().clone();
                        task.is_some_and(|task| task.cancel())
                    });
                    let task = sleeper();
                    *cell.borrow_mut() = Some(task.clone());
                    canceller.await.unwrap();
                    task.await.is_err()
                } else {
                    let task = sleeper();
                    canceller(task.clone()).await.unwrap();
                    task.await.is_err()
                }
            })
            .unwrap();
        // In CPython the request is made by a timer's own callback, before either task's step;
        // here a task makes it, so that only the sleeper that wakes later can still be cancelled.
        assert_eq!(*outcome.value(), canceller_first);
    }
}

#[test]
fn abort_is_not_caught_and_runs_destructors() {
    struct Guard;
    impl Drop for Guard {
        fn drop(&mut self) {
            note!("dropped");
        }
    }
    check(
        || async {
            let task = spawn(async {
                let _guard = Guard;
                let _ = catch_cancel(sleep(10 * SECOND)).await;
                note!("never");
            });
            yield_now().await;
            task.abort();
            note!("not yet");
            note!("{}", task.await.unwrap_err());
        },
        &["0s not yet", "0s dropped", "0s task `task-1` was cancelled"],
    );
}

#[test]
fn every_innermost_scope_of_a_join_is_reached_in_one_step() {
    check(
        || async {
            let task = spawn(async {
                let branch = |name: &'static str| async move {
                    let caught = catch_cancel(std::future::pending::<()>()).await;
                    note!("{name} {}", caught.is_err());
                };
                futures::join!(branch("left"), branch("right"));
            });
            yield_now().await;
            task.cancel();
            task.await.unwrap();
        },
        &["0s left true", "0s right true"],
    );
}

#[test]
fn a_request_whose_scope_is_no_longer_polled_goes_outward() {
    check(
        || async {
            let task = spawn(async {
                let mut kept = Box::pin(catch_cancel(sleep(100 * SECOND)));
                let first = futures::future::select(&mut kept, Box::pin(yield_now())).await;
                drop(first);
                // `kept` is alive, suspended, and nobody polls it any more.
                std::future::pending::<()>().await;
            });
            sleep(SECOND).await;
            task.cancel();
            note!("{}", task.await.unwrap_err());
        },
        &["1s task `task-1` was cancelled"],
    );
}

#[test]
fn a_shielded_task_outlives_its_waiter() {
    check(
        || async {
            let inner = spawn(async {
                sleep(2 * SECOND).await;
                note!("saved");
            });
            let handle = inner.clone();
            let outer = spawn(async move { sim::shield(handle).await });
            sleep(SECOND).await;
            outer.cancel();
            note!("{}", outer.await.unwrap_err());
            inner.await.unwrap();
        },
        &["1s task `task-2` was cancelled", "2s saved"],
    );
}

#[test]
fn finally_runs_on_every_way_out_and_may_await() {
    check(
        || async {
            let body = |fail: bool| {
                sim::finally(
                    async move {
                        if fail {
                            sleep(10 * SECOND).await
                        }
                    },
                    || async {
                        sleep(SECOND).await;
                        note!("cleaned");
                    },
                )
            };
            body(false).await;
            let task = spawn(body(true));
            yield_now().await;
            task.cancel();
            note!("{}", task.await.unwrap_err());
        },
        &["1s cleaned", "2s cleaned", "2s task `task-1` was cancelled"],
    );
}
