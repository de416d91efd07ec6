//! Bad things, tried: none may hang, abort the process, or go unnoticed.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use sim::{FailureKind, Policy, Sim};

struct OnDrop<F: FnMut()>(F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

#[test]
fn a_panic_in_a_destructor_is_the_tasks_own() {
    let outcome = Sim::new().run(|| async {
        let task = sim::spawn(async {
            let _bomb = OnDrop(|| panic!("in a destructor"));
            std::future::pending::<()>().await;
        });
        sim::yield_now().await;
        task.abort();
        task.await.unwrap_err().panic_message().map(str::to_owned)
    });
    assert_eq!(outcome.unwrap().into_value().as_deref(), Some("in a destructor"));
}

#[test]
fn a_panic_in_a_destructor_at_the_very_end_fails_the_run() {
    let failure = Sim::new()
        .leaks(sim::Leaks::Allow)
        .run(|| async {
            drop(sim::spawn(async {
                let _bomb = OnDrop(|| panic!("too late"));
                std::future::pending::<()>().await;
            }));
            sim::yield_now().await;
        })
        .unwrap_err();
    assert!(matches!(failure.kind(), FailureKind::Panic { message, .. } if message == "too late"));
}

#[test]
fn a_waker_may_be_called_after_the_run_twice_and_late() {
    let kept: Rc<RefCell<Option<Waker>>> = Rc::default();
    let inside = Rc::clone(&kept);
    let program = move || async move {
        std::future::poll_fn(move |cx| {
            *inside.borrow_mut() = Some(cx.waker().clone());
            Poll::Ready(())
        })
        .await;
    };
    Sim::new().run(program).unwrap();
    let waker = kept.borrow_mut().take().unwrap();
    waker.wake_by_ref();
    waker.wake_by_ref();
    // The slot is used again by another run: the old waker must not reach it.
    let outcome = Sim::new().run(move || async move {
        let task = sim::spawn(async { sim::yield_now().await });
        waker.wake();
        task.await.unwrap();
        sim::now()
    });
    outcome.unwrap();
}

#[test]
fn a_wake_from_another_thread_is_reported() {
    let failure = Sim::new()
        .run(|| async {
            let mut woken = false;
            std::future::poll_fn(move |cx| {
                if std::mem::replace(&mut woken, true) {
                    return Poll::Ready(());
                }
                let waker = cx.waker().clone();
                std::thread::spawn(move || waker.wake()).join().unwrap();
                Poll::Pending
            })
            .await;
        })
        .unwrap_err();
    assert!(matches!(failure.kind(), FailureKind::OutsideWake { .. }), "{failure}");
    assert_eq!(failure.rule().id, "SIM009");
}

#[test]
fn a_future_that_wakes_itself_for_ever_ends_at_the_step_limit() {
    let failure = Sim::new()
        .max_steps(5_000)
        .run(|| {
            std::future::poll_fn(|cx: &mut Context<'_>| {
                cx.waker().wake_by_ref();
                Poll::<()>::Pending
            })
        })
        .unwrap_err();
    assert!(matches!(failure.kind(), FailureKind::Livelock { cycle } if cycle.len() == 1));
    assert_eq!(failure.step(), 5_000);
}

#[test]
fn a_million_tasks() {
    for (policy, tasks) in [(Policy::Fifo, 1_000_000), (Policy::Random, 200_000)] {
        let count = Rc::new(RefCell::new(0));
        let inside = Rc::clone(&count);
        Sim::new()
            .policy(policy)
            .trace(false)
            .max_steps(3_000_000)
            .run(|| async move {
                for _ in 0..tasks {
                    let count = Rc::clone(&inside);
                    drop(sim::spawn(async move {
                        sim::yield_now().await;
                        *count.borrow_mut() += 1;
                    }));
                }
                sim::sleep(Duration::from_secs(1)).await;
            })
            .unwrap();
        assert_eq!(*count.borrow(), tasks);
    }
}

#[test]
fn a_request_passes_through_a_chain_of_a_million_tasks() {
    let outcome = Sim::new().trace(false).max_steps(10_000_000).run(|| async {
        let mut last = sim::spawn(std::future::pending::<()>());
        for _ in 0..1_000_000 {
            let inner = last;
            last = sim::spawn(async move { inner.propagate().await });
        }
        sim::yield_now().await;
        sim::yield_now().await;
        last.cancel();
        last.await.unwrap_err().is_cancelled()
    });
    assert!(outcome.unwrap().into_value());
}

