//! «Complete» is said only where everything was run.

use sim::explore;
use sim::explore::Claim;

use crate::programs::{independent, lost_update_undeclared, no_lost_update};

#[test]
fn an_exhaustive_search_finds_a_lost_update_nobody_declared() {
    let report = explore(lost_update_undeclared).exhaustive().runs(100_000).run();
    let found = report.failure().expect("through an Rc<Cell>");
    assert_eq!((found.deviations(), found.is_minimal()), (1, true), "{found}");
}

#[test]
fn an_exhaustive_search_that_finds_nothing_is_a_claim() {
    let report = explore(no_lost_update).exhaustive().runs(100_000).run();
    report.assert_complete();
    assert_eq!(report.claim(), Some(Claim::Complete));
    assert!(report.to_string().starts_with("complete: "), "{report}");
}

#[test]
fn the_number_of_schedules_is_known_for_independent_tasks() {
    // The root's own steps stand among the candidates once it has been woken: with all tasks
    // spawned first, the orders of n tasks, and where the root joins in between.
    let count = |tasks| explore(move || independent(tasks)).exhaustive().run().runs();
    assert_eq!(count(1), 1);
    assert_eq!(count(2), 3);
    let report = explore(|| independent(5)).exhaustive().runs(100_000).run();
    report.assert_complete();
    let (mean, deviation) = report.estimate().unwrap();
    let true_size = report.runs() as f64;
    assert!((mean - true_size).abs() < 5.0 * deviation.max(1.0), "{mean} ± {deviation}");
}

#[test]
#[should_panic(expected = "INCOMPLETE")]
fn a_search_that_was_cut_short_is_no_claim() {
    let report = explore(|| independent(6)).exhaustive().runs(10).run();
    assert_eq!((report.runs(), report.claim(), report.is_cut_short()), (10, None, true));
    report.assert_complete();
}

#[test]
fn shards_divide_an_exhaustive_search() {
    let whole = explore(|| independent(4)).exhaustive().run();
    let parts = (0..3).map(|part| {
        let report = explore(|| independent(4)).exhaustive().shard(part, 3).run();
        report.assert_complete();
        report.runs()
    });
    assert_eq!(parts.sum::<u64>(), whole.runs());
}

#[test]
fn a_bounded_search_claims_what_it_ran() {
    let report = explore(no_lost_update).max_deviations(2).runs(10_000).run();
    assert_eq!(report.claim(), Some(Claim::Deviations { most: 2, all: true }));
    let text = report.to_string();
    assert!(text.contains("complete for 2 deviations"), "{text}");
    let cut = explore(no_lost_update).max_deviations(2).runs(3).run();
    assert_ne!(cut.claim(), Some(Claim::Deviations { most: 2, all: true }));
}

#[test]
fn a_bounded_search_agrees_with_the_exhaustive_one() {
    // With as many deviations as there are choices, both run everything.
    let whole = explore(|| independent(4)).exhaustive().run();
    let bounded = explore(|| independent(4)).max_deviations(64).runs(100_000).run();
    assert_eq!(bounded.runs(), whole.runs());
    assert!(matches!(bounded.claim(), Some(Claim::Deviations { all: true, .. })));
}

#[test]
fn a_campaign_claims_at_most_one_deviation_in_words() {
    let report = explore(no_lost_update).runs(2_000).run();
    report.assert_ok();
    let text = report.to_string();
    assert!(text.contains("complete for 1 deviation from first-in-first-out"), "{text}");
    assert!(!text.contains('%'), "{text}");
}

#[test]
fn statistics_are_kept_for_each_sampler_apart() {
    let report = explore(|| independent(3)).runs(2_000).run();
    let samplers = report.samplers();
    assert!(samplers.contains_key("random") && samplers.contains_key("urw"), "{samplers:?}");
    assert!(!samplers.contains_key("rff") && !samplers.contains_key("idb"), "{samplers:?}");
    for (name, sampler) in samplers {
        let (estimate, bound) = sampler.chance_of_new().unwrap();
        assert!(estimate <= bound && bound <= 1.0, "{name}: {estimate} {bound}");
        assert!(sampler.classes_at_least() >= sampler.classes() as f64);
        assert!(sampler.failure_rate_below().unwrap() <= 1.0);
    }
}
