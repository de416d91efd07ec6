//! test_tasks.

use std::cell::Cell;
use std::convert::Infallible;
use std::rc::Rc;
use std::time::Duration;

use sim::sync::Event;
use sim::{
    FailureKind, JoinError, JoinHandle, Leaks, Sim, TaskError, WaitFor, as_completed, catch_cancel,
    finally, gather, gather_tasks, gather_value_tasks, gather_values, note, shield, sleep,
    sleep_with, spawn, try_spawn, wait, yield_now,
};

use super::{cancel_me, cancelling, fifo, forever, millis, raises, secs};

super::covered![
    cancel,
    cancel_yield,
    cancel_inner_future,
    cancel_both_task_and_inner_future,
    cancel_task_catching,
    cancel_current_task,
    cancel_at_end,
    cancel_awaited_task,
    uncancel_basic,
    uncancel_structured_blocks,
    uncancel_resets_must_cancel,
    baseexception_during_cancel,
    sleep_cancel,
    sleep_zero,
    task_awaits_on_itself,
    yield_future_passes_cancel,
    log_destroyed_pending_task,
    yield_wait_does_not_shield_cancel,
    wait_first_completed,
    wait_really_done,
    wait_first_exception,
    wait_with_timeout,
    wait_concurrent_complete,
    as_completed_with_timeout,
    as_completed_reverse_wait,
    shield_effect,
    shield_cancel_inner,
    gather_shield,
    success,
    one_exception,
    return_exceptions,
    one_cancellation,
    duplicate_coroutines,
    cancellation_broadcast,
    exception_marking,
    cancel_gather_1,
];

#[test]
fn cancel() {
    fifo(
        || async {
            let task = spawn(async {
                sleep(secs(10)).await;
                note!("slept");
            });
            yield_now().await;
            note!("cancel {}, done {}", task.cancel(), task.is_finished());
            note!("cancelled {}", (&task).await.unwrap_err().is_cancelled());
            note!("cancel {}, done {}", task.cancel(), task.is_finished());
        },
        &["0 cancel true, done false", "0 cancelled true", "0 cancel false, done true"],
    );
}

#[test]
fn cancel_yield() {
    fifo(
        || async {
            let task = spawn(async {
                yield_now().await;
                note!("first turn");
                let caught = catch_cancel(yield_now()).await;
                note!("raised at the second: {}", caught.is_err());
                if let Err(cancelled) = caught {
                    cancelled.resume().await;
                }
            });
            yield_now().await;
            yield_now().await;
            task.cancel();
            note!("cancelled {}", task.await.is_err());
        },
        &["0 first turn", "0 raised at the second: true", "0 cancelled true"],
    );
}

#[test]
fn cancel_inner_future() {
    fifo(
        || async {
            let inner = [spawn(forever()), spawn(forever())];
            let handles = inner.each_ref().map(JoinHandle::abort_handle);
            let [raising, value] = inner;
            // asyncio's `await`: the task's cancellation becomes one's own.
            let raising = spawn(raising.propagate());
            // Deviation: a plain await gives it as a value, since nobody has cancelled *me*.
            let value = spawn(async { value.await.is_err_and(|error| error.is_cancelled()) });
            yield_now().await;
            handles.iter().for_each(|handle| assert!(handle.cancel()));
            note!("cancelled {}, cancelling {}", raising.is_finished(), raising.cancelling());
            note!("cancelled {}", raising.await.unwrap_err().is_cancelled());
            note!("as a value {}", value.await.unwrap());
        },
        &["0 cancelled false, cancelling 0", "0 cancelled true", "0 as a value true"],
    );
}

