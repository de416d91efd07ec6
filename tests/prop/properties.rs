//! `property!`: its grammar, and what counts as what.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use proptest::collection::vec;
use proptest::prelude::*;
use sim::prop::{Held, Property, PropertyError};

use super::bank::{growing, lossy, sound};

sim::property! {
    #![config(cases = 48, schedules = 16)]

    /// Documentation and attributes stay.
    #[test]
    async fn a_sound_bank_keeps_all(deposits in vec(1u32..50, 1..8)) {
        let sum: u32 = deposits.iter().sum();
        prop_assert_eq!(sound(deposits).await, sum);
    }

    #[test]
    async fn several_arguments_and_patterns((a, b) in (0u32..10, 0u32..10), mut more in vec(0u32..5, 0..3)) {
        prop_assume!(a != b);
        more.push(a.max(b));
        let sum: u32 = more.iter().sum();
        prop_assert_eq!(sound(more).await, sum, "{} and {}", a, b);
    }

    #[test]
    async fn errors_of_ones_own(digits in "[0-9]{1,3}") -> Result<(), std::num::ParseIntError> {
        let amount: u32 = digits.parse()?;
        assert_eq!(sound(vec![amount]).await, amount);
        Ok(())
    }

    #[test]
    async fn any_value_of_a_type(one: u16, other: u16) {
        let (one, other) = (u32::from(one), u32::from(other));
        prop_assert_eq!(sound(vec![one, other]).await, one + other);
    }

    #[test]
    async fn question_marks_without_saying_so(digits in "[0-9]{1,3}") {
        let amount: u32 = digits.parse()?;
        prop_assert_eq!(sound(vec![amount]).await, amount);
    }
}

sim::property! {
    #![proptest_config(ProptestConfig { cases: 8, failure_persistence: None, ..Default::default() })]

    #[test]
    async fn with_proptest_configuration(n in any::<u8>()) -> Result<(), String> {
        if u32::from(n) > 255 { Err("impossible".to_owned()) } else { Ok(()) }
    }

    #[test]
    #[should_panic(expected = "an early return")]
    async fn a_failing_one_panics_with_its_report(n in 0u32..1_000) {
        if n > 3 {
            return Err(TestCaseError::fail("an early return"));
        }
    }
}

sim::property! {
    #[test]
    async fn without_any(n in any::<u8>()) {
        let n = u32::from(n);
        prop_assert_eq!(sound(vec![n, n]).await, 2 * n);
    }
}

fn seeded(seed: u64) -> Property {
    let config = proptest::test_runner::Config {
        cases: 64,
        failure_persistence: None,
        rng_seed: proptest::test_runner::RngSeed::Fixed(seed),
        ..Default::default()
    };
    Property::new("it").proptest(config)
}

#[test]
fn a_property_that_holds_says_what_was_tried() {
    let held = seeded(1)
        .schedules(10)
        .run((vec(1u32..50, 1..4),), |(deposits,)| async move {
            let sum: u32 = deposits.iter().sum();
            assert_eq!(sound(deposits).await, sum);
        })
        .unwrap();
    assert_eq!(held, Held { cases: 64, runs: 640, rejected: 0 });
}

#[test]
fn rejected_inputs_are_counted_and_replaced() {
    let held = seeded(1)
        .schedules(4)
        .run((0u32..100,), |(n,)| async move {
            prop_assume!(n % 2 == 0);
            Ok(())
        })
        .unwrap();
    assert_eq!(held.cases, 64);
    assert!((20..200).contains(&held.rejected), "{held:?}");
    let error = seeded(1).run((0u32..100,), |(_,)| async move {
        prop_assume!(false, "never");
        Ok(())
    });
    let Err(PropertyError::Aborted { reason }) = &error else { panic!("{error:?}") };
    assert!(reason.starts_with("sim: ABORTED it: Too many global rejects"), "{reason}");
    assert!(reason.contains("never"), "{reason}");
}

#[test]
fn inputs_that_depend_on_inputs_shrink_with_the_schedule() {
    let pairs = (1usize..6).prop_flat_map(|len| (vec(1u32..50, len), 0..len));
    let error = seeded(3)
        .run((pairs,), |((deposits, marked),)| async move {
            let (sum, most) = (deposits.iter().sum::<u32>(), deposits.len());
            assert!(marked < most, "the strategy's own promise");
            assert_eq!(lossy(deposits).await, sum);
        })
        .unwrap_err();
    let ((deposits, _),) = error.input().unwrap();
    assert_eq!(*deposits, [1, 1], "{error}");
    assert_eq!(error.found().unwrap().deviations(), 1);
}

#[test]
fn a_failure_keeps_its_place_while_its_input_shrinks() {
    // Smaller inputs fail as well, elsewhere.
    let error = seeded(5)
        .run((0u32..1_000,), |(n,)| async move {
            sim::yield_now().await;
            assert!(n < 500, "large");
            assert!(n >= 500 || n % 7 != 3 || n > 400, "small");
        })
        .unwrap_err();
    let (left, text) = (error.input().unwrap().0, error.to_string());
    assert!(
        (left == 500 && text.contains("large")) || (left < 400 && text.contains("small")),
        "{text}"
    );
}

#[test]
fn a_bug_of_several_deviations_shrinks_as_well() {
    // The watcher has to be left twice, and to come back before the others have ended.
    let error =
        seeded(2).schedules(300).run((vec(1u32..9, 2..7),), |(steps,)| growing(steps)).unwrap_err();
    let steps = error.input().unwrap().0.clone();
    assert_eq!(steps, [1, 1], "{error}");
    let deviations = error.found().unwrap().deviations();
    let fewer = sim::explore(move || growing(steps.clone())).max_deviations(deviations - 1).run();
    assert!(deviations > 1 && fewer.failure().is_none(), "{error}{fewer}");
}

#[test]
fn shrinking_keeps_to_its_limits() {
    let runs = Arc::new(AtomicU64::new(0));
    let counted = |property: Property| {
        let count = Arc::clone(&runs);
        count.store(0, Ordering::Relaxed);
        let error = property
            .run((vec(1u32..50, 6..8),), move |(deposits,)| {
                count.fetch_add(1, Ordering::Relaxed);
                let sum: u32 = deposits.iter().sum();
                async move { assert_eq!(lossy(deposits).await, sum) }
            })
            .unwrap_err();
        (runs.load(Ordering::Relaxed), error.input().unwrap().0.clone())
    };
    let config = |max_shrink_iters| proptest::test_runner::Config {
        max_shrink_iters,
        failure_persistence: None,
        rng_seed: proptest::test_runner::RngSeed::Fixed(1),
        ..Default::default()
    };
    let (all, smallest) = counted(seeded(1));
    let (none, unshrunk) = counted(seeded(1).proptest(config(0)));
    let (few, _) = counted(seeded(1).shrink_runs(1));
    assert_eq!(smallest.len(), 6);
    assert!(unshrunk.iter().sum::<u32>() > 6, "{unshrunk:?}");
    assert!(none < few && few < all, "{none} {few} {all}");
}
