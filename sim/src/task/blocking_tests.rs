use core::time::Duration;
use std::sync::Mutex;

use futures::future;

use super::*;
use crate::{FailureKind, Sim, busy, catch_cancel, note, now, sleep, spawn, yield_now};

const SECOND: Duration = Duration::from_secs(1);

/// Runs jobs in a pool, all handed in at once; says when each ended, as its awaiter saw it.
async fn ends(pool: &BlockingPool, costs: &[u64]) -> Vec<u64> {
    let jobs = costs.iter().map(|cost| async {
        pool.run(SECOND * u32::try_from(*cost).unwrap(), || ()).await;
        now().as_secs()
    });
    future::join_all(jobs).await
}

#[test]
fn jobs_run_side_by_side_and_in_order() {
    Sim::new()
        .run(|| async {
            let pool = BlockingPool::new(2);
            assert_eq!(ends(&pool, &[3, 1, 1]).await, [3, 1, 2]);
            let start = now().as_secs();
            let seen = ends(&pool, &[2, 2, 2, 1, 1]).await;
            assert_eq!(seen.iter().map(|end| end - start).collect::<Vec<_>>(), [2, 2, 4, 3, 4]);
            assert_eq!(ends(&BlockingPool::new(1), &[0, 0]).await.len(), 2);
        })
        .unwrap();
}

#[test]
fn the_default_pool_has_four_workers_and_is_made_anew_for_each_run() {
    for _ in 0..2 {
        Sim::new()
            .run(|| async {
                future::join_all((0..5).map(|_| run_blocking(SECOND, || ()))).await;
                assert_eq!(now(), 2 * SECOND);
                let left_over = run_blocking(9 * SECOND, || ());
                drop(spawn(left_over));
                yield_now().await;
            })
            .unwrap();
    }
}

#[test]
fn a_job_that_has_begun_outlives_its_awaiter() {
    let outcome = Sim::new()
        .run(|| async {
            let awaiter = spawn(async {
                run_blocking(5 * SECOND, || note!("the job ends at {:?}", now())).await;
            });
            sleep(SECOND).await;
            awaiter.cancel();
            assert!(awaiter.await.unwrap_err().is_cancelled());
            note!("cancelled at {:?}", now());
            sleep(9 * SECOND).await;
        })
        .unwrap();
    outcome.trace().assert_order(["cancelled at 1s", "the job ends at 5s"]);
}

#[test]
fn a_job_that_has_not_begun_is_dropped_and_those_behind_it_move_up() {
    let outcome = Sim::new()
        .run(|| async {
            let pool = BlockingPool::new(1);
            let submit = |name: &'static str, seconds: u32| {
                let pool = pool.clone();
                spawn(async move {
                    pool.run(seconds * SECOND, move || note!("{name} {}", now().as_secs())).await;
                })
            };
            let first = submit("a", 2);
            let second = submit("b", 5);
            let third = submit("c", 1);
            sleep(SECOND).await;
            second.cancel();
            assert!(second.await.unwrap_err().is_cancelled());
            first.await.unwrap();
            third.await.unwrap();
            assert_eq!(now(), 3 * SECOND);
            sleep(9 * SECOND).await;
        })
        .unwrap();
    outcome.trace().assert_order(["a 2", "c 3"]);
    assert_eq!(outcome.trace().notes().count(), 2);
}

#[test]
fn workers_go_on_while_the_loop_is_busy() {
    Sim::new()
        .run(|| async {
            let pool = BlockingPool::new(1);
            let jobs = spawn({
                let pool = pool.clone();
                async move { ends(&pool, &[1, 1, 5]).await }
            });
            yield_now().await;
            busy(4 * SECOND);
            assert_eq!(jobs.await.unwrap(), [4, 4, 7]);
        })
        .unwrap();
}

