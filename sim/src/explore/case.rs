//! A program with one input, for a loop that changes the input between its runs.
//!
//! The loop's own steps are here: one run of a kind each, or a small campaign. What a failure has
//! to keep meanwhile is the loop's to say.

use core::cell::RefCell;
use core::future::Future;
use std::rc::Rc;
use std::sync::Arc;

use super::deviations::{NamedDeviation, Notes, alternatives_to, deviating, writer};
use super::explorer::Explore;
use super::found::Found;
use super::program::Program;
use super::shrink::{self, Shrunk};
use crate::decision::Choose;
use crate::policy::Policy;
use crate::run::{Failure, Sim};

type Settings = dyn Fn(Sim) -> Sim + Send + Sync;

/// A program with its input.
pub(crate) struct Case {
    program: Program,
}

/// A schedule that showed a failure.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    pub(crate) seed: u64,
    pub(crate) failure: Failure,
    pub(crate) deviations: Vec<NamedDeviation>,
    /// Fewer deviations do not show it, with this seed.
    pub(crate) minimal: bool,
}

impl Shown {
    /// A failure whose schedule is not known.
    pub(crate) fn unshrunk(failure: Failure) -> Self {
        Self { seed: failure.seed(), failure, deviations: Vec::new(), minimal: false }
    }
}

/// What a small campaign has come to.
pub(crate) enum Searched {
    Passed {
        runs: u64,
    },
    /// With the number of deviations that it was found with, and which run that was.
    Failed {
        shown: Shown,
        from: usize,
        how: String,
        runs: u64,
    },
    /// It did not fail again.
    Lost {
        found: Box<Found>,
        runs: u64,
    },
}

/// Replays spent on a failure between two changes of its input.
const QUICK_REPLAYS: u64 = 80;

impl Case {
    pub(crate) fn new<F, Fut>(program: F, settings: Arc<Settings>) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + 'static,
    {
        let mut program = Program::new(program);
        program.set(move |sim| settings(sim));
        Self { program }
    }

    fn run(
        &self,
        seed: u64,
        chooser: impl Choose + 'static,
        notes: &RefCell<Notes>,
    ) -> Option<Shown> {
        let failure = self.program.run(seed, false, chooser).failure?;
        Some(Shown { seed, failure, deviations: notes.take().deviations, minimal: false })
    }

    /// Makes the run with these deviations, where they have a place.
    pub(crate) fn deviating(&self, seed: u64, deviations: &[NamedDeviation]) -> Option<Shown> {
        let (chooser, notes) = deviating(deviations);
        self.run(seed, chooser, &notes)
    }

    /// The same, and what else might have been chosen on the way.
    pub(crate) fn alternatives(
        &self,
        seed: u64,
        deviations: &[NamedDeviation],
    ) -> (Option<Shown>, Vec<NamedDeviation>) {
        let (chooser, found) = alternatives_to(deviations);
        let failure = self.program.run(seed, false, chooser).failure;
        let deviations = deviations.to_vec();
        let shown = failure.map(|failure| Shown { seed, failure, deviations, minimal: false });
        (shown, found.take())
    }

    /// Lets a policy make the run.
    pub(crate) fn by(&self, policy: Policy, seed: u64, choices: u64) -> Option<Shown> {
        let (chooser, notes) = writer(policy.chooser(choices));
        self.run(seed, chooser, &notes)
    }

    /// Searches with the default campaign.
    pub(crate) fn search(&self, what: &str, seed: u64, runs: u64) -> Searched {
        let report = Explore::of(self.program.clone())
            .what(what)
            .seed(seed)
            .runs(runs)
            .shrink_replays(QUICK_REPLAYS)
            .run();
        let runs = report.runs();
        let Some(found) = report.failure() else { return Searched::Passed { runs } };
        if !found.is_reproduced() {
            return Searched::Lost { found: Box::new(found.clone()), runs };
        }
        let how = found.failure().0.origin.as_ref().map_or("", |origin| &origin.run);
        let how = how.split(';').next().unwrap_or_default().to_owned();
        let shown = Shown {
            seed: found.token().seed(),
            failure: found.failure().clone(),
            deviations: found.token().named(),
            minimal: found.is_minimal(),
        };
        let runs = runs + found.replays();
        Searched::Failed { shown, from: found.found_with(), how, runs }
    }

    /// Shrinks the schedule, and says in how many replays.
    pub(crate) fn shrink(&self, shown: Shown, replays: u64) -> (Shown, u64) {
        let (chooser, _) = deviating(&shown.deviations);
        let stop = || false;
        let limits = shrink::Limits { replays, passed: None, stop: &stop };
        let chooser: Box<dyn Choose> = Box::new(chooser);
        match shrink::shrink(&self.program, shown.seed, &shown.failure, chooser, limits) {
            Some(Shrunk { failure, deviations, replays, minimal, .. }) => {
                (Shown { seed: shown.seed, failure, deviations, minimal }, replays)
            }
            None => (shown, 1),
        }
    }

    /// The same with few replays.
    pub(crate) fn shrink_quickly(&self, shown: Shown) -> (Shown, u64) {
        self.shrink(shown, QUICK_REPLAYS)
    }

    /// Makes what is reported: how many deviations it had when it was found, what the shrinking
    /// took, and in words how it was found.
    pub(crate) fn found(
        &self,
        what: &str,
        shown: Shown,
        from: usize,
        replays: u64,
        how: String,
    ) -> Found {
        let Shown { seed, failure, deviations, minimal } = shown;
        let first = failure.clone();
        let shrunk = Shrunk { failure, deviations, from, replays, minimal };
        let found = Found::new(&self.program, what, seed, shrunk, how.clone());
        if found.is_reproduced() { found } else { Found::lost(first, what, how) }
    }
}

/// Writes down the deviations of a run that is made elsewhere.
pub(crate) struct Written(Rc<RefCell<Notes>>);

impl Written {
    /// Makes another chooser's choices.
    pub(crate) fn of(chooser: Box<dyn Choose>) -> (impl Choose + 'static, Self) {
        let (chooser, notes) = writer(chooser);
        (chooser, Self(notes))
    }

    /// Reports a run that was made with records: `how` in words, and how to get it again.
    pub(crate) fn report(self, what: &str, mut failure: Failure, how: String) -> Failure {
        let deviations = self.0.take().deviations;
        let token = super::Token::new(what, failure.seed(), &deviations, failure.digest() as u32);
        failure.0.origin = Some(token.origin(how));
        failure
    }
}
