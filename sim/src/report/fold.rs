//! What of a long run is shown: cycles once, and of the rest the beginning and the end.

use super::row::{Row, RowKind};

/// A line of the table.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Line {
    /// The row of this index.
    Row(usize),
    /// The `period` rows above are repeated, up to the row of this index.
    Repeat { period: usize, times: u64, last: usize },
    /// So many steps are left out.
    Skip { steps: u64 },
}

/// No cycle of more rows than this is looked for.
const LONGEST: usize = 64;

/// Shows what is repeated once.
pub(super) fn fold(rows: &[Row<'_>]) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut at = 0;
    while at < rows.len() {
        let longest = LONGEST.min((rows.len() - at) / 3);
        // The shortest cycle that comes three times at least.
        let found = (1..=longest).find_map(|period| {
            let times = repeats(rows, at, period);
            (times >= 2 && times * period > 2).then_some((period, times))
        });
        let Some((period, times)) = found else {
            lines.push(Line::Row(at));
            at += 1;
            continue;
        };
        lines.extend((at..at + period).map(Line::Row));
        at += period * (times + 1);
        lines.push(Line::Repeat { period, times: times as u64, last: at - 1 });
    }
    lines
}

/// How often the `period` rows at `at` come again right behind themselves.
fn repeats(rows: &[Row<'_>], at: usize, period: usize) -> usize {
    rows[at..]
        .iter()
        .zip(&rows[at + period..])
        .take_while(|(before, after)| after.is_like(before) && !is_landmark(before))
        .count()
        / period
}

/// Rows that are always shown, each for itself.
fn is_landmark(row: &Row<'_>) -> bool {
    matches!(row.kind, RowKind::Remark(_))
}

/// Keeps the beginning and the end, `max` lines in all.
pub(super) fn cut(lines: Vec<Line>, rows: &[Row<'_>], max: usize) -> Vec<Line> {
    let max = max.max(2);
    if lines.len() <= max {
        return lines;
    }
    let head = (max / 4).max(1);
    let tail = max - head;
    let mut kept = lines[..head].to_vec();
    let rest = &lines[lines.len() - tail..];
    let before = kept.iter().rev().find_map(|line| last_step(line, rows)).unwrap_or(0);
    // A cycle's own rows may be cut off above it: then what is left of it says nothing.
    let rest = match rest {
        [Line::Repeat { .. }, rest @ ..] => rest,
        rest => rest,
    };
    let after = rest.iter().find_map(|line| match line {
        Line::Row(row) => rows[*row].step(),
        _ => None,
    });
    let steps = after.unwrap_or(before + 1).saturating_sub(before + 1);
    kept.push(Line::Skip { steps });
    kept.extend_from_slice(rest);
    kept
}

fn last_step(line: &Line, rows: &[Row<'_>]) -> Option<u64> {
    match line {
        Line::Row(row) | Line::Repeat { last: row, .. } => rows[*row].step(),
        Line::Skip { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::cell::Act;
    use super::*;
    use crate::id::TaskId;

    fn steps(notes: &[&'static str]) -> Vec<Row<'static>> {
        let row = |(at, note): (usize, &&'static str)| Row {
            kind: RowKind::Step(at as u64 + 1),
            now: 0,
            cells: vec![(TaskId::ROOT, vec![Act::Note(note)])],
            place: None,
            deviates: false,
            at,
        };
        notes.iter().enumerate().map(row).collect()
    }

    #[test]
    fn a_cycle_is_shown_once_and_two_of_a_kind_are_no_cycle() {
        let rows = steps(&["a", "b", "c", "b", "c", "b", "c", "d", "d"]);
        let repeat = Line::Repeat { period: 2, times: 2, last: 6 };
        let row = Line::Row;
        assert_eq!(fold(&rows), [row(0), row(1), row(2), repeat, row(7), row(8)]);
    }

    #[test]
    fn the_beginning_and_the_end_are_kept() {
        let rows = steps(&["a", "b", "c", "d", "e", "f", "g", "h"]);
        let row = Line::Row;
        let cut = cut(fold(&rows), &rows, 4);
        assert_eq!(cut, [row(0), Line::Skip { steps: 4 }, row(5), row(6), row(7)]);
    }
}
