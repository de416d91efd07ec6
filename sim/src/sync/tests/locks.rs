use core::cell::Cell;
use core::time::Duration;
use std::rc::Rc;

use super::super::{Event, Mutex, RwLock};
use super::{Log, SayOnDrop, passes, timed};
use crate::trace::Op;
use crate::{FailureKind, Sim, sleep, spawn, yield_now};

async fn locks(log: Log, mutex: Rc<Mutex<()>>, name: &'static str, dropped: &'static str) {
    let alarm = SayOnDrop(log.clone(), dropped);
    let _guard = mutex.lock().await;
    alarm.keep();
    log.say(name);
}

#[test]
fn m01_a_release_does_not_let_its_task_overtake() {
    let said = passes(|log| async move {
        let mutex = Rc::new(Mutex::new(()));
        let guard = mutex.lock().await;
        drop(spawn(locks(log.clone(), Rc::clone(&mutex), "A", "")));
        drop(spawn(locks(log.clone(), Rc::clone(&mutex), "B", "")));
        yield_now().await;
        drop(guard);
        log.say(format!("locked {}", mutex.is_locked()));
        assert!(mutex.try_lock().is_err());
        let _guard = mutex.lock().await;
        log.say("main");
    });
    assert_eq!(said, ["2:locked false", "3:A", "4:B", "5:main"]);
}

#[test]
fn m02_a_cancelled_woken_waiter_passes_the_lock_on() {
    for abort in [false, true] {
        let said = passes(move |log| async move {
            let mutex = Rc::new(Mutex::new(()));
            let guard = mutex.lock().await;
            let a = spawn(locks(log.clone(), Rc::clone(&mutex), "A has it", "A cancelled"));
            drop(spawn(locks(log.clone(), Rc::clone(&mutex), "B has it", "")));
            drop(spawn(locks(log.clone(), Rc::clone(&mutex), "C has it", "")));
            yield_now().await;
            drop(guard);
            if abort {
                a.abort();
            } else {
                a.cancel();
            }
            log.say("released");
        });
        assert_eq!(said, ["2:released", "3:A cancelled", "4:B has it", "5:C has it"]);
    }
}

#[test]
fn m03_a_newcomer_takes_the_lock_where_all_waiters_are_cancelled() {
    let said = passes(|log| async move {
        let mutex = Rc::new(Mutex::new(()));
        let guard = mutex.lock().await;
        let a = spawn(locks(log.clone(), Rc::clone(&mutex), "A has it", "A cancelled"));
        let b = spawn(locks(log.clone(), Rc::clone(&mutex), "B has it", "B cancelled"));
        yield_now().await;
        a.cancel();
        b.cancel();
        drop(guard);
        log.say("released");
        let _guard = mutex.lock().await;
        log.say("main has it");
    });
    assert_eq!(said, ["2:released", "2:main has it", "3:A cancelled", "3:B cancelled"]);
}

#[test]
fn only_one_task_at_a_time_whatever_the_schedule() {
    for seed in 0..50 {
        Sim::new()
            .seed(seed)
            .policy(crate::Policy::Random)
            .run(|| async {
                let (mutex, inside) = (Rc::new(Mutex::new(0)), Rc::new(Cell::new(false)));
                let tasks: Vec<_> = (0..8)
                    .map(|nth| {
                        let (mutex, inside) = (Rc::clone(&mutex), Rc::clone(&inside));
                        spawn(async move {
                            for _ in 0..3 {
                                let mut guard = mutex.lock().await;
                                assert!(!inside.replace(true));
                                if nth % 3 == 0 {
                                    sleep(Duration::from_millis(1)).await;
                                } else {
                                    yield_now().await;
                                }
                                *guard += 1;
                                inside.set(false);
                            }
                        })
                    })
                    .collect();
                for task in &tasks {
                    task.await.unwrap();
                }
                assert_eq!(*mutex.lock().await, 24);
            })
            .unwrap();
    }
}