#[test]
fn a_task_that_spawns_in_its_destructor() {
    let outcome = Sim::new().run(|| async {
        let task = sim::spawn(async {
            let _last_wish =
                OnDrop(|| drop(sim::spawn(async { sim::note!("spawned by a destructor") })));
            std::future::pending::<()>().await;
        });
        sim::yield_now().await;
        task.abort();
        sim::sleep(Duration::from_secs(1)).await;
    });
    outcome.unwrap().trace().assert_order(["spawned by a destructor"]);
    // The same when the run is being taken down: what it spawns never runs.
    Sim::new()
        .leaks(sim::Leaks::Allow)
        .run(|| async {
            drop(sim::spawn(async {
                let _last_wish = OnDrop(|| drop(sim::spawn(async { unreachable!("it ran") })));
                std::future::pending::<()>().await;
            }));
            sim::yield_now().await;
        })
        .unwrap();
}

#[test]
fn runs_may_be_nested() {
    let outcome = Sim::new().run(|| async {
        sim::sleep(Duration::from_secs(1)).await;
        let inner = Sim::new().run(|| async {
            sim::sleep(Duration::from_secs(10)).await;
            sim::now().as_secs()
        });
        (inner.unwrap().into_value(), sim::now().as_secs())
    });
    assert_eq!(outcome.unwrap().into_value(), (10, 1));
}

#[test]
fn a_wake_of_the_outer_run_from_inside_a_nested_one_arrives() {
    let outcome = Sim::new().run(|| async {
        let (sender, receiver) = futures::channel::oneshot::channel();
        let waiter = sim::spawn(receiver);
        sim::yield_now().await;
        Sim::new().run(move || async move { sender.send(7) }).unwrap().into_value().unwrap();
        waiter.await.unwrap().unwrap()
    });
    assert_eq!(outcome.unwrap().into_value(), 7);
}

#[test]
fn outside_a_run_the_message_says_what_to_do() {
    let messages = [
        catch_unwind(|| sim::now().as_secs()).unwrap_err(),
        catch_unwind(|| drop(sim::spawn(async {}))).unwrap_err(),
        catch_unwind(AssertUnwindSafe(|| {
            let mut sleep = pin!(sim::sleep(Duration::from_secs(1)));
            let _ = sleep.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        }))
        .unwrap_err(),
    ];
    for message in messages {
        let message = message.downcast::<String>().unwrap();
        assert!(
            message.contains("outside a simulation") && message.contains("Sim::new().run"),
            "{message}"
        );
    }
}

#[test]
fn handles_of_a_run_that_has_ended_are_harmless() {
    let run = Sim::new().run(|| async { Some(sim::spawn(async { 1 })) });
    let handle = run.unwrap().into_value().unwrap();
    assert!(handle.is_finished());
    assert!(!handle.cancel());
    handle.abort();
    assert!(handle.try_result().unwrap().is_err());
    let later = Sim::new().run(move || async move { handle.await.is_err() });
    assert!(later.unwrap().into_value());
}

#[test]
fn durations_of_zero_and_beyond_all_bounds() {
    let outcome = Sim::new().max_time(Duration::MAX).run(|| async {
        sim::sleep(Duration::ZERO).await;
        assert!(sim::timeout(Duration::ZERO, sim::yield_now()).await.is_err());
        assert_eq!(sim::timeout(Duration::ZERO, async { 1 }).await, Ok(1));
        assert!(sim::timeout(Duration::from_secs(1), sim::sleep(Duration::MAX)).await.is_err());
        sim::busy(Duration::MAX);
        sim::sleep(Duration::MAX).await;
        sim::sleep(Duration::from_nanos(1)).await;
        sim::now()
    });
    assert_eq!(outcome.unwrap().into_value(), Duration::from_nanos(u64::MAX));
}

#[test]
fn a_panic_outside_a_run_still_reaches_the_hook_that_was_there() {
    // The run installs its hook first, whatever the order of tests.
    Sim::new().run(|| async {}).unwrap();
    assert!(catch_unwind(|| panic!("seen by the harness")).is_err());
}

/// An error whose text asks the simulation something, and so must not be asked for while the
/// kernel is at work.
struct Curious;