#[test]
fn cancel_both_task_and_inner_future() {
    fifo(
        || async {
            let inner = spawn(forever());
            let watched = inner.clone();
            let outer = spawn(async {
                note!("raised {}", raises(inner).await);
                note!("again {}", raises(sleep(secs(1))).await);
                note!("cancelling {}", cancelling());
            });
            yield_now().await;
            note!("{} {}", watched.cancel(), outer.cancel());
            outer.await.unwrap();
            note!("inner cancelled {}", watched.await.unwrap_err().is_cancelled());
        },
        &[
            "0 true true",
            "0 raised true",
            "1 again false",
            "1 cancelling 1",
            "1 inner cancelled true",
        ],
    );
}

#[test]
fn cancel_task_catching() {
    fifo(
        || async {
            let first = Rc::new(Event::new());
            let second = spawn(forever());
            let watched = second.clone();
            let task = spawn({
                let first = Rc::clone(&first);
                async move {
                    first.wait().await;
                    note!("first");
                    if raises(second).await { 42 } else { 0 }
                }
            });
            yield_now().await;
            first.set();
            yield_now().await;
            note!("cancel {}", task.cancel());
            // The request has gone inward at once.
            note!("inner cancelling {}", watched.cancelling());
            note!("{}", (&task).await.unwrap());
            note!("inner cancelled {}", watched.await.is_err());
        },
        &["0 first", "0 cancel true", "0 inner cancelling 1", "0 42", "0 inner cancelled true"],
    );
    // Deviation: a future that is no task knows of the request only when the task drops it, which
    // is in the task's next step.
    fifo(
        || async {
            let (sender, receiver) = futures::channel::oneshot::channel::<()>();
            let task = spawn(async { if raises(receiver).await { 42 } else { 0 } });
            yield_now().await;
            task.cancel();
            note!("at once {}", sender.is_canceled());
            note!("{}", task.await.unwrap());
            note!("then {}", sender.is_canceled());
        },
        &["0 at once false", "0 42", "0 then true"],
    );
}

#[test]
fn cancel_current_task() {
    fifo(
        || async {
            let task = spawn(async {
                note!("cancel {}", cancel_me());
                sleep(secs(100)).await;
                note!("slept");
            });
            note!("cancelled {}", (&task).await.is_err());
            note!("cancel {}", task.cancel());
        },
        &["0 cancel true", "0 cancelled true", "0 cancel false"],
    );
}

#[test]
fn cancel_at_end() {
    fifo(
        || async {
            let task = spawn(async {
                cancel_me();
                12
            });
            note!("cancelled {}", (&task).await.unwrap_err().is_cancelled());
            note!("cancel {}", task.cancel());
            // An error is no value: it wins, as an exception does in Python.
            let task = try_spawn(async {
                cancel_me();
                Err::<(), _>("own")
            });
            note!("{:?}", task.await.unwrap());
        },
        &["0 cancelled true", "0 cancel false", "0 Err(\"own\")"],
    );
}

#[test]
fn cancel_awaited_task() {
    fifo(
        || async {
            let nested = spawn(async {
                note!("nested raised {}", raises(forever()).await);
                sim::task::raise_cancelled().await;
            });
            let watched = nested.clone();
            let task = spawn(async {
                yield_now().await;
                cancel_me();
                note!("raised {}", raises(nested).await);
                sim::task::raise_cancelled().await;
            });
            note!("task cancelled {}", task.await.is_err());
            note!("nested cancelled {}", watched.await.is_err());
        },
        &[
            "0 nested raised true",
            "0 raised true",
            "0 task cancelled true",
            "0 nested cancelled true",
        ],
    );
}

#[test]
fn uncancel_basic() {
    fifo(
        || async {
            let task = spawn(async {
                note!("raised {}", raises(sleep(secs(10))).await);
                sleep(secs(1)).await;
                note!("went on");
            });
            yield_now().await;
            note!("{}", task.cancelling());
            note!("{} {}", task.cancel(), task.cancel());
            note!("{}", task.cancelling());
            note!("{} {} {}", task.uncancel(), task.uncancel(), task.uncancel());
            // The first request stands in what the task waits for, and is raised all the same.
            (&task).await.unwrap();
            note!("cancel {}, cancelling {}", task.cancel(), task.cancelling());
        },
        &[
            "0 0",
            "0 true true",
            "0 2",
            "0 1 0 0",
            "0 raised true",
            "1 went on",
            "1 cancel false, cancelling 0",
        ],
    );
}

