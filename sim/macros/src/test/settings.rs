//! What stands in the attribute's parentheses, as calls that set it.

use proc_macro::{Ident, Span, TokenStream, TokenTree};

use crate::error::Error;

/// What a setting takes.
#[derive(Clone, Copy, PartialEq)]
enum Takes {
    Nothing,
    Number,
    Text,
    Duration,
    DurationOrOff,
    Leaks,
}

impl Takes {
    fn name(self) -> &'static str {
        match self {
            Takes::Nothing => "nothing",
            Takes::Number => "a whole number",
            Takes::Text => "a string",
            Takes::Duration => "a duration, as \"30s\", \"500ms\" or \"5m\"",
            Takes::DurationOrOff => "a duration, as \"10s\" or \"500ms\", or \"off\"",
            Takes::Leaks => "\"fail\", \"allow\" or \"cancel\"",
        }
    }
}

const KNOWN: &[(&str, Takes)] = &[
    ("seeds", Takes::Number),
    ("seed", Takes::Number),
    ("policy", Takes::Text),
    ("exhaustive", Takes::Nothing),
    ("max_deviations", Takes::Number),
    ("max_schedules", Takes::Number),
    ("replay", Takes::Text),
    ("budget", Takes::Duration),
    ("threads", Takes::Number),
    ("shrink", Takes::Number),
    ("max_steps", Takes::Number),
    ("max_time", Takes::Duration),
    ("leaks", Takes::Leaks),
    ("watchdog", Takes::DurationOrOff),
    ("must_reach", Takes::Text),
    ("crate", Takes::Text),
];

/// Settings of which one makes no sense beside the other, and why.
const APART: &[(&str, &str, &str)] = &[
    (
        "exhaustive",
        "seeds",
        "an exhaustive search makes every schedule once: its limit is `max_schedules`",
    ),
    ("exhaustive", "policy", "an exhaustive search makes every schedule: no policy chooses"),
    (
        "exhaustive",
        "max_deviations",
        "an exhaustive search has every schedule, however it deviates",
    ),
    (
        "max_deviations",
        "seeds",
        "a bounded search makes each schedule once: its limit is `max_schedules`",
    ),
    (
        "max_deviations",
        "policy",
        "a bounded search makes every schedule within its bound: no policy chooses",
    ),
];

pub(super) struct Settings {
    /// The path of the `sim` crate.
    pub(super) krate: String,
    /// `.seeds(256)` and so on.
    pub(super) calls: String,
}

impl Settings {
    pub(super) fn parse(tokens: TokenStream) -> Result<Self, Error> {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut settings = Self { krate: "::sim".to_owned(), calls: String::new() };
        let mut seen: Vec<Ident> = Vec::new();
        // A comma at the end ends nothing.
        let inside = match tokens.as_slice() {
            [before @ .., last] if is(last, ',') && !before.is_empty() => before,
            all => all,
        };
        for setting in inside.split(|token| is(token, ',')) {
            if inside.is_empty() {
                break;
            }
            let Some(TokenTree::Ident(name)) = setting.first() else {
                let span = setting.first().map_or_else(Span::call_site, TokenTree::span);
                return Err(Error::new(span, format!("a setting is expected here: {}", listed())));
            };
            if seen.iter().any(|before| before.to_string() == name.to_string()) {
                return Err(Error::new(name.span(), format!("`{name}` is set twice")));
            }
            settings.add(name, &setting[1..])?;
            seen.push(name.clone());
        }
        let find = |name: &str| seen.iter().find(|ident| ident.to_string() == name);
        for (one, other, why) in APART {
            if let (Some(_), Some(other)) = (find(one), find(other)) {
                return Err(Error::new(
                    other.span(),
                    format!("`{other}` does not go with `{one}`: {why}"),
                ));
            }
        }
        if let Some(limit) = find("max_schedules")
            && find("exhaustive").is_none()
            && find("max_deviations").is_none()
        {
            return Err(Error::new(
                limit.span(),
                "`max_schedules` is for `exhaustive` or `max_deviations`; a campaign's number of \
                 runs is `seeds`",
            ));
        }
        Ok(settings)
    }

