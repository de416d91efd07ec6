//! The failure report.

use core::fmt;

use super::names::Names;
use super::reason::{body, concerned, reason};
use super::table::{Table, table};
use super::text_width::{clean, count, cut_end, width, wrap};
use super::time::human;
use crate::clock::ticks;
use crate::decision::Kind;
use crate::run::{Failure, FailureKind, Sim};

pub(super) const COLUMNS: usize = Table::DEFAULT_WIDTH;
/// How many rows of the table a report shows.
const ROWS: usize = 40;
/// How many lines of a message a report shows.
const MESSAGE_LINES: usize = 24;
/// How much of each.
const LINE_COLUMNS: usize = 1_000;

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = Names::new(self.tasks(), self.objects());
        write_lines(f, &head(self, &names))?;
        let body = indented(&body(self, &names), 2);
        if !body.is_empty() {
            writeln!(f)?;
            write_lines(f, &body)?;
        }
        if self.trace().records().next().is_none() {
            return Ok(());
        }
        writeln!(f)?;
        let focus = concerned(self);
        let table = table(self.trace())
            .decisions(self.decisions())
            .panic_of(self)
            .width(COLUMNS - 2)
            .rows(ROWS)
            .focus(&focus);
        for line in table.to_string().lines() {
            writeln!(f, "{}", format!("  {line}").trim_end())?;
        }
        Ok(())
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // An `unwrap` prints this, and a test's `Err`: it has to be the report itself.
        fmt::Display::fmt(self, f)
    }
}

impl Failure {
    /// The report without its details: what failed, where, and how to get it again.
    ///
    /// # Examples
    ///
    /// ```
    /// let failure = sim::Sim::new().run(|| async { panic!("money lost") }).unwrap_err();
    /// assert!(failure.short().starts_with("sim: FAILED SIM011 panic in main at step 1"));
    /// ```
    #[must_use]
    pub fn short(&self) -> String {
        let names = Names::new(self.tasks(), self.objects());
        let mut text = String::new();
        for line in head(self, &names) {
            text.push_str(&line);
            text.push('\n');
        }
        text
    }
}

fn write_lines(f: &mut fmt::Formatter<'_>, lines: &[String]) -> fmt::Result {
    lines.iter().try_for_each(|line| writeln!(f, "{}", line.trim_end()))
}

/// The headline, what is wrong in words, and how to get the run again.
fn head(failure: &Failure, names: &Names<'_>) -> Vec<String> {
    let mut lines = headline(failure, names);
    lines.extend(indented(&reason(failure, names), 2));
    lines.extend(replay(failure));
    lines
}

fn headline(failure: &Failure, names: &Names<'_>) -> Vec<String> {
    let rule = failure.rule();
    let (word, about) = match failure.kind() {
        FailureKind::Deadlock { .. } => ("DEADLOCK", String::new()),
        FailureKind::Livelock { .. } | FailureKind::Spinning { .. } => ("LIVELOCK", String::new()),
        FailureKind::Leak { .. } => ("LEAK", String::new()),
        FailureKind::Diverged(_) => ("DIVERGED", String::new()),
        FailureKind::TimeLimit { .. } => ("LIMIT", " time limit".to_owned()),
        FailureKind::Panic { task, .. }
        | FailureKind::UnobservedError { task, .. }
        | FailureKind::OutsideWake { task } => {
            ("FAILED", format!(" {} in {}", rule.name, names.task(*task)))
        }
        _ => ("FAILED", format!(" {}", rule.name)),
    };
    // Where the failure does not say so itself.
    let ended = match failure.kind() {
        FailureKind::Deadlock { .. }
        | FailureKind::Livelock { .. }
        | FailureKind::Spinning { .. }
        | FailureKind::TimeLimit { .. }
            if failure.is_shutting_down() =>
        {
            ", after main had ended"
        }
        _ => "",
    };
    let origin = failure.0.origin.as_ref();
    let of = origin.filter(|origin| !origin.what.is_empty());
    let of = of.map_or_else(String::new, |origin| format!("{}: ", clean(&origin.what)));
    let what = format!(
        "sim: {word} {of}{}{about} at step {}, {}{ended}",
        rule.id,
        failure.step(),
        human(ticks(failure.elapsed())),
    );
    let run = match &failure.0.origin {
        Some(origin) => origin.run.clone(),
        None => format!("seed {:#x}, policy {}", failure.seed(), failure.policy()),
    };
    let one = format!("{what}   {run}");
    if width(&one) <= COLUMNS {
        vec![one]
    } else {
        vec![cut_end(&what, COLUMNS), format!("  {run}")]
    }
}

