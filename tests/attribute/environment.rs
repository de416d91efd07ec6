//! What a test says when it fails, and what each variable changes.

use super::child::run;

#[test]
fn a_failure_says_how_to_get_it_again_and_does() {
    let told = run("loses_money", &[]);
    told.fails_with("sim: FAILED loses_money: SIM011 panic in main");
    told.fails_with("money was lost");
    let token = told.token();
    told.fails_with(&format!(
        "\n  replay  SIM_REPLAY='{token}' cargo test -p tests loses_money -- --exact\n"
    ));
    told.fails_with(&format!("\n  pin     #[sim::test(replay = \"{token}\")]\n"));
    // The report is the payload: once, and its place is the test.
    assert_eq!(told.text.matches("sim: FAILED").count(), 1, "{}", told.text);
    let line = include_str!("cases.rs").lines().position(|line| line.contains("fn loses_money"));
    told.fails_with(&format!("attribute/cases.rs:{}:10:\nsim: FAILED", line.unwrap() + 1));
    assert!(!told.text.contains("sim/src/"), "{}", told.text);
    let again = run("loses_money", &[("SIM_REPLAY", token)]);
    again.fails_with("replayed exactly");
    again.fails_with("money was lost");
}

#[test]
fn a_replay_that_does_not_fail_is_a_failure() {
    let stale = "sim1:passes:0:A@begin.1=B:00000000";
    run("passes", &[("SIM_REPLAY", stale)]).fails_with(
        "sim: DIVERGED passes: the schedule of SIM_REPLAY does not fail\n  0 of 1 deviations had",
    );
    let other = run("passes", &[("SIM_REPLAY", "sim1:other:0::00000000")]);
    other.passes_with("sim: passes ignores SIM_REPLAY, which is of \"other\"");
    other.passes_with("sim: passes: ok: 40 runs");
}

#[test]
fn seeds_and_policy_make_a_campaign_of_a_single_run() {
    run("runs_once", &[]).passes_with("sim: runs_once: ok: 1 run,");
    run("runs_once", &[("SIM_SEEDS", "64")]).passes_with("ok: 64 runs");
    run("runs_once", &[("SIM_SEEDS", "7..10")]).passes_with("ok: 3 runs");
    run("passes", &[("SIM_SEEDS", "5")]).passes_with("ok: 5 runs");
    // The policy of the attribute finds another seed than the environment's.
    let told = run("fails_for_one_seed", &[("SIM_POLICY", "fifo"), ("SIM_THREADS", "2")]);
    told.fails_with("(fifo)");
    let told = run("fails_for_one_seed", &[("SIM_POLICY", "campaign"), ("SIM_SEEDS", "400")]);
    told.fails_with(" of 400 (");
    run("loses_money", &[("SIM_SHRINK", "0")]).fails_with("; shrunk ");
}

#[test]
fn a_budget_ends_a_campaign_and_fails_nothing() {
    run("passes", &[("SIM_BUDGET", "300ms")]).passes_with("(out of time)");
    run("runs_once", &[("SIM_BUDGET", "300ms")]).passes_with("ok: 1 run,");
}

#[test]
fn limits_are_the_environments() {
    run("takes_twenty_steps", &[]).passes_with("ok: 1 run");
    run("takes_twenty_steps", &[("SIM_MAX_STEPS", "10")]).fails_with("sim: LIVELOCK");
}

#[test]
fn a_mistake_in_the_environment_fails_the_test_and_names_it() {
    run("passes", &[("SIM_SEDS", "9")]).fails_with("sim: SIM_SEDS=\"9\" is set, and there is no");
    run("passes", &[("SIM_SEEDS", "many")]).fails_with("sim: SIM_SEEDS is \"many\"; it takes");
    run("passes", &[("SIM_PYTHON", "python"), ("SIM_UPDATE", "1")]).passes_with("ok: 40 runs");
}

#[test]
fn what_the_run_does_not_control_is_found() {
    run("looks_at_something_else", &[]).passes_with("ok: 8 runs");
    let told = run("looks_at_something_else", &[("SIM_CHECK_DETERMINISM", "1")]);
    told.fails_with("sim: DIVERGED looks_at_something_else: SIM012");
    run("passes", &[("SIM_CHECK_DETERMINISM", "1")]).passes_with("ok: 40 runs");
    run("fails_for_one_seed", &[("SIM_CHECK_DETERMINISM", "1")]).fails_with("unlucky");
}

#[test]
fn a_poll_that_never_returns_is_named() {
    let told = run("never_comes_back", &[("SIM_WATCHDOG", "300ms")]);
    assert_eq!(told.status, Some(124), "{}", told.text);
    told.fails_with("never_comes_back: task `stuck`, resumed at ");
}

#[test]
fn a_report_can_be_short_or_data() {
    let told = run("loses_money", &[("SIM_REPORT", "short")]);
    told.fails_with("money was lost");
    assert!(!told.text.contains("step time"), "{}", told.text);
    run("loses_money", &[]).fails_with("step time");
    let told = run("passes", &[("SIM_REPORT", "json")]);
    let line = told.text.lines().find(|line| line.starts_with('{')).expect(&told.text);
    let json: serde_json::Value = serde_json::from_str(line).unwrap();
    assert_eq!((&json["what"], &json["runs"]), (&"passes".into(), &40.into()));
    assert!(json["failure"].is_null());
}

#[test]
fn an_error_is_its_debug_text() {
    run("returns_an_error", &[])
        .fails_with("the test returned an error: ParseIntError { kind: InvalidDigit }");
}
