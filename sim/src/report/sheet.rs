//! What stands in a table, before it is laid out.

use std::collections::BTreeMap;

use super::cell::{Act, Cell};
use super::fold::{Line, cut, fold};
use super::layout::{GAP, NARROWEST, PLACE, SHARED, widest_place};
use super::names::Names;
use super::place::Spot;
use super::reader::rows;
use super::row::Row;
use super::table::Table;
use super::text_width::{cut_start, width};
use crate::id::TaskId;
use crate::trace::{End, Event, Op, Trace};

/// How a task stands that is not taking a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stand {
    Absent,
    Ready,
    Blocked,
    /// The records that would tell were not kept.
    Unknown,
}

impl Stand {
    pub(super) fn mark(self) -> &'static str {
        match self {
            Stand::Absent => ".",
            Stand::Ready => "ready",
            Stand::Blocked => "~",
            Stand::Unknown => "?",
        }
    }
}

/// What stands where, before it is laid out.
pub(super) struct Sheet<'a> {
    pub(super) names: Names<'a>,
    pub(super) rows: Vec<Row<'a>>,
    pub(super) lines: Vec<Line>,
    pub(super) columns: Vec<TaskId>,
    /// How many tasks that took part share the last column.
    pub(super) more: usize,
    /// For each shown row, how the tasks of the columns stood.
    pub(super) stands: BTreeMap<usize, Vec<Stand>>,
    /// How wide a place may be.
    widest_place: usize,
    /// The file all shown places are in, if it is one.
    pub(super) file: Option<&'a str>,
}

impl<'a> Sheet<'a> {
    pub(super) fn new(table: &Table<'a>) -> Self {
        let trace = table.trace;
        let mut rows = rows(trace, table.decisions);
        if let Some((task, place)) = table.panicked_at {
            let panicked = |row: &&mut Row<'_>| {
                row.cells
                    .iter()
                    .any(|(of, acts)| *of == task && acts.contains(&Act::End(End::Panicked)))
            };
            if let Some(row) = rows.iter_mut().rev().find(panicked) {
                row.place = Spot::parse(place);
            }
        }
        let lines = cut(fold(&rows), &rows, table.rows);
        let mut sheet = Self {
            names: Names::new(trace.tasks(), trace.objects()),
            rows,
            lines,
            columns: Vec::new(),
            more: 0,
            stands: BTreeMap::new(),
            widest_place: widest_place(table.width),
            file: None,
        };
        sheet.file = sheet.only_file();
        sheet.choose_columns(table);
        sheet.look(trace);
        sheet
    }

    fn only_file(&self) -> Option<&'a str> {
        let mut files = self.shown().filter_map(|(_, row)| row.place).map(|place| place.file);
        let first = files.next()?;
        files.all(|file| file == first).then_some(first)
    }

    /// The rows that are shown.
    pub(super) fn shown(&self) -> impl Iterator<Item = (usize, &Row<'a>)> {
        self.lines.iter().filter_map(|line| match line {
            Line::Row(row) => Some((*row, &self.rows[*row])),
            _ => None,
        })
    }

    /// Who gets a column: whoever took part, as far as there is room.
    fn choose_columns(&mut self, table: &Table<'_>) {
        let mut steps: BTreeMap<TaskId, usize> = BTreeMap::new();
        for (_, row) in self.shown() {
            for (task, acts) in &row.cells {
                // What a task did beside waiting makes it worth looking at.
                *steps.entry(*task).or_default() += acts.len();
            }
        }
        for task in table.focus {
            steps.entry(*task).or_default();
        }
        let fixed = width("step  time  ") + 10 + self.place_width();
        let most = (table.width.saturating_sub(fixed) / (NARROWEST + GAP)).max(2);
        let mut tasks: Vec<TaskId> = steps.keys().copied().collect();
        if tasks.len() > most {
            let most = most.saturating_sub(SHARED / (NARROWEST + GAP)).max(1);
            let rank = |task: &TaskId| {
                let focused = table.focus.contains(task) || *task == TaskId::ROOT;
                (!focused, core::cmp::Reverse(steps[task]), *task)
            };
            tasks.sort_by_key(rank);
            self.more = tasks.len() - most;
            tasks.truncate(most);
            tasks.sort();
        }
        self.columns = tasks;
    }

    pub(super) fn place_width(&self) -> usize {
        let widest =
            self.shown().filter_map(|(_, row)| row.place).map(|place| width(&self.place(place)));
        widest.max().unwrap_or(0).clamp(width(PLACE), self.widest_place)
    }

    pub(super) fn place(&self, place: Spot<'_>) -> String {
        cut_start(
            &if self.file.is_some() { place.in_file() } else { place.short() },
            self.widest_place,
        )
    }

    /// Follows how the tasks of the columns stand, and remembers it for each row shown.
    fn look(&mut self, trace: &Trace) {
        let mut stands = vec![Stand::Absent; trace.tasks().len().max(1)];
        stands[0] = Stand::Ready;
        let mut shown = self
            .shown()
            .map(|(index, row)| (row.at, index))
            .collect::<Vec<_>>()
            .into_iter()
            .peekable();
        let mut found = BTreeMap::new();
        let take = |stands: &[Stand]| {
            self.columns
                .iter()
                .map(|task| stands.get(task.index()).copied().unwrap_or(Stand::Unknown))
                .collect::<Vec<_>>()
        };
        let set = |stands: &mut Vec<Stand>, task: TaskId, stand| {
            if let Some(found) = stands.get_mut(task.index()) {
                *found = stand;
            }
        };
        for (at, record) in trace.records().enumerate() {
            if trace.gap() == Some(at) {
                stands.fill(Stand::Unknown);
            }
            while let Some((_, index)) = shown.next_if(|(row, _)| *row <= at) {
                found.insert(index, take(&stands));
            }
            match &record.event {
                Event::Spawn { child } => set(&mut stands, *child, Stand::Ready),
                // Where it stands after the step: blocked, unless something says otherwise.
                Event::Step => set(&mut stands, record.task, Stand::Blocked),
                Event::Wake { .. } | Event::Left { .. } | Event::Block { op: Op::Yield, .. } => {
                    set(&mut stands, record.task, Stand::Ready);
                }
                Event::Finish(_) => set(&mut stands, record.task, Stand::Absent),
                _ => {}
            }
        }
        for (_, index) in shown {
            found.insert(index, take(&stands));
        }
        self.stands = found;
    }

    pub(super) fn cell(&self, row: &Row<'_>, acts: &[Act<'_>]) -> Cell {
        Cell::new(acts, row.deviates, &self.names)
    }

    /// What the tasks without a column did in a row.
    pub(super) fn shared(&self, row: &Row<'_>) -> Vec<(TaskId, Cell)> {
        row.cells
            .iter()
            .filter(|(task, _)| !self.columns.contains(task))
            .map(|(task, acts)| (*task, self.cell(row, acts)))
            .collect()
    }
}
