//! Text measured as a terminal shows it.

use unicode_width::UnicodeWidthStr;

/// How many columns a text takes.
pub(super) fn width(text: &str) -> usize {
    text.width()
}

/// Makes a text fit for one line: line breaks, tabs and other control characters become spaces,
/// and what would turn the direction of a terminal's line around is taken out.
pub(super) fn clean(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for part in text.trim().chars() {
        match part {
            '\u{200b}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}' => {}
            part if part.is_control() => {
                if !clean.ends_with(' ') {
                    clean.push(' ');
                }
            }
            part => clean.push(part),
        }
    }
    clean
}

/// Whether a text may stand in so many columns.
fn fits(text: &str, columns: usize) -> bool {
    text.len() <= most_characters(columns) * 4 && width(text) <= columns
}

/// Some characters take no column at all: a megabyte of those is too much all the same.
fn most_characters(columns: usize) -> usize {
    columns * 8 + 64
}

/// The longest beginning of a text that takes at most `columns`.
pub(super) fn head(text: &str, columns: usize) -> &str {
    let mut end = 0;
    for (start, part) in text.char_indices().take(most_characters(columns)) {
        let next = start + part.len_utf8();
        // Of the whole beginning, not a sum: characters that join are narrower together.
        if width(&text[..next]) > columns {
            break;
        }
        end = next;
    }
    text[..end].trim_end_matches('\u{200d}')
}

/// The longest end of a text that takes at most `columns`.
fn tail(text: &str, columns: usize) -> &str {
    let mut from = text.len();
    for (start, _) in text.char_indices().rev().take(most_characters(columns)) {
        if width(&text[start..]) > columns {
            break;
        }
        from = start;
    }
    text[from..].trim_start_matches(['\u{200d}', '\u{fe0f}'])
}

/// Cuts what does not fit off the end, and says so with `…`.
pub(super) fn cut_end(text: &str, columns: usize) -> String {
    if fits(text, columns) {
        return text.to_owned();
    }
    if columns == 0 {
        return String::new();
    }
    format!("{}…", head(text, columns - 1))
}

/// Cuts what does not fit out of the middle: names tend to differ at their ends.
pub(super) fn cut_middle(text: &str, columns: usize) -> String {
    if fits(text, columns) {
        return text.to_owned();
    }
    if columns < 3 {
        return cut_end(text, columns);
    }
    let end = tail(text, (columns - 1) / 2);
    format!("{}…{end}", head(text, columns - 1 - width(end)))
}

/// Cuts what does not fit off the beginning: of a path, the end says most.
pub(super) fn cut_start(text: &str, columns: usize) -> String {
    if fits(text, columns) {
        return text.to_owned();
    }
    if columns == 0 {
        return String::new();
    }
    format!("…{}", tail(text, columns - 1))
}

/// Appends a text and spaces up to `columns`.
pub(super) fn push_padded(line: &mut String, text: &str, columns: usize) {
    line.push_str(text);
    line.extend(core::iter::repeat_n(' ', columns.saturating_sub(width(text))));
}

/// Breaks a text into lines of at most `columns`, at spaces where there are any.
pub(super) fn wrap(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(2);
    let mut lines = Vec::new();
    let mut line = String::new();
    for mut word in text.split(' ') {
        let used = width(&line);
        let gap = usize::from(!line.is_empty());
        if used + gap + width(word) <= columns {
            line.extend(core::iter::repeat_n(' ', gap));
            line.push_str(word);
            continue;
        }
        if !line.is_empty() {
            lines.push(core::mem::take(&mut line));
        }
        while width(word) > columns {
            let start = match head(word, columns) {
                "" => &word[..word.chars().next().map_or(0, char::len_utf8)],
                start => start,
            };
            lines.push(start.to_owned());
            word = &word[start.len()..];
        }
        line.push_str(word);
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(line);
    }
    lines
}

/// A number of things, in digits grouped by three: a million is told from ten of them at a glance.
pub(super) fn count(number: u64, what: &str) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    let s = if number == 1 { "" } else { "s" };
    format!("{text} {what}{s}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_characters_are_cut_by_what_they_take_on_the_screen() {
        assert_eq!(cut_end("账户余额查询", 7), "账户余…");
        assert_eq!(cut_end("账户余额查询", 6), "账户…");
        assert_eq!(cut_middle("connection-handler-17", 12), "connec…er-17");
        assert_eq!(cut_start("sim/tests/report/programs.rs:3:5", 18), "…t/programs.rs:3:5");
        for columns in 0..12 {
            for text in ["账户余额查询", "🦀🦀🦀🦀🦀🦀🦀", "👩‍👩‍👧‍👦 family 👩‍👩‍👧‍👦", "plain text it is"]
            {
                for cut in
                    [cut_end(text, columns), cut_middle(text, columns), cut_start(text, columns)]
                {
                    assert!(width(&cut) <= columns, "{cut:?} is wider than {columns}");
                }
            }
        }
    }

    #[test]
    fn a_text_of_many_lines_becomes_one() {
        assert_eq!(clean(" left\r\n\tright\u{202e} \u{1b}[31m "), "left right [31m");
    }

    #[test]
    fn text_is_broken_at_spaces_and_long_words_anywhere() {
        assert_eq!(wrap("one two three four", 9), ["one two", "three", "four"]);
        assert_eq!(wrap("0123456789abc de", 8), ["01234567", "89abc de"]);
        assert_eq!(wrap("", 8), [""]);
    }
}
