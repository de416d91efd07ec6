//! Waits that are polled with a combinator's waker instead of the task's own.

use core::pin::pin;
use core::time::Duration;
use std::rc::Rc;

use futures::StreamExt;
use futures::future::{Either, select};
use futures::stream::FuturesUnordered;

use super::super::{Barrier, Condition, Event, Mutex, Queue, RwLock, Semaphore};
use crate::{Sim, catch_cancel, sleep, spawn, yield_now};

fn run<Fut: Future<Output = ()> + 'static>(program: impl FnOnce() -> Fut) {
    Sim::new().run(program).unwrap();
}

#[test]
fn join_waits_for_all_of_them_in_one_task() {
    run(|| async {
        let (mutex, event, semaphore) = (Mutex::new(0), Event::new(), Semaphore::new(0));
        let (queue, barrier) = (Queue::new(1), Barrier::new(3));
        let bump = || async {
            barrier.wait().await.unwrap();
            let mut guard = mutex.lock().await;
            let read = *guard;
            yield_now().await;
            *guard = read + 1;
        };
        let consume = async {
            event.wait().await;
            semaphore.acquire().await.forget();
            [queue.get().await.unwrap(), queue.get().await.unwrap()]
        };
        let produce = async {
            sleep(Duration::from_secs(1)).await;
            event.set();
            semaphore.add_permits(1);
            queue.put("a").await.unwrap();
            queue.put("b").await.unwrap();
        };
        let ((), (), (), got, ()) = futures::join!(bump(), bump(), bump(), consume, produce);
        assert_eq!(got, ["a", "b"]);
        assert_eq!(mutex.into_inner(), 3);
    });
}

#[test]
fn futures_unordered_gets_a_lock_in_order() {
    run(|| async {
        let (mutex, order) = (Mutex::new(()), Mutex::new(Vec::new()));
        let mut tasks: FuturesUnordered<_> = (0..20)
            .map(|nth| {
                let (mutex, order) = (&mutex, &order);
                async move {
                    let _guard = mutex.lock().await;
                    yield_now().await;
                    order.lock().await.push(nth);
                }
            })
            .collect();
        while tasks.next().await.is_some() {}
        drop(tasks);
        let mut order = order.into_inner();
        assert_eq!(order.len(), 20);
        order.sort_unstable();
        assert_eq!(order, (0..20).collect::<Vec<_>>());
    });
}

#[test]
fn condition_works_inside_one_task() {
    run(|| async {
        let condition = Condition::new(0);
        let waiter = || async {
            let mut left = condition.lock().await.wait_for(|left| *left > 0).await;
            *left -= 1;
        };
        let notifier = async {
            for _ in 0..3 {
                yield_now().await;
                let mut left = condition.lock().await;
                *left += 1;
                left.notify_one();
            }
        };
        futures::join!(waiter(), waiter(), waiter(), notifier);
        assert_eq!(condition.into_inner(), 0);
    });
}

#[test]
fn a_woken_loser_of_a_select_passes_on_what_it_got() {
    run(|| async {
        let mutex = Rc::new(Mutex::new(()));
        let semaphore = Rc::new(Semaphore::new(0));
        let queue = Rc::new(Queue::new(0));
        let lock = Rc::new(RwLock::new(()));
        let (held, reading) = (mutex.lock().await, lock.write().await);
        let (event, go) = (Rc::new(Event::new()), Rc::clone(&semaphore));
        let losers = {
            let (mutex, semaphore, queue) =
                (Rc::clone(&mutex), Rc::clone(&semaphore), Rc::clone(&queue));
            let (event, lock) = (Rc::clone(&event), Rc::clone(&lock));
            spawn(async move {
                let all = async {
                    futures::join!(
                        async { drop(mutex.lock().await) },
                        async { semaphore.acquire().await.forget() },
                        async { queue.get().await.map(drop) },
                        async { drop(lock.write().await) },
                    )
                };
                // Polled first, the event wins though all others were woken before.
                match select(pin!(event.wait()), pin!(all)).await {
                    Either::Left(_) => {}
                    Either::Right(_) => unreachable!(),
                }
            })
        };
        let winners = {
            let (mutex, semaphore, queue) =
                (Rc::clone(&mutex), Rc::clone(&semaphore), Rc::clone(&queue));
            let lock = Rc::clone(&lock);
            spawn(async move {
                let (_guard, permit, item, _read) =
                    futures::join!(mutex.lock(), semaphore.acquire(), queue.get(), lock.read());
                permit.forget();
                item.unwrap()
            })
        };
        yield_now().await;
        drop(held);
        drop(reading);
        go.add_permits(1);
        queue.put_nowait("item").unwrap();
        event.set();
        losers.await.unwrap();
        assert_eq!(winners.await.unwrap(), "item");
        assert_eq!(semaphore.available_permits(), 0);
    });
}

#[test]
fn a_request_reaches_waits_behind_a_combinator() {
    run(|| async {
        let (mutex, condition) = (Rc::new(Mutex::new(())), Rc::new(Condition::new(())));
        let held = mutex.lock().await;
        let task = spawn({
            let (mutex, condition) = (Rc::clone(&mutex), Rc::clone(&condition));
            async move {
                let both = async {
                    futures::join!(mutex.lock(), async { condition.lock().await.wait().await })
                };
                catch_cancel(both).await.is_err()
            }
        });
        yield_now().await;
        assert!(task.cancel());
        assert!(task.await.unwrap());
        drop(held);
        assert!(!condition.is_locked());
        drop(mutex.try_lock().unwrap());
    });
}
