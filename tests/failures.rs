//! Each way in which a run can fail, and what its failure says.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use sim::{FailureKind, JoinHandle, Leaks, Sim, TaskId};

fn kind_of<F, Fut>(sim: Sim, program: F) -> FailureKind
where
    F: FnOnce() -> Fut,
    Fut: Future + 'static,
    Fut::Output: std::fmt::Debug + 'static,
{
    sim.run(program).expect_err("the program was to fail").kind().clone()
}

#[test]
fn a_failed_assertion_of_the_root_names_its_place() {
    let kind = kind_of(Sim::new(), || async { assert_eq!(1 + 1, 3, "money lost") });
    let FailureKind::Panic { task: TaskId::ROOT, message, place, then: None } = kind else {
        panic!("{kind:?}");
    };
    assert!(message.contains("money lost"), "{message}");
    assert!(place.starts_with("tests/failures.rs:"), "{place}");
}

#[test]
fn a_panic_before_the_first_await_of_the_program_is_the_roots() {
    fn program() -> std::future::Ready<()> {
        panic!("no future at all")
    }
    let kind = kind_of(Sim::new(), program);
    let FailureKind::Panic { message, place, .. } = kind else { panic!("{kind:?}") };
    assert_eq!(message, "no future at all");
    assert!(place.starts_with("tests/failures.rs:"), "{place}");
}

#[test]
fn a_panic_nobody_takes_fails_the_run_and_one_that_is_taken_does_not() {
    let kind = kind_of(Sim::new(), || async {
        drop(sim::spawn(async { panic!("boom") }));
        sim::yield_now().await;
    });
    assert!(
        matches!(kind, FailureKind::Panic { ref message, .. } if message == "boom"),
        "{kind:?}"
    );

    let taken = Sim::new().run(|| async {
        let task: JoinHandle<()> = sim::spawn(async { panic!("boom") });
        let error = task.await.unwrap_err();
        assert_eq!(error.panic_message(), Some("boom"));
        *error.into_panic().downcast::<&str>().unwrap()
    });
    assert_eq!(taken.unwrap().into_value(), "boom");
}

#[test]
fn the_original_panic_leads_not_the_unwrap_that_met_it() {
    let kind = kind_of(Sim::new(), || async {
        let task: JoinHandle<()> = sim::spawn(async { panic!("the cause") });
        task.await.unwrap();
    });
    let FailureKind::Panic { task, message, then, .. } = kind else { panic!("{kind:?}") };
    assert_eq!((task.index(), message.as_str()), (1, "the cause"));
    assert!(then.unwrap().contains("unwrap"));
}

#[test]
fn an_error_nobody_looks_at_fails_the_run_where_it_counts() {
    let kind = kind_of(Sim::new(), || async {
        drop(sim::try_spawn(async { Err::<(), _>("disk full") }));
        sim::yield_now().await;
    });
    assert_eq!(
        kind,
        FailureKind::UnobservedError { task: task(1), message: "\"disk full\"".to_owned() }
    );
    let fine = Sim::new().run(|| async {
        drop(sim::spawn(async { Err::<(), _>("nobody promised to look") }));
        let seen = sim::try_spawn(async { Err::<(), _>("seen") });
        assert_eq!(seen.await.unwrap(), Err("seen"));
    });
    fine.unwrap();
}

#[test]
fn a_ring_of_tasks_that_await_each_other_is_a_deadlock_with_its_cycle() {
    let failure = Sim::new()
        .run(|| async {
            let slots: Rc<RefCell<Vec<JoinHandle<()>>>> = Rc::default();
            for next in [1, 0] {
                let others = Rc::clone(&slots);
                let task = sim::spawn(async move {
                    sim::yield_now().await;
                    let other = others.borrow()[next].clone();
                    let _ = other.await;
                });
                slots.borrow_mut().push(task.named(format!("ring-{next}")));
            }
            let first = slots.borrow()[0].clone();
            first.await
        })
        .unwrap_err();
    let FailureKind::Deadlock { cycle } = failure.kind() else { panic!("{failure}") };
    assert_eq!(*cycle, [task(1), task(2)]);
    let main = &failure.blocked()[0];
    assert_eq!((main.task, main.on.as_slice()), (TaskId::ROOT, [task(1)].as_slice()));
    assert!(main.place.unwrap().file().ends_with("failures.rs"));
    assert_eq!(failure.blocked().len(), 3);
}