/// A timeout by hand: cancels the running task, and takes that back.
async fn within(limit: Duration, body: impl Future<Output = ()>) -> Result<(), &'static str> {
    let me = sim::task::current().unwrap();
    let fired = Rc::new(Cell::new(false));
    let alarm = spawn({
        let (me, fired) = (me.clone(), Rc::clone(&fired));
        async move {
            sleep(limit).await;
            fired.set(true);
            me.cancel();
        }
    });
    let ended = catch_cancel(body).await;
    alarm.abort();
    let mine = fired.get() && me.uncancel() == 0;
    match ended {
        Ok(()) => Ok(()),
        Err(_) if mine => Err("timed out"),
        Err(cancelled) => {
            let never: Infallible = cancelled.resume().await;
            match never {}
        }
    }
}

#[test]
fn uncancel_structured_blocks() {
    let program = |limit: Duration, cancel_at: Option<Duration>| {
        move || async move {
            let task = spawn(async move {
                let result = within(limit, async {
                    sleep(millis(500)).await;
                    note!("block finished");
                })
                .await;
                note!("{result:?}, cancelling {}", cancelling());
                sleep(secs(1)).await;
                note!("outer code finished");
            });
            if let Some(cancel_at) = cancel_at {
                sleep(cancel_at).await;
                task.cancel();
            }
            note!("cancelled {}, cancelling {}", (&task).await.is_err(), task.cancelling());
        }
    };
    fifo(
        program(millis(100), None),
        &[
            "0.1 Err(\"timed out\"), cancelling 0",
            "1.1 outer code finished",
            "1.1 cancelled false, cancelling 0",
        ],
    );
    fifo(
        program(secs(2), None),
        &[
            "0.5 block finished",
            "0.5 Ok(()), cancelling 0",
            "1.5 outer code finished",
            "1.5 cancelled false, cancelling 0",
        ],
    );
    fifo(program(millis(100), Some(millis(50))), &["0.05 cancelled true, cancelling 1"]);
    // Cancelled by both at once: the request from outside stays.
    fifo(program(millis(100), Some(millis(100))), &["0.1 cancelled true, cancelling 1"]);
}

#[test]
fn uncancel_resets_must_cancel() {
    fifo(
        || async {
            let event = Rc::new(Event::new());
            let task = spawn({
                let event = Rc::clone(&event);
                async move {
                    event.wait().await;
                    42
                }
            });
            yield_now().await;
            event.set();
            task.cancel();
            note!("{}", task.cancelling());
            note!("{}", task.uncancel());
            note!("{}", task.await.unwrap());
        },
        &["0 1", "0 0", "0 42"],
    );
}

#[test]
fn baseexception_during_cancel() {
    // Deviation: Rust has no exception that leaves the loop. What comes closest, a panic in the
    // cleanup, is kept in the task, which failed and was not cancelled; the loop goes on.
    fifo(
        || async {
            let task = spawn(finally(forever(), || async { panic!("in the cleanup") }));
            yield_now().await;
            task.cancel();
            drop(spawn(async { note!("the loop goes on") }));
            let error = task.await.unwrap_err();
            note!("{:?}, cancelled {}", error.panic_message(), error.is_cancelled());
        },
        &["0 the loop goes on", "0 Some(\"in the cleanup\"), cancelled false"],
    );
}

#[test]
fn sleep_cancel() {
    let outcome = Sim::new()
        .run(|| async {
            let task = spawn(sleep(secs(10)));
            sleep(secs(1)).await;
            task.cancel();
            assert!(task.await.is_err());
        })
        .unwrap();
    assert_eq!(outcome.elapsed(), secs(1));
    // The clock has nothing left to wait for: with the timer still set this would be no deadlock.
    let failure = Sim::new()
        .run(|| async {
            let task = spawn(sleep(secs(10)));
            sleep(secs(1)).await;
            task.cancel();
            forever().await;
        })
        .unwrap_err();
    assert!(matches!(failure.kind(), FailureKind::Deadlock { .. }), "{failure}");
    assert_eq!(failure.elapsed(), secs(1));
}