/// How to get the run again.
fn replay(failure: &Failure) -> Vec<String> {
    if let Some(origin) = &failure.0.origin {
        let named = |name: &str, lines: &[String]| {
            let lines = lines.iter().enumerate();
            let gap = name.len();
            lines
                .map(|(nth, line)| match nth {
                    0 => format!("{name}  {line}"),
                    _ => format!("{:gap$}  {line}", ""),
                })
                .collect::<Vec<_>>()
        };
        // What is to be copied stands on one line, however long.
        let mut lines = indented(&named("input", &origin.input), 2);
        let mut copied = named("replay", &origin.replay);
        copied.extend(named("pin   ", &origin.pin));
        lines.extend(copied.iter().map(|line| format!("  {line}")));
        lines.extend(indented(&named("schedule", &origin.schedule), 2));
        return lines;
    }
    let deviations = failure.decisions().deviations();
    let mut call = format!("Sim::new().seed({:#x})", failure.seed());
    // Under first-in-first-out nothing deviates: somebody else has chosen.
    if failure.policy() == crate::Policy::Fifo && !deviations.is_empty() {
        call.push_str(".replay(failure.decisions().clone())");
    } else {
        call.push_str(&format!(".policy(Policy::{:?})", failure.policy()));
    }
    if matches!(failure.kind(), FailureKind::Leak { .. }) {
        call.push_str(".leaks(Leaks::Fail)");
    }
    let limit = match failure.kind() {
        FailureKind::Livelock { .. } => failure.step(),
        FailureKind::Spinning { selects, .. } => *selects,
        _ => Sim::DEFAULT_MAX_STEPS,
    };
    if limit != Sim::DEFAULT_MAX_STEPS {
        call.push_str(&format!(".max_steps({limit})"));
    }
    let mut lines = vec![format!("replay  {call}")];
    if let Some(text) = schedule(failure) {
        lines.push(text);
    }
    indented(&lines, 2)
}

/// Where the schedule is not first-in-first-out.
fn schedule(failure: &Failure) -> Option<String> {
    let log = failure.decisions();
    if log.deviations().is_empty() {
        return None;
    }
    let mut steps: Vec<u64> = log
        .deviations()
        .iter()
        .map(|deviation| match deviation.kind {
            Kind::Task | Kind::Timer => deviation.step + 1,
            _ => deviation.step,
        })
        .collect();
    steps.dedup();
    let mut shown: Vec<String> = steps.iter().take(8).map(u64::to_string).collect();
    if steps.len() > 8 {
        shown.push(format!("+{}", steps.len() - 8));
    }
    let most = if log.is_truncated() { "at least " } else { "" };
    let s = if steps.len() == 1 { "" } else { "s" };
    Some(format!(
        "schedule  first-in-first-out, except for {most}{} of {} (at step{s} {})",
        log.deviations().len(),
        count(log.decisions(), "choice"),
        shown.join(", ")
    ))
}

/// A message of several lines: on one if it fits, as `assert_eq!`'s mostly does, else on its own.
pub(super) fn message_lines(prefix: &str, message: &str) -> Vec<String> {
    let line = |line| clean(&cut_end(line, LINE_COLUMNS));
    let lines: Vec<String> = message.lines().map(line).filter(|line| !line.is_empty()).collect();
    let one = format!("{prefix}{}", lines.join("; "));
    if width(&one) <= COLUMNS - 2 || lines.len() < 2 {
        return vec![one];
    }
    let mut all = Vec::new();
    for (nth, line) in lines.iter().take(MESSAGE_LINES).enumerate() {
        all.push(if nth == 0 { format!("{prefix}{line}") } else { format!("  {line}") });
    }
    if lines.len() > MESSAGE_LINES {
        all.push(format!("  … {} more lines", lines.len() - MESSAGE_LINES));
    }
    all
}

/// Moves lines to the right, and breaks those that are too long.
fn indented(lines: &[String], indent: usize) -> Vec<String> {
    let mut all = Vec::new();
    for line in lines {
        // A token is copied as it stands.
        if width(line) + indent <= COLUMNS || line.contains("SIM_REPLAY=") {
            all.push(format!("{:indent$}{line}", ""));
            continue;
        }
        let own = line.len() - line.trim_start().len();
        for (nth, part) in wrap(line.trim_start(), COLUMNS - indent - own - 4).iter().enumerate() {
            let more = if nth == 0 { 0 } else { 4 };
            all.push(format!("{:1$}{part}", "", indent + own + more));
        }
    }
    all
}
