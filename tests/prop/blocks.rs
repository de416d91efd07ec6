//! Plain `proptest!` blocks: schedules as a strategy.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestError, TestRunner};
use sim::prop::{Schedule, schedule};

use super::bank::{loses_nothing, lossy, sound};

fn config() -> Config {
    Config { rng_seed: RngSeed::Fixed(7), failure_persistence: None, ..Config::default() }
}

proptest! {
    #![proptest_config(Config { cases: 64, ..sim::prop::config!() })]

    #[test]
    fn a_sound_bank_keeps_all(deposits in vec(1u32..50, 1..8), schedule in schedule()) {
        let sum: u32 = deposits.iter().sum();
        sim::prop::run(schedule, || async move {
            prop_assert_eq!(sound(deposits).await, sum);
            Ok(())
        })?;
    }
}

fn falsify() -> (String, Vec<u32>, Schedule) {
    let input = (vec(1u32..50, 1..8), schedule());
    let result = TestRunner::new(config())
        .run(&input, |(deposits, schedule)| sim::prop::run(schedule, || loses_nothing(deposits)));
    match result {
        Err(TestError::Fail(reason, (deposits, schedule))) => {
            (reason.message().to_owned(), deposits, schedule)
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_lost_update_is_found_and_told_in_full() {
    let (report, deposits, schedule) = falsify();
    assert!(report.starts_with("sim: FAILED SIM011 panic in main"), "{report}");
    assert!(report.contains("money was lost") && report.contains("replay  SIM_REPLAY='sim1:"));
    assert!(report.contains("first-in-first-out, except:") && report.contains("step time"));
    assert!(deposits.len() >= 2 && !schedule.deviations().is_empty());
    assert_eq!(falsify(), (report, deposits, schedule), "it is not the same again");
}

#[test]
fn the_token_of_the_report_gives_the_failure_again() {
    let (report, deposits, _) = falsify();
    let line = report.lines().find(|line| line.contains("SIM_REPLAY=")).unwrap();
    let token = line.trim().strip_prefix("replay").unwrap().parse().unwrap();
    let replay = sim::explore::replay(move || loses_nothing(deposits.clone()), &token);
    assert_eq!(replay.fit(), sim::explore::Fit::Exact);
    assert!(replay.failure().is_some());
}

#[test]
fn an_error_and_a_rejection_are_handed_on() {
    let failed = sim::prop::run(Schedule::fifo(), || async {
        prop_assert_eq!(lossy(vec![1, 2]).await, 4);
        Ok(())
    });
    let Err(TestCaseError::Fail(report)) = failed else { panic!("{failed:?}") };
    let report = report.message();
    assert!(report.contains("tests/prop/blocks.rs:"), "no place: {report}");
    assert!(report.contains("left: `3`; right: `4`"), "{report}");
    let rejected = sim::prop::run(Schedule::fifo(), || async {
        prop_assume!(lossy(vec![1, 2]).await == 4);
        Ok(())
    });
    assert!(matches!(rejected, Err(TestCaseError::Reject(_))), "{rejected:?}");
    let stuck = sim::prop::run(Schedule::fifo(), std::future::pending::<()>);
    let Err(TestCaseError::Fail(report)) = stuck else { panic!("{stuck:?}") };
    assert!(report.message().starts_with("sim: DEADLOCK SIM002"), "{report}");
}
