//! The command line: statuses, streams, formats.

use std::process::{Command, Output, Stdio};

use serde_json::Value;
use serde_json::json;

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_scenarios"));
    command.args(args);
    for variable in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLUMNS", "SIM_WATCHDOG"] {
        command.env_remove(variable);
    }
    command
}

fn run(args: &[&str]) -> Output {
    command(args).output().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Runs something that succeeds or not, says nothing on stderr, and gives its stdout.
#[track_caller]
fn clean(args: &[&str], status: i32) -> String {
    let output = run(args);
    assert_eq!(output.status.code(), Some(status), "{args:?}: {}{}", out(&output), err(&output));
    assert_eq!(err(&output), "", "{args:?}");
    out(&output)
}

/// Bad input: one line on stderr, nothing on stdout, status 2.
#[track_caller]
fn refused(args: &[&str]) -> String {
    let output = run(args);
    let message = err(&output);
    assert_eq!(output.status.code(), Some(2), "{args:?}: {message}");
    assert_eq!(out(&output), "", "{args:?}");
    assert!(message.starts_with("error: ") && message.lines().count() == 1, "{args:?}: {message}");
    message
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
}

#[test]
fn the_main_job_judges_every_variant() {
    let text = clean(&["--seeds", "32"], 0);
    assert!(text.contains("variants as documented: "), "{text}");
    assert!(!text.contains('✗') && !text.contains('\x1b'), "{text}");
    for width in [80, 100, 140] {
        let output = command(&[]).env("COLUMNS", width.to_string()).output().unwrap();
        for line in out(&output).lines() {
            assert!(line.chars().count() <= width, "wider than {width}: {line}");
        }
    }
}

#[test]
fn the_main_job_speaks_json() {
    let all = lines(&clean(&["--seeds", "4", "--json"], 0));
    let (summary, verdicts) = all.split_last().unwrap();
    assert_eq!(summary["type"], "summary");
    assert_eq!(summary["unexpected"], 0);
    assert_eq!(summary["variants"], verdicts.len());
    for verdict in verdicts {
        assert_eq!((&verdict["type"], &verdict["v"]), (&"verdict".into(), &1.into()));
        assert_eq!(verdict["runs"], 5);
        assert_eq!(verdict["as_documented"], true);
    }
}

#[test]
fn the_command_of_a_verdict_shows_what_it_says() {
    for verdict in lines(&clean(&["--json"], 0)) {
        let Some(replay) = verdict["replay"].as_str() else { continue };
        let (_, args) = replay.split_once(" -- ").unwrap();
        let mut args: Vec<_> = args.split(' ').collect();
        args.push("--json");
        let status = i32::from(!verdict["failure"].is_null());
        let seen = &lines(&clean(&args, status))[0];
        assert_eq!(seen["failure"], verdict["failure"], "{replay}");
        assert_eq!(seen["virtual_ns"], verdict["virtual_ns"], "{replay}");
    }
}

#[test]
fn list_names_every_scenario() {
    let all: Value = serde_json::from_str(&clean(&["list", "--json"], 0)).unwrap();
    let all = all.as_array().unwrap();
    let plain = clean(&["list"], 0);
    assert!(all.len() >= 28, "{}", all.len());
    assert!(!plain.contains("hang"), "what only proves the watchdog is in no list");
    for scenario in all {
        for field in ["id", "title", "teaches", "why", "tutorial"] {
            assert!(scenario[field].as_str().is_some_and(|text| !text.is_empty()), "{scenario}");
        }
        let names = scenario["variants"].as_array().unwrap();
        let expect = scenario["expect"].as_object().unwrap();
        assert!(names.iter().all(|name| expect.contains_key(name.as_str().unwrap())), "{scenario}");
        assert!(plain.contains(scenario["id"].as_str().unwrap()));
    }
}

#[test]
fn run_judges_against_what_is_documented_and_replay_does_not() {
    let bad = clean(&["run", "starvation", "bad"], 0);
    assert!(bad.contains("4.999995s  main  cancel() = false"), "{bad}");
    assert!(bad.contains("failed: SIM011 panic: the timer was 2.999995s late"), "{bad}");
    clean(&["run", "starvation"], 0);
    clean(&["run", "starvation/fixed"], 0);
    clean(&["replay", "starvation", "bad"], 1);
    clean(&["replay", "starvation", "fixed", "--seed", "0x1f"], 0);
    let seen = &lines(&clean(&["replay", "starvation", "bad", "--seed", "3", "--json"], 1))[0];
    assert_eq!(seen["policy"], "random");
    assert_eq!(seen["seed"], 3);
    assert_eq!(seen["rule"], "SIM011");
    assert_eq!(seen["output"][0]["at_ns"], 4_999_995_000_u64);
}

#[test]
fn run_without_a_schedule_plays_the_one_that_shows_the_bug() {
    let seen = &lines(&clean(&["run", "event-instead-of-sleep", "tie", "--json"], 0))[0];
    assert_eq!((&seen["policy"], &seen["outcome"]), (&"random".into(), &"failed".into()));
    let fifo = ["run", "event-instead-of-sleep", "tie", "--policy", "fifo", "--json"];
    assert_eq!(lines(&clean(&fifo, 0))[0]["outcome"], "passed");
}

#[test]
fn explore_finds_shrinks_and_replays() {
    let text = clean(&["explore", "task-starts-later", "turn"], 1);
    assert!(text.contains(": 1 failed"), "{text}");
    assert!(text.contains("SIM_REPLAY='sim1:task-starts-later/turn:"), "{text}");
    let all = lines(&clean(&["explore", "task-starts-later", "turn", "--json"], 1));
    let (failure, summary) = (&all[0], &all[1]);
    assert_eq!((&failure["type"], &summary["type"]), (&json!("failure"), &json!("summary")));
    assert_eq!((&failure["deviations"], &failure["minimal"]), (&json!(1), &json!(true)));
    let token = failure["token"].as_str().unwrap();
    let replayed = &lines(&clean(&["replay", token, "--json"], 1))[0];
    assert_eq!((&replayed["fit"], &replayed["outcome"]), (&json!("exact"), &json!("failed")));
    assert!(clean(&["shrink", token], 1).contains("1 -> 1 deviation,"));
    assert!(clean(&["trace", token], 1).contains("step time"));
    let file = tempfile("token.sim", &format!("# a comment\nsome::test {token}  # note\n"));
    assert_eq!(clean(&["replay", token], 1), clean(&["replay", &file], 1));
    // The same schedule of the program that was fixed: it passes, and is another run.
    let other = token.replace("/turn:", "/fixed:");
    let moved = command(&["replay", &other]).output().unwrap();
    assert_eq!(moved.status.code(), Some(3), "{}{}", out(&moved), err(&moved));
    assert!(out(&moved).contains("sim: DIVERGED"), "{}", out(&moved));
    let fixed = clean(&["explore", "starvation", "fixed"], 0);
    assert!(fixed.contains("none failed"), "{fixed}");
    let all = lines(&clean(&["explore", "starvation", "fixed", "--policy", "dfs", "--json"], 0));
    assert_eq!(all[0]["claim"], json!("complete"));
    let jobs = |jobs| clean(&["explore", "task-starts-later", "turn", "--jobs", jobs], 1);
    assert_eq!(jobs("1"), jobs("3"));
}

fn tempfile(name: &str, text: &str) -> String {
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn trace_shows_every_step() {
    let text = clean(&["trace", "gather-failures", "bad"], 0);
    assert!(text.contains("saved 1"), "{text}");
    let all = &lines(&clean(&["trace", "gather-failures", "bad", "--json"], 0))[0];
    assert_eq!(all["type"], "trace");
    assert!(all["records"].as_array().unwrap().len() > 10);
}

#[test]
fn bad_input_is_one_line_and_status_2() {
    assert!(refused(&["run", "starvtion"]).contains("did you mean `starvation`?"));
    assert!(refused(&["explore", "gather"]).contains("did you mean `gather-"));
    assert!(refused(&["run", "zzz"]).contains("`scenarios list`"));
    assert!(refused(&["run", "starvation", "fxied"]).contains("did you mean `fixed`?"));
    assert!(refused(&["run", "starvation", "zzz"]).contains("there are: bad, fixed"));
    assert!(refused(&["replay", "sim1:starvation/bad:2a:w.1=1:00000000"]).contains("token"));
    assert!(
        refused(&["replay", "starvation", "--policy", "rndom"]).contains("there are: fifo, lifo")
    );
    assert!(refused(&["replay", "starvation", "--seed", "-1"]).contains("--seed"));
    assert!(refused(&["replay", "starvation", "--seed", "x"]).contains("whole number"));
    assert!(refused(&["explore", "starvation", "--seeds", "0"]).contains("--seeds"));
    assert!(
        refused(&["explore", "starvation", "--sedes", "3"]).contains("did you mean `--seeds`?")
    );
    assert!(refused(&["explode"]).contains("did you mean `explore`?"));
    assert!(refused(&["run"]).contains("<TARGET>"));
    assert!(refused(&["list", "--seeds", "3"]).contains("--seeds"));
    assert!(refused(&["--json", "list"]).contains("behind the command"));
    assert!(refused(&["--color", "loud", "list"]).contains("loud"));
    let last = u64::MAX.to_string();
    assert!(refused(&["explore", "starvation", "--seed", &last]).contains("last seed"));
    let output = command(&["list"]).env("SIM_WATCHDOG", "soon").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(err(&output).contains("SIM_WATCHDOG"), "{}", err(&output));
}

#[test]
fn help_is_a_result() {
    for args in [&["--help"][..], &["-h"], &["explore", "--help"], &["--version"]] {
        assert!(!clean(args, 0).is_empty());
    }
}

#[test]
fn colors_are_as_the_reader_wishes() {
    let colored = |args: &[&str], variables: &[&str]| {
        let mut command = command(args);
        for variable in variables {
            command.env(variable, "1");
        }
        out(&command.output().unwrap()).contains('\x1b')
    };
    assert!(!colored(&["list"], &[]), "stdout is no terminal");
    assert!(colored(&["list"], &["CLICOLOR_FORCE"]));
    assert!(!colored(&["list"], &["CLICOLOR_FORCE", "NO_COLOR"]));
    assert!(colored(&["list", "--color", "always"], &["NO_COLOR"]));
    assert!(!colored(&["--color", "never", "list"], &["CLICOLOR_FORCE"]));
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    for args in [&["list"][..], &["--seeds", "1"], &["trace", "busy-wait", "bad", "--json"]] {
        let mut child =
            command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(err(&output), "", "{args:?}");
        assert_eq!(output.status.code(), Some(0), "{args:?}");
    }
}

#[test]
fn a_poll_that_never_returns_is_named() {
    let output =
        command(&["explore", "hang", "--seed", "5"]).env("SIM_WATCHDOG", "300ms").output().unwrap();
    let message = err(&output);
    assert_eq!(output.status.code(), Some(124), "{message}");
    assert_eq!(out(&output), "");
    assert!(message.starts_with("sim: HUNG   seed 5: step 6 "), "{message}");
    assert!(message.contains("task `spinner`, resumed at "), "{message}");
    assert!(message.contains("gallery/hang.rs:"), "{message}");
    assert!(message.contains("hang/bad"), "{message}");
}

#[cfg(unix)]
#[test]
fn ctrl_c_prints_what_was_seen_so_far() {
    let child = command(&["explore", "starvation", "fixed", "--seeds", "1000000000"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    #[expect(clippy::disallowed_methods, reason = "another process has to get going")]
    std::thread::sleep(std::time::Duration::from_millis(700));
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", err(&output));
    assert!(out(&output).contains(", then interrupted: "), "{}", out(&output));
}