impl std::fmt::Debug for Curious {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        drop(sim::spawn(async {}));
        write!(f, "disk full at {:?}", sim::now())
    }
}

/// An error that cannot even be told.
struct Unspeakable;

impl std::fmt::Debug for Unspeakable {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        panic!("no words")
    }
}

#[test]
fn the_text_of_an_error_may_use_the_simulation() {
    let message = |failure: sim::Failure| match failure.kind() {
        FailureKind::UnobservedError { message, .. } => message.clone(),
        kind => panic!("{kind:?}"),
    };
    // Its handle is dropped: before its end, after it, and not before the run is taken down.
    let before = Sim::new().run(|| async {
        drop(sim::try_spawn(async { Err::<(), _>(Curious) }));
        sim::sleep(Duration::from_secs(1)).await;
    });
    assert_eq!(message(before.unwrap_err()), "disk full at 0ns");
    let after = Sim::new().run(|| async {
        let task = sim::try_spawn(async { Err::<(), _>(Curious) });
        sim::sleep(Duration::from_secs(1)).await;
        drop(task);
    });
    assert_eq!(message(after.unwrap_err()), "disk full at 1s");
    let kept = Sim::new().run(|| async {
        let task = sim::try_spawn(async { Err::<(), _>(Curious) });
        sim::sleep(Duration::from_secs(2)).await;
        std::mem::forget(task);
    });
    assert_eq!(message(kept.unwrap_err()), "disk full at 2s");
    let unspeakable = Sim::new().run(|| async {
        drop(sim::try_spawn(async { Err::<(), _>(Unspeakable) }));
        sim::yield_now().await;
    });
    let text = message(unspeakable.unwrap_err());
    assert!(text.contains("`Debug` panicked: no words"), "{text}");
}

/// What a waker of the program's own does when it is called, and when it goes.
struct Bomb {
    in_wake: bool,
}

impl std::task::Wake for Bomb {
    fn wake(self: std::sync::Arc<Self>) {
        assert!(!self.in_wake, "in a waker");
    }
}

impl Drop for Bomb {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert!(self.in_wake, "in a waker that goes");
        }
    }
}

/// Polls a future with such a waker.
async fn with_bomb<F: Future>(in_wake: bool, future: F) -> F::Output {
    let mut future = pin!(future);
    let waker = Waker::from(std::sync::Arc::new(Bomb { in_wake }));
    let mut waker = Some(waker);
    std::future::poll_fn(move |_| match waker.take() {
        Some(waker) => {
            let polled = future.as_mut().poll(&mut Context::from_waker(&waker));
            // Only the kernel keeps one now.
            let _ = catch_unwind(AssertUnwindSafe(|| drop(waker)));
            polled
        }
        None => Poll::Pending,
    })
    .await
}

#[test]
fn a_panic_in_a_waker_called_by_the_loop_fails_the_run() {
    let assert_told = |failure: sim::Failure, in_wake| {
        if in_wake {
            let kind = failure.kind();
            assert!(matches!(kind, FailureKind::Panic { message, .. } if message == "in a waker"));
        } else {
            // It goes where the kernel lets go of it: that may be behind a deadlock.
            assert!(failure.to_string().contains("in a waker that goes"), "{failure}");
        }
    };
    for in_wake in [true, false] {
        // Called as a timer fires,
        let timer = Sim::new().run(move || with_bomb(in_wake, sim::sleep(Duration::from_secs(1))));
        assert_told(timer.unwrap_err(), in_wake);
        // as another task ends,
        let end = Sim::new().run(move || async move {
            let other = sim::spawn(sim::yield_now());
            let _ = with_bomb(in_wake, other).await;
        });
        assert_told(end.unwrap_err(), in_wake);
        // as a combinator is told of it,
        let gather = Sim::new().run(move || async move {
            let gather = sim::gather((0..2).map(|_| async { Ok::<_, ()>(()) }));
            let _ = with_bomb(in_wake, gather).await;
        });
        assert_told(gather.unwrap_err(), in_wake);
        // at a deadline,
        let deadline = Sim::new().run(move || async move {
            let late = sim::timeout(Duration::from_secs(1), std::future::pending::<()>());
            let _ = with_bomb(in_wake, late).await;
        });
        assert_told(deadline.unwrap_err(), in_wake);
        // and as what is left over is asked to cancel itself.
        let shutdown = Sim::new().run(move || async move {
            drop(sim::spawn(with_bomb(in_wake, sim::sleep(Duration::from_secs(60)))));
            sim::sleep(Duration::from_secs(1)).await;
        });
        assert_told(shutdown.unwrap_err(), in_wake);
    }
}

