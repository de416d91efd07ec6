//! What is wrong, in words: a paragraph for each kind of failure.

use super::failure::{COLUMNS, message_lines};
use super::names::Names;
use super::place::Spot;
use super::text_width::count;
use super::time::human;
use super::wait_graph;
use crate::clock::ticks;
use crate::id::TaskId;
use crate::run::{Failure, FailureKind};
use crate::trace::{Event, Op, Record};

/// What is wrong, in words.
pub(super) fn reason(failure: &Failure, names: &Names<'_>) -> Vec<String> {
    let mut lines = match failure.kind() {
        FailureKind::Panic { message, place, then, .. } => {
            let mut lines = message_lines(&format!("{place}: "), message);
            if let Some(then) = then {
                lines.extend(message_lines("then: ", then));
            }
            lines
        }
        FailureKind::UnobservedError { task, message } => {
            let mut lines = message_lines("", message);
            lines[0].insert_str(
                0,
                &format!("{} ended with an error that nobody looked at: ", names.task(*task)),
            );
            lines.extend(spawned(*task, names));
            lines
        }
        FailureKind::Deadlock { .. } => {
            let alive = alive(failure) as u64;
            vec![format!("{} alive, none ready, no timer pending", count(alive, "task"))]
        }
        FailureKind::Livelock { cycle } => livelock(failure, cycle, names),
        FailureKind::Spinning { task, place, selects } => vec![
            format!(
                "{} polled the `select!` at {place} {} in one step:",
                names.task(*task),
                count(*selects, "time")
            ),
            "a branch of it is always ready, so the loop around it never gives up control, \
             and nobody else can run"
                .to_owned(),
        ],
        FailureKind::TimeLimit { next } => time_limit(failure, ticks(*next), names),
        FailureKind::Leak { tasks } => {
            let were = if tasks.len() == 1 { "was" } else { "were" };
            vec![format!(
                "{} {were} still alive when main had ended",
                count(tasks.len() as u64, "task")
            )]
        }
        FailureKind::RootCancelled => {
            vec!["main was cancelled or aborted, and gave no value".to_owned()]
        }
        FailureKind::OutsideWake { task } => vec![
            format!(
                "{} was woken from another thread, or from outside any step:",
                names.task(*task)
            ),
            "when that happens is not sim's to decide, so the run could not be repeated".to_owned(),
        ],
        FailureKind::Diverged(divergence) => {
            let mut lines = message_lines("", &divergence.to_string());
            lines.push(
                "Either the program, its input or sim has changed since the recording, or the program \
                 draws on something that sim does not control: real time, a HashMap's order, a thread."
                    .to_owned(),
            );
            lines
        }
    };
    for other in failure.others() {
        let prefix = if other.starts_with("then: ") { "" } else { "also: " };
        lines.extend(message_lines(prefix, other));
    }
    if let Some(divergence) =
        failure.divergence().filter(|_| !matches!(failure.kind(), FailureKind::Diverged(_)))
    {
        lines.push(format!("note: {divergence}"));
    }
    lines
}

/// What belongs to the kind of failure.
pub(super) fn body(failure: &Failure, names: &Names<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    match failure.kind() {
        FailureKind::Deadlock { cycle } => {
            lines.extend(wait_graph::waits(failure, names, cycle, COLUMNS - 2));
            if let Some(ring) = wait_graph::ring(failure, names, cycle) {
                lines.push(format!("cycle: {ring}"));
            }
            lines.extend(hints(failure, names));
        }
        FailureKind::Leak { tasks } => {
            lines.extend(tasks.iter().take(20).flat_map(|task| spawned(*task, names)));
            if tasks.len() > 20 {
                lines.push(format!("… and {} more", tasks.len() - 20));
            }
            lines.extend(wait_graph::waits(failure, names, tasks, COLUMNS - 2));
        }
        FailureKind::TimeLimit { .. } => {
            lines.extend(wait_graph::waits(failure, names, &[], COLUMNS - 2));
        }
        _ => {}
    }
    lines
}

fn hints(failure: &Failure, names: &Names<'_>) -> Vec<String> {
    let foreign: Vec<TaskId> = failure
        .blocked()
        .iter()
        .filter(|wait| wait.op == Op::Unknown)
        .map(|wait| wait.task)
        .collect();
    if foreign.is_empty() {
        return Vec::new();
    }
    let verb = if foreign.len() == 1 { "is" } else { "are" };
    vec![format!(
        "hint: {} {verb} pending on something sim does not control: a future of another crate whose \
         other side is gone, or a real thread, timer or socket. Such a wait can only be ended by a task \
         of this run.",
        names.list(&foreign, 4)
    )]
}

fn livelock(failure: &Failure, cycle: &[TaskId], names: &Names<'_>) -> Vec<String> {
    let not_ended = if failure.is_shutting_down() { "" } else { ", and main has not ended" };
    let mut lines =
        vec![format!("the limit of {} is reached{not_ended}", count(failure.step(), "step"))];
    let now = ticks(failure.elapsed());
    let steps = |record: &&Record| record.event == Event::Step;
    let still =
        failure.trace().records().filter(steps).filter(|record| record.now == now).count() as u64;
    if still > 100 {
        let least = if failure.trace().omitted() > 0 { "at least " } else { "" };
        lines.push(format!("{least}the last {} took no virtual time", count(still, "step")));
    }
    match cycle {
        [] => lines.push("no cycle in the order of the last steps was found".to_owned()),
        [alone] => lines.push(format!(
            "{} runs again and again: nothing that it waits for takes time",
            names.task(*alone)
        )),
        [first, ..] => {
            let mut ring: Vec<String> =
                cycle.iter().take(12).map(|task| names.task(*task)).collect();
            if cycle.len() > 12 {
                ring.push(format!("… {} more", cycle.len() - 12));
            }
            ring.push(names.task(*first));
            lines.push(format!("cycle: {}", ring.join(" -> ")));
        }
    }
    lines
}

fn time_limit(failure: &Failure, next: u64, names: &Names<'_>) -> Vec<String> {
    let whose = failure.trace().records().filter_map(|record| match record.event {
        Event::TimerSet { deadline } if deadline == next => Some(record.task),
        _ => None,
    });
    let due = human(next);
    vec![match whose.last() {
        Some(task) => format!(
            "the next timer, set by {}, is due at {due}: beyond the limit of virtual time",
            names.task(task)
        ),
        None => format!("the next thing would happen at {due}: beyond the limit of virtual time"),
    }]
}

fn spawned(task: TaskId, names: &Names<'_>) -> Option<String> {
    let info = names.info(task)?;
    let by = info.parent.map(|parent| format!(" by {}", names.task(parent))).unwrap_or_default();
    Some(format!("{} was spawned{by} at {}", names.task(task), Spot::of(info.spawned_at).full()))
}

/// The tasks a failure is about.
pub(super) fn concerned(failure: &Failure) -> Vec<TaskId> {
    match failure.kind() {
        FailureKind::Panic { task, .. }
        | FailureKind::UnobservedError { task, .. }
        | FailureKind::OutsideWake { task }
        | FailureKind::Spinning { task, .. } => vec![*task],
        FailureKind::Deadlock { cycle } | FailureKind::Livelock { cycle } => cycle.clone(),
        FailureKind::Leak { tasks } => tasks.clone(),
        _ => Vec::new(),
    }
}

fn alive(failure: &Failure) -> usize {
    let mut tasks: Vec<TaskId> = failure.blocked().iter().map(|wait| wait.task).collect();
    tasks.dedup();
    tasks.len()
}
