//! A failure is handed back with the fewest deviations that show it.

use sim::explore;
use sim::{Policy, SimCell};
use std::rc::Rc;

use crate::programs::reorder;

#[test]
fn whoever_found_it_the_rest_is_one_deviation() {
    for policy in [Policy::Random, Policy::Pos, Policy::Surw, Policy::Rff, Policy::Pct(3)] {
        for seed in [0, 5_000] {
            let report = explore(|| reorder(3)).policy(policy).seed(seed).runs(5_000).run();
            let found = report.failure().unwrap();
            assert_eq!((found.deviations(), found.is_minimal()), (1, true), "{policy}: {found}");
            assert!(found.replays() <= 60, "{policy}: {} replays", found.replays());
        }
    }
}

#[test]
fn a_failure_keeps_its_place() {
    // Two bugs; the second is the easier one.
    let two = || async {
        let x = Rc::new(SimCell::new(0).named("x"));
        let write = Rc::clone(&x);
        let a = sim::spawn(async move {
            write.write(1).await;
            write.write(2).await;
        })
        .named("a");
        let b = sim::spawn(async move {
            let (first, second) = (x.read().await, x.read().await);
            assert!(first == second, "changed between");
            assert!(first != 0, "too early");
        })
        .named("b");
        a.await.unwrap();
        b.await.unwrap();
    };
    let mut places = std::collections::BTreeSet::new();
    for seed in 0..40 {
        let report = explore(two).policy(Policy::Random).seed(seed * 100).runs(100).run();
        let Some(found) = report.failure() else { continue };
        let raw =
            explore(two).policy(Policy::Random).seed(seed * 100).runs(100).shrink_replays(1).run();
        let message = |found: &sim::explore::Found| format!("{:?}", found.failure().kind());
        assert_eq!(message(found), message(raw.failure().unwrap()));
        places.insert(message(found));
    }
    assert_eq!(places.len(), 2, "both were met: {places:?}");
}

#[test]
fn no_replays_leave_it_as_it_was_found() {
    let report = explore(|| reorder(5)).policy(Policy::Random).runs(5_000).shrink_replays(1).run();
    let found = report.failure().unwrap();
    assert!(found.deviations() == found.found_with() && found.found_with() > 1, "{found}");
    assert!(!found.is_minimal());
}

#[test]
fn minimal_is_said_where_it_was_shown() {
    // Two switches are needed, and none less does it.
    let needs_two = || async {
        let x = Rc::new(SimCell::new(0).named("x"));
        let tasks: Vec<_> = ["a", "b"]
            .into_iter()
            .map(|name| {
                let x = Rc::clone(&x);
                sim::spawn(async move {
                    for _ in 0..2 {
                        let seen = x.read().await;
                        x.write(seen + 1).await;
                    }
                })
                .named(name)
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert!(x.get() > 2, "two updates were lost");
    };
    let report = explore(needs_two).runs(5_000).run();
    let found = report.failure().unwrap();
    assert!(found.deviations() >= 1);
    if found.is_minimal() {
        let below = explore(needs_two).max_deviations(found.deviations() - 1).runs(100_000).run();
        assert!(below.failure().is_none(), "{below}");
    }
}