#[test]
fn a_task_that_waits_for_something_unknown_is_told_apart() {
    let failure = Sim::new().run(std::future::pending::<()>).unwrap_err();
    assert_eq!(*failure.kind(), FailureKind::Deadlock { cycle: vec![] });
    assert_eq!(failure.blocked()[0].op, sim::trace::Op::Unknown);
}

#[test]
fn a_livelock_shows_the_tasks_that_take_turns() {
    let kind = kind_of(Sim::new().max_steps(10_000), || async {
        for _ in 0..2 {
            drop(sim::spawn(async {
                loop {
                    sim::yield_now().await;
                }
            }));
        }
        std::future::pending::<()>().await;
    });
    let FailureKind::Livelock { mut cycle } = kind else { panic!("{kind:?}") };
    cycle.sort();
    assert_eq!(cycle, [task(1), task(2)]);
}

#[test]
fn the_clock_stops_at_the_limit() {
    let failure = Sim::new()
        .max_time(Duration::from_secs(60))
        .run(|| async {
            loop {
                sim::sleep(Duration::from_secs(7)).await;
            }
        })
        .unwrap_err();
    assert_eq!(*failure.kind(), FailureKind::TimeLimit { next: Duration::from_secs(63) });
    assert_eq!(failure.elapsed(), Duration::from_secs(56));
    let busy = kind_of(Sim::new(), || async {
        sim::busy(Duration::MAX);
        sim::yield_now().await;
    });
    assert!(matches!(busy, FailureKind::TimeLimit { .. }), "{busy:?}");
}

#[test]
fn leaked_tasks_are_cancelled_dropped_or_fail_the_run() {
    let program = || async {
        let task = sim::spawn(async {
            if let Err(cancelled) = sim::catch_cancel(std::future::pending::<()>()).await {
                sim::sleep(Duration::from_secs(3)).await;
                sim::note!("cleaned");
                cancelled.resume().await;
            }
        });
        drop(task.named("leaky"));
        sim::yield_now().await;
    };
    let cancelled = Sim::new().leaks(Leaks::Cancel).run(program).unwrap();
    assert_eq!(cancelled.elapsed(), Duration::from_secs(3));
    assert_eq!(cancelled.leaked()[0].name, "leaky");
    cancelled.trace().assert_order(["cleaned"]);

    let dropped = Sim::new().leaks(Leaks::Allow).run(program).unwrap();
    assert_eq!((dropped.elapsed(), dropped.leaked().len()), (Duration::ZERO, 1));

    let failed = Sim::new().leaks(Leaks::Fail).run(program).unwrap_err();
    assert_eq!(*failed.kind(), FailureKind::Leak { tasks: vec![task(1)] });
}

#[test]
fn a_root_that_aborts_itself_gives_no_value() {
    let kind = kind_of(Sim::new(), || async {
        sim::task::current().unwrap().abort();
        sim::yield_now().await;
    });
    assert_eq!(kind, FailureKind::RootCancelled);
}

#[test]
fn every_kind_has_a_rule_of_its_own() {
    let kinds = [
        kind_of(Sim::new(), || async { panic!() }),
        kind_of(Sim::new(), std::future::pending::<()>),
        kind_of(Sim::new().max_steps(10), || async {
            loop {
                sim::yield_now().await;
            }
        }),
    ];
    let ids: Vec<_> = kinds.iter().map(|kind| kind.rule().id).collect();
    assert_eq!(ids, ["SIM011", "SIM002", "SIM005"]);
}

/// The id of the `n`th task that a run spawns.
fn task(n: usize) -> TaskId {
    Sim::new()
        .run(move || async move {
            let mut last = TaskId::ROOT;
            for _ in 0..n {
                last = sim::spawn(async {}).id();
            }
            last
        })
        .unwrap()
        .into_value()
}
