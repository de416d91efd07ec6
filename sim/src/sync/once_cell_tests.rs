use core::cell::Cell;
use core::time::Duration;
use std::rc::Rc;
use std::sync::Arc;

use futures::stream::{FuturesUnordered, StreamExt};

use super::*;
use crate::{FailureKind, JoinHandle, Sim, now, sleep, sleep_with, spawn, yield_now};

const SECOND: Duration = Duration::from_secs(1);

fn get(cell: &Arc<OnceCell<u32>>, value: u32) -> JoinHandle<u32> {
    let cell = Arc::clone(cell);
    spawn(async move { *cell.get_or_init(|| sleep_with(SECOND, value)).await })
}

#[test]
fn one_computes_and_all_get_the_value() {
    Sim::new()
        .run(|| async {
            let cell = Arc::new(OnceCell::new());
            let tasks: Vec<_> = (0..4).map(|value| get(&cell, value)).collect();
            yield_now().await;
            assert_eq!(cell.set(9), Err(SetError::InitializingError(9)));
            for task in tasks {
                assert_eq!(task.await.unwrap(), 0);
            }
            assert_eq!(now(), SECOND);
            assert_eq!(cell.set(9), Err(SetError::AlreadyInitializedError(9)));
            assert_eq!(cell.get(), Some(&0));
        })
        .unwrap();
}

#[test]
fn when_the_one_that_computes_goes_away_the_next_computes() {
    for abort in [true, false] {
        Sim::new()
            .run(move || async move {
                let cell = Arc::new(OnceCell::new());
                let tasks: Vec<_> = (0..4).map(|value| get(&cell, value)).collect();
                sleep(SECOND / 2).await;
                let end = |task: &JoinHandle<u32>| {
                    if abort {
                        task.abort();
                    } else {
                        task.cancel();
                    }
                };
                end(&tasks[0]);
                yield_now().await; // 0 goes, and 1 has the turn
                yield_now().await;
                end(&tasks[1]);
                end(&tasks[2]); // while it waits, or has just got the turn
                assert_eq!((&tasks[3]).await.unwrap(), 3);
                assert_eq!(now(), SECOND * 3 / 2);
            })
            .unwrap();
    }
}

#[test]
fn a_turn_given_to_a_task_that_never_runs_again_is_passed_on() {
    Sim::new()
        .run(|| async {
            let cell = Arc::new(OnceCell::new());
            let tasks: Vec<_> = (0..3).map(|value| get(&cell, value)).collect();
            yield_now().await;
            tasks[0].abort();
            tasks[1].abort(); // gets the turn in the step before its own end
            assert_eq!((&tasks[2]).await.unwrap(), 2);
        })
        .unwrap();
}

#[test]
fn a_failure_leaves_the_cell_empty_for_the_next() {
    Sim::new()
        .run(|| async {
            let cell = OnceCell::new();
            let (first, second) = futures::join!(
                cell.get_or_try_init(|| async {
                    sleep(SECOND).await;
                    Err("no disk")
                }),
                cell.get_or_try_init(|| async { Ok::<_, &str>(2) }),
            );
            assert_eq!((first, second), (Err("no disk"), Ok(&2)));
        })
        .unwrap();
}

#[test]
fn works_inside_combinators_and_with_what_is_not_send() {
    Sim::new()
        .run(|| async {
            let computed = Rc::new(Cell::new(0));
            let cell = OnceCell::new();
            let mut all: FuturesUnordered<_> = (0..10)
                .map(|value| {
                    let computed = computed.clone();
                    cell.get_or_init(move || async move {
                        computed.set(computed.get() + 1);
                        yield_now().await;
                        Rc::new(value)
                    })
                })
                .collect();
            while let Some(value) = all.next().await {
                assert_eq!(**value, 0);
            }
            assert_eq!(computed.get(), 1);
        })
        .unwrap();
}

#[test]
fn computing_a_value_from_itself_is_a_deadlock_that_names_the_holder() {
    let failure = Sim::new()
        .run(|| async {
            let cell = OnceCell::new();
            cell.get_or_init(|| async { *cell.get_or_init(|| async { 1 }).await + 1 }).await;
        })
        .unwrap_err();
    assert!(matches!(failure.kind(), FailureKind::Deadlock { .. }));
}

#[test]
fn everything_is_send() {
    fn is_send<T: Send>(_: &T) {}
    let cell = OnceCell::<String>::new();
    is_send(&cell.get_or_init(|| async { String::new() }));
    is_send(&cell.get_or_try_init(|| async { Ok::<_, ()>(String::new()) }));
    is_send(&cell);
}
