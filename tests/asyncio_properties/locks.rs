//! test_locks.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use sim::sync::{Barrier, Condition, Event, Mutex, OwnedMutexGuard, Semaphore};
use sim::{JoinHandle, note, sleep, spawn, timeout, yield_now};

use super::{anywhere, fifo, millis, secs};

super::covered![
    acquire,
    cancel_race,
    cancel_release_race,
    finished_waiter_cancelled,
    wait,
    notify,
    wait_cancel,
    wait_cancel_contested,
    wait_cancel_after_notify,
    cancelled_wakeup,
    acquire_cancel_before_awoken,
    acquire_no_hang,
    acquire_fifo_order,
    acquire_fifo_order_2,
    acquire_fifo_order_4,
    filling_tasks_cancel_one,
    reset_barrier_while_tasks_waiting,
    abort_barrier_when_exception,
];

/// Starts a task that locks, says so, and gives the guard to who awaits it.
fn locker(lock: &Arc<Mutex<()>>, name: &'static str) -> JoinHandle<OwnedMutexGuard<()>> {
    let lock = Arc::clone(lock);
    spawn(async move {
        let guard = lock.lock_owned().await;
        note!("{name} has it");
        guard
    })
}

/// Starts a task that takes a permit for good, and says so.
fn taker(semaphore: &Arc<Semaphore>, name: &'static str) -> JoinHandle<()> {
    let semaphore = Arc::clone(semaphore);
    spawn(async move {
        semaphore.acquire().await.forget();
        note!("{name} has one");
    })
}

#[test]
fn acquire() {
    fifo(
        || async {
            let lock = Arc::new(Mutex::new(()));
            let guard = Arc::clone(&lock).lock_owned().await;
            let (first, second) = (locker(&lock, "1"), locker(&lock, "2"));
            yield_now().await;
            note!("released");
            drop(guard);
            yield_now().await;
            note!("a turn later");
            yield_now().await;
            let third = locker(&lock, "3");
            note!("released");
            drop(first.await.unwrap());
            yield_now().await;
            note!("released");
            drop(second.await.unwrap());
            yield_now().await;
            note!("third done {}", third.is_finished());
        },
        &[
            "0 released",
            "0 1 has it",
            "0 a turn later",
            "0 released",
            "0 2 has it",
            "0 released",
            "0 3 has it",
            "0 third done true",
        ],
    );
    fifo(
        || async {
            let semaphore = Arc::new(Semaphore::new(3));
            semaphore.acquire().await.forget();
            semaphore.acquire().await.forget();
            note!("locked {}", semaphore.is_locked());
            let tasks = ["1", "2", "3"].map(|name| taker(&semaphore, name));
            yield_now().await;
            note!("locked {}, {} left", semaphore.is_locked(), semaphore.available_permits());
            let fourth = taker(&semaphore, "4");
            semaphore.add_permits(2);
            note!("{} left", semaphore.available_permits()); // reserved for those woken
            yield_now().await;
            note!("two of three done {}", tasks.iter().all(JoinHandle::is_finished));
            note!("the newcomer done {}", fourth.is_finished());
            semaphore.add_permits(1);
            fourth.await.unwrap();
        },
        &[
            "0 locked false",
            "0 1 has one",
            "0 locked true, 0 left",
            "0 0 left",
            "0 2 has one",
            "0 3 has one",
            "0 two of three done true",
            "0 the newcomer done false",
            "0 4 has one",
        ],
    );
}

#[test]
fn cancel_race() {
    fifo(
        || async {
            let lock = Arc::new(Mutex::new(()));
            let go = Rc::new(Event::new());
            let a = spawn({
                let (lock, go) = (Arc::clone(&lock), Rc::clone(&go));
                async move {
                    let _guard = lock.lock().await;
                    go.wait().await;
                    note!("a releases");
                }
            });
            yield_now().await;
            let (b, c) = (locker(&lock, "b"), locker(&lock, "c"));
            yield_now().await;
            go.set();
            b.cancel(); // cancelled, and still in the queue when `a` releases
            yield_now().await;
            note!("locked {}", lock.is_locked());
            note!("a done {}, b done {}", a.is_finished(), b.is_finished());
            drop(c.await.unwrap());
        },
        &["0 a releases", "0 locked false", "0 a done true, b done true", "0 c has it"],
    );
}

