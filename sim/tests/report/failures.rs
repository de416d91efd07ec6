//! The failure report.

use std::future::Future;

use sim::{Failure, Leaks, Policy, Sim};

use crate::programs;
use crate::{assert_fits, assert_golden};

#[track_caller]
fn golden(name: &str, failure: &Failure) {
    let text = failure.to_string();
    assert_fits(&text, 100);
    assert_eq!(text, format!("{failure:?}"));
    assert!(
        text.starts_with(&failure.short()),
        "the short report is the beginning of the long one"
    );
    assert_golden(name, &text);
}

/// The failure of the first seed that has one.
fn search<F: Future + 'static>(program: fn() -> F) -> Failure
where
    F::Output: 'static,
{
    (0..1_000)
        .find_map(|seed| Sim::new().seed(seed).policy(Policy::Random).run(program).err())
        .expect("one seed of a thousand shows it")
}

#[test]
fn lost_update() {
    golden("lost_update", &search(programs::lost_update));
}

#[test]
fn deadlock() {
    let failure = Sim::new().run(programs::join_each_other).unwrap_err();
    golden("deadlock", &failure);
    assert_golden("deadlock_short", &failure.short());
}

#[test]
fn deadlock_on_something_foreign() {
    golden("foreign", &Sim::new().run(programs::foreign).unwrap_err());
}

#[test]
fn livelock_of_two() {
    golden("livelock", &Sim::new().max_steps(1_000).run(programs::livelock).unwrap_err());
}

#[test]
fn livelock_of_one_at_the_default_limit() {
    golden("spin", &Sim::new().run(programs::spin).unwrap_err());
}

#[test]
fn leak() {
    golden("leak", &Sim::new().leaks(Leaks::Fail).run(programs::leaky).unwrap_err());
}

#[test]
fn a_panic_and_the_unwrap_that_met_it() {
    golden("panic_in_task", &Sim::new().run(programs::panic_in_task).unwrap_err());
}

#[test]
fn what_else_was_wrong_is_told() {
    golden("panic_then_deadlock", &Sim::new().run(programs::panic_then_deadlock).unwrap_err());
}

#[test]
fn a_megabyte_of_text_is_no_megabyte_of_report() {
    for part in ["x", "x ", "🦀", "x\u{301}\u{301}\u{301}", "\u{301}", "line\n"] {
        let failure = Sim::new()
            .run(move || async move {
                let text = part.repeat(1_000_000 / part.len());
                let task = sim::spawn(async {}).named(&text);
                sim::note!("{text}");
                task.await.unwrap();
                panic!("{text}");
            })
            .unwrap_err();
        let text = failure.to_string();
        assert!(text.len() < 20_000, "{} bytes for {part:?}", text.len());
    }
}

#[test]
fn time_limit() {
    golden("too_long", &Sim::new().run(programs::too_long).unwrap_err());
}

#[test]
fn unobserved_error() {
    golden("unobserved", &Sim::new().run(programs::unobserved).unwrap_err());
}

#[test]
fn replay_of_another_program() {
    let log = search(programs::lost_update).decisions().clone();
    golden("diverged", &Sim::new().replay(log).run(programs::cancelled).unwrap_err());
}

#[test]
fn without_a_trace_the_rest_of_the_report_stands() {
    golden(
        "deadlock_no_trace",
        &Sim::new().trace(false).run(programs::join_each_other).unwrap_err(),
    );
}

#[test]
fn a_long_message_is_shown_in_lines() {
    let failure = Sim::new()
        .run(|| async {
            let words = vec!["money"; 60].join(" ");
            let lines = vec!["and more of it"; 40].join("\n");
            panic!("{words}\n{lines}\n{}", "x".repeat(300));
        })
        .unwrap_err();
    golden("long_message", &failure);
}

#[test]
fn a_replay_is_named_as_one() {
    let failure = search(programs::lost_update);
    let again = Sim::new()
        .seed(failure.seed())
        .replay(failure.decisions().clone())
        .run(programs::lost_update)
        .unwrap_err();
    assert_golden("lost_update_replayed_short", &again.short());
}
