//! The text table, a column a task.

use core::fmt;

use super::key::key;
use super::layout::Layout;
use super::sheet::Sheet;
use super::text_width::cut_end;
use crate::decision::DecisionLog;
use crate::id::TaskId;
use crate::run::{Failure, FailureKind, Outcome};
use crate::trace::Trace;

/// Shows a trace as a table, a row a step and a column a task.
///
/// A cell says what the task did in the step: what the program noted, and what it then waits for.
/// The cells of the others say how they stood when the step began. A line below explains the
/// marks that occur. Equal runs give equal bytes.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use sim::Sim;
///
/// let outcome = Sim::new().run(|| async {
///     let tea = sim::spawn(async {
///         sim::note!("water on");
///         sim::sleep(Duration::from_secs(120)).await;
///     });
///     tea.named("tea").await
/// })?;
/// let text = sim::report::table(outcome.trace()).width(80).to_string();
/// assert!(text.contains("water on; sleep 2m~"), "{text}");
/// # Ok::<(), sim::Failure>(())
/// ```
pub fn table(trace: &Trace) -> Table<'_> {
    Table {
        trace,
        decisions: None,
        width: Table::DEFAULT_WIDTH,
        rows: Table::DEFAULT_ROWS,
        focus: &[],
        panicked_at: None,
    }
}

/// A trace shown as a table; `Display` writes it.
#[derive(Clone, Copy, Debug)]
#[must_use = "a table does nothing until it is displayed"]
pub struct Table<'a> {
    pub(super) trace: &'a Trace,
    pub(super) decisions: Option<&'a DecisionLog>,
    pub(super) width: usize,
    pub(super) rows: usize,
    pub(super) focus: &'a [TaskId],
    pub(super) panicked_at: Option<(TaskId, &'a str)>,
}

impl<'a> Table<'a> {
    /// How wide a table is where nothing is set.
    pub const DEFAULT_WIDTH: usize = 100;
    /// How many rows a table has at most where nothing is set.
    pub const DEFAULT_ROWS: usize = 400;
    /// No table is narrower.
    pub const MIN_WIDTH: usize = 50;

    /// Marks with `*` where the run deviated from first-in-first-out.
    pub fn decisions(mut self, log: &'a DecisionLog) -> Self {
        self.decisions = Some(log);
        self
    }

    /// Sets how many columns of text a line may take; [`MIN_WIDTH`](Self::MIN_WIDTH) at least.
    pub fn width(mut self, columns: usize) -> Self {
        self.width = columns.max(Self::MIN_WIDTH);
        self
    }

    /// Sets how many rows are shown: of a longer run, its beginning and its end.
    pub fn rows(mut self, most: usize) -> Self {
        self.rows = most;
        self
    }

    /// Gives columns to these tasks before others.
    pub(super) fn focus(mut self, tasks: &'a [TaskId]) -> Self {
        self.focus = tasks;
        self
    }

    /// Shows where the panic of a failure was, if it is one.
    pub(super) fn panic_of(mut self, failure: &'a Failure) -> Self {
        if let FailureKind::Panic { task, place, .. } = failure.kind() {
            self.panicked_at = Some((*task, place));
        }
        self
    }
}

impl<T> Outcome<T> {
    /// The run as a text table, a column a task; one line saying so where the trace was off.
    #[must_use]
    pub fn table(&self) -> String {
        table(self.trace()).decisions(self.decisions()).to_string()
    }
}

impl Failure {
    /// The run as a text table, a column a task; one line saying so where the trace was off.
    #[must_use]
    pub fn table(&self) -> String {
        table(self.trace()).decisions(self.decisions()).panic_of(self).to_string()
    }
}

impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.trace.records().next().is_none() {
            return writeln!(f, "(nothing was recorded: the trace is off)");
        }
        let sheet = Sheet::new(self);
        let layout = Layout::new(&sheet, self.width);
        for line in layout.lines(&sheet) {
            writeln!(f, "{}", cut_end(line.trim_end(), self.width))?;
        }
        for line in key(&sheet, self.width) {
            writeln!(f, "{line}")?;
        }
        Ok(())
    }
}
