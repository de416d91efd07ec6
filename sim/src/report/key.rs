//! The line below a table that explains its marks.

use std::collections::BTreeSet;

use super::cell::Act;
use super::row::RowKind;
use super::sheet::{Sheet, Stand};
use super::text_width::{cut_start, width};
use crate::trace::{End, Op};

/// Explains the marks that occur.
pub(super) fn key(sheet: &Sheet<'_>, columns: usize) -> Vec<String> {
    let mut marks = BTreeSet::new();
    for (index, row) in sheet.shown() {
        if row.deviates {
            marks.insert(Mark::Deviates);
        }
        for (column, task) in sheet.columns.iter().enumerate() {
            if row.cells.iter().all(|(of, _)| of != task) && !matches!(row.kind, RowKind::Remark(_))
            {
                marks.insert(Mark::Stand(match sheet.stands[&index][column] {
                    Stand::Blocked => 0,
                    Stand::Ready => 1,
                    Stand::Absent => 2,
                    Stand::Unknown => 3,
                }));
            }
        }
        for act in row.cells.iter().flat_map(|(_, acts)| acts) {
            marks.extend(mark(act));
        }
    }
    let mut lines = Vec::new();
    let mut line = String::from("key:");
    for mark in marks {
        let text = mark.text();
        if width(&line) + 3 + width(text) > columns {
            lines.push(core::mem::replace(&mut line, String::from("    ")));
        }
        line.push_str(if width(&line) == 4 { " " } else { "   " });
        line.push_str(text);
    }
    if width(&line) > 4 {
        lines.push(line);
    }
    if let Some(file) = sheet.file {
        lines.push(format!("awaits are in {}", cut_start(file, columns - width("awaits are in "))));
    }
    lines
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Mark {
    Stand(u8),
    Unknown,
    Deviates,
    Busy,
    Late,
    Cancel,
    Panic,
}

impl Mark {
    fn text(self) -> &'static str {
        match self {
            Mark::Stand(0) => "~ waits",
            Mark::Stand(1) => "ready = could run, was not picked",
            Mark::Stand(2) => ". not alive",
            Mark::Stand(_) => "? not known",
            Mark::Unknown => "await ? = not a future of sim",
            Mark::Deviates => "* chosen against first-in-first-out",
            Mark::Busy => "busy = kept the thread, no other task could run",
            Mark::Late => "LATE = behind its timer",
            Mark::Cancel => "x cancelled",
            Mark::Panic => "! failed",
        }
    }
}

fn mark(act: &Act<'_>) -> Option<Mark> {
    Some(match act {
        Act::Late(_) | Act::FiredLate(_) => Mark::Late,
        Act::Busy(_) => Mark::Busy,
        Act::Block { op: Op::Unknown, .. } => Mark::Unknown,
        Act::Block { op, .. } if *op != Op::Yield => Mark::Stand(0),
        Act::StillBlocked => Mark::Stand(0),
        Act::Thrown { .. } | Act::End(End::Cancelled) => Mark::Cancel,
        Act::End(End::Panicked) => Mark::Panic,
        Act::Branch(_) => Mark::Deviates,
        _ => return None,
    })
}
