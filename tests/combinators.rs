//! Executor-agnostic futures around `sim`'s own, and the other way round.

use std::time::Duration;

use futures::channel::{mpsc, oneshot};
use futures::stream::FuturesUnordered;
use futures::{SinkExt, StreamExt};
use sim::sync::{Event, Mutex, Queue, Semaphore};
use sim::{Policy, Sim, sleep, spawn, yield_now};

/// Runs a program first-in-first-out and under a hundred random schedules.
#[track_caller]
fn check<F, Fut, T>(program: F, expected: T)
where
    F: Fn() -> Fut,
    Fut: Future<Output = T> + 'static,
    T: PartialEq + std::fmt::Debug + 'static,
{
    assert_eq!(Sim::new().run(&program).unwrap().into_value(), expected);
    for seed in 0..100 {
        let outcome = Sim::new().seed(seed).policy(Policy::Random).run(&program).unwrap();
        assert_eq!(outcome.into_value(), expected, "seed {seed}");
    }
}

const MILLISECOND: Duration = Duration::from_millis(1);

#[test]
fn join_polls_locks_and_sleeps_side_by_side() {
    check(
        || async {
            let lock = Mutex::new(0);
            let add = |n: u32| {
                let lock = &lock;
                async move {
                    let mut guard = lock.lock().await;
                    let seen = *guard;
                    sleep(n * MILLISECOND).await;
                    *guard = seen + n;
                }
            };
            futures::join!(add(1), add(2), add(3));
            (lock.into_inner(), sim::now())
        },
        (6, 6 * MILLISECOND),
    );
}

#[test]
fn futures_unordered_polls_only_what_was_woken_and_gives_completion_order() {
    check(
        || async {
            let mut jobs: FuturesUnordered<_> = [3, 1, 2]
                .map(|n| async move {
                    sleep(n * MILLISECOND).await;
                    n
                })
                .into_iter()
                .collect();
            let mut order = Vec::new();
            while let Some(n) = jobs.next().await {
                order.push(n);
            }
            order
        },
        vec![1, 2, 3],
    );
}

#[test]
fn a_thousand_waiters_of_one_event_inside_one_task() {
    check(
        || async {
            let event = std::sync::Arc::new(Event::new());
            let setter = event.clone();
            drop(spawn(async move {
                sleep(MILLISECOND).await;
                setter.set();
            }));
            let mut waiters: FuturesUnordered<_> = (0..1_000).map(|_| event.wait()).collect();
            let mut count = 0;
            while waiters.next().await.is_some() {
                count += 1;
            }
            count
        },
        1_000,
    );
}

#[test]
fn futures_channels_carry_items_between_tasks() {
    check(
        || async {
            let (mut sender, receiver) = mpsc::channel(1);
            let producer = spawn(async move {
                for n in 0..5 {
                    sender.send(n).await.unwrap();
                    yield_now().await;
                }
            });
            let received: Vec<i32> = receiver.collect().await;
            producer.await.unwrap();
            let (sender, receiver) = oneshot::channel();
            drop(spawn(async move { sender.send(received.len()) }));
            receiver.await.unwrap()
        },
        5,
    );
}

#[test]
fn buffered_streams_keep_order_and_bound_concurrency() {
    check(
        || async {
            let permits = Semaphore::new(2);
            let results: Vec<u32> = futures::stream::iter(1..=6_u32)
                .map(|n| {
                    let permits = &permits;
                    async move {
                        // `buffered(2)` never lets a third in, so the permit is always there.
                        let _permit = permits.try_acquire().unwrap();
                        sleep((7 - n) * MILLISECOND).await;
                        n
                    }
                })
                .buffered(2)
                .collect()
                .await;
            results
        },
        vec![1, 2, 3, 4, 5, 6],
    );
}

#[test]
fn a_lost_select_gives_up_its_place_in_every_queue() {
    check(
        || async {
            let lock = Mutex::new(());
            let queue = Queue::<u8>::new(0);
            let guard = lock.lock().await;
            for _ in 0..3 {
                let waits = Box::pin(async { futures::join!(lock.lock(), queue.get()) });
                futures::future::select(waits, Box::pin(sleep(MILLISECOND))).await;
            }
            drop(guard);
            queue.put_nowait(7).unwrap();
            let item = queue.get().await.unwrap();
            (lock.try_lock().is_ok(), item)
        },
        (true, 7),
    );
}

#[test]
fn futures_locks_work_as_well() {
    check(
        || async {
            let lock = std::rc::Rc::new(futures::lock::Mutex::new(0));
            let tasks: Vec<_> = (0..4)
                .map(|_| {
                    let lock = lock.clone();
                    spawn(async move {
                        let mut guard = lock.lock().await;
                        let seen = *guard;
                        yield_now().await;
                        *guard = seen + 1;
                    })
                })
                .collect();
            for task in tasks {
                task.await.unwrap();
            }
            *lock.lock().await
        },
        4,
    );
}

#[test]
fn send_bounds_of_ordinary_code_are_met() {
    fn boxed<'a>(
        future: impl Future<Output = u32> + Send + 'a,
    ) -> futures::future::BoxFuture<'a, u32> {
        Box::pin(future)
    }
    check(
        || async {
            let lock = std::sync::Arc::new(Mutex::new(1));
            let queue = std::sync::Arc::new(Queue::new(1));
            boxed(async move {
                let mut guard = lock.lock().await;
                sleep(MILLISECOND).await;
                *guard += 1;
                queue.put(*guard).await.unwrap();
                let handle = spawn(async { 40 });
                sim::timeout(MILLISECOND, async { queue.get().await.unwrap() }).await.unwrap()
                    + handle.await.unwrap()
            })
            .await
        },
        42,
    );
}
