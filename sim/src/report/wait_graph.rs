//! Who waits for whom.

use super::names::Names;
use super::place::Spot;
use super::text_width::{cut_end, cut_start, push_padded, width};
use crate::id::TaskId;
use crate::run::Failure;
use crate::trace::{BlockedTask, Op};

/// At most so many tasks are listed.
const MOST: usize = 20;

/// One wait, in words.
struct Entry {
    task: String,
    waits: String,
    holders: String,
    at: String,
    place: Option<Spot<'static>>,
}

/// A line for each wait of the `first` tasks, then of the others; lines of at most `columns`.
pub(super) fn waits(
    failure: &Failure,
    names: &Names<'_>,
    first: &[TaskId],
    columns: usize,
) -> Vec<String> {
    let mut blocked: Vec<&BlockedTask> = failure.blocked().iter().collect();
    blocked.sort_by_key(|wait| {
        (first.iter().position(|task| *task == wait.task).unwrap_or(first.len()), wait.task)
    });
    let left_out = blocked.len().saturating_sub(MOST);
    let mut entries: Vec<Entry> = Vec::new();
    for wait in blocked.into_iter().take(MOST) {
        entries.push(entry(wait, names));
    }
    let mut lines = lay_out(&entries, columns);
    if left_out > 0 {
        lines.push(format!("… and {left_out} more that wait"));
    }
    lines
}

fn entry(wait: &BlockedTask, names: &Names<'_>) -> Entry {
    let on = names.list(&wait.on, 3);
    let waits = match (wait.op, wait.object) {
        (Op::Unknown, _) => "waits for a foreign future".to_owned(),
        (_, Some(object)) => format!("waits {} {:?}", names.kind(object), names.object(object)),
        (op, None) if wait.on.is_empty() => format!("waits {}", op.name()),
        (op, None) => format!("waits {}({on})", op.name()),
    };
    let file = wait.place.map(|place| place.file());
    let mut holders: Vec<String> = wait
        .holders
        .iter()
        .take(3)
        .map(|holder| {
            let place = Spot::of(holder.place).after(file);
            format!("{} since step {}, {place}", names.task(holder.task), holder.step)
        })
        .collect();
    if wait.holders.len() > 3 {
        holders.push(format!("+{}", wait.holders.len() - 3));
    }
    let holders = match (&holders[..], wait.op) {
        ([], Op::Lock | Op::Read | Op::Write | Op::Acquire) => "(held by no task)".to_owned(),
        ([], _) => String::new(),
        (holders, _) => format!("(held by {})", holders.join("; ")),
    };
    let (at, place) = match (wait.place, names.info(wait.task)) {
        (Some(place), _) => (call(wait.op).to_owned(), Some(Spot::of(place))),
        (None, Some(info)) => ("spawned at".to_owned(), Some(Spot::of(info.spawned_at))),
        (None, None) => (String::new(), None),
    };
    Entry { task: names.task(wait.task), waits, holders, at, place }
}

/// How the await is likely to be written.
fn call(op: Op) -> &'static str {
    match op {
        Op::Lock => "lock().await",
        Op::Read | Op::ReadBytes => "read().await",
        Op::Write | Op::WriteBytes => "write().await",
        Op::Acquire => "acquire().await",
        Op::Sleep => "sleep().await",
        Op::Gather => "gather().await",
        Op::Wait | Op::Event => "wait().await",
        Op::Shield => "shield().await",
        Op::Notified => "notified().await",
        Op::Send => "send().await",
        Op::Receive => "recv().await",
        Op::QueueJoin => "join().await",
        Op::Closed => "closed().await",
        Op::Changed => "changed().await",
        Op::Init => "get_or_init().await",
        Op::CancelToken => "cancelled().await",
        _ => ".await",
    }
}

