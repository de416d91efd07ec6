//! How a table is laid out: how wide each column is, and what stands on each line.

use super::fold::Line;
use super::names::Names;
use super::row::{Remark, Row, RowKind};
use super::sheet::Sheet;
use super::text_width::{count, cut_end, cut_middle, push_padded, width};
use super::time::human;

pub(super) const GAP: usize = 2;
/// No column of a task is narrower, unless it needs no more.
pub(super) const NARROWEST: usize = 9;
/// How wide the column is at most that several tasks share.
pub(super) const SHARED: usize = 28;
/// How many lines a cell may take.
const CELL_LINES: usize = 4;
/// What stands above the places.
pub(super) const PLACE: &str = "await at";

/// How wide the column of places is at most.
pub(super) fn widest_place(total: usize) -> usize {
    (total / 4).clamp(width(PLACE), 26)
}

/// How wide each column is.
pub(super) struct Layout {
    width: usize,
    step: usize,
    time: usize,
    tasks: Vec<usize>,
    shared: usize,
}

impl Layout {
    pub(super) fn new(sheet: &Sheet<'_>, total: usize) -> Self {
        let step =
            sheet.shown().filter_map(|(_, row)| row.step()).max().unwrap_or(0).to_string().len();
        let time = sheet.shown().map(|(_, row)| width(&human(row.now))).max().unwrap_or(0);
        let (step, time) = (step.max(width("step")), time.max(width("time")));
        let mut wanted: Vec<usize> =
            sheet.columns.iter().map(|task| width(&sheet.names.task(*task))).collect();
        let mut shared = if sheet.more == 0 { 0 } else { width(&more(sheet.more)) };
        for (index, row) in sheet.shown() {
            for (column, task) in sheet.columns.iter().enumerate() {
                let acts = row.cells.iter().find(|(of, _)| of == task);
                let text = match acts {
                    Some((_, acts)) => width(&sheet.cell(row, acts).full()),
                    None => width(sheet.stands[&index][column].mark()),
                };
                wanted[column] = wanted[column].max(text);
            }
            for (task, cell) in sheet.shared(row) {
                let text = width(&sheet.names.task(task)) + 2 + width(&cell.full());
                shared = shared.max(text);
            }
        }
        let place = sheet.place_width();
        let columns = wanted.len() + usize::from(shared > 0);
        let taken = step + 1 + time + GAP * (columns + 1) + place;
        // The tasks that share a column have the most to say in it.
        let left = total.saturating_sub(taken);
        let shared = shared.min(SHARED).min(left * 3 / 5);
        let tasks = share(&wanted, left - shared);
        Self { width: total, step, time, tasks, shared }
    }

    pub(super) fn lines(&self, sheet: &Sheet<'_>) -> Vec<String> {
        let mut lines = Vec::new();
        let mut header = format!("{:>1$} {2:>3$}", "step", self.step, "time", self.time);
        for (task, columns) in sheet.columns.iter().zip(&self.tasks) {
            self.push(&mut header, &cut_middle(&sheet.names.task(*task), *columns), *columns);
        }
        if self.shared > 0 {
            self.push(&mut header, &more(sheet.more), self.shared);
        }
        self.push(&mut header, PLACE, 0);
        lines.push(header);
        let mut time = None;
        for line in &sheet.lines {
            match line {
                Line::Row(index) => {
                    let row = &sheet.rows[*index];
                    let text = if time == Some(row.now) { String::new() } else { human(row.now) };
                    time = Some(row.now);
                    lines.extend(self.row(sheet, *index, row, &text));
                }
                Line::Repeat { period, times, last } => {
                    time = None;
                    let last = &sheet.rows[*last];
                    let step = last.step().map(|step| format!("step {step}, ")).unwrap_or_default();
                    let rows =
                        if *period == 1 { "row".to_owned() } else { format!("{period} rows") };
                    let repeats = if *period == 1 { "repeats" } else { "repeat" };
                    lines.push(self.remark(&format!(
                        "… the {rows} above {repeats} {}, up to {step}{} …",
                        count(*times, "time"),
                        human(last.now)
                    )));
                }
                Line::Skip { steps } => {
                    time = None;
                    lines.push(self.remark(&format!("… {} …", count(*steps, "step"))));
                }
            }
        }
        lines
    }

