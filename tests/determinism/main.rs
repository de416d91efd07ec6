//! Same seed, same run: in one process, across threads, processes and builds.

use std::collections::BTreeSet;
use std::process::Command;

use sim::{Policy, Sim};
use tests::programs::{DIGESTS, digest_of, mixed};

#[test]
fn one_seed_gives_one_run_with_the_trace_on_and_off() {
    for policy in Policy::ALL {
        for seed in 0..50 {
            // One line for all, since a trace holds the place where the root was started.
            let run = |trace| Sim::new().seed(seed).policy(policy).trace(trace).run(mixed).unwrap();
            let (first, again) = (run(true), run(true));
            assert_eq!(first.digest(), again.digest());
            assert_eq!(first.table(), again.table());
            assert_eq!(first.trace(), again.trace());
            assert_eq!(first.digest(), run(false).digest());
        }
    }
}

#[test]
fn seeds_reach_different_runs_under_random_and_one_under_fifo() {
    let digests =
        |policy| -> BTreeSet<u64> { (0..100).map(|seed| digest_of(policy, seed)).collect() };
    assert!(digests(Policy::Random).len() > 90);
    // The program draws numbers as well, from the seed: only the schedule is the same.
    let decisions = |seed| Sim::new().seed(seed).run(mixed).unwrap().decisions().deviations().len();
    assert!((0..100).all(|seed| decisions(seed) == 0));
}

#[test]
fn all_orders_of_independent_tasks_are_reached() {
    for n in 1..=5 {
        let orders: BTreeSet<Vec<usize>> = (0..2_000)
            .map(|seed| {
                let outcome =
                    Sim::new().seed(seed).policy(Policy::Random).run(move || async move {
                        let order = std::rc::Rc::new(std::cell::RefCell::new(Vec::new()));
                        let tasks: Vec<_> = (0..n)
                            .map(|index| {
                                let order = order.clone();
                                sim::spawn(async move { order.borrow_mut().push(index) })
                            })
                            .collect();
                        for task in tasks {
                            task.await.unwrap();
                        }
                        order.take()
                    });
                outcome.unwrap().into_value()
            })
            .collect();
        let factorial: usize = (1..=n).product();
        assert_eq!(orders.len(), factorial, "{n} tasks");
    }
}

#[test]
fn threads_do_not_matter() {
    let here: Vec<u64> = (0..20).map(|seed| digest_of(Policy::Random, seed)).collect();
    let threads: Vec<_> = (0..4)
        .map(|_| {
            std::thread::spawn(|| (0..20).map(|seed| digest_of(Policy::Random, seed)).collect())
        })
        .collect();
    for thread in threads {
        let there: Vec<u64> = thread.join().unwrap();
        assert_eq!(here, there);
    }
}

#[test]
fn processes_do_not_matter() {
    let run = || {
        let output = Command::new(env!("CARGO_BIN_EXE_digest")).output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap()
    };
    let here: String =
        (0..20).map(|seed| format!("{:016x}\n", digest_of(Policy::Random, seed))).collect();
    assert_eq!(run(), here);
    assert_eq!(run(), here);
}

#[test]
fn builds_and_platforms_do_not_matter() {
    // Debug and release builds, and every platform of the CI matrix, run this test.
    for (policy, seed, digest) in DIGESTS {
        assert_eq!(
            format!("{:016x}", digest_of(policy, seed)),
            format!("{digest:016x}"),
            "policy {policy}, seed {seed}: if an event was added to the digest on purpose, \
             print the new ones with `cargo run -p tests --bin digest -- --constants`"
        );
    }
}

#[test]
fn a_recorded_list_of_decisions_replays_and_says_where_it_does_not_fit() {
    let first = Sim::new().seed(7).policy(Policy::Random).run(mixed).unwrap();
    assert!(!first.decisions().deviations().is_empty());
    let replay = |program: fn() -> futures::future::LocalBoxFuture<'static, u64>| {
        Sim::new().seed(7).replay(first.decisions().clone()).run(program)
    };
    let again = replay(|| Box::pin(mixed())).unwrap();
    assert_eq!((first.digest(), first.table()), (again.digest(), again.table()));

    let changed = replay(|| {
        Box::pin(async {
            sim::yield_now().await;
            mixed().await
        })
    });
    let failure = changed.unwrap_err();
    let sim::FailureKind::Diverged(divergence) = failure.kind() else { panic!("{failure}") };
    assert_eq!(divergence.step, first.decisions().deviations()[0].step, "{divergence}");

    let shorter = replay(|| Box::pin(async { 0 })).unwrap_err();
    assert!(shorter.to_string().contains("diverged"), "{shorter}");
}

#[test]
fn a_draw_by_the_program_does_not_shift_the_schedule() {
    use rand::RngExt;
    let picks = |draws: usize| {
        let outcome = Sim::new().seed(5).policy(Policy::Random).run(move || async move {
            let task = |_| {
                sim::spawn(async move {
                    for _ in 0..draws {
                        let _: u64 = sim::rng().random();
                    }
                    sim::yield_now().await;
                })
            };
            let tasks: Vec<_> = (0..6).map(task).collect();
            for task in tasks {
                task.await.unwrap();
            }
        });
        let decisions = outcome.unwrap().decisions().clone();
        decisions.deviations().iter().map(|d| (d.decision, d.picked)).collect::<Vec<_>>()
    };
    assert_eq!(picks(0), picks(3));
}
