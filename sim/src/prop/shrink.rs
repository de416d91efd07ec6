//! Shrinking an input and its schedule together.
//!
//! proptest proposes a smaller input. The failure is then looked for anew, most likely schedules
//! first: with the deviations that showed it so far, as far as they have a place; with those, as
//! their tasks are called where one has gone; first in first out; with one deviation; with one of
//! several exchanged; by a few policies. If it is found the smaller input stays, with the schedule
//! that showed it; if not, proptest proposes another one. In the end the schedule is shrunk for the
//! input that is left.
//!
//! A schedule alone is no use as an input of its own: without an item of the input, the steps have
//! other numbers, and what had shown the failure no longer does.

use core::fmt::Debug;
use std::time::{Duration, Instant};

use proptest::strategy::ValueTree;

use super::likeness::Likeness;
use super::renumber::renumbered;
use crate::explore::{Case, NamedDeviation, Shown};
use crate::policy::Policy;

/// Most schedules of few deviations that are tried for one input.
const TINY: usize = 200;
/// Who tries after that.
const POLICIES: [Policy; 6] =
    [Policy::Pct(2), Policy::Random, Policy::Pos, Policy::Pct(3), Policy::Urw, Policy::Pct(4)];
/// How many runs they make.
const PORTFOLIO: u64 = 24;
/// Replays spent on the last schedule: at least, and at most.
const REPLAYS: (u64, u64) = (500, 4_000);

/// What may be spent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Inputs tried.
    pub(super) inputs: u64,
    /// Runs made.
    pub(super) runs: u64,
    /// Real time taken.
    pub(super) time: Option<Duration>,
}

/// The smallest found.
pub(super) struct Smallest<V> {
    pub(super) input: V,
    pub(super) shown: Shown,
    /// Smaller inputs tried.
    pub(super) inputs: u64,
    pub(super) runs: u64,
}

struct Shrinker {
    likeness: Likeness,
    left: u64,
    runs: u64,
}

/// Shrinks what a case has shown. `tree` stands at `input`.
pub(super) fn shrink<V: Debug>(
    tree: &mut dyn ValueTree<Value = V>,
    input: V,
    case_of: &dyn Fn(&V) -> Case,
    shown: Shown,
    limits: Limits,
) -> Smallest<V> {
    let deadline = limits.time.map(|time| now() + time);
    let mut shrinker =
        Shrinker { likeness: Likeness::of(&shown.failure), left: limits.runs, runs: 0 };
    let mut best = (input, shown);
    let mut inputs = 0;
    let mut more = tree.simplify();
    while more
        && inputs < limits.inputs
        && shrinker.left > 0
        && deadline.is_none_or(|deadline| now() < deadline)
    {
        inputs += 1;
        let input = tree.current();
        more = match shrinker.again(&case_of(&input), &best.1) {
            Some(shown) => {
                best = (input, shown);
                tree.simplify()
            }
            None => tree.complicate(),
        };
    }
    let (input, shown) = best;
    let replays = shrinker.left.clamp(REPLAYS.0.min(limits.runs), REPLAYS.1);
    let (shown, replays) = case_of(&input).shrink(shown, replays);
    Smallest { input, shown, inputs, runs: shrinker.runs + replays }
}

impl Shrinker {
    fn spend(&mut self, runs: u64) -> bool {
        let any = self.left > 0;
        self.left = self.left.saturating_sub(runs);
        self.runs += runs;
        any
    }

    fn alike(&self, shown: Option<Shown>) -> Option<Shown> {
        shown.filter(|shown| Likeness::of(&shown.failure) == self.likeness)
    }

    /// Looks for the failure with another input.
    fn again(&mut self, case: &Case, kept: &Shown) -> Option<Shown> {
        let seed = kept.seed;
        let mut tries = TINY;
        // As it was, or as it is called without a task.
        let as_before = (!kept.deviations.is_empty()).then(|| kept.deviations.clone());
        for deviations in as_before.into_iter().chain(renumbered(&kept.deviations)) {
            self.spend(1);
            let shown = self.alike(case.deviating(seed, &deviations));
            if shown.is_some() {
                return shown;
            }
        }
        // One deviation from first-in-first-out, then from all but one of those that are kept.
        let mut bases = vec![Vec::new()];
        if kept.deviations.len() > 1 {
            bases.extend((0..kept.deviations.len()).map(|nth| {
                let mut rest = kept.deviations.clone();
                rest.remove(nth);
                rest
            }));
        }
        let shares = bases.len();
        for (nth, base) in bases.into_iter().enumerate() {
            self.spend(1);
            let (shown, others) = case.alternatives(seed, &base);
            let shown = self.alike(shown);
            if shown.is_some() {
                return shown;
            }
            let share = tries / (shares - nth);
            for other in spread(&others, share) {
                if !self.spend(1) {
                    return None;
                }
                tries -= 1;
                let deviations: Vec<_> = base.iter().chain([other]).cloned().collect();
                let shown = self.alike(case.deviating(seed, &deviations));
                if shown.is_some() {
                    return shown;
                }
            }
        }
        for nth in 0..PORTFOLIO {
            if !self.spend(1) {
                return None;
            }
            let policy = POLICIES[nth as usize % POLICIES.len()];
            let shown = case.by(policy, seed, seed.wrapping_add(nth));
            if let Some(shown) = self.alike(shown) {
                let (shown, replays) = case.shrink_quickly(shown);
                self.spend(replays);
                return Some(shown);
            }
        }
        None
    }
}

/// At most so many of them, from everywhere.
fn spread(all: &[NamedDeviation], most: usize) -> impl Iterator<Item = &NamedDeviation> {
    let stride = all.len().div_ceil(most.max(1)).max(1);
    all.iter().step_by(stride).take(most)
}

/// Reads the real clock: only to end the shrinking in time, where that is asked for.
#[expect(clippy::disallowed_methods, reason = "a budget is real time; no run depends on it")]
fn now() -> Instant {
    Instant::now()
}
