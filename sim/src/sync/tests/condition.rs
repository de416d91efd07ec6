use core::time::Duration;
use std::rc::Rc;

use super::super::Condition;
use super::{Log, SayOnDrop, passes, timed};
use crate::{CancelExt, Sim, sleep, spawn, yield_now};

async fn waits(log: Log, condition: Rc<Condition>, name: &'static str, dropped: &'static str) {
    let alarm = SayOnDrop(log.clone(), dropped);
    let _guard = condition.lock().await.wait().await;
    alarm.keep();
    log.say(name);
}

#[test]
fn d01_who_is_notified_gets_the_lock_one_after_the_other() {
    let said = timed(|log| async move {
        let condition = Rc::new(Condition::new(()));
        for name in ["A", "B", "C", "D"] {
            let (log, condition) = (log.clone(), Rc::clone(&condition));
            drop(spawn(async move {
                let _guard = condition.lock().await.wait().await;
                log.say_at_time(name);
                sleep(Duration::from_millis(500)).await;
            }));
        }
        yield_now().await;
        let guard = condition.lock().await;
        guard.notify(2);
        sleep(Duration::from_secs(1)).await;
        drop(guard);
        sleep(Duration::from_secs(3)).await;
        condition.lock().await.notify_all();
    });
    assert_eq!(said, ["A@1", "B@1.5", "C@4", "D@4.5"]);
}

#[test]
fn d02_a_cancelled_wait_takes_the_lock_first_and_absorbs_further_requests() {
    let said = passes(|log| async move {
        let condition = Rc::new(Condition::new(()));
        let (other, say) = (Rc::clone(&condition), log.clone());
        let waiter = spawn(async move {
            let raised = other.lock().await.wait_cancellable().await;
            say.say(format!("raised {}, locked {}", raised.is_err(), other.is_locked()));
        });
        yield_now().await;
        let guard = condition.lock().await;
        waiter.cancel();
        log.say("cancel 1");
        yield_now().await;
        yield_now().await;
        waiter.cancel();
        log.say("cancel 2");
        yield_now().await;
        waiter.cancel();
        log.say("cancel 3");
        yield_now().await;
        drop(guard);
        log.say("released");
    });
    assert_eq!(
        said,
        ["2:cancel 1", "4:cancel 2", "5:cancel 3", "6:released", "7:raised true, locked true"]
    );
}

#[test]
fn a_cancelled_wait_keeps_the_lock_until_the_request_is_taken() {
    /// Looks at the lock while the frame it stands in unwinds, after the wait was dropped.
    struct Look(Log, Rc<Condition>);
    impl Drop for Look {
        fn drop(&mut self) {
            self.0.say(format!("unwound, locked {}", self.1.is_locked()));
        }
    }
    let said = passes(|log| async move {
        let condition = Rc::new(Condition::new(()));
        let (other, say) = (Rc::clone(&condition), log.clone());
        let waiter = spawn(async move {
            let _look = Look(say.clone(), Rc::clone(&other));
            let waited = other.lock().await.wait().cancellable().await;
            say.say(format!("caught {}, locked {}", waited.is_err(), other.is_locked()));
        });
        yield_now().await;
        let guard = condition.lock().await;
        waiter.cancel();
        yield_now().await;
        assert!(!waiter.is_finished());
        drop(guard);
        assert!(condition.try_lock().is_err());
    });
    assert_eq!(said, ["4:caught true, locked false", "4:unwound, locked false"]);
}

#[test]
fn d04_a_notification_that_was_lost_is_passed_on() {
    for abort in [false, true] {
        let said = passes(move |log| async move {
            let condition = Rc::new(Condition::new(()));
            let a = spawn(waits(log.clone(), Rc::clone(&condition), "A woken", "A cancelled"));
            drop(spawn(waits(log.clone(), Rc::clone(&condition), "B woken", "")));
            yield_now().await;
            condition.lock().await.notify_one();
            if abort {
                a.abort();
            } else {
                a.cancel();
            }
            log.say("notified");
        });
        assert_eq!(said, ["2:notified", "3:A cancelled", "4:B woken"]);
    }
}

#[test]
fn a_notified_wait_that_is_dropped_while_it_locks_passes_the_notification_on() {
    let said = passes(|log| async move {
        let condition = Rc::new(Condition::new(()));
        let a = spawn(waits(log.clone(), Rc::clone(&condition), "A woken", "A aborted"));
        drop(spawn(waits(log.clone(), Rc::clone(&condition), "B woken", "")));
        yield_now().await;
        let guard = condition.lock().await;
        guard.notify_one();
        yield_now().await;
        a.abort();
        yield_now().await;
        drop(guard);
        log.say("released");
    });
    assert_eq!(said, ["4:A aborted", "4:released", "5:B woken"]);
}

#[test]
fn a_wait_that_was_never_polled_gives_the_lock_back() {
    Sim::new()
        .run(|| async {
            let condition = Condition::new(1);
            let waiting = condition.lock().await.wait();
            assert!(condition.is_locked());
            drop(waiting);
            assert_eq!(condition.into_inner(), 1);
        })
        .unwrap();
}

#[test]
fn nothing_is_left_behind_wherever_a_wait_ends() {
    for seed in 0..300 {
        Sim::new()
            .seed(seed)
            .policy(crate::Policy::Random)
            .run(move || async move {
                let items = Rc::new(Condition::new(0_u32));
                let takers: Vec<_> = (0..6)
                    .map(|_| {
                        let items = Rc::clone(&items);
                        spawn(async move {
                            let mut left = items.lock().await.wait_for(|left| *left > 0).await;
                            *left -= 1;
                        })
                    })
                    .collect();
                for nth in 0..2 {
                    yield_now().await;
                    let task = &takers[(seed as usize + nth * 3) % takers.len()];
                    if nth == 0 {
                        task.abort();
                    } else {
                        task.cancel();
                    }
                    let mut left = items.lock().await;
                    *left += 1;
                    left.notify_one();
                }
                for _ in 0..4 {
                    let mut left = items.lock().await;
                    *left += 1;
                    left.notify_one();
                    drop(left);
                    yield_now().await;
                }
                // Six items for four to six takers: a lost notification would be a deadlock.
                for task in takers {
                    let _ = task.await;
                }
                assert!(!items.is_locked());
                assert!(*items.lock().await <= 2);
            })
            .unwrap();
    }
}