/// Aligns the parts where they fit, with the whole paths or else the files' names; where neither
/// does, who holds what goes on a line of its own.
fn lay_out(entries: &[Entry], columns: usize) -> Vec<String> {
    let widest = |part: &dyn Fn(&Entry) -> usize| entries.iter().map(part).max().unwrap_or(0);
    let task = widest(&|entry| width(&entry.task));
    let at = widest(&|entry| width(&entry.at));
    let waits = widest(&|entry| width(&entry.waits));
    let both = widest(&|entry| width(&entry.waits) + 1 + width(&entry.holders));
    let fits = |place: fn(&Spot<'static>) -> String| {
        let place = widest(&|entry| entry.place.as_ref().map_or(0, |spot| width(&place(spot))));
        task + 1 + both + 3 + at + 2 + place <= columns
    };
    let full = fits(Spot::full);
    let one_line = full || fits(Spot::short);
    let waits = if one_line { both } else { waits };
    let mut lines = Vec::new();
    let mut before = None;
    for entry in entries {
        let mut line = String::new();
        // A task that waits for several things at once is named once.
        let name = if before == Some(&entry.task) { "" } else { &entry.task };
        before = Some(&entry.task);
        push_padded(&mut line, name, task + 1);
        let apart = !one_line && !entry.holders.is_empty();
        let text = match (apart, entry.holders.is_empty()) {
            (false, false) => format!("{} {}", entry.waits, entry.holders),
            _ => entry.waits.clone(),
        };
        push_padded(&mut line, &text, waits + 3);
        push_padded(&mut line, &entry.at, at + 2);
        // Of a long path the end is what says where.
        let left = columns.saturating_sub(width(&line)).max(20);
        let place =
            entry.place.map(|spot| if one_line && !full { spot.short() } else { spot.full() });
        line.push_str(&cut_start(&place.unwrap_or_default(), left));
        lines.push(cut_end(line.trim_end(), columns));
        if apart {
            lines.push(cut_end(&format!("{:1$}{2}", "", task + 3, entry.holders), columns));
        }
    }
    lines
}

/// The ring in one line: `A -> lock -> B -> A`.
pub(super) fn ring(failure: &Failure, names: &Names<'_>, cycle: &[TaskId]) -> Option<String> {
    let first = cycle.first()?;
    let mut text = names.task(*first);
    for (nth, task) in cycle.iter().enumerate() {
        let next = cycle.get(nth + 1).unwrap_or(first);
        let held = failure.blocked().iter().find(|wait| {
            wait.task == *task && wait.holders.iter().any(|holder| holder.task == *next)
        });
        if let Some(object) = held.and_then(|wait| wait.object) {
            text = format!("{text} -> {}", names.object(object));
        }
        text = format!("{text} -> {}", names.task(*next));
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::super::samples;

    #[test]
    fn a_ring_of_locks_names_holders_steps_and_places() {
        let text = samples::swap_both_ways().to_string();
        let report: Vec<&str> = text.lines().collect();
        assert_eq!(
            report.join("\n"),
            r#"sim: DEADLOCK SIM002 at step 5, 5ms   seed 0x2a, policy random
  3 tasks alive, none ready, no timer pending
  replay  Sim::new().seed(0x2a).policy(Policy::Random)
  schedule  first-in-first-out, except for 1 of 3 choices (at step 4)

  A    waits Mutex "acct-2" (held by B since step 3, LINE:51)   lock().await  samples.rsLINE:59
  B    waits Mutex "acct-1" (held by A since step 2, LINE:51)   lock().await  samples.rsLINE:59
  main waits join(A)                                           .await        samples.rsLINE:67
  cycle: A -> acct-2 -> B -> acct-1 -> A

  step time  main                 A                          B                          await at
     1  0ms  spawn A, B; join A~  .                          .                          LINE:67
     2       ~                    lock "acct-1"; sleep 5ms~  ready                      LINE:51
     3       ~                    ~                          lock "acct-2"; sleep 5ms~  LINE:51
     4  5ms  ~                    ready                      * lock "acct-1"~           LINE:59
     5       ~                    lock "acct-2"~             ~                          LINE:59
  key: ~ waits   ready = could run, was not picked   . not alive
       * chosen against first-in-first-out
  awaits are in sim/src/report/samples.rs"#
                .replace("LINE", &format!(":{}", samples::LINE))
        );
    }
}
