//! A campaign is a function of its seed and its number of runs.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sim::{Leaks, explore};

use crate::programs::{deadlock, lost_update_undeclared, no_lost_update, reorder};

#[test]
fn the_number_of_threads_changes_nothing() {
    for seed in [0, 1, 77] {
        let report = |threads| {
            let report = explore(|| reorder(6)).seed(seed).runs(2_000).threads(threads).run();
            (report.runs(), report.classes(), report.to_string())
        };
        let one = report(1);
        assert!(one.2.starts_with("sim: FAILED"), "{}", one.2);
        assert_eq!(one, report(2));
        assert_eq!(one, report(5));
    }
}

#[test]
fn a_passing_campaign_says_the_same_with_any_number_of_threads() {
    let report = |threads| {
        let report = explore(no_lost_update).runs(500).threads(threads).run();
        report.assert_ok();
        (report.runs(), report.classes(), report.to_string(), report.samplers().clone())
    };
    assert_eq!(report(1), report(3));
}

#[test]
fn the_first_run_is_first_in_first_out_and_a_bug_there_ends_the_campaign() {
    let report = explore(|| async { panic!("at once") }).runs(100).run();
    let found = report.failure().unwrap();
    assert_eq!((report.runs(), found.deviations(), found.is_minimal()), (1, 0, true));
    assert!(found.to_string().contains("no deviation is needed"), "{found}");
}

#[test]
fn to_keep_going_counts_every_failure() {
    let report = explore(lost_update_undeclared).runs(400).keep_going().run();
    assert_eq!(report.runs(), 400);
    assert!(report.failures() > 20, "{} failures", report.failures());
    let stopped = explore(lost_update_undeclared).runs(400).run();
    assert_eq!(stopped.failures(), 1);
    let token = |report: &sim::explore::Report| report.failure().unwrap().token().to_string();
    assert_eq!(token(&stopped), token(&report), "the first failure is the same one");
}

#[test]
fn a_budget_of_no_time_makes_no_run() {
    let report = explore(no_lost_update).budget(Duration::ZERO).run();
    assert_eq!((report.runs(), report.is_cut_short()), (0, true));
    assert!(report.to_string().contains("out of time"), "{report}");
}

#[test]
fn settings_hold_for_every_run() {
    let leaky = || async {
        drop(sim::spawn(sim::sleep(Duration::from_secs(9))));
    };
    assert!(explore(leaky).runs(50).run().failure().is_none());
    let report = explore(leaky).runs(50).settings(|sim| sim.leaks(Leaks::Fail)).run();
    assert_eq!(report.failure().unwrap().failure().rule().id, "SIM006");
}

#[test]
fn a_spinning_task_is_a_livelock_and_not_a_hang() {
    let spin = || async {
        let other = sim::spawn(async {});
        while !other.is_finished() {
            sim::schedule_point().await;
            if !other.is_finished() {
                sim::yield_now().await;
            }
        }
    };
    let report = explore(spin).runs(300).settings(|sim| sim.max_steps(2_000)).run();
    // Priorities may starve the other task for ever: that is the unfair policies' right, and is
    // reported as what it is.
    if let Some(found) = report.failure() {
        assert_eq!(found.failure().rule().id, "SIM005");
    }
    assert!(report.runs() > 1);
}

#[test]
fn a_program_with_a_life_of_its_own_is_told_so() {
    static RUNS: AtomicU64 = AtomicU64::new(0);
    let report = explore(|| async {
        assert!(RUNS.fetch_add(1, Ordering::Relaxed) != 5, "every now and then");
    })
    .runs(50)
    .run();
    let found = report.failure().unwrap();
    assert!(!found.is_reproduced());
    assert!(found.to_string().contains("not under"), "{found}");
}

#[test]
fn shards_find_together_what_one_campaign_finds() {
    let shard = |part| explore(|| reorder(3)).runs(300).shard(part, 3).run();
    let found = (0..3).filter(|part| shard(*part).failure().is_some()).count();
    assert!(found > 0);
    let passing = |part| explore(no_lost_update).runs(100).shard(part, 3).run();
    let runs = [0, 1, 2].map(|part| passing(part).runs());
    assert_eq!(runs, [34, 33, 33], "together the runs that were asked for");
    let text = passing(1).to_string();
    assert!(text.ends_with(" (shard 2 of 3)"), "{text}");
    assert!(!text.contains(", complete"), "a part is not the whole: {text}");
}

#[test]
fn a_deadlock_is_found_and_keeps_its_ring() {
    let report = explore(deadlock).runs(200).run();
    let found = report.failure().unwrap();
    assert_eq!(found.failure().rule().id, "SIM002");
    assert_eq!(found.deviations(), 1, "{found}");
}

#[test]
fn progress_is_told() {
    static TOLD: AtomicU64 = AtomicU64::new(0);
    let report = explore(no_lost_update)
        .runs(1_000)
        .on_progress(|progress| {
            TOLD.fetch_max(progress.runs, Ordering::Relaxed);
        })
        .run();
    assert_eq!((report.runs(), TOLD.load(Ordering::Relaxed)), (1_000, 1_000));
}
