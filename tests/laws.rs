//! The laws of the primitives, under random programs, schedules, cancels and drops.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use proptest::prelude::*;
use sim::sync::{Mutex, Notify, Queue, RwLock, Semaphore, mpsc};
use sim::{Failure, JoinHandle, Policy, Sim};

/// What a task does between two uses of what it shares, and how it is disturbed.
#[derive(Clone, Copy, Debug)]
enum Act {
    Yield,
    Sleep(u8),
    /// Gives up waiting after so many milliseconds.
    Timeout(u8),
}

#[derive(Clone, Debug)]
struct Plan {
    tasks: Vec<Vec<Act>>,
    /// (after how many milliseconds, which task, abort instead of cancel)
    blows: Vec<(u8, usize, bool)>,
    seed: u64,
}

fn plan() -> impl Strategy<Value = Plan> {
    let act = prop_oneof![
        Just(Act::Yield),
        (0..4_u8).prop_map(Act::Sleep),
        (0..4_u8).prop_map(Act::Timeout)
    ];
    let tasks = prop::collection::vec(prop::collection::vec(act, 1..6), 1..6);
    let blows = prop::collection::vec((0..6_u8, 0..6_usize, any::<bool>()), 0..5);
    (tasks, blows, any::<u64>()).prop_map(|(tasks, blows, seed)| Plan { tasks, blows, seed })
}

fn millis(n: u8) -> Duration {
    Duration::from_millis(u64::from(n))
}

/// Runs the plan's tasks, disturbs them, waits for their ends, then runs `settle`.
fn run<F, Fut, S, Rest>(plan: &Plan, worker: F, settle: S) -> Result<(), TestCaseError>
where
    F: Fn(Vec<Act>) -> Fut + Clone + 'static,
    Fut: Future<Output = ()> + 'static,
    S: FnOnce() -> Rest + 'static,
    Rest: Future<Output = ()> + 'static,
{
    let plan = plan.clone();
    let policy = if plan.seed.is_multiple_of(4) { Policy::Fifo } else { Policy::Random };
    let outcome: Result<_, Failure> =
        Sim::new().seed(plan.seed).policy(policy).run(move || async move {
            let tasks: Vec<JoinHandle<()>> =
                plan.tasks.iter().map(|acts| sim::spawn(worker(acts.clone()))).collect();
            let blows: Vec<JoinHandle<()>> = plan
                .blows
                .iter()
                .map(|&(after, victim, abort)| {
                    let victim = tasks[victim % tasks.len()].clone();
                    sim::spawn(async move {
                        sim::sleep(millis(after)).await;
                        if abort {
                            victim.abort();
                        } else {
                            victim.cancel();
                        }
                    })
                })
                .collect();
            for task in tasks {
                if let Err(error) = task.await {
                    assert!(error.is_cancelled(), "{error}");
                }
            }
            for blow in blows {
                blow.await.unwrap();
            }
            settle().await;
        });
    outcome.map(drop).map_err(|failure| TestCaseError::fail(failure.to_string()))
}

async fn pause(act: Act) {
    match act {
        Act::Yield => sim::yield_now().await,
        Act::Sleep(n) | Act::Timeout(n) => sim::sleep(millis(n)).await,
    }
}