#[test]
fn cancel_release_race() {
    fifo(
        || async {
            let lock = Arc::new(Mutex::new(()));
            let guard = Arc::clone(&lock).lock_owned().await;
            let tasks = ["1", "2", "3"].map(|name| locker(&lock, name));
            let [first, second, third] = tasks;
            yield_now().await;
            let cancel = first.abort_handle();
            drop(spawn(async move {
                cancel.cancel();
                drop(guard);
            }));
            note!("first cancelled {}", first.await.is_err());
            yield_now().await;
            note!("second done {}, third done {}", second.is_finished(), third.is_finished());
            third.cancel();
            note!("third cancelled {}", third.await.is_err());
        },
        &[
            "0 2 has it",
            "0 first cancelled true",
            "0 second done true, third done false",
            "0 third cancelled true",
        ],
    );
}

#[test]
fn finished_waiter_cancelled() {
    fifo(
        || async {
            let lock = Arc::new(Mutex::new(()));
            let guard = Arc::clone(&lock).lock_owned().await;
            let b = locker(&lock, "b");
            yield_now().await;
            let c = locker(&lock, "c");
            b.cancel();
            drop(guard);
            yield_now().await;
            note!("locked {}, b cancelled {}", lock.is_locked(), b.await.is_err());
            drop(c.await.unwrap());
        },
        &["0 c has it", "0 locked true, b cancelled true"],
    );
}

#[test]
fn wait() {
    fifo(
        || async {
            let event = Rc::new(Event::new());
            let waiter = |number: u32| {
                let event = Rc::clone(&event);
                spawn(async move {
                    event.wait().await;
                    note!("{number}");
                })
            };
            let tasks = [waiter(1), waiter(2)];
            yield_now().await;
            drop(waiter(3)); // its first step stands before those whom `set` wakes
            event.set();
            yield_now().await;
            note!("all done {}", tasks.iter().all(JoinHandle::is_finished));
        },
        &["0 3", "0 1", "0 2", "0 all done true"],
    );
    fifo(
        || async {
            let condition = Arc::new(Condition::new(()));
            let tasks = ["a", "b", "c", "d"].map(|name| {
                let condition = Arc::clone(&condition);
                spawn(async move {
                    let _guard = condition.lock().await.wait().await;
                    note!("{name}");
                    sleep(millis(500)).await; // with the lock held
                })
            });
            yield_now().await;
            let guard = condition.lock().await;
            guard.notify(2);
            sleep(secs(1)).await;
            drop(guard);
            sleep(secs(3)).await;
            condition.lock().await.notify_all();
            for task in tasks {
                task.await.unwrap();
            }
        },
        &["1 a", "1.5 b", "4 c", "4.5 d"],
    );
}

#[test]
fn notify() {
    fifo(
        || async {
            let condition = Arc::new(Condition::new(()));
            let tasks = [1, 2, 3].map(|number| {
                let condition = Arc::clone(&condition);
                spawn(async move {
                    drop(condition.lock().await.wait().await);
                    note!("{number}");
                })
            });
            yield_now().await;
            condition.lock().await.notify_one();
            yield_now().await;
            note!("again");
            let guard = condition.lock().await;
            guard.notify(1);
            guard.notify(2048);
            drop(guard);
            yield_now().await;
            note!("all done {}", tasks.iter().all(JoinHandle::is_finished));
        },
        &["0 1", "0 again", "0 2", "0 3", "0 all done true"],
    );
}

#[test]
fn wait_cancel() {
    anywhere(
        || async {
            let condition = Arc::new(Condition::new(()));
            let waiter = spawn({
                let condition = Arc::clone(&condition);
                async move {
                    let guard = condition.lock().await;
                    let Err((guard, cancelled)) = guard.wait_cancellable().await else { return };
                    note!("cancelled, with the lock held: {}", condition.is_locked());
                    drop(guard);
                    cancelled.resume().await;
                }
            });
            sleep(secs(1)).await;
            note!("locked {}", condition.is_locked());
            waiter.cancel();
            note!("cancelled {}", waiter.await.is_err());
            // The event's half: who was cancelled is no longer in its way.
            let event = Rc::new(Event::new());
            let waiter = spawn({
                let event = Rc::clone(&event);
                async move { event.wait().await }
            });
            sleep(secs(1)).await;
            waiter.cancel();
            event.set();
            note!("cancelled {}", waiter.await.is_err());
        },
        &[
            "1 locked false",
            "1 cancelled, with the lock held: true",
            "1 cancelled true",
            "2 cancelled true",
        ],
    );
}

