use std::rc::Rc;

use super::super::{BoundedSemaphore, Semaphore};
use super::{Log, SayOnDrop, passes};
use crate::{Sim, spawn, yield_now};

async fn acquires(log: Log, semaphore: Rc<Semaphore>, name: &'static str, dropped: &'static str) {
    let alarm = SayOnDrop(log.clone(), dropped);
    semaphore.acquire().await.forget();
    alarm.keep();
    log.say(name);
}

#[test]
fn r01_a_permit_is_reserved_at_the_release() {
    let said = passes(|log| async move {
        let semaphore = Rc::new(Semaphore::new(1));
        let permit = semaphore.acquire().await;
        let uses = |name: &'static str| {
            let (log, semaphore) = (log.clone(), Rc::clone(&semaphore));
            spawn(async move {
                let _permit = semaphore.acquire().await;
                log.say(name);
            })
        };
        drop((uses("A"), uses("B")));
        yield_now().await;
        drop(permit);
        let (free, locked) = (semaphore.available_permits(), semaphore.is_locked());
        log.say(format!("free {free} locked {locked}"));
        assert!(semaphore.try_acquire().is_err());
        drop(uses("late"));
    });
    assert_eq!(said, ["2:free 0 locked true", "3:A", "4:B", "5:late"]);
}

#[test]
fn r06_a_cancelled_woken_waiter_gives_its_permit_back_and_all_eligible_are_woken() {
    for abort in [false, true] {
        let said = passes(move |log| async move {
            let semaphore = Rc::new(Semaphore::new(0));
            let a = spawn(acquires(log.clone(), Rc::clone(&semaphore), "A", "A cancelled"));
            yield_now().await;
            drop(spawn(acquires(log.clone(), Rc::clone(&semaphore), "N", "")));
            drop(spawn(acquires(log.clone(), Rc::clone(&semaphore), "M", "")));
            semaphore.add_permits(2);
            if abort {
                a.abort();
            } else {
                a.cancel();
            }
            let (free, locked) = (semaphore.available_permits(), semaphore.is_locked());
            log.say(format!("free {free} locked {locked}"));
        });
        assert_eq!(said, ["2:free 1 locked true", "3:A cancelled", "4:N", "4:M"]);
    }
}

#[test]
fn r04_who_came_behind_a_woken_waiter_gets_what_is_left_when_that_one_runs() {
    let said = passes(|log| async move {
        let semaphore = Rc::new(Semaphore::new(0));
        drop(spawn(acquires(log.clone(), Rc::clone(&semaphore), "A", "")));
        yield_now().await;
        drop(spawn(acquires(log.clone(), Rc::clone(&semaphore), "N", "")));
        semaphore.add_permits(3);
        semaphore.acquire().await.forget();
        log.say("main");
    });
    assert_eq!(said, ["3:A", "4:main", "4:N"]);
}

#[test]
fn no_permit_is_lost_wherever_tasks_are_cancelled() {
    for seed in 0..200 {
        Sim::new()
            .seed(seed)
            .policy(crate::Policy::Random)
            .run(move || async move {
                let semaphore = Rc::new(Semaphore::new(2));
                let tasks: Vec<_> = (0..6)
                    .map(|_| {
                        let semaphore = Rc::clone(&semaphore);
                        spawn(async move {
                            for _ in 0..3 {
                                let _permit = semaphore.acquire().await;
                                yield_now().await;
                            }
                        })
                    })
                    .collect();
                for nth in 0..4 {
                    yield_now().await;
                    let task = &tasks[(seed as usize + nth) % tasks.len()];
                    if nth % 2 == 0 {
                        task.cancel();
                    } else {
                        task.abort();
                    }
                }
                for task in tasks {
                    let _ = task.await;
                }
                assert_eq!(semaphore.available_permits(), 2);
                assert!(!semaphore.is_locked());
            })
            .unwrap();
    }
}

#[test]
fn r05_a_bounded_semaphore_refuses_what_is_too_much() {
    Sim::new()
        .run(|| async {
            let semaphore = BoundedSemaphore::new(1).named("one");
            assert!(semaphore.release().is_err());
            let permit = semaphore.acquire().await;
            assert!(semaphore.release().is_ok());
            drop(permit);
            assert_eq!(semaphore.available_permits(), 1);
            let owned = semaphore.acquire_owned().await;
            assert!(semaphore.try_acquire_owned().is_err());
            drop(semaphore);
            drop(owned);
        })
        .unwrap();
}

#[test]
fn permits_beyond_counting_are_not_counted_one_by_one() {
    let semaphore = Semaphore::new(1);
    semaphore.add_permits(usize::MAX);
    assert_eq!(semaphore.available_permits(), usize::MAX);
}
