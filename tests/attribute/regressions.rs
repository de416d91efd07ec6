//! What fails is kept, run first, and forgiven once it is fixed.

use std::fs;
use std::path::PathBuf;

use sim::explore::{Regressions, explore};

use super::child::run;

fn scratch(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("sim-attribute-{name}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

#[test]
fn a_failure_is_kept_once_and_run_first() {
    let folder = scratch("kept");
    let path = Regressions::path_of(&folder, "cases");
    let variables =
        [("SIM_NO_PERSIST", "0"), ("CASES_FOLDER", folder.to_str().expect("a plain path"))];
    run("keeps_what_fails", &variables).fails_with("kept in tests/regressions/cases.sim");
    let kept = Regressions::load(&path).unwrap();
    let [entry] = kept.entries() else { panic!("{kept:?}") };
    assert_eq!(entry.test(), "keeps_what_fails");
    assert!(entry.note().contains("money was lost"), "{}", entry.note());
    assert_eq!(entry.token().deviations(), 1, "{}", entry.token());

    let again = run("keeps_what_fails", &variables);
    again.fails_with(&format!("kept in tests/regressions/cases.sim:{}", entry.line()));
    again.fails_with("replayed exactly");
    assert_eq!(Regressions::load(&path).unwrap(), kept);

    fs::write(&path, "# a conflict\n<<<<<<< HEAD\n").unwrap();
    run("keeps_what_fails", &variables).fails_with("cases.sim:2: not a token: ");
    fs::remove_file(&path).unwrap();
    let variables = [("SIM_NO_PERSIST", "1"), variables[1]];
    run("keeps_what_fails", &variables).fails_with("money was lost");
    assert!(!path.exists());
    fs::remove_dir_all(&folder).unwrap();
}

/// `tests/regressions/attribute.sim` holds the schedule from when this had no lock.
#[sim::test(seeds = 16)]
async fn a_fixed_bug_stays_in_the_file() {
    use sim::sync::Mutex;
    use std::rc::Rc;
    let balance = Rc::new(Mutex::new(0));
    let deposit = |amount| {
        let balance = Rc::clone(&balance);
        sim::spawn(async move {
            let mut balance = balance.lock().await;
            let seen = *balance;
            sim::yield_now().await;
            *balance = seen + amount;
        })
    };
    let (a, b) = (deposit(1).named("A"), deposit(2).named("B"));
    let _ = (a.await, b.await);
    assert_eq!(*balance.lock().await, 3);
}

#[test]
fn what_no_longer_has_a_place_can_go() {
    let text = "t sim1:t:0:gone@sleep.1=B:00000000\nt sim1:t:0:begin@begin.1=x:00000000\nt sim1:t:0::00000000\n";
    let kept = Regressions::parse("t.sim", text).unwrap();
    let campaign = explore(async || sim::yield_now().await);
    let stale: Vec<usize> = kept
        .entries()
        .iter()
        .filter(|entry| entry.is_stale(&campaign.replay(entry.token())))
        .map(|entry| entry.line())
        .collect();
    assert_eq!(stale, [1, 2], "the third has nothing that could have lost its place");
}