#[test]
fn wait_cancel_contested() {
    fifo(
        || async {
            let condition = Arc::new(Condition::new(()));
            let waiter = spawn({
                let condition = Arc::clone(&condition);
                async move {
                    let waited = condition.lock().await.wait_cancellable().await;
                    note!("cancelled {}, locked {}", waited.is_err(), condition.is_locked());
                }
            });
            yield_now().await;
            let guard = condition.lock().await;
            guard.notify_one();
            yield_now().await; // it asks for the lock
            note!("cancel {}", waiter.cancel());
            drop(guard);
            waiter.await.unwrap();
        },
        &["0 cancel true", "0 cancelled true, locked true"],
    );
}

#[test]
fn wait_cancel_after_notify() {
    fifo(
        || async {
            let condition = Arc::new(Condition::new(()));
            let waiter = spawn({
                let condition = Arc::clone(&condition);
                async move {
                    let guard = condition.lock().await;
                    note!("waits");
                    drop(guard.wait().await);
                    note!("went on");
                }
            });
            yield_now().await;
            let guard = condition.lock().await;
            guard.notify_one();
            yield_now().await;
            waiter.cancel();
            sleep(secs(2)).await;
            note!("done without the lock: {}", waiter.is_finished());
            drop(guard);
            note!("cancelled {}", waiter.await.is_err());
            note!("locked {}", condition.is_locked());
        },
        &["0 waits", "2 done without the lock: false", "2 cancelled true", "2 locked false"],
    );
}

#[test]
fn cancelled_wakeup() {
    anywhere(
        || async {
            let stock = Arc::new(Condition::new(0));
            let consumers = [(); 2].map(|()| {
                let stock = Arc::clone(&stock);
                spawn(async move {
                    let mut left = stock.lock().await.wait_for(|left| *left != 0).await;
                    *left -= 1;
                    left.notify_all();
                })
            });
            sleep(secs(1)).await;
            // Woken is who waits longest, which a random schedule chose.
            let mut left = stock.lock().await;
            *left += 1;
            left.notify_one();
            consumers[0].cancel();
            let waited = timeout(secs(1), left.wait_for(|left| *left == 0)).await;
            note!("consumed {}", waited.is_ok());
            drop(waited);
            let [first, second] = consumers;
            note!("{} {}", first.await.is_err(), second.await.is_ok());
        },
        &["1 consumed true", "1 true true"],
    );
}

#[test]
fn acquire_cancel_before_awoken() {
    fifo(
        || async {
            let semaphore = Arc::new(Semaphore::new(0));
            let tasks = ["1", "2", "3", "4"].map(|name| taker(&semaphore, name));
            yield_now().await;
            tasks[0].cancel();
            tasks[1].cancel();
            semaphore.add_permits(1);
            yield_now().await;
            yield_now().await;
            let done = tasks.each_ref().map(JoinHandle::is_finished);
            note!("{done:?}");
            semaphore.add_permits(1);
            yield_now().await;
        },
        &["0 3 has one", "0 [true, true, true, false]", "0 4 has one"],
    );
}

#[test]
fn acquire_no_hang() {
    fifo(
        || async {
            let semaphore = Arc::new(Semaphore::new(1));
            let permit = semaphore.acquire().await;
            let second = taker(&semaphore, "second");
            yield_now().await;
            drop(permit); // wakes the second, which is cancelled before it runs
            second.cancel();
            note!("cancelled {}", second.await.is_err());
            note!("{} left", semaphore.available_permits());
            note!("in time {}", timeout(secs(1), semaphore.acquire()).await.is_ok());
        },
        &["0 cancelled true", "0 1 left", "0 in time true"],
    );
}

#[test]
fn acquire_fifo_order() {
    fifo(
        || async {
            let semaphore = Arc::new(Semaphore::new(1));
            let tasks = ["a", "b", "c"].map(|name| {
                let semaphore = Arc::clone(&semaphore);
                spawn(async move {
                    for round in 1..=2 {
                        let _permit = semaphore.acquire().await;
                        note!("{name}{round}");
                        sleep(millis(10)).await;
                    }
                })
            });
            for task in tasks {
                task.await.unwrap();
            }
        },
        &["0 a1", "0.01 b1", "0.02 c1", "0.03 a2", "0.04 b2", "0.05 c2"],
    );
}

#[test]
fn acquire_fifo_order_2() {
    fifo(
        || async {
            let semaphore = Arc::new(Semaphore::new(1));
            let first = taker(&semaphore, "1");
            let second = spawn({
                let semaphore = Arc::clone(&semaphore);
                async move {
                    drop(semaphore.acquire().await);
                    note!("2 had one");
                    semaphore.acquire().await.forget();
                    note!("2 has one again");
                }
            });
            let third = taker(&semaphore, "3");
            yield_now().await;
            first.await.unwrap();
            semaphore.add_permits(1);
            yield_now().await;
            third.await.unwrap();
            semaphore.add_permits(1);
            second.await.unwrap();
        },
        &["0 1 has one", "0 2 had one", "0 3 has one", "0 2 has one again"],
    );
}