    /// The lines of a row: more than one where a cell has much to say.
    fn row(&self, sheet: &Sheet<'_>, index: usize, row: &Row<'_>, time: &str) -> Vec<String> {
        let step = row.step().map(|step| step.to_string()).unwrap_or_default();
        let mut line = format!("{step:>0$} {time:>1$}", self.step, self.time);
        if let RowKind::Remark(remark) = &row.kind {
            line.push_str("  ");
            line.push_str(&remark_text(remark, &sheet.names));
            return vec![cut_end(&line, self.width)];
        }
        let mut cells: Vec<(Vec<String>, usize)> = Vec::new();
        for ((column, task), columns) in sheet.columns.iter().enumerate().zip(&self.tasks) {
            let lines = match row.cells.iter().find(|(of, _)| of == task) {
                Some((_, acts)) => sheet.cell(row, acts).fit(*columns, CELL_LINES),
                None => vec![sheet.stands[&index][column].mark().to_owned()],
            };
            cells.push((lines, *columns));
        }
        if self.shared > 0 {
            cells.push((self.shared_cell(sheet, row), self.shared));
        }
        let height = cells.iter().map(|(lines, _)| lines.len()).max().unwrap_or(1);
        let mut lines = Vec::new();
        for nth in 0..height {
            if nth > 0 {
                line = " ".repeat(self.step + 1 + self.time);
            }
            for (cell, columns) in &cells {
                self.push(&mut line, cell.get(nth).map_or("", String::as_str), *columns);
            }
            if let Some(place) = row.place.filter(|_| nth == 0) {
                self.push(&mut line, &sheet.place(place), 0);
            }
            lines.push(core::mem::take(&mut line));
        }
        lines
    }

    fn shared_cell(&self, sheet: &Sheet<'_>, row: &Row<'_>) -> Vec<String> {
        let mut shared = sheet.shared(row);
        if shared.is_empty() {
            return Vec::new();
        }
        let (task, cell) = shared.swap_remove(0);
        let name = cut_middle(&sheet.names.task(task), self.shared / 2);
        let mut lines = cell.by(&name).fit(self.shared, CELL_LINES);
        if !shared.is_empty() {
            lines.push(format!("and {} more", shared.len()));
        }
        lines
    }

    fn push(&self, line: &mut String, text: &str, columns: usize) {
        line.extend(core::iter::repeat_n(' ', GAP));
        push_padded(line, text, columns);
    }

    fn remark(&self, text: &str) -> String {
        let mut line = " ".repeat(self.step + 1 + self.time + GAP);
        line.push_str(text);
        cut_end(&line, self.width)
    }
}

fn more(tasks: usize) -> String {
    format!("+{tasks} more")
}

fn remark_text(remark: &Remark, names: &Names<'_>) -> String {
    match remark {
        Remark::RootEnded(tasks) => {
            let are = if tasks.len() == 1 { "is" } else { "are" };
            format!("-- main has ended: {} {are} asked to cancel --", names.list(tasks, 4))
        }
        Remark::TimerOrder { nth, of } => {
            format!("* of {of} timers that are due, number {nth} fires first")
        }
        Remark::Lost(records) => format!("… {} not kept …", count(*records, "record")),
    }
}

/// Shares out columns: those who want little get it, the others get equal parts of the rest.
fn share(wanted: &[usize], total: usize) -> Vec<usize> {
    let mut given = wanted.to_vec();
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by_key(|column| wanted[*column]);
    let mut left = total;
    for (nth, column) in order.iter().enumerate() {
        let part = left / (wanted.len() - nth);
        given[*column] = wanted[*column].min(part);
        left -= given[*column];
    }
    given
}
