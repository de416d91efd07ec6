//! What a campaign has come to.

use core::fmt;
use std::collections::BTreeMap;

use super::found::Found;
use super::marks;
use super::statistics::Sampler;
use crate::kernel::marks::Mark;

/// How far a campaign has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Runs made.
    pub runs: u64,
    /// Runs asked for.
    pub of: u64,
    /// Classes of equal partial orders seen.
    pub classes: u64,
    /// Runs that failed.
    pub failures: u64,
}

/// Something that a passing search has shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Claim {
    /// Every schedule passes.
    Complete,
    /// Every schedule with at most so many deviations from first-in-first-out passes.
    Deviations {
        /// How many.
        most: usize,
        /// Whether each was run; else, of two or more, one for each partial order that was seen.
        all: bool,
    },
}

/// What a campaign has come to.
///
/// `Display` gives a line where it passed, and the failure's report where it did not.
#[derive(Debug, Clone)]
pub struct Report {
    pub(crate) what: String,
    pub(crate) seed: u64,
    pub(crate) asked: u64,
    pub(crate) runs: u64,
    pub(crate) steps: u64,
    pub(crate) failures: u64,
    pub(crate) classes: BTreeMap<u64, u64>,
    pub(crate) samplers: BTreeMap<String, Sampler>,
    pub(crate) declared: u64,
    pub(crate) undeclared: u64,
    pub(crate) claim: Option<Claim>,
    pub(crate) found: Option<Found>,
    pub(crate) estimate: Option<(f64, f64)>,
    pub(crate) out_of_time: bool,
    pub(crate) shard: (u64, u64),
    /// The index of the first run that failed, in the whole campaign.
    pub(crate) failing_run: Option<u64>,
    /// Runs that took themselves back.
    pub(crate) discarded: u64,
    /// Not all of them did.
    pub(crate) stood: bool,
    pub(crate) marks: BTreeMap<String, Mark>,
    pub(crate) must_reach: Vec<String>,
}

impl Report {
    /// The first failure, shrunk.
    #[must_use]
    pub fn failure(&self) -> Option<&Found> {
        self.found.as_ref()
    }

    /// How many runs were made.
    #[must_use]
    pub fn runs(&self) -> u64 {
        self.runs
    }

    /// How many steps they took together.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// How many runs failed: at most 1 unless the campaign was to keep going.
    #[must_use]
    pub fn failures(&self) -> u64 {
        self.failures
    }

    /// How many classes of runs there were that differ in more than the order of what does not
    /// depend on each other, as far as the program declares it.
    #[must_use]
    pub fn classes(&self) -> u64 {
        self.classes.len() as u64
    }

    /// What each policy whose runs are independent has seen, by name.
    #[must_use]
    pub fn samplers(&self) -> &BTreeMap<String, Sampler> {
        &self.samplers
    }

    /// What was shown, where nothing failed; of a shard, what was shown of its part.
    #[must_use]
    pub fn claim(&self) -> Option<Claim> {
        self.claim
    }

    /// How many schedules an exhaustive search was estimated to have, and the standard deviation
    /// of the estimate.
    #[must_use]
    pub fn estimate(&self) -> Option<(f64, f64)> {
        self.estimate
    }

    /// Whether the campaign ended before its search did: for want of time or of runs.
    #[must_use]
    pub fn is_cut_short(&self) -> bool {
        self.out_of_time
    }

    /// How many runs took themselves back, with [`assume!`](crate::assume); an exhaustive search
    /// counts those of its estimate too.
    #[must_use]
    pub fn discarded(&self) -> u64 {
        self.discarded
    }

    /// Of the marks that were to be [reached](super::Explore::must_reach), those that held in no
    /// run.
    #[must_use]
    pub fn unreached(&self) -> Vec<String> {
        let missing = marks::unreached(&self.must_reach, &self.marks);
        missing.into_iter().map(|(name, _)| name).collect()
    }

    /// What is wrong with a campaign in which no run failed: it did not try what it was to try.
    pub(crate) fn complaint(&self) -> Option<String> {
        let of = if self.what.is_empty() { String::new() } else { format!("{}: ", self.what) };
        // One shard sees little of what all of them see, and a budget fails nothing.
        if self.found.is_some() || self.shard.1 > 1 {
            return None;
        }
        if self.runs > 0 && !self.stood {
            return Some(format!(
                "sim: VACUOUS {of}all {} runs were taken back by `sim::assume!`",
                self.runs
            ));
        }
        if self.out_of_time && self.runs < self.asked {
            return None;
        }
        let missing = marks::unreached(&self.must_reach, &self.marks);
        let lines = marks::complaint(&missing, self.runs);
        (!missing.is_empty()).then(|| format!("sim: UNREACHED {of}{lines}"))
    }

    /// Fails where a run did, where a mark that was to be reached was not, and where every run
    /// took itself back.
    ///
    /// # Panics
    ///
    /// If a run failed, with its report; or else with what is missing.
    #[track_caller]
    pub fn assert_ok(&self) {
        if let Some(found) = &self.found {
            panic!("{found}");
        }
        if let Some(complaint) = self.complaint() {
            panic!("{complaint}");
        }
    }

    /// Fails unless every schedule was run and passed.
    ///
    /// # Panics
    ///
    /// If a run failed, or the search was not complete.
    #[track_caller]
    pub fn assert_complete(&self) {
        self.assert_ok();
        assert!(
            matches!(self.claim, Some(Claim::Complete)),
            "sim: INCOMPLETE {self}; raise `runs`, or make the program smaller"
        );
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(found) = &self.found {
            return fmt::Display::fmt(found, f);
        }
        if !self.what.is_empty() {
            write!(f, "{}: ", self.what)?;
        }
        let s = |count: u64| if count == 1 { "" } else { "s" };
        let shard = match self.shard {
            (_, 1) => String::new(),
            (part, of) => format!(" (shard {} of {of})", part + 1),
        };
        // A shard has run its part, and claims no more.
        let complete = if shard.is_empty() { "complete" } else { "its part is complete" };
        if let Some((mean, deviation)) = self.estimate {
            return match self.claim {
                Some(_) => write!(f, "{complete}: {} schedule{}{shard}", self.runs, s(self.runs)),
                None => write!(
                    f,
                    "{} schedules of an estimated {mean:.3e} (± {deviation:.1e}){shard}",
                    self.runs
                ),
            };
        }
        write!(f, "ok: {} run{}", self.runs, s(self.runs))?;
        if self.runs < self.asked && self.out_of_time {
            write!(f, " of {} (out of time)", self.asked)?;
        }
        let classes = self.classes();
        let of = if self.undeclared > self.declared { "order" } else { "partial order" };
        write!(f, ", {classes} distinct {of}{}", s(classes))?;
        match self.claim {
            Some(Claim::Deviations { most: 0, .. }) | None => {}
            Some(Claim::Complete) => write!(f, ", {complete}")?,
            Some(Claim::Deviations { most, all }) => {
                let most = if all || most == 1 { most } else { 1 };
                write!(
                    f,
                    ", {complete} for {most} deviation{} from first-in-first-out",
                    s(most as u64)
                )?;
            }
        }
        if self.discarded > 0 {
            write!(f, ", {} taken back", self.discarded)?;
        }
        f.write_str(&shard)
    }
}
