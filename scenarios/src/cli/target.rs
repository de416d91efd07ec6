//! From what was typed to a scenario's variant.

use super::Usage;
use super::args::What;
use crate::gallery::{HANG, SCENARIOS};
use crate::scenario::{Scenario, Variant};

/// Finds the variant that was named; the first where none was.
pub(super) fn resolve(what: &What) -> Result<(&'static Scenario, &'static Variant), Usage> {
    let typed = what.target.as_str();
    if typed.starts_with("sim1:") || typed.starts_with("SIM_REPLAY=") {
        return Err(Usage(
            "tokens cannot be replayed yet: give a scenario's id with --seed and --policy"
                .to_owned(),
        ));
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
