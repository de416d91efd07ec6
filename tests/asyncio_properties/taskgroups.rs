//! test_taskgroups. Python's exception is the `Err` of a child or of the body.

use std::rc::Rc;

use sim::sync::Event;
use sim::{TaskGroup, catch_cancel, note, sleep, spawn, try_spawn, yield_now};

use super::{anywhere, cancelling, every_order, fifo, forever, millis, raises, secs};

super::covered![
    taskgroup_03,
    cancel_children_on_child_error,
    taskgroup_08,
    taskgroup_10,
    taskgroup_15,
    taskgroup_19,
    error_and_cancel,
    taskgroup_context_manager_exit_raises,
    cancelling_level_preserved,
    nested_groups_both_cancelled,
];

type Text = &'static str;

async fn fail_after(milliseconds: u64, error: Text) -> Result<(), Text> {
    sleep(millis(milliseconds)).await;
    Err(error)
}

#[test]
fn taskgroup_03() {
    anywhere(
        || async {
            let (first, second) = TaskGroup::<Text>::scope(|group| async move {
                let first = group.spawn(async {
                    sleep(secs(1)).await;
                    Ok(42)
                });
                sleep(millis(150)).await;
                first.cancel();
                let second = group.spawn(async {
                    sleep(millis(200)).await;
                    Ok(11)
                });
                Ok((first, second))
            })
            .await
            .unwrap();
            note!("first cancelled {}", first.await.is_err());
            note!("second {:?}", second.await.unwrap());
        },
        &["0.35 first cancelled true", "0.35 second Ok(11)"],
    );
}

#[test]
fn cancel_children_on_child_error() {
    anywhere(
        || async {
            let group = TaskGroup::scope(|group| async move {
                for _ in 0..3 {
                    drop(group.spawn(fail_after(100, "failed")));
                }
                drop(group.spawn(async {
                    note!("sibling cancelled {}", raises(sleep(secs(5))).await);
                    sim::task::raise_cancelled().await;
                    Ok(())
                }));
                note!("body cancelled {}", raises(sleep(secs(10))).await);
                sim::task::raise_cancelled().await;
                Ok(())
            });
            let error = group.await.unwrap_err();
            // How many of the three come before the first one's callback is up to the schedule.
            note!("all the same: {}", error.failed().all(|error| *error == "failed"));
            note!("cancelling {}", cancelling());
        },
        &[
            "0.1 sibling cancelled true",
            "0.1 body cancelled true",
            "0.1 all the same: true",
            "0.1 cancelling 0",
        ],
    );
}

/// A group whose children fail when they are cancelled.
async fn failing_cleanups() -> Result<(), sim::GroupError<Text>> {
    TaskGroup::scope(|group| async move {
        for _ in 0..5 {
            drop(group.spawn(async {
                drop(catch_cancel(sleep(secs(10))).await);
                Err::<(), _>("in the cleanup")
            }));
        }
        sleep(secs(10)).await;
        Ok(())
    })
    .await
}

#[test]
fn taskgroup_08() {
    anywhere(
        || async {
            // The runner is a task whose `Err` counts as Python's exception does: it beats the
            // request that the group makes anew.
            let runner = try_spawn(failing_cleanups());
            sleep(millis(100)).await;
            note!("done {}", runner.is_finished());
            runner.cancel();
            let error = runner.await.unwrap().unwrap_err();
            note!("{} errors", error.failed().filter(|error| **error == "in the cleanup").count());
        },
        &["0.1 done false", "0.1 5 errors"],
    );
    anywhere(
        || async {
            // Deviation: to a plain `spawn` an `Err` is a value, and the value of a task that
            // returns with a request waiting is lost.
            let runner = spawn(failing_cleanups());
            sleep(millis(100)).await;
            runner.cancel();
            note!("cancelled {}", runner.await.unwrap_err().is_cancelled());
        },
        &["0.1 cancelled true"],
    );
}

#[test]
fn taskgroup_10() {
    anywhere(
        || async {
            let handles = Rc::new(std::cell::RefCell::new(Vec::new()));
            let filled = Rc::clone(&handles);
            let error = TaskGroup::<Text>::scope(|group| async move {
                for seconds in 1..=2 {
                    let child = group.spawn(async move {
                        note!("started");
                        sleep(secs(seconds)).await;
                        Ok(())
                    });
                    filled.borrow_mut().push(child);
                }
                Err::<(), _>("body")
            })
            .await
            .unwrap_err();
            note!("{:?}", error.failed().collect::<Vec<_>>());
            for child in handles.take() {
                note!("cancelled {}", child.await.is_err());
            }
        },
        &["0 [\"body\"]", "0 cancelled true", "0 cancelled true"],
    );
}

