//! The programs that are shown. Their lines are in the golden texts: append, do not insert.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use sim::JoinHandle;

pub(crate) fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Two withdrawals read the balance, wait, and write it: one of the writes can be lost.
pub(crate) async fn lost_update() {
    let balance = Rc::new(Cell::new(100));
    let withdraw = |amount: i32| {
        let balance = balance.clone();
        async move {
            sim::sleep(ms(5)).await;
            let read = balance.get();
            sim::note!("read {read}");
            sim::sleep(ms(5)).await;
            balance.set(read - amount);
            sim::note!("write {}", read - amount);
        }
    };
    let first = sim::spawn(withdraw(30)).named("rent");
    let second = sim::spawn(withdraw(50)).named("food");
    let _ = (first.await, second.await);
    assert_eq!(balance.get(), 20, "money lost");
}

/// Two tasks wait for each other's end.
pub(crate) async fn join_each_other() {
    type Slot = Rc<RefCell<Option<JoinHandle<()>>>>;
    let (left, right) = (Slot::default(), Slot::default());
    let meet = |other: &Slot| {
        let other = other.clone();
        async move {
            sim::sleep(ms(5)).await;
            let other = other.borrow_mut().take();
            if let Some(other) = other {
                let _ = other.await;
            }
        }
    };
    let one = sim::spawn(meet(&right)).named("producer");
    let two = sim::spawn(meet(&left)).named("consumer");
    *left.borrow_mut() = Some(one.clone());
    *right.borrow_mut() = Some(two);
    let _ = one.await;
}

/// A loop that never awaits lets a deadline pass.
pub(crate) async fn starvation() {
    let worker = sim::spawn(async {
        sim::busy(ms(5_000));
        sim::note!("Task completed");
    })
    .named("worker");
    sim::sleep(ms(2_000)).await;
    worker.cancel();
    let _ = worker.await;
}

/// A cancelled task cleans up, lets the request go on, and a second one swallows its own.
pub(crate) async fn cancelled() {
    let polite = sim::spawn(async {
        if let Err(cancelled) = sim::catch_cancel(sim::sleep(ms(60_000))).await {
            sim::note!("closing the file");
            sim::sleep(ms(10)).await;
            cancelled.resume().await;
        }
    })
    .named("polite");
    let stubborn = sim::spawn(async {
        let _ = sim::catch_cancel(sim::sleep(ms(60_000))).await;
        sim::timeout(ms(100), sim::sleep(ms(500))).await.is_err()
    })
    .named("stubborn");
    let victim = sim::spawn(async { sim::sleep(ms(60_000)).await }).named("victim");
    sim::sleep(ms(1)).await;
    let late = sim::spawn(async {}).named("late");
    polite.cancel();
    stubborn.cancel();
    victim.abort();
    late.cancel();
    let _ = (polite.await, stubborn.await, victim.await, late.await);
}

/// Two tasks ask each other for something, again and again, and no time passes.
pub(crate) async fn livelock() {
    let done = Rc::new(Cell::new(false));
    for name in ["left", "right"] {
        let done = done.clone();
        drop(
            sim::spawn(async move {
                while !done.get() {
                    sim::yield_now().await;
                }
            })
            .named(name),
        );
    }
    std::future::pending::<()>().await;
}

/// One task.
pub(crate) async fn alone() {
    for tick in 1..=3 {
        sim::note!("tick {tick}");
        sim::sleep(ms(1_500)).await;
    }
}

/// More tasks than there is room for.
pub(crate) async fn crowd() {
    let workers: Vec<_> = (1..=40)
        .map(|nth| {
            sim::spawn(async move {
                sim::sleep(ms(10 * (1 + nth % 3))).await;
                sim::note!("stored row {nth}");
            })
            .named(format!("w{nth}"))
        })
        .collect();
    for worker in workers {
        let _ = worker.await;
    }
}

/// Names and notes of every width.
pub(crate) async fn wide_names() {
    let names =
        ["账户余额查询任务", "🦀🚀👩‍👩‍👧‍👦", "connection-handler-of-the-second-listener-17", "a\tb\nc"];
    let tasks: Vec<_> = names
        .into_iter()
        .map(|name| {
            let task = sim::spawn(async move {
                sim::note!("{name}: 余额 100 元, and what else there is to be said of it");
                sim::sleep(ms(1)).await;
            });
            task.named(name)
        })
        .collect();
    for task in tasks {
        let _ = task.await;
    }
}