#[test]
fn the_end_of_a_job_takes_asyncio_s_iterations() {
    // A job that costs nothing: its end is heard in the pass after it was handed in, behind what
    // is ready; the awaiter runs in the pass after that.
    let outcome = Sim::new()
        .run(|| async {
            let job = spawn(async {
                run_blocking(Duration::ZERO, || ()).await;
                note!("job");
            });
            drop(spawn(async {
                for pass in 1..=4 {
                    note!("pass {pass}");
                    yield_now().await;
                }
            }));
            job.await.unwrap();
            sleep(SECOND).await;
        })
        .unwrap();
    outcome.trace().assert_order(["pass 1", "pass 2", "pass 3", "job", "pass 4"]);
}

#[test]
fn the_job_s_panic_goes_on_at_the_await() {
    let failure = Sim::new()
        .run(|| async {
            run_blocking(SECOND, || panic!("disk on fire")).await;
        })
        .unwrap_err();
    assert!(matches!(failure.kind(), FailureKind::Panic { .. }), "{failure}");
    assert!(failure.to_string().contains("disk on fire"), "{failure}");
}

#[test]
fn a_panic_that_nobody_awaits_fails_the_run() {
    let failure = Sim::new()
        .run(|| async {
            let awaiter = spawn(async { run_blocking(SECOND, || panic!("disk on fire")).await });
            yield_now().await;
            awaiter.abort();
            sleep(2 * SECOND).await;
        })
        .unwrap_err();
    assert!(failure.to_string().contains("disk on fire"), "{failure}");
}

#[test]
fn values_of_abandoned_jobs_are_dropped() {
    let counter = Arc::new(Mutex::new(0));
    struct Probe(Arc<Mutex<u32>>);
    impl Drop for Probe {
        fn drop(&mut self) {
            *self.0.lock().unwrap() += 1;
        }
    }
    let inside = counter.clone();
    Sim::new()
        .run(move || async move {
            let probe = || {
                let probe = Probe(inside.clone());
                move || probe
            };
            // Under way, ended but not looked at, not begun.
            let pool = BlockingPool::new(1);
            let tasks: Vec<_> = [probe(), probe(), probe()]
                .into_iter()
                .map(|job| {
                    let pool = pool.clone();
                    spawn(async move {
                        let _ = catch_cancel(pool.run(SECOND, job)).await;
                        future::pending::<()>().await;
                    })
                })
                .collect();
            sleep(SECOND / 2).await;
            for task in &tasks {
                task.abort();
            }
            sleep(9 * SECOND).await;
            assert_eq!(*inside.lock().unwrap(), 3);
        })
        .unwrap();
    assert_eq!(Arc::strong_count(&counter), 1);
}

#[test]
fn jobs_left_over_at_the_end_of_a_run_are_dropped_without_being_run() {
    let (sender, mut receiver) = crate::sync::mpsc::unbounded_channel();
    Sim::new()
        .run(move || async move {
            let pool = BlockingPool::new(1);
            for _ in 0..3 {
                let (pool, sender) = (pool.clone(), sender.clone());
                // The destructor of the job calls back into the simulation.
                drop(spawn(async move { pool.run(SECOND, move || sender.send(1)).await.unwrap() }));
            }
            yield_now().await;
        })
        .unwrap();
    assert_eq!(receiver.try_recv(), Err(crate::sync::mpsc::TryRecvError::Disconnected));
}

#[test]
fn a_kept_job_goes_on_after_a_timeout() {
    Sim::new()
        .run(|| async {
            let mut job = run_blocking(3 * SECOND, || 7);
            assert!(crate::timeout(SECOND, &mut job).await.is_err());
            assert_eq!(job.await, 7);
            assert_eq!(now(), 3 * SECOND);
        })
        .unwrap();
}

#[test]
fn everything_is_send() {
    fn is_send<T: Send>(_: &T) {}
    is_send(&run_blocking(SECOND, || core::cell::Cell::new(0)));
    is_send(&BlockingPool::new(1));
}
