//! What a failing property says: the whole of it, the same each time, once.

use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, Ordering};

use proptest::collection::vec;
use proptest::test_runner::{Config, FileFailurePersistence, RngSeed};
use sim::prop::{Property, PropertyError};

use super::bank::loses_nothing;

fn config(seed: u64) -> Config {
    Config {
        cases: 64,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(seed),
        ..Config::default()
    }
}

fn falsify(config: Config) -> PropertyError<(Vec<u32>,)> {
    let property = Property::new("bank::no_lost_update").inputs(&["deposits"]).proptest(config);
    property.run((vec(1u32..50, 1..8),), |(deposits,)| loses_nothing(deposits)).unwrap_err()
}

/// Without its second line, which says how it was found.
const REPORT: &str = r#"sim: FAILED bank::no_lost_update: SIM011 panic in main at step 5, 0ms
  tests/prop/bank.rs:41:5: assertion `left == right` failed: money was lost; left: 1; right: 2
  input  deposits = [1, 1]
  replay  SIM_REPLAY='sim1:bank%3a%3ano_lost_update:b3ddc0b7:main/1@get.balance.1=main/2:38651294'
          this schedule, for `sim::explore::replay` with this input
  schedule  first-in-first-out, except:
            after main/1's get.balance, main/2 runs

  step time  main                      task-1                     task-2                    await at
     1  0ms  spawn task-1, task-2;     .                          .                         :20:14
             join task-1~
     2       ~                         get "balance";             ready                     :16:42
                                       left before set "balance"
     3       ~                         ready                      * get "balance";
                                                                  set "balance"; done
     4       ~                         set "balance"; done        .
     5       get "balance";            .                          .                         :41:5
             ! panicked
  key: ~ waits   ready = could run, was not picked   . not alive
       * chosen against first-in-first-out   ! failed
  awaits are in tests/prop/bank.rs
"#;

#[test]
fn a_report_is_what_it_was() {
    let text = falsify(config(1)).to_string();
    assert_eq!(text, falsify(config(1)).to_string(), "it is not the same again");
    let (how, rest): (Vec<&str>, Vec<&str>) =
        text.lines().partition(|line| line.starts_with("  case "));
    assert_eq!(rest.join("\n") + "\n", REPORT);
    let [how] = how[..] else { panic!("{how:?}") };
    assert!(how.contains(" smaller inputs tried; shrunk "), "{how}");
    assert!(how.contains(" -> 1 deviation (minimal), "), "{how}");
}

#[test]
fn the_token_gives_the_failure_again_with_its_input() {
    let error = falsify(config(2));
    let (deposits,) = error.input().unwrap().clone();
    let token = error.found().unwrap().token().clone();
    let replay = sim::explore::replay(move || loses_nothing(deposits.clone()), &token);
    assert_eq!(replay.fit(), sim::explore::Fit::Exact);
    assert!(replay.failure().is_some());
}

/// What an input and a schedule were shrunk to, without how they were found.
fn essence(error: &PropertyError<(Vec<u32>,)>) -> (Vec<u32>, String) {
    (error.input().unwrap().0.clone(), error.found().unwrap().token().to_string())
}

#[test]
fn a_failure_is_kept_and_comes_first_from_then_on() {
    let file = std::env::temp_dir().join(format!("sim-prop-{}", std::process::id()));
    let path: &'static str = Box::leak(file.to_string_lossy().into_owned().into_boxed_str());
    let kept = |seed| Config {
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(path))),
        ..config(seed)
    };
    let first = falsify(kept(1));
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("# shrinks to deposits = [1, 1]"), "{text}");
    assert!(first.to_string().contains("proptest keeps it"), "{first}");
    let again = falsify(kept(77));
    std::fs::remove_file(&file).unwrap();
    assert_eq!(essence(&first), essence(&again));
    assert!(again.to_string().contains("case 1, "), "{again}");
    assert_ne!(essence(&first), essence(&falsify(config(77))), "another seed is another case");
}

#[test]
fn a_program_that_is_not_under_control_is_said_to_be_so() {
    static FIRST: AtomicBool = AtomicBool::new(true);
    let error = Property::new("flaky").proptest(config(1)).run((0u32..9,), |(_,)| async {
        assert!(!FIRST.swap(false, Ordering::Relaxed), "the first time only");
    });
    let text = error.unwrap_err().to_string();
    assert!(text.contains("the same run did not fail again"), "{text}");
}

#[test]
fn regressions_have_a_file_for_each_module() {
    let config = format!("{:?}", sim::prop::config!().failure_persistence);
    let file: PathBuf =
        [env!("CARGO_MANIFEST_DIR"), "tests", "regressions", "prop-reports.txt"].iter().collect();
    assert_eq!(config, format!("Some(Direct({:?}))", file.to_string_lossy()));
}

/// Runs one of this binary's tests, in a process of its own.
fn child(test: &str, variables: &[(&str, &str)]) -> Output {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env("RUST_BACKTRACE", "0")
        .env_remove("PROPTEST_CASES")
        .envs(variables.iter().copied())
        .output()
        .unwrap()
}

#[test]
fn a_panic_in_the_program_is_printed_once_and_nothing_else_is() {
    let output = child("properties::a_failing_one_panics_with_its_report", &[]);
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    assert_eq!(text.matches("panicked at").count(), 1, "{text}");
    assert_eq!(text.matches("an early return").count(), 1, "{text}");
    assert!(
        text.contains("\nsim: FAILED properties::a_failing_one_panics_with_its_report: SIM011")
    );
    assert!(!text.contains("proptest:"), "{text}");
}

#[test]
fn environment_variables_of_proptest_count_in_a_block() {
    let cases = |variables: &[(&str, &str)]| {
        let output = child("counting::cases", variables);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{text}");
        text.matches("a case\n").count()
    };
    assert_eq!(cases(&[]), 5);
    assert_eq!(cases(&[("PROPTEST_CASES", "3")]), 3);
}