#[test]
fn a_panic_in_the_destructor_of_a_value_nobody_wants_fails_the_run() {
    let failure = Sim::new().run(|| async {
        drop(sim::spawn(async { OnDrop(|| panic!("unwanted")) }));
        sim::sleep(Duration::from_secs(1)).await;
    });
    let failure = failure.unwrap_err();
    assert!(matches!(failure.kind(), FailureKind::Panic { message, .. } if message == "unwanted"));
}

#[test]
fn a_loop_around_a_select_that_is_always_ready_ends_as_a_livelock() {
    const FIRST: u32 = line!() + 5;
    const SECOND: u32 = FIRST + 2;
    async fn spin(biased: bool) {
        loop {
            if biased {
                sim::select! { biased; () = std::future::ready(()) => {} }
            } else {
                sim::select! {
                    () = std::future::ready(()) => {}
                    () = sim::sleep(Duration::from_secs(1)) => {}
                }
            }
        }
    }
    for policy in [Policy::Fifo, Policy::Random] {
        for biased in [false, true] {
            let sim = Sim::new().policy(policy).max_steps(20_000);
            let failure = sim.run(move || spin(biased)).unwrap_err();
            let FailureKind::Spinning { place, selects, .. } = failure.kind() else {
                panic!("{failure}")
            };
            assert_eq!((failure.step(), *selects, failure.rule().id), (1, 20_000, "SIM005"));
            let line = if biased { FIRST } else { SECOND };
            assert!(place.contains(&format!("hostile.rs:{line}:")), "{place}");
            let text = failure.to_string();
            assert!(text.contains("LIVELOCK") && text.contains("always ready"), "{text}");
            assert!(text.contains(".max_steps(20000)"), "{text}");
        }
    }
    // Many in one step are no loop, and each step counts anew.
    Sim::new()
        .max_steps(3)
        .run(|| async {
            for _ in 0..10_000 {
                sim::select! { () = std::future::ready(()) => {} }
            }
            sim::yield_now().await;
            for _ in 0..10_000 {
                sim::select! { () = std::future::ready(()) => {} }
            }
        })
        .unwrap();
}

#[test]
fn a_busy_loop_that_never_awaits_ends_beyond_the_limit_of_time() {
    let failure = Sim::new().max_time(Duration::from_secs(3_600)).run(|| async {
        loop {
            sim::busy(Duration::from_secs(60));
        }
    });
    let failure: sim::Failure = failure.map(|_: sim::Outcome<()>| ()).unwrap_err();
    assert_eq!(failure.elapsed(), Duration::from_secs(3_660));
    assert!(failure.to_string().contains("beyond the limit of virtual time (3600s)"), "{failure}");
    // One call too many is the limit's own failure.
    let failure = Sim::new().max_time(Duration::from_secs(3_600)).run(|| async {
        sim::busy(Duration::from_secs(7_200));
        sim::yield_now().await;
    });
    assert!(matches!(failure.unwrap_err().kind(), FailureKind::TimeLimit { .. }));
}

#[test]
fn what_a_destructor_spawns_is_dropped_with_the_run() {
    use std::cell::Cell;
    use std::rc::Rc;

    struct Spawns(Rc<Cell<u32>>, u32);

    impl Drop for Spawns {
        fn drop(&mut self) {
            self.0.set(self.0.get() + 1);
            if self.1 > 0 {
                let next = Spawns(Rc::clone(&self.0), self.1 - 1);
                drop(sim::spawn(async move {
                    let _next = next;
                    core::future::pending::<()>().await;
                }));
            }
        }
    }

    let dropped = Rc::new(Cell::new(0));
    let seen = Rc::clone(&dropped);
    let run = sim::Sim::new().leaks(sim::Leaks::Allow).run(move || async move {
        // In the last slot, and with a free one before it.
        let gone = sim::spawn(async {});
        let last = Spawns(seen, 5);
        drop(sim::spawn(async move {
            let _last = last;
            core::future::pending::<()>().await;
        }));
        gone.await.unwrap();
        sim::yield_now().await;
    });
    run.unwrap();
    assert_eq!(dropped.get(), 6);
}