    fn add(&mut self, name: &Ident, rest: &[TokenTree]) -> Result<(), Error> {
        let text = name.to_string();
        let Some((_, takes)) = KNOWN.iter().find(|(known, _)| *known == text) else {
            return Err(Error::new(
                name.span(),
                format!("there is no setting `{name}`; there are: {}", listed()),
            ));
        };
        let value = match rest {
            [] => None,
            [equals, value @ ..] if is(equals, '=') => Some(value),
            [other, ..] => {
                return Err(Error::new(
                    other.span(),
                    format!("`=` or `,` is expected after `{name}`"),
                ));
            }
        };
        let wrong = |found: Option<&[TokenTree]>| {
            let span = found.and_then(|found| found.first()).map_or(name.span(), TokenTree::span);
            Error::new(span, format!("`{name}` takes {}", takes.name()))
        };
        let value = match (takes, value) {
            (Takes::Nothing, None) => {
                self.calls.push_str(&format!(".{name}()"));
                return Ok(());
            }
            (Takes::Nothing, found) | (_, found @ None) => return Err(wrong(found)),
            (_, Some(value)) => value,
        };
        // What a `macro_rules!` macro put in stands in a group without delimiters.
        let literal = match value {
            [TokenTree::Literal(literal)] => literal.to_string(),
            [TokenTree::Group(group)] => group.stream().to_string(),
            _ => return Err(wrong(Some(value))),
        };
        let bad = || wrong(Some(value));
        let argument = match takes {
            Takes::Number => {
                let number = number(&literal).ok_or_else(bad)?;
                if number == 0 && matches!(text.as_str(), "seeds" | "threads" | "max_schedules") {
                    return Err(Error::new(value[0].span(), format!("`{name}` is at least 1")));
                }
                format!("{number}u64")
            }
            Takes::Duration => duration(&quoted(&literal).ok_or_else(bad)?).ok_or_else(bad)?,
            Takes::DurationOrOff => match quoted(&literal).ok_or_else(bad)?.as_str() {
                "off" => "::core::option::Option::None".to_owned(),
                text => {
                    format!("::core::option::Option::Some({})", duration(text).ok_or_else(bad)?)
                }
            },
            Takes::Text | Takes::Leaks => {
                let text = quoted(&literal).ok_or_else(bad)?;
                if *takes == Takes::Leaks && !["fail", "allow", "cancel"].contains(&text.as_str()) {
                    return Err(bad());
                }
                if name.to_string() == "crate" {
                    if text.parse::<TokenStream>().is_err() || text.trim().is_empty() {
                        return Err(bad());
                    }
                    self.krate = text;
                    return Ok(());
                }
                format!("{text:?}")
            }
            Takes::Nothing => return Err(bad()),
        };
        self.calls.push_str(&format!(".{name}({argument})"));
        Ok(())
    }
}

fn is(token: &TokenTree, mark: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == mark)
}

fn listed() -> String {
    let names: Vec<String> = KNOWN.iter().map(|(name, _)| format!("`{name}`")).collect();
    names.join(", ")
}

/// A whole number, in decimal or hexadecimal.
fn number(literal: &str) -> Option<u64> {
    let digits = literal.replace('_', "");
    match digits.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => digits.parse().ok(),
    }
}

/// What stands in a string literal that needs no escapes.
fn quoted(literal: &str) -> Option<String> {
    let inner = literal.strip_prefix('"')?.strip_suffix('"')?;
    (!inner.contains('\\')).then(|| inner.to_owned())
}

/// A duration in words, as an expression.
fn duration(text: &str) -> Option<String> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (count, unit) = text.split_at(digits);
    let millis: u64 = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    let millis = count.parse::<u64>().ok()?.checked_mul(millis).filter(|millis| *millis > 0)?;
    Some(format!("::core::time::Duration::from_millis({millis}u64)"))
}