/// Waits for `future`, for as long as the act allows.
async fn patiently<T>(act: Act, future: impl Future<Output = T>) -> Option<T> {
    match act {
        Act::Timeout(n) => sim::timeout(millis(n), future).await.ok(),
        Act::Yield | Act::Sleep(_) => Some(future.await),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_mutex_excludes_and_is_free_at_the_end(plan in plan()) {
        let lock = Rc::new(Mutex::new(0_u32));
        let inside = Rc::new(Cell::new(false));
        let (worker_lock, at_end) = (lock.clone(), lock);
        run(&plan, move |acts| {
            let (lock, inside) = (worker_lock.clone(), inside.clone());
            async move {
                for act in acts {
                    let Some(mut guard) = patiently(act, lock.lock()).await else { continue };
                    assert!(!inside.replace(true), "two tasks hold the lock");
                    struct Leave(Rc<Cell<bool>>);
                    impl Drop for Leave {
                        fn drop(&mut self) {
                            self.0.set(false);
                        }
                    }
                    // Dropped before the guard, whatever happens.
                    let leave = Leave(inside.clone());
                    let seen = *guard;
                    pause(act).await;
                    *guard = seen + 1;
                    drop(leave);
                }
            }
        }, move || async move {
            assert!(at_end.try_lock().is_ok(), "the lock is held by nobody");
        })?;
    }

    #[test]
    fn a_semaphore_loses_no_permit(plan in plan(), permits in 1..4_usize) {
        let semaphore = Rc::new(Semaphore::new(permits));
        let in_use = Rc::new(Cell::new(0_usize));
        let (shared, at_end) = (semaphore.clone(), semaphore);
        run(&plan, move |acts| {
            let (semaphore, in_use) = (shared.clone(), in_use.clone());
            async move {
                for act in acts {
                    let Some(permit) = patiently(act, semaphore.acquire()).await else { continue };
                    in_use.set(in_use.get() + 1);
                    assert!(in_use.get() <= permits, "more permits are in use than there are");
                    struct Leave(Rc<Cell<usize>>);
                    impl Drop for Leave {
                        fn drop(&mut self) {
                            self.0.set(self.0.get() - 1);
                        }
                    }
                    let leave = Leave(in_use.clone());
                    pause(act).await;
                    drop(leave);
                    drop(permit);
                }
            }
        }, move || async move {
            assert_eq!(at_end.available_permits(), permits);
        })?;
    }

    #[test]
    fn a_rwlock_lets_in_readers_or_one_writer(plan in plan()) {
        let lock = Rc::new(RwLock::new(0_i32));
        let inside = Rc::new(Cell::new(0_i32));
        let (shared, at_end) = (lock.clone(), lock);
        run(&plan, move |acts| {
            let (lock, inside) = (shared.clone(), inside.clone());
            async move {
                struct Leave(Rc<Cell<i32>>, i32);
                impl Drop for Leave {
                    fn drop(&mut self) {
                        self.0.set(self.0.get() - self.1);
                    }
                }
                for (index, act) in acts.into_iter().enumerate() {
                    if index % 2 == 0 {
                        let Some(guard) = patiently(act, lock.write()).await else { continue };
                        assert_eq!(inside.get(), 0, "a writer is not alone");
                        inside.set(100);
                        let leave = Leave(inside.clone(), 100);
                        pause(act).await;
                        drop(leave);
                        drop(guard);
                    } else {
                        let Some(guard) = patiently(act, lock.read()).await else { continue };
                        assert!(inside.get() < 100, "a reader beside a writer");
                        inside.set(inside.get() + 1);
                        let leave = Leave(inside.clone(), 1);
                        pause(act).await;
                        drop(leave);
                        drop(guard);
                    }
                }
            }
        }, move || async move {
            assert!(at_end.try_write().is_ok(), "the lock is held by nobody");
        })?;
    }

    #[test]
    fn a_queue_keeps_every_item_once_and_in_order(plan in plan(), max in 0..3_usize) {
        let queue = Rc::new(Queue::new(max));
        let put: Rc<RefCell<Vec<u32>>> = Rc::default();
        let got: Rc<RefCell<Vec<u32>>> = Rc::default();
        let next = Rc::new(Cell::new(0_u32));
        let (shared, at_end) = (queue.clone(), queue);
        let (all_put, all_got) = (put.clone(), got.clone());
        run(&plan, move |acts| {
            let (queue, put, got, next) = (shared.clone(), put.clone(), got.clone(), next.clone());
            async move {
                for (index, act) in acts.into_iter().enumerate() {
                    if index % 2 == 0 {
                        let item = next.replace(next.get() + 1);
                        // An item is in the queue exactly if the put has come back.
                        if let Some(Ok(())) = patiently(Act::Timeout(2), queue.put(item)).await {
                            put.borrow_mut().push(item);
                        }
                    } else if let Some(Ok(item)) = patiently(Act::Timeout(2), queue.get()).await {
                        got.borrow_mut().push(item);
                    }
                    pause(act).await;
                }
            }
        }, move || async move {
            while let Ok(item) = at_end.get_nowait() {
                all_got.borrow_mut().push(item);
            }
            let mut got = all_got.borrow().clone();
            let mut put = all_put.borrow().clone();
            got.sort_unstable();
            put.sort_unstable();
            assert_eq!(got, put);
        })?;
    }

    #[test]
    fn a_channel_keeps_order_for_each_sender_and_loses_nothing(plan in plan(), room in 1..4_usize) {
        let (sender, receiver) = mpsc::channel::<(usize, u32)>(room);
        let sent: Rc<RefCell<Vec<(usize, u32)>>> = Rc::default();
        let all_sent = sent.clone();
        let task = Rc::new(Cell::new(0_usize));
        let sender = Rc::new(RefCell::new(Some(sender)));
        let last = sender.clone();
        let received: Rc<RefCell<Vec<(usize, u32)>>> = Rc::default();
        let receiver = Rc::new(RefCell::new(Some(receiver)));
        let all_received = received.clone();
        run(&plan, move |acts| {
            let id = task.replace(task.get() + 1);
            let (sent, sender) = (sent.clone(), sender.borrow().clone());
            // The first task receives; it may be cancelled, and gives the receiver back.
            let receiver = if id == 0 { receiver.borrow_mut().take() } else { None };
            let received = received.clone();
            async move {
                if let Some(mut receiver) = receiver {
                    drop(sender);
                    // A sender is kept aside to the end: nothing for a while means nothing more.
                    while let Some(Some(item)) = patiently(Act::Timeout(50), receiver.recv()).await {
                        received.borrow_mut().push(item);
                    }
                    return;
                }
                let Some(sender) = sender else { return };
                for (number, act) in acts.into_iter().enumerate() {
                    let item = (id, number as u32);
                    let Some(Ok(permit)) = patiently(act, sender.reserve()).await else { continue };
                    permit.send(item);
                    sent.borrow_mut().push(item);
                    pause(act).await;
                }
                drop(sender);
            }
        }, move || async move {
            drop(last.borrow_mut().take());
            let received = all_received.borrow();
            let sent = all_sent.borrow();
            // What the receiver had not taken when it was stopped went with the channel.
            assert_eq!(received[..], sent[..received.len()]);
        })?;
    }

    #[test]
    fn no_notification_is_lost(plan in plan()) {
        let notify = Rc::new(Notify::new());
        let given = Rc::new(Cell::new(0_u32));
        let taken = Rc::new(Cell::new(0_u32));
        let (shared, at_end) = (notify.clone(), notify);
        let (all_given, all_taken) = (given.clone(), taken.clone());
        run(&plan, move |acts| {
            let (notify, given, taken) = (shared.clone(), given.clone(), taken.clone());
            async move {
                for (index, act) in acts.into_iter().enumerate() {
                    if index % 2 == 0 {
                        given.set(given.get() + 1);
                        notify.notify_one();
                    } else if patiently(Act::Timeout(1), notify.notified()).await.is_some() {
                        taken.set(taken.get() + 1);
                    }
                    pause(act).await;
                }
            }
        }, move || async move {
            // One permit is kept at most, so only this can be said: what was given and not taken
            // has left a permit, and nothing was taken that was not given.
            assert!(all_taken.get() <= all_given.get());
            let left = sim::timeout(Duration::ZERO, at_end.notified()).await.is_ok();
            assert!(!left || all_taken.get() < all_given.get(), "a permit from nowhere");
        })?;
    }
}
