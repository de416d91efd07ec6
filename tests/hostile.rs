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
