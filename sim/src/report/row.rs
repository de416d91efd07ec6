//! The rows of a table: the steps, and what the loop did between them.

use super::cell::Act;
use super::place::Spot;
use crate::id::TaskId;

/// A row of the table.
#[derive(Debug)]
pub(super) struct Row<'a> {
    pub(super) kind: RowKind,
    /// The virtual time at its beginning.
    pub(super) now: u64,
    /// What it did, each in the column of a task.
    pub(super) cells: Vec<(TaskId, Vec<Act<'a>>)>,
    /// Where the task waits after the step.
    pub(super) place: Option<Spot<'a>>,
    /// First-in-first-out would have picked another task.
    pub(super) deviates: bool,
    /// The record before which the others' states are the ones to show.
    pub(super) at: usize,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum RowKind {
    /// A step of a task.
    Step(u64),
    /// Something the loop did.
    Loop,
    /// The same, in words over all columns.
    Remark(Remark),
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Remark {
    /// The root has ended, and these were asked to cancel themselves.
    RootEnded(Vec<TaskId>),
    /// Of so many timers due at one instant, a later one was fired first.
    TimerOrder { nth: u32, of: u32 },
    /// So many records were not kept.
    Lost(u64),
}

impl Row<'_> {
    pub(super) fn step(&self) -> Option<u64> {
        match self.kind {
            RowKind::Step(step) => Some(step),
            _ => None,
        }
    }

    /// Whether two rows show the same but for the time.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        let alike = match (&self.kind, &other.kind) {
            (RowKind::Step(_), RowKind::Step(_)) => true,
            (kind, other) => kind == other,
        };
        alike
            && self.deviates == other.deviates
            && self.cells == other.cells
            && self.place == other.place
    }
}
