//! What shrinking leaves of a lost update, beside what proptest alone leaves.
//!
//! The least is two deposits and one deviation. `cargo test -p tests --test prop figures --
//! --nocapture` prints the figures.

use std::cell::Cell;

use proptest::collection::vec;
use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestError, TestRunner};
use sim::prop::{Property, PropertyError};
use sim::{Policy, Sim};

use super::bank::{growing, loses_nothing, transfers};

/// How many failing cases each mean is over.
const CASES: u64 = 200;

fn deposits() -> impl Strategy<Value = Vec<u32>> {
    vec(1u32..50, 1..8)
}

fn config(seed: u64) -> Config {
    Config {
        cases: 1_000,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(seed),
        ..Config::default()
    }
}

/// Deviations and deposits left, on average.
#[derive(Clone, Copy, Debug, Default)]
struct Left {
    deviations: f64,
    deposits: f64,
}

fn mean(mut one: impl FnMut(u64) -> (usize, usize)) -> Left {
    let mut left = Left::default();
    for seed in 0..CASES {
        let (deviations, deposits) = one(seed);
        left.deviations += deviations as f64 / CASES as f64;
        left.deposits += deposits as f64 / CASES as f64;
    }
    left
}

fn failed<T: std::fmt::Debug>(error: Result<(), TestError<T>>) -> T {
    match error {
        Err(TestError::Fail(_, value)) => value,
        other => panic!("{other:?}"),
    }
}

/// A seed as an input: it cannot shrink, only change.
fn with_a_seed(seed: u64) -> (usize, usize) {
    let deviations = Cell::new(0);
    let input = (deposits(), 0u64..);
    let (left, _) = failed(TestRunner::new(config(seed)).run(&input, |(deposits, seed)| {
        let sim = Sim::new().trace(false).seed(seed).policy(Policy::Random);
        let Err(failure) = sim.run(move || loses_nothing(deposits)) else { return Ok(()) };
        deviations.set(failure.decisions().deviations().len());
        Err(TestCaseError::fail("money was lost"))
    }));
    (deviations.get(), left.len())
}

/// A schedule as an input: its deviations shrink, but do not follow the steps they mean.
fn with_a_schedule(seed: u64) -> (usize, usize) {
    let input = (deposits(), sim::prop::schedule());
    let (left, schedule) =
        failed(TestRunner::new(config(seed)).run(&input, |(deposits, schedule)| {
            sim::prop::run(schedule, || loses_nothing(deposits))
        }));
    (schedule.deviations().len(), left.len())
}

/// Both together.
fn with_property(seed: u64, runs: &Cell<u64>) -> (usize, usize) {
    let property = Property::new("bank").inputs(&["deposits"]).proptest(config(seed));
    let result = property.run((deposits(),), |(deposits,)| loses_nothing(deposits));
    match result {
        Err(PropertyError::Falsified { input: (deposits,), found, runs: shrinking }) => {
            assert!(found.is_reproduced());
            runs.set(runs.get() + shrinking);
            (found.deviations(), deposits.len())
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_deadlock_shrinks_though_its_tasks_change_their_names() {
    let left = mean(|seed| {
        let input = (vec((0usize..3, 0usize..3, 0u8..4), 1..10),);
        let property = Property::new("transfers").proptest(config(seed));
        let error = property.run(input, |(all,)| transfers(all)).unwrap_err();
        let (found, (left,)) = (error.found().unwrap(), error.input().unwrap());
        assert_eq!(found.failure().rule().id, "SIM002", "{error}");
        (found.deviations(), left.len())
    });
    assert!(left.deviations < 1.5 && left.deposits <= 2.5, "{left:?}");
}

#[test]
fn a_schedule_of_three_deviations_follows_its_tasks() {
    let left = mean(|seed| {
        let property = Property::new("growing").schedules(300).proptest(config(seed));
        let input = (vec(1u32..50, 0..20),);
        let error = property.run(input, |(steps,)| growing(steps)).unwrap_err();
        (error.found().unwrap().deviations(), error.input().unwrap().0.len())
    });
    assert!(left.deviations < 3.2 && left.deposits <= 2.2, "{left:?}");
}

#[test]
fn a_long_input_does_not_hide_that_one_deviation_is_enough() {
    let left = mean(|seed| {
        let property = Property::new("bank").proptest(config(seed));
        let input = (vec(1u32..50, 20..40),);
        let error = property.run(input, |(deposits,)| loses_nothing(deposits)).unwrap_err();
        (error.found().unwrap().deviations(), error.input().unwrap().0.len())
    });
    assert!(left.deviations < 1.1 && left.deposits < 20.5, "{left:?}");
}

#[test]
#[expect(clippy::print_stdout, reason = "the figures are what this is for")]
fn figures() {
    let runs = Cell::new(0);
    let seed = mean(with_a_seed);
    let schedule = mean(with_a_schedule);
    let both = mean(|seed| with_property(seed, &runs));
    let runs = runs.get() as f64 / CASES as f64;
    println!("left of a lost update, on the average of {CASES} failing cases (least: 1.0 and 2.0)");
    for (name, left) in [("u64 seed", seed), ("schedule()", schedule), ("property!", both)] {
        println!("{name:12} {:5.2} deviations {:5.2} deposits", left.deviations, left.deposits);
    }
    println!("property! took {runs:.0} runs to shrink a case");
    assert!(both.deviations <= 1.05, "{both:?}");
    assert!(both.deposits <= 2.05, "{both:?}");
    // What it is for: the others leave more.
    assert!(both.deposits < schedule.deposits && schedule.deposits < 7.0, "{schedule:?}");
    assert!(both.deviations < seed.deviations, "{seed:?}");
    assert!(runs < 1_000.0, "{runs} runs");
}
