//! Where two traces of one program part.

use core::fmt::Write;

/// How many lines of what both traces have in common are shown before they part.
const BEFORE: usize = 6;
/// How many lines of each are shown from there on.
const AFTER: usize = 4;

/// Says where `ours` first differs from `cpython`, with the lines around it.
#[must_use]
pub fn first_difference(cpython: &[String], ours: &[String]) -> Option<String> {
    if cpython == ours {
        return None;
    }
    let common = cpython.iter().zip(ours).take_while(|(a, b)| a == b).count();
    let mut text = format!("the traces part at line {}\n", common + 1);
    for line in &cpython[common.saturating_sub(BEFORE)..common] {
        let _ = writeln!(text, "    both     {line}");
    }
    for (who, lines) in [("cpython", cpython), ("sim    ", ours)] {
        for line in lines[common..].iter().take(AFTER) {
            let _ = writeln!(text, "    {who}  {line}");
        }
        if lines.len() == common {
            let _ = writeln!(text, "    {who}  (ends)");
        }
    }
    Some(text)
}
