//! The recorded programs: `sim` gives, line for line, the trace CPython gave.

use tests::conformance::{Case, first_difference, trace};

#[test]
fn recorded_traces_are_cpythons() {
    let cases: Vec<Case> = include_str!("examples.jsonl")
        .lines()
        .map(|line| serde_json::from_str(line).expect("a recorded program"))
        .collect();
    assert_eq!(cases.len(), 300);
    for case in &cases {
        case.program.check().expect("a recorded program is sound");
        if let Some(difference) = first_difference(&case.trace, &trace(&case.program)) {
            panic!("program {}:\n{difference}", case.name);
        }
    }
}
