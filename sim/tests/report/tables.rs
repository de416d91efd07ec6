//! The text table.

use sim::report::table;
use sim::{Outcome, Policy, Progress, Sim};

use crate::programs::{self, ms};
use crate::{assert_fits, assert_golden};

#[track_caller]
fn golden<T>(name: &str, outcome: &Outcome<T>) {
    let text = outcome.table();
    assert_fits(&text, 100);
    assert_golden(name, &text);
}

#[test]
fn starvation_shows_how_late_the_timer_is() {
    golden("starvation", &Sim::new().run(programs::starvation).unwrap());
}

#[test]
fn late_timers_have_a_row_of_their_own() {
    golden("late_timers", &Sim::new().run(programs::late_timers).unwrap());
}

#[test]
fn requests_to_cancel_are_marked() {
    golden("cancelled", &Sim::new().run(programs::cancelled).unwrap());
}

#[test]
fn a_timeout_is_told_from_a_request_and_from_one_that_comes_too_late() {
    let outcome = Sim::new().run(programs::reasons_to_cancel).unwrap();
    golden("reasons_to_cancel", &outcome);
    let text = table(outcome.trace()).width(200).to_string();
    // `outer`, and main in its `wait_for`: those that they awaited were plainly cancelled.
    assert_eq!(text.matches("timed out").count(), 2, "{text}");
    assert!(text.contains("cancel done -> too late; abort done -> too late"), "{text}");
}

#[test]
fn one_task_needs_one_column() {
    golden("alone", &Sim::new().run(programs::alone).unwrap());
}

#[test]
fn of_many_tasks_those_without_a_column_share_one() {
    golden("crowd", &Sim::new().run(programs::crowd).unwrap());
}

#[test]
fn wide_names_keep_the_columns_straight() {
    golden("wide_names", &Sim::new().run(programs::wide_names).unwrap());
}

#[test]
fn a_narrow_table_says_less() {
    let outcome = Sim::new().seed(3).policy(Policy::Random).run(programs::cancelled).unwrap();
    for columns in [50, 60, 80, 100] {
        let text = table(outcome.trace()).decisions(outcome.decisions()).width(columns).to_string();
        assert_fits(&text, columns);
        assert_golden(&format!("cancelled_random_{columns}"), &text);
    }
}

#[test]
fn what_is_repeated_is_shown_once() {
    golden("polling", &Sim::new().run(programs::polling).unwrap());
}

#[test]
fn a_long_run_is_cut_in_the_middle() {
    let outcome = Sim::new().run(programs::long).unwrap();
    let text = table(outcome.trace()).rows(12).to_string();
    assert_golden("long", &text);
}

#[test]
fn a_run_without_a_trace_says_so() {
    let outcome = Sim::new().trace(false).run(programs::alone).unwrap();
    golden("no_trace", &outcome);
}

#[test]
fn picks_made_by_a_person_are_marked() {
    let mut run = Sim::new().start(programs::cancelled);
    while run.step_choosing(1) != Progress::Ended {}
    golden("cancelled_chosen", &run.finish().unwrap());
}

#[test]
fn what_is_left_at_the_end_is_seen_to_be_cancelled() {
    golden("leaky", &Sim::new().run(programs::leaky).unwrap());
}

#[test]
fn every_width_and_seed_keeps_to_its_limits() {
    for seed in 0..20 {
        let sim = Sim::new().seed(seed).policy(Policy::Random).cost_per_step(ms(1));
        let outcome = match seed % 3 {
            0 => sim.run(programs::cancelled),
            1 => sim.run(programs::crowd),
            _ => sim.run(programs::wide_names),
        }
        .unwrap();
        for columns in 50..120 {
            for rows in [3, 17, 1_000] {
                let table = table(outcome.trace()).decisions(outcome.decisions());
                assert_fits(&table.width(columns).rows(rows).to_string(), columns);
            }
        }
    }
}
