//! From what was typed to a scenario's variant.

use sim::explore::Token;

use super::Usage;
use super::args::What;
use crate::gallery::{HANG, SCENARIOS};
use crate::scenario::{Scenario, Variant};

/// Reads a token, and finds its program; none where something else was typed.
pub(super) fn token(
    what: &What,
) -> Result<Option<(Token, &'static Scenario, &'static Variant)>, Usage> {
    let typed = what.target.trim();
    let line = if is_token(typed) { Some(typed.to_owned()) } else { first_line(typed)? };
    let Some(line) = line else { return Ok(None) };
    let token: Token = line.parse().map_err(|error| Usage(format!("{error}")))?;
    if token.what().is_empty() {
        return Err(Usage(format!("the token {line:?} does not say which scenario it is of")));
    }
    if what.variant.is_some() {
        return Err(Usage("a token says itself which variant it is of".to_owned()));
    }
    let (scenario, variant) = resolve(&What { target: token.what().to_owned(), variant: None })?;
    Ok(Some((token, scenario, variant)))
}

fn is_token(typed: &str) -> bool {
    typed.starts_with("sim1:") || typed.starts_with("SIM_REPLAY=")
}

/// The first line of a file that is a token, or ends in one as a regression file's do.
fn first_line(typed: &str) -> Result<Option<String>, Usage> {
    let path = std::path::Path::new(typed);
    if find(typed.split('/').next().unwrap_or(typed)).is_some() || !path.is_file() {
        return Ok(None);
    }
    let unreadable = |error: &dyn core::fmt::Display| {
        Usage(format!("the file {typed:?} cannot be read: {error}"))
    };
    let text = std::fs::read_to_string(path).map_err(|error| unreadable(&error))?;
    let words = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    let mut words = words.flat_map(str::split_whitespace);
    match words.find(|word| is_token(word)) {
        Some(word) => Ok(Some(word.to_owned())),
        None => Err(Usage(format!("the file {typed:?} has no line with a token"))),
    }
}

/// Finds the variant that was named; the first where none was.
pub(super) fn resolve(what: &What) -> Result<(&'static Scenario, &'static Variant), Usage> {
    let typed = what.target.as_str();
    if let Some(token) =
        typed.trim().strip_prefix("SIM_REPLAY=").or_else(|| is_token(typed.trim()).then_some(typed))
    {
        return Err(Usage(format!(
            "{token:?} is a token: `replay`, `trace` and `shrink` take one"
        )));
    }
    let (id, variant) = match typed.split_once('/') {
        Some((id, variant)) if what.variant.is_none() => (id, Some(variant)),
        _ => (typed, what.variant.as_deref()),
    };
    let scenario = find(id).ok_or_else(|| {
        let ids = SCENARIOS.iter().map(|scenario| scenario.id);
        Usage(format!(
            "no scenario is called {id:?}; {}",
            hint(id, ids, "`scenarios list` shows all")
        ))
    })?;
    let Some(name) = variant else {
        return Ok((scenario, &scenario.variants[0]));
    };
    let variant = scenario.variant(name).ok_or_else(|| {
        let names: Vec<_> = scenario.variants.iter().map(|variant| variant.name).collect();
        let all = format!("there are: {}", names.join(", "));
        Usage(format!("{id} has no variant {name:?}; {}", hint(name, names.into_iter(), &all)))
    })?;
    Ok((scenario, variant))
}

fn find(id: &str) -> Option<&'static Scenario> {
    const HIDDEN: &Scenario = &HANG;
    SCENARIOS.iter().chain([HIDDEN]).find(|scenario| scenario.id == id)
}

/// Names what is nearest, if it is near.
fn hint(typed: &str, known: impl Iterator<Item = &'static str>, otherwise: &str) -> String {
    let nearness = |name: &str| {
        let begins = !typed.is_empty() && name.starts_with(typed);
        if begins { 1.0 } else { strsim::jaro_winkler(typed, name) }
    };
    known
        .map(|name| (nearness(name), name))
        .filter(|(nearness, _)| *nearness > 0.75)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map_or_else(|| otherwise.to_owned(), |(_, name)| format!("did you mean `{name}`?"))
}
