use core::time::Duration;
use std::rc::Rc;

use super::super::{Queue, TryGetError, TryPutError};
use super::{Log, SayOnDrop, passes, timed};
use crate::{Sim, sleep, spawn, yield_now};

type Words = Rc<Queue<&'static str>>;

async fn gets(log: Log, queue: Words, name: &'static str, dropped: &'static str) {
    let alarm = SayOnDrop(log.clone(), dropped);
    let item = queue.get().await.unwrap();
    alarm.keep();
    log.say(format!("{name} got {item}"));
}

async fn puts(log: Log, queue: Words, name: &'static str, dropped: &'static str) {
    let alarm = SayOnDrop(log.clone(), dropped);
    queue.put(name).await.unwrap();
    alarm.keep();
    log.say(format!("{name} put"));
}

#[test]
fn q01_a_woken_waiter_holds_no_item_and_waits_anew_at_the_back() {
    let said = passes(|log| async move {
        let queue: Words = Rc::new(Queue::new(0));
        drop(spawn(gets(log.clone(), Rc::clone(&queue), "A", "")));
        drop(spawn(gets(log.clone(), Rc::clone(&queue), "B", "")));
        yield_now().await;
        queue.put_nowait("x1").unwrap();
        log.say(format!("main got {}", queue.get_nowait().unwrap()));
        yield_now().await;
        queue.put_nowait("x2").unwrap();
        queue.put_nowait("x3").unwrap();
    });
    assert_eq!(said, ["2:main got x1", "4:B got x2", "4:A got x3"]);
}

#[test]
fn q03_one_putter_is_woken_for_each_item_taken() {
    let said = timed(|log| async move {
        let queue = Rc::new(Queue::new(1));
        for name in ["A", "B"] {
            let queue = Rc::clone(&queue);
            drop(spawn(async move {
                for nth in 0..2 {
                    queue.put(format!("{name}{nth}")).await.unwrap();
                }
            }));
        }
        for _ in 0..4 {
            sleep(Duration::from_secs(1)).await;
            log.say_at_time(queue.get().await.unwrap());
        }
    });
    assert_eq!(said, ["A0@1", "A1@2", "B0@3", "B1@4"]);
}

#[test]
fn q05_a_cancelled_woken_waiter_wakes_the_next() {
    for abort in [false, true] {
        let said = passes(move |log| async move {
            let queue: Words = Rc::new(Queue::new(1));
            let end = |task: crate::JoinHandle<()>| {
                if abort {
                    task.abort();
                } else {
                    task.cancel();
                }
            };
            let a = spawn(gets(log.clone(), Rc::clone(&queue), "A", "A cancelled"));
            drop(spawn(gets(log.clone(), Rc::clone(&queue), "B", "")));
            yield_now().await;
            queue.put_nowait("x").unwrap();
            end(a);
            log.say("put");
            for _ in 0..3 {
                yield_now().await;
            }
            queue.put_nowait("z").unwrap();
            let c = spawn(puts(log.clone(), Rc::clone(&queue), "C", "C cancelled"));
            drop(spawn(puts(log.clone(), Rc::clone(&queue), "D", "")));
            yield_now().await;
            log.say(format!("took {}", queue.get_nowait().unwrap()));
            end(c);
        });
        assert_eq!(
            said,
            ["2:put", "3:A cancelled", "4:B got x", "6:took z", "7:C cancelled", "8:D put"]
        );
    }
}

#[test]
fn q04_join_returns_when_all_is_done() {
    let said = passes(|log| async move {
        let queue: Words = Rc::new(Queue::new(0));
        assert!(queue.task_done().is_err());
        queue.put_nowait("x").unwrap();
        let (joins, say) = (Rc::clone(&queue), log.clone());
        drop(spawn(async move {
            joins.join().await;
            say.say(format!("joined, {} unfinished", joins.unfinished()));
        }));
        yield_now().await;
        queue.get_nowait().unwrap();
        queue.task_done().unwrap();
        queue.put_nowait("late").unwrap();
        log.say("done");
    });
    assert_eq!(said, ["2:done", "3:joined, 1 unfinished"]);
}

#[test]
fn q07_a_shutdown_ends_all_waits_and_leaves_the_items_unless_immediate() {
    Sim::new()
        .run(|| async {
            let queue = Rc::new(Queue::<u32>::new(1));
            let getter = spawn({
                let queue = Rc::clone(&queue);
                async move { queue.get().await }
            });
            yield_now().await;
            queue.shutdown(false);
            assert!(getter.await.unwrap().is_err());

            let queue = Rc::new(Queue::new(1));
            queue.put(1).await.unwrap();
            let putter = spawn({
                let queue = Rc::clone(&queue);
                async move { queue.put(2).await }
            });
            let joiner = spawn({
                let queue = Rc::clone(&queue);
                async move { queue.join().await }
            });
            yield_now().await;
            queue.shutdown(false);
            assert!(putter.await.unwrap().is_err());
            assert_eq!(queue.put_nowait(3), Err(TryPutError::ShutDown(3)));
            assert!(!joiner.is_finished());
            queue.shutdown(true);
            joiner.await.unwrap();
            assert_eq!(queue.get_nowait(), Err(TryGetError::ShutDown));
        })
        .unwrap();
}

#[test]
fn every_item_is_got_once_wherever_getters_are_cancelled() {
    for seed in 0..200 {
        Sim::new()
            .seed(seed)
            .policy(crate::Policy::Random)
            .run(move || async move {
                let (queue, got) = (Rc::new(Queue::new(2)), Rc::new(Queue::new(0)));
                let getters: Vec<_> = (0..5)
                    .map(|_| {
                        let (queue, got) = (Rc::clone(&queue), Rc::clone(&got));
                        spawn(async move {
                            while let Ok(item) = queue.get().await {
                                got.put_nowait(item).unwrap();
                            }
                        })
                    })
                    .collect();
                let putter = spawn({
                    let queue = Rc::clone(&queue);
                    async move {
                        for item in 0..10 {
                            queue.put(item).await.unwrap();
                        }
                    }
                });
                for nth in 0..4 {
                    yield_now().await;
                    let task = &getters[(seed as usize + nth) % getters.len()];
                    if nth % 2 == 0 {
                        task.cancel();
                    } else {
                        task.abort();
                    }
                }
                putter.await.unwrap();
                queue.shutdown(false);
                for task in getters {
                    let _ = task.await;
                }
                let mut all: Vec<i32> = core::iter::from_fn(|| got.get_nowait().ok()).collect();
                all.sort_unstable();
                assert_eq!(all, (0..10).collect::<Vec<_>>());
            })
            .unwrap();
    }
}

#[test]
fn a_comparison_may_look_at_its_own_queue() {
    thread_local! {
        static QUEUE: Queue<Nosy> = Queue::priority(0);
    }
    #[derive(Debug, PartialEq, Eq)]
    struct Nosy(u32);
    impl PartialOrd for Nosy {
        fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
            Some(self.cmp(other))
        }
    }
    impl Ord for Nosy {
        fn cmp(&self, other: &Self) -> core::cmp::Ordering {
            QUEUE.with(|queue| assert!(!queue.is_empty()));
            self.0.cmp(&other.0)
        }
    }
    QUEUE.with(|queue| {
        for nth in [3, 1, 2] {
            queue.put_nowait(Nosy(nth)).unwrap();
        }
        let got: Vec<u32> =
            core::iter::from_fn(|| queue.get_nowait().ok()).map(|nosy| nosy.0).collect();
        assert_eq!(got, [1, 2, 3]);
    });
}