#[test]
fn acquire_fifo_order_4() {
    fifo(
        || async {
            let semaphore = Arc::new(Semaphore::new(0));
            let first = spawn({
                let semaphore = Arc::clone(&semaphore);
                async move {
                    semaphore.acquire().await.forget();
                    note!("1, {} left", semaphore.available_permits());
                    drop(spawn(async { note!("4") }));
                }
            });
            let second = spawn({
                let semaphore = Arc::clone(&semaphore);
                async move {
                    semaphore.add_permits(3);
                    note!(
                        "{} left, locked {}",
                        semaphore.available_permits(),
                        semaphore.is_locked()
                    );
                    semaphore.acquire().await.forget();
                    note!("2");
                }
            });
            let third = spawn({
                let semaphore = Arc::clone(&semaphore);
                async move {
                    semaphore.acquire().await.forget();
                    note!("3");
                }
            });
            first.await.unwrap();
            second.await.unwrap();
            third.await.unwrap();
        },
        &["0 2 left, locked true", "0 1, 0 left", "0 2", "0 3", "0 4"],
    );
}

#[test]
fn filling_tasks_cancel_one() {
    fifo(
        || async {
            let barrier = Rc::new(Barrier::new(3));
            let arrive = || {
                let barrier = Rc::clone(&barrier);
                spawn(async move {
                    barrier.wait().await.unwrap();
                    note!("through");
                })
            };
            let (first, second) = (arrive(), arrive());
            yield_now().await;
            note!("{} wait", barrier.n_waiting());
            first.cancel();
            yield_now().await;
            note!("{} wait, cancelled {}", barrier.n_waiting(), first.await.is_err());
            let third = arrive();
            yield_now().await;
            note!("{} wait", barrier.n_waiting());
            for task in [arrive(), second, third] {
                task.await.unwrap();
            }
            note!("{} wait, broken {}", barrier.n_waiting(), barrier.is_broken());
        },
        &[
            "0 2 wait",
            "0 1 wait, cancelled true",
            "0 2 wait",
            "0 through",
            "0 through",
            "0 through",
            "0 0 wait, broken false",
        ],
    );
}

#[test]
fn reset_barrier_while_tasks_waiting() {
    anywhere(
        || async {
            let barrier = Rc::new(Barrier::new(3));
            let arrive = || {
                let barrier = Rc::clone(&barrier);
                spawn(async move { barrier.wait().await.is_err() })
            };
            let tasks = [arrive(), arrive()];
            sleep(secs(1)).await;
            barrier.reset().await;
            for task in tasks {
                note!("broken {}", task.await.unwrap());
            }
            note!("{} wait, broken {}", barrier.n_waiting(), barrier.is_broken());
            for task in [arrive(), arrive(), arrive()] {
                note!("then broken {}", task.await.unwrap());
            }
        },
        &[
            "1 broken true",
            "1 broken true",
            "1 0 wait, broken false",
            "1 then broken false",
            "1 then broken false",
            "1 then broken false",
        ],
    );
}

#[test]
fn abort_barrier_when_exception() {
    anywhere(
        || async {
            let barrier = Rc::new(Barrier::new(5));
            let got_through = Rc::new(Cell::new(0));
            let broken = Rc::new(Cell::new(0));
            let tasks = [(); 5].map(|()| {
                let (barrier, broken) = (Rc::clone(&barrier), Rc::clone(&broken));
                let got_through = Rc::clone(&got_through);
                spawn(async move {
                    match barrier.wait().await {
                        Ok(arrival) if arrival.index() == 2 => return barrier.abort().await,
                        Ok(_) => {}
                        Err(_) => return broken.set(broken.get() + 1),
                    }
                    match barrier.wait().await {
                        Ok(_) => got_through.set(got_through.get() + 1),
                        Err(_) => broken.set(broken.get() + 1),
                    }
                })
            });
            for task in tasks {
                task.await.unwrap();
            }
            note!("{} through, {} broken", got_through.get(), broken.get());
            note!("{} wait, broken {}", barrier.n_waiting(), barrier.is_broken());
            note!("a newcomer {}", barrier.wait().await.is_err());
        },
        &["0 0 through, 4 broken", "0 0 wait, broken true", "0 a newcomer true"],
    );
}