#[test]
fn sleep_zero() {
    fifo(
        || async {
            drop(spawn(async { note!("queued before") }));
            note!("{}", sleep_with(Duration::ZERO, 42).await);
        },
        &["0 queued before", "0 42"],
    );
}

#[test]
fn task_awaits_on_itself() {
    // Deviation: CPython raises `RuntimeError` in the task; here it is what it is, a deadlock.
    let failure = Sim::new()
        .run(|| async {
            let own: Rc<Cell<Option<JoinHandle<()>>>> = Rc::default();
            let task = spawn({
                let own = Rc::clone(&own);
                async move { drop(own.take().unwrap().await) }
            });
            own.set(Some(task.clone()));
            task.await
        })
        .unwrap_err();
    match failure.kind() {
        FailureKind::Deadlock { cycle } => {
            assert_eq!(cycle.len(), 1, "{failure}");
            assert_eq!(failure.trace().task_name(cycle[0]), "task-1");
        }
        _ => panic!("{failure}"),
    }
}

#[test]
fn yield_future_passes_cancel() {
    fifo(
        || async {
            async fn inner() {
                let caught = catch_cancel(forever()).await;
                note!("inner raised {}", caught.is_err());
                if let Err(cancelled) = caught {
                    cancelled.resume().await;
                }
                note!("inner went on");
            }
            let outer = spawn(async {
                note!("outer raised {}", raises(inner()).await);
            });
            yield_now().await;
            outer.cancel();
            outer.await.unwrap();
        },
        &["0 inner raised true", "0 outer raised true"],
    );
}

#[test]
fn log_destroyed_pending_task() {
    // A task is not collected while it is pending: what it is that hangs is said at the end.
    let program = || async {
        drop(spawn(forever()).named("stuck"));
        yield_now().await;
    };
    let outcome = Sim::new().leaks(Leaks::Allow).run(program).unwrap();
    assert_eq!(outcome.leaked().len(), 1);
    assert_eq!(outcome.leaked()[0].name, "stuck");
    let failure = Sim::new().leaks(Leaks::Fail).run(program).unwrap_err();
    assert!(matches!(failure.kind(), FailureKind::Leak { tasks } if tasks.len() == 1), "{failure}");
}

#[test]
fn yield_wait_does_not_shield_cancel() {
    fifo(
        || async {
            let inner = spawn(async {
                sleep(secs(2)).await;
                note!("inner went on");
            });
            let waited = inner.abort_handle();
            let outer = spawn(async move {
                wait([waited], WaitFor::AllCompleted).await;
                note!("outer went on");
            });
            sleep(secs(1)).await;
            outer.cancel();
            note!("outer cancelled {}", outer.await.is_err());
            note!("inner cancelling {}", inner.cancelling());
            inner.await.unwrap();
        },
        &["1 outer cancelled true", "1 inner cancelling 0", "2 inner went on"],
    );
}

#[test]
fn wait_first_completed() {
    fifo(
        || async {
            let tasks = [millis(10_000), millis(100)].map(|time| spawn(sleep(time)));
            let waited = wait(&tasks, WaitFor::FirstCompleted).await;
            note!("done {:?}, pending {:?}", waited.done, waited.pending);
            note!("{} {}", tasks[0].is_finished(), tasks[1].is_finished());
        },
        &["0.1 done [1], pending [0]", "0.1 false true"],
    );
}

#[test]
fn wait_really_done() {
    fifo(
        || async {
            let b = async {
                yield_now().await;
                yield_now().await;
            };
            let tasks = [spawn(sleep(Duration::ZERO)), spawn(b)];
            let waited = wait(&tasks, WaitFor::FirstCompleted).await;
            note!("done {:?}, pending {:?}", waited.done, waited.pending);
        },
        &["0 done [0, 1], pending []"],
    );
}