#[test]
fn a_deadlock_names_who_holds_what() {
    let failure = Sim::new()
        .run(|| async {
            let a = Rc::new(Mutex::new(()).named("a"));
            let b = Rc::new(Mutex::new(()).named("b"));
            let take = |first: &Rc<Mutex<()>>, second: &Rc<Mutex<()>>| {
                let (first, second) = (Rc::clone(first), Rc::clone(second));
                spawn(async move {
                    let _first = first.lock().await;
                    yield_now().await;
                    let _second = second.lock().await;
                })
            };
            let (one, two) = (take(&a, &b), take(&b, &a));
            one.await.unwrap();
            two.await.unwrap();
        })
        .unwrap_err();
    let FailureKind::Deadlock { cycle } = failure.kind() else { panic!("{failure}") };
    assert_eq!(cycle.len(), 2);
    for wait in failure.blocked().iter().filter(|wait| cycle.contains(&wait.task)) {
        assert_eq!((wait.op, wait.holders.len()), (Op::Lock, 1));
        // The second `.await`, and the first one of the other task.
        let (place, held_since) = (wait.place.unwrap(), wait.holders[0].place);
        assert_eq!((place.file(), held_since.file()), (file!(), file!()));
        assert_eq!(place.line(), held_since.line() + 2);
    }
}

#[test]
fn a_lock_that_a_panic_released_is_not_poisoned() {
    Sim::new()
        .run(|| async {
            let mutex = Rc::new(Mutex::new(7));
            let other = Rc::clone(&mutex);
            let task = spawn(async move {
                let _guard = other.lock().await;
                panic!("with the lock held");
            });
            assert!(task.await.unwrap_err().is_panic());
            assert_eq!(*mutex.lock().await, 7);
        })
        .unwrap();
}

async fn reads(log: Log, lock: Rc<RwLock<u32>>, name: &'static str) {
    let value = lock.read().await;
    log.say_at_time(format!("{name} reads {}", *value));
    sleep(Duration::from_secs(1)).await;
}

async fn writes(log: Log, lock: Rc<RwLock<u32>>, name: &'static str) {
    let mut value = lock.write().await;
    log.say_at_time(format!("{name} writes"));
    sleep(Duration::from_secs(1)).await;
    *value += 1;
}

#[test]
fn a_writer_that_waits_keeps_back_later_readers() {
    let said = timed(|log| async move {
        let lock = Rc::new(RwLock::new(0));
        drop(spawn(reads(log.clone(), Rc::clone(&lock), "A")));
        drop(spawn(reads(log.clone(), Rc::clone(&lock), "B")));
        drop(spawn(writes(log.clone(), Rc::clone(&lock), "C")));
        drop(spawn(reads(log.clone(), Rc::clone(&lock), "D")));
        drop(spawn(reads(log.clone(), Rc::clone(&lock), "E")));
        drop(spawn(writes(log.clone(), Rc::clone(&lock), "F")));
        yield_now().await;
        assert!(lock.try_read().is_err());
    });
    assert_eq!(
        said,
        ["A reads 0@0", "B reads 0@0", "C writes@1", "D reads 1@2", "E reads 1@2", "F writes@3"]
    );
}

#[test]
fn a_writer_that_gives_up_lets_readers_through() {
    for woken in [false, true] {
        for abort in [false, true] {
            let said = timed(move |log| async move {
                let lock = Rc::new(RwLock::new(0));
                let guard = lock.read().await;
                let writer = spawn(writes(log.clone(), Rc::clone(&lock), "A"));
                drop(spawn(reads(log.clone(), Rc::clone(&lock), "B")));
                drop(spawn(writes(log.clone(), Rc::clone(&lock), "C")));
                yield_now().await;
                let guard = if woken {
                    drop(guard);
                    None
                } else {
                    Some(guard)
                };
                if abort {
                    writer.abort();
                } else {
                    writer.cancel();
                }
                sleep(Duration::from_secs(5)).await;
                drop(guard);
            });
            let writes = if woken { "C writes@1" } else { "C writes@5" };
            assert_eq!(said, ["B reads 0@0", writes]);
        }
    }
}

#[test]
fn an_event_releases_who_waited_even_if_cleared_at_once() {
    let said = passes(|log| async move {
        let event = Rc::new(Event::new());
        let waits = |name: &'static str| {
            let (log, event) = (log.clone(), Rc::clone(&event));
            spawn(async move {
                event.wait().await;
                log.say(format!("{name} {}", event.is_set()));
            })
        };
        drop((waits("A"), waits("B")));
        let cancelled = waits("C");
        yield_now().await;
        cancelled.cancel();
        event.set();
        event.clear();
        log.say("set");
        drop(waits("late"));
    });
    assert_eq!(said, ["2:set", "3:A false", "3:B false"]);
}
