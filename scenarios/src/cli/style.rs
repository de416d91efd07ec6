//! Colors and columns. What is printed loses its styles where nobody sees colors.

use anstyle::{AnsiColor, Style};

pub(super) const STRONG: Style = Style::new().bold();
pub(super) const FAINT: Style = Style::new().dimmed();
pub(super) const GOOD: Style = AnsiColor::Green.on_default();
pub(super) const BAD: Style = AnsiColor::Red.on_default().bold();
pub(super) const HEAD: Style = AnsiColor::Cyan.on_default().bold();

/// Puts a text into a style.
pub(super) fn paint(style: Style, text: impl core::fmt::Display) -> String {
    format!("{style}{text}{style:#}")
}

/// Fills a text with blanks up to a width.
pub(super) fn pad(text: &str, width: usize) -> String {
    let missing = width.saturating_sub(textwrap::core::display_width(text));
    format!("{text}{}", " ".repeat(missing))
}

/// Breaks a text into lines of a width; at least one line.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let lines = textwrap::wrap(text, width.max(10));
    if lines.is_empty() { vec![String::new()] } else { lines.into_iter().map(Into::into).collect() }
}

/// Adds a paragraph behind a label: `label   text, over as many lines as it takes`.
pub(super) fn paragraph(into: &mut String, label: &str, text: &str, width: usize) {
    const LABEL: usize = 10;
    for (number, line) in wrap(text, width.saturating_sub(LABEL + 2)).into_iter().enumerate() {
        let label = pad(if number == 0 { label } else { "" }, LABEL);
        into.push_str(&format!("  {}{line}\n", paint(FAINT, label)));
    }
}

/// A number with its thousands apart: `12,345`.
pub(super) fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