#[test]
fn wait_first_exception() {
    fifo(
        || async {
            let slow = spawn(sleep(secs(10)));
            let failed = try_spawn(async { Err::<(), _>("failed") });
            let tasks = [slow.abort_handle(), failed.abort_handle()];
            let waited = wait(&tasks, WaitFor::FirstException).await;
            note!("done {:?}, pending {:?}", waited.done, waited.pending);
            note!("{:?}", failed.await.unwrap());
            // A cancellation is no exception here.
            let cancelled = spawn(forever());
            cancelled.cancel();
            let tasks = [slow.abort_handle(), cancelled.abort_handle()];
            wait(&tasks, WaitFor::FirstException).await;
            note!("waited for all");
        },
        &["0 done [1], pending [0]", "0 Err(\"failed\")", "10 waited for all"],
    );
}

#[test]
fn wait_with_timeout() {
    fifo(
        || async {
            let tasks = [100, 150].map(|time| spawn(sleep(millis(time))));
            let waited = wait(&tasks, WaitFor::AllCompleted).timeout(millis(110)).await;
            note!("done {:?}, pending {:?}", waited.done, waited.pending);
            note!("cancelling {}", tasks[1].cancelling());
            let waited = wait(&tasks, WaitFor::AllCompleted).await;
            note!("done {:?}", waited.done);
        },
        &["0.11 done [0], pending [1]", "0.11 cancelling 0", "0.15 done [0, 1]"],
    );
}

#[test]
fn wait_concurrent_complete() {
    fifo(
        || async {
            let tasks = [100, 150].map(|time| spawn(sleep(millis(time))));
            yield_now().await; // the tasks' timers are older than the wait's
            let waited = wait(&tasks, WaitFor::AllCompleted).timeout(millis(100)).await;
            note!("done {:?}, pending {:?}", waited.done, waited.pending);
        },
        &["0.1 done [0], pending [1]"],
    );
}

#[test]
fn as_completed_with_timeout() {
    fifo(
        || async {
            let tasks =
                [(100, 'a'), (150, 'b')].map(|(t, value)| spawn(sleep_with(millis(t), value)));
            let watched = tasks[1].clone();
            let mut completed = as_completed(tasks).timeout(millis(120));
            while let Some(next) = completed.next().await {
                match next {
                    Ok((index, value)) => note!("{index} {:?}", value.unwrap()),
                    Err(elapsed) => note!("{elapsed}"),
                }
            }
            note!("cancelling {}", watched.cancelling());
        },
        &["0.1 0 'a'", "0.12 deadline has elapsed", "0.12 cancelling 0"],
    );
}

#[test]
fn as_completed_reverse_wait() {
    // CPython's iterator gives handles that can be awaited in any order, and the n-th that is
    // awaited gives the n-th completion. Here there is only the n-th `next`, with the same result;
    // one that is dropped before it was done takes nothing with it.
    fifo(
        || async {
            let tasks =
                [(100, 'b'), (50, 'a')].map(|(t, value)| spawn(sleep_with(millis(t), value)));
            let mut completed = as_completed(tasks);
            let dropped = sim::timeout(millis(10), completed.next()).await;
            note!("dropped {}", dropped.is_err());
            for _ in 0..2 {
                let (index, value) = completed.next().await.unwrap();
                note!("{index} {:?}", value.unwrap());
            }
        },
        &["0.01 dropped true", "0.05 1 'a'", "0.1 0 'b'"],
    );
}

#[test]
fn shield_effect() {
    fifo(
        || async {
            let inner = spawn(async {
                sleep(secs(2)).await;
                note!("inner went on");
            });
            let kept = inner.clone();
            let outer = spawn(async {
                drop(shield(inner).await);
                note!("outer went on");
            });
            sleep(secs(1)).await;
            outer.cancel();
            note!("outer cancelled {}", outer.await.is_err());
            kept.await.unwrap();
        },
        &["1 outer cancelled true", "2 inner went on"],
    );
}

