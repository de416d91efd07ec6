//! What the runs of a campaign have said of themselves together.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::kernel::marks::{Mark, Said};

/// The marks of all runs, and how many of them were taken back.
#[derive(Debug, Default)]
pub(crate) struct Board(Mutex<Counted>);

/// How often each mark was reached and held, and how many runs were taken back.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counted {
    pub(crate) marks: BTreeMap<&'static str, Mark>,
    pub(crate) discarded: u64,
    /// Whether a run stood.
    pub(crate) stood: bool,
}

impl Board {
    pub(crate) fn add(&self, said: &Said) {
        let mut counted = self.lock();
        if said.discarded {
            // What a run shows that is not meant counts for nothing.
            counted.discarded += 1;
            return;
        }
        counted.stood = true;
        for (name, mark) in &said.marks {
            let sum = counted.marks.entry(name).or_default();
            sum.reached += mark.reached;
            sum.held += mark.held;
        }
    }

    pub(crate) fn counted(&self) -> Counted {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Counted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Which marks a campaign asks for.
pub(crate) const EVERY: &str = "*";

/// Of the marks asked for, those that held in no run, each with what was seen of it.
pub(crate) fn unreached(asked: &[String], marks: &BTreeMap<String, Mark>) -> Vec<(String, Mark)> {
    let mut missing: BTreeMap<&str, Mark> = BTreeMap::new();
    for name in asked {
        if name == EVERY {
            let never = marks.iter().filter(|(_, mark)| mark.held == 0);
            missing.extend(never.map(|(name, mark)| (name.as_str(), *mark)));
        } else {
            let mark = marks.get(name).copied().unwrap_or_default();
            if mark.held == 0 {
                missing.insert(name, mark);
            }
        }
    }
    missing.into_iter().map(|(name, mark)| (name.to_owned(), mark)).collect()
}

/// Says what is missing, a line each.
pub(crate) fn complaint(missing: &[(String, Mark)], runs: u64) -> String {
    let lines: Vec<String> = missing
        .iter()
        .map(|(name, mark)| match mark.reached {
            0 => format!("\n  {name:?} was executed in no run of {runs}"),
            times => {
                format!("\n  {name:?} was executed {times} times in {runs} runs, and never held")
            }
        })
        .collect();
    lines.concat()
}