#[test]
fn taskgroup_15() {
    anywhere(
        || async {
            let runner = try_spawn(TaskGroup::scope(|group| async move {
                drop(group.spawn(fail_after(300, "crash")));
                let cancelled = catch_cancel(sleep(secs(10))).await;
                note!("body cancelled {}", cancelled.is_err());
                sleep(millis(500)).await; // interrupted by the crash
                note!("the cleanup is over");
                Ok(())
            }));
            sleep(millis(100)).await;
            runner.cancel();
            let error = runner.await.unwrap().unwrap_err();
            note!("{:?}", error.failed().collect::<Vec<_>>());
        },
        &["0.1 body cancelled true", "0.3 [\"crash\"]"],
    );
}

#[test]
fn taskgroup_19() {
    anywhere(
        || async {
            let group = TaskGroup::scope(|group| async move {
                drop(group.spawn(fail_after(100, "crash")));
                drop(catch_cancel(sleep(secs(10))).await);
                Err::<(), _>("instead of the request")
            });
            let error = group.await.unwrap_err();
            note!("{:?}", error.failed().collect::<Vec<_>>());
            note!("cancelling {}", cancelling());
        },
        &["0.1 [\"crash\", \"instead of the request\"]", "0.1 cancelling 0"],
    );
}

#[test]
fn error_and_cancel() {
    let program = || async {
        let begun = Rc::new(Event::new());
        let task = try_spawn({
            let begun = Rc::clone(&begun);
            async move {
                let group = TaskGroup::scope(|group| async move {
                    drop(group.spawn(async move {
                        begun.set();
                        yield_now().await;
                        Err::<(), _>("child")
                    }));
                    sleep(secs(1)).await;
                    note!("slept inside");
                    Ok(())
                });
                let failed = group.await.is_err();
                note!("group failed {failed}, cancelling {}", cancelling());
                sleep(secs(1)).await;
                note!("slept after");
                Ok::<(), Text>(())
            }
        });
        begun.wait().await;
        task.cancel();
        let cancelled = task.await.is_err_and(|error| error.is_cancelled());
        assert!(cancelled);
        note!("cancelled");
    };
    fifo(program, &["0 group failed true, cancelling 1", "0 cancelled"]);
    // Whichever came first, the request is not lost.
    every_order(program);
}

#[test]
fn taskgroup_context_manager_exit_raises() {
    anywhere(
        || async {
            let task = spawn(async {
                let group = TaskGroup::scope(|group| async move {
                    drop(group.spawn(async { Err::<(), _>("child") }));
                    drop(catch_cancel(sleep(secs(1))).await);
                    Err::<(), _>("the exit of what stood in the body")
                });
                let error = group.await.unwrap_err();
                note!("{} errors, cancelling {}", error.errors().len(), cancelling());
            });
            task.await.unwrap();
        },
        &["0 2 errors, cancelling 0"],
    );
}

#[test]
fn cancelling_level_preserved() {
    anywhere(
        || async {
            let group = TaskGroup::scope(|group| async move {
                drop(group.spawn(fail_after(0, "failed")));
                Ok(()) // the failure comes when the parent is in the exit already
            });
            note!("failed {}", group.await.is_err());
            note!("cancelling {}", cancelling());
            note!("raised afterward: {}", raises(sleep(secs(1))).await);
        },
        &["0 failed true", "0 cancelling 0", "1 raised afterward: false"],
    );
}

#[test]
fn nested_groups_both_cancelled() {
    let program = || async {
        let outer = TaskGroup::scope(|outer| async move {
            let inner = TaskGroup::scope(|inner| async move {
                drop(inner.spawn(fail_after(0, "inner")));
                drop(outer.spawn(fail_after(0, "outer")));
                Ok(())
            });
            let error = inner.await.unwrap_err();
            note!("{:?}, cancelling {}", error.failed().collect::<Vec<_>>(), cancelling());
            forever().await;
            Ok(())
        });
        let error = outer.await.unwrap_err();
        note!("{:?}, cancelling {}", error.failed().collect::<Vec<_>>(), cancelling());
        assert_eq!(cancelling(), 0);
        assert_eq!(error.into_errors().len(), 1);
    };
    fifo(program, &["0 [\"inner\"], cancelling 1", "0 [\"outer\"], cancelling 0"]);
    // Under another schedule the outer failure may end the inner child before it has failed:
    // what remains is that the outer one surfaces, and that the count is restored.
    every_order(program);
}