#[test]
fn shield_cancel_inner() {
    fifo(
        || async {
            let inner = spawn(forever());
            let handle = inner.abort_handle();
            let outer = spawn(async {
                // Deviation: as with a plain await, the cancellation is a value; in Python it is
                // raised here.
                let error = shield(inner).await.unwrap_err();
                note!("inner cancelled {}, cancelling {}", error.is_cancelled(), cancelling());
                sim::task::raise_cancelled().await;
            });
            yield_now().await;
            handle.cancel();
            note!("outer cancelled {}", outer.await.is_err());
        },
        &["0 inner cancelled true, cancelling 0", "0 outer cancelled true"],
    );
}

#[test]
fn gather_shield() {
    fifo(
        || async {
            let children = [1, 2].map(|value| spawn(sleep_with(secs(2), value)));
            let kept = children.clone();
            let shields = children.map(|child| spawn(shield(child)));
            let watched = shields.clone();
            let parent = spawn(async { drop(gather_tasks(shields).await) });
            sleep(secs(1)).await;
            parent.cancel();
            note!("parent cancelled {}", parent.await.is_err());
            for shield in watched {
                note!("shield cancelled {}", shield.await.is_err());
            }
            for child in kept {
                note!("{}", child.await.unwrap());
            }
        },
        &[
            "1 parent cancelled true",
            "1 shield cancelled true",
            "1 shield cancelled true",
            "2 1",
            "2 2",
        ],
    );
}

#[test]
fn success() {
    fifo(
        || async {
            let children = [("a", 2), ("b", 1), ("c", 3)].map(|(name, seconds)| async move {
                sleep(secs(seconds)).await;
                note!("{name}");
                name
            });
            note!("{:?}", gather_values(children).await.unwrap());
        },
        &["1 b", "2 a", "3 c", "3 [\"a\", \"b\", \"c\"]"],
    );
}

async fn child(seconds: u64, fails: bool) -> Result<u64, u64> {
    sleep(secs(seconds)).await;
    note!("{seconds} ends");
    if fails { Err(seconds) } else { Ok(seconds) }
}

#[test]
fn one_exception() {
    fifo(
        || async {
            let all = gather([child(1, false), child(2, true), child(3, true), child(4, false)]);
            let error = all.await.unwrap_err();
            note!("{} {:?}", error.index, error.error.failed());
            sleep(secs(10)).await; // the siblings run on, and a later failure is silent
        },
        &["1 1 ends", "2 2 ends", "2 1 Some(2)", "3 3 ends", "4 4 ends"],
    );
}

#[test]
fn return_exceptions() {
    fifo(
        || async {
            let all = gather([child(1, false), child(3, true), child(2, true)]);
            let results = all.return_exceptions().await;
            note!(
                "{:?}",
                results
                    .into_iter()
                    .map(|r| r.map_err(|e| e.into_failed().ok()))
                    .collect::<Vec<_>>()
            );
        },
        &["1 1 ends", "2 2 ends", "3 3 ends", "3 [Ok(1), Err(Some(3)), Err(Some(2))]"],
    );
}

#[test]
fn one_cancellation() {
    fifo(
        || async {
            let tasks = [1, 2, 3].map(|seconds| try_spawn(child(seconds, seconds == 3)));
            let second = tasks[1].abort_handle();
            let outer = spawn(async {
                // The child's cancellation is the gather's error; nobody has cancelled me. In
                // Python the exception is a `CancelledError`, and goes on outward by itself: that
                // is `error.propagate()` here.
                let error = gather_tasks(tasks).await.unwrap_err();
                note!("{} {}", error.index, error.error.is_cancelled());
                note!("cancelling {}", cancelling());
                error.error.propagate().await
            });
            sleep(secs(1)).await;
            second.cancel();
            note!("outer cancelled {}, cancelling {}", (&outer).await.is_err(), outer.cancelling());
            sleep(secs(10)).await;
        },
        &[
            "1 1 ends",
            "1 1 true",
            "1 cancelling 0",
            "1 outer cancelled true, cancelling 0",
            "3 3 ends",
        ],
    );
}

