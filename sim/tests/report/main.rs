//! What tables and failure reports look like, byte for byte.
//!
//! Each text stands in `golden/`; `SIM_UPDATE=1` rewrites them. Read what changes: these texts are
//! what a person has when a test has failed.

mod failures;
mod programs;
mod tables;

use std::path::Path;

/// Compares a text with the golden file of this name.
#[track_caller]
fn assert_golden(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/report/golden")
        .join(format!("{name}.txt"));
    if std::env::var_os("SIM_UPDATE").is_some() {
        std::fs::write(&path, text).expect("the golden file can be written");
        return;
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(golden == text, "{name} differs\n--- golden\n{golden}\n--- now\n{text}");
}

/// Checks what holds for every text.
#[track_caller]
fn assert_fits(text: &str, columns: usize) {
    for line in text.lines() {
        let taken = unicode_width::UnicodeWidthStr::width(line);
        assert!(taken <= columns, "{taken} columns, {columns} at most:\n{line}");
        assert_eq!(line, line.trim_end(), "a line ends in spaces");
    }
}
