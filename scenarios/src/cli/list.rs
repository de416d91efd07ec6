//! `list`: the scenarios.

use serde_json::json;

use super::style::{FAINT, HEAD, STRONG, pad, paint, wrap};
use super::{AS_EXPECTED, Answer};
use crate::gallery::SCENARIOS;

pub(super) fn list(json: bool) -> Answer {
    let text = if json { as_json() } else { as_text(super::width()) };
    Answer { text, status: AS_EXPECTED }
}

fn as_json() -> String {
    let all: Vec<_> = SCENARIOS
        .iter()
        .map(|scenario| {
            let names: Vec<_> = scenario.variants.iter().map(|variant| variant.name).collect();
            let expect: serde_json::Map<_, _> = scenario
                .variants
                .iter()
                .map(|variant| (variant.name.to_owned(), json!(variant.ends.to_string())))
                .collect();
            json!({
                "id": scenario.id,
                "title": scenario.title,
                "tutorial": scenario.tutorial,
                "variants": names,
                "teaches": scenario.teaches,
                "claim": scenario.claim,
                "why": scenario.why,
                "expect": expect,
            })
        })
        .collect();
    format!("{:#}\n", serde_json::Value::from(all))
}

fn as_text(width: usize) -> String {
    let column = SCENARIOS.iter().map(|scenario| scenario.id.len()).max().unwrap_or(0) + 2;
    let mut text = String::new();
    let mut tutorial = "";
    for scenario in SCENARIOS {
        let heading = chapter(scenario.tutorial);
        if heading != tutorial {
            let gap = if tutorial.is_empty() { "" } else { "\n" };
            text.push_str(&format!("{gap}{}\n", paint(HEAD, heading)));
            tutorial = heading;
        }
        for (number, line) in
            wrap(scenario.teaches, width.saturating_sub(column + 2)).iter().enumerate()
        {
            let id = pad(if number == 0 { scenario.id } else { "" }, column);
            text.push_str(&format!("  {}{line}\n", paint(STRONG, id)));
        }
        let names: Vec<_> = scenario.variants.iter().map(|variant| variant.name).collect();
        text.push_str(&format!("  {}{}\n", pad("", column), paint(FAINT, names.join("  "))));
    }
    text
}

/// The tutorial without the place in it: `001 Getting Started`.
pub(super) fn chapter(tutorial: &str) -> &str {
    tutorial.split([',', ';']).next().unwrap_or(tutorial)
}
