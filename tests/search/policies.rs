//! Each policy is deterministic, and finds what it is there for.

use sim::{Policy, Sim, explore};

use crate::programs::{deadlock, reorder};

#[test]
fn equal_seeds_give_equal_runs_under_every_policy() {
    for policy in Policy::ALL {
        for seed in 0..20 {
            let digest = || match Sim::new().seed(seed).policy(policy).run(|| reorder(3)) {
                Ok(outcome) => outcome.digest(),
                Err(failure) => failure.digest(),
            };
            assert_eq!(digest(), digest(), "{policy}, seed {seed}");
        }
    }
}

#[test]
fn what_a_policy_chose_is_replayed_from_its_record() {
    for policy in Policy::ALL {
        for seed in 0..20 {
            let first = Sim::new().seed(seed).policy(policy).run(deadlock);
            let log = match &first {
                Ok(outcome) => outcome.decisions().clone(),
                Err(failure) => failure.decisions().clone(),
            };
            let again = Sim::new().seed(seed).replay(log).run(deadlock);
            let digest = |result: &Result<sim::Outcome<()>, sim::Failure>| match result {
                Ok(outcome) => outcome.digest(),
                Err(failure) => failure.digest(),
            };
            assert_eq!(digest(&first), digest(&again), "{policy}, seed {seed}");
        }
    }
}

/// Runs to the first failure, the mean of several campaigns.
fn mean_runs(policy: Option<Policy>, setters: usize) -> f64 {
    let campaigns = 10;
    let runs = (0..campaigns).map(|campaign| {
        let explore = explore(move || reorder(setters)).seed(campaign * 1_000_003).runs(5_000);
        let report = match policy {
            Some(policy) => explore.policy(policy).shrink_replays(0).run(),
            None => explore.shrink_replays(0).run(),
        };
        report.runs()
    });
    runs.sum::<u64>() as f64 / campaigns as f64
}

#[test]
fn policies_that_know_more_need_fewer_runs() {
    // Five setters: a random walk needs some hundreds of runs. The bounds are twice and more what
    // was measured.
    assert!(mean_runs(None, 5) < 40.0);
    assert!(mean_runs(Some(Policy::Rff), 5) < 40.0);
    assert!(mean_runs(Some(Policy::Surw), 5) < 40.0);
    assert!(mean_runs(Some(Policy::PosNonRacing), 5) < 80.0);
    assert!(mean_runs(Some(Policy::Random), 5) > mean_runs(None, 5));
}

#[test]
fn uniform_walks_reach_every_order() {
    use std::cell::RefCell;
    use std::collections::BTreeSet;
    use std::rc::Rc;
    let mut orders = BTreeSet::new();
    for seed in 0..400 {
        let order = Sim::new().seed(seed).policy(Policy::Urw).run(|| async {
            let order = Rc::new(RefCell::new(Vec::new()));
            let tasks: Vec<_> = (0..4)
                .map(|nth| {
                    let order = Rc::clone(&order);
                    sim::spawn(async move { order.borrow_mut().push(nth) })
                })
                .collect();
            for task in tasks {
                task.await.unwrap();
            }
            order.take()
        });
        orders.insert(order.unwrap().into_value());
    }
    assert_eq!(orders.len(), 24);
}

#[test]
fn first_in_first_out_does_not_notice_a_schedule_point() {
    let with = |points: bool| {
        Sim::new().run(move || async move {
            let tasks: Vec<_> = (0..3)
                .map(|nth| {
                    sim::spawn(async move {
                        sim::note!("{nth} begins");
                        if points {
                            sim::schedule_point().await;
                        }
                        sim::note!("{nth} ends");
                        sim::yield_now().await;
                        sim::note!("{nth} is done");
                    })
                })
                .collect();
            for task in tasks {
                task.await.unwrap();
            }
        })
    };
    assert_eq!(with(true).unwrap().digest(), with(false).unwrap().digest());
}

#[test]
fn names_of_policies_are_read_as_they_are_written() {
    for policy in Policy::ALL {
        assert_eq!(policy.to_string().parse::<Policy>().unwrap(), policy);
        assert_eq!(policy.name().parse::<Policy>().unwrap(), policy);
    }
    for wrong in ["pct:0", "pct:", "pct:x", "dfs2", ""] {
        let error = wrong.parse::<Policy>().unwrap_err().to_string();
        assert!(error.contains("pos-nr"), "{error}");
    }
}