/// Waits a long time for something, looking again and again.
pub(crate) async fn polling() {
    let flag = Rc::new(Cell::new(false));
    let seen = flag.clone();
    let poller = sim::spawn(async move {
        while !seen.get() {
            sim::sleep(ms(10)).await;
        }
    })
    .named("poller");
    sim::sleep(ms(1_205)).await;
    flag.set(true);
    let _ = poller.await;
}

/// A task's panic, and the `unwrap` that meets it.
pub(crate) async fn panic_in_task() {
    let parser = sim::spawn(async {
        sim::yield_now().await;
        let text = "12a";
        text.parse::<u32>().expect("a number")
    })
    .named("parser");
    let _ = parser.await.unwrap();
}

/// Tasks that outlive the root.
pub(crate) async fn leaky() {
    drop(sim::spawn(sim::sleep(ms(60_000))).named("heartbeat"));
    drop(sim::spawn(std::future::pending::<()>()).named("listener"));
    sim::sleep(ms(5)).await;
}

/// Waits for a timer beyond every limit.
pub(crate) async fn too_long() {
    let _ = sim::spawn(sim::sleep(Duration::from_secs(86_400 * 365))).named("yearly").await;
}

/// Waits for a foreign future, in a task.
pub(crate) async fn foreign() {
    let reader = sim::spawn(std::future::pending::<()>()).named("socket reader");
    let _ = reader.await;
}

/// Fails with an error nobody looks at.
pub(crate) async fn unobserved() {
    drop(sim::try_spawn(async { Err::<(), _>("disk full") }).named("writer"));
    sim::sleep(ms(1)).await;
}

/// One task that never gives up.
pub(crate) async fn spin() {
    loop {
        sim::yield_now().await;
    }
}

/// Notes a different thing in every step, for long.
pub(crate) async fn long() {
    let ticker = sim::spawn(async {
        for tick in 1..=100 {
            sim::note!("tick {tick}");
            sim::sleep(ms(250)).await;
        }
    })
    .named("ticker");
    let _ = ticker.await;
}

/// Two deadlines pass while somebody else has the thread.
pub(crate) async fn late_timers() {
    let mut alarms = Vec::new();
    for seconds in [2, 3] {
        let alarm = sim::spawn(async move { sim::sleep(ms(seconds * 1_000)).await });
        alarms.push(alarm.named(format!("alarm-{seconds}s")));
    }
    let hog = sim::spawn(async {
        sim::busy(ms(5_000));
        sim::yield_now().await;
        sim::busy(ms(1_000));
    });
    let _ = hog.named("hog").await;
    for alarm in alarms {
        let _ = alarm.await;
    }
}

/// A task panics, and so never tells the one that waits for it; another panics as well.
pub(crate) async fn panic_then_deadlock() {
    for name in ["worker", "worker", "logger"] {
        let task = sim::spawn(async move {
            sim::sleep(ms(1)).await;
            assert!(name != "worker", "no such file");
            sim::note!("flushed");
        });
        drop(task.named(name));
    }
    std::future::pending::<()>().await;
}

/// Requests to cancel for every reason, and two that come too late.
pub(crate) async fn reasons_to_cancel() {
    let group = sim::TaskGroup::scope(|group| async move {
        let sibling = group.spawn(async {
            sim::sleep(ms(60_000)).await;
            Ok(())
        });
        sibling.named("sibling");
        let failing = group.spawn(async {
            sim::sleep(ms(1)).await;
            Err::<(), _>("disk full")
        });
        failing.named("failing");
        sim::sleep(ms(60_000)).await;
        Ok(())
    });
    let _ = group.await;
    let inner = sim::spawn(sim::sleep(ms(60_000))).named("inner");
    let outer = sim::spawn(async move { sim::timeout(ms(10), inner).await.is_err() });
    let _ = outer.named("outer").await;
    let bounded = sim::spawn(sim::sleep(ms(60_000))).named("bounded");
    let _ = sim::wait_for(bounded, ms(10)).await;
    let done = sim::spawn(async {}).named("done");
    let _ = (&done).await;
    assert!(!done.cancel());
    done.abort();
}