#[test]
fn duplicate_coroutines() {
    // Deviation: a future can be given once only, and so a value can be taken once only. A task
    // that is given twice runs once and is waited for once; its second place has no value.
    fifo(
        || async {
            let [a, b] = ["a", "b"].map(|name| {
                try_spawn(async move {
                    note!("{name} runs");
                    Ok::<_, Infallible>(name)
                })
            });
            let all = gather_tasks([a.clone(), b.clone(), a, b]);
            note!("{} tasks", all.progress().total());
            for result in all.return_exceptions().await {
                note!("{:?} {}", result.as_ref().ok(), matches!(result, Err(TaskError::Lost(_))));
            }
        },
        &[
            "0 2 tasks",
            "0 a runs",
            "0 b runs",
            "0 Some(\"a\") false",
            "0 Some(\"b\") false",
            "0 None true",
            "0 None true",
        ],
    );
}

#[test]
fn cancellation_broadcast() {
    fifo(
        || async {
            let children = [1, 2].map(|number| {
                spawn(async move {
                    note!("{number} raised {}", raises(forever()).await);
                    sim::task::raise_cancelled().await;
                })
            });
            let watched = children.clone();
            let outer = spawn(async {
                drop(gather_value_tasks(children).await);
                note!("outer went on");
            });
            yield_now().await;
            yield_now().await;
            note!("cancel {}", outer.cancel());
            note!("outer cancelled {}", outer.await.is_err());
            for child in watched {
                note!("child cancelled {}", child.await.is_err());
            }
        },
        &[
            "0 cancel true",
            "0 1 raised true",
            "0 2 raised true",
            "0 outer cancelled true",
            "0 child cancelled true",
            "0 child cancelled true",
        ],
    );
}

#[test]
fn exception_marking() {
    // A run fails when nobody has seen an `Err`: that of the second child counts as seen.
    fifo(
        || async {
            let outer = spawn(async {
                let error = gather([child(1, true), child(2, true)]).await.unwrap_err();
                note!("{:?}", error.error.failed());
            });
            outer.await.unwrap();
            sleep(secs(5)).await;
            note!("the run goes on");
        },
        &["1 1 ends", "1 Some(1)", "2 2 ends", "6 the run goes on"],
    );
}

#[test]
fn cancel_gather_1() {
    // The gather itself takes no more requests once its children are done: one that comes between
    // the end of the last child and the gather's end cannot go to them, and so ends the awaiting
    // task, in Python too, where the test asks the gather's own future. The child's value is kept.
    fifo(
        || async {
            let go = Rc::new(Event::new());
            let child = spawn({
                let go = Rc::clone(&go);
                async move {
                    go.wait().await;
                    42
                }
            });
            let kept = child.clone();
            let waiter = spawn(async {
                let all: Result<Vec<i32>, JoinError> = gather_value_tasks([child]).await;
                note!("{all:?}");
            });
            let request = waiter.abort_handle();
            let seen = kept.clone();
            let canceller = spawn({
                let go = Rc::clone(&go);
                async move {
                    go.wait().await;
                    note!("child done {}, cancel it: {}", seen.is_finished(), seen.cancel());
                    note!("cancel the waiter: {}", request.cancel());
                }
            });
            yield_now().await;
            go.set();
            canceller.await.unwrap();
            note!("waiter cancelled {}", waiter.await.is_err());
            note!("{}, cancelling {}", (&kept).await.unwrap(), kept.cancelling());
        },
        &[
            "0 child done true, cancel it: false",
            "0 cancel the waiter: true",
            "0 waiter cancelled true",
            "0 42, cancelling 0",
        ],
    );
}
