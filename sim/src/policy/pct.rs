//! PCT: the ready task of the highest priority runs, and at d − 1 random decisions the one that
//! would run is put below all others.
//!
//! Burckhardt, Kothari, Musuvathi, Nagarakatte, «A randomized scheduler with probabilistic
//! guarantees of finding bugs», ASPLOS 2010. Needs the number of decisions k, from a profile. A bug
//! of depth d is hit in a run with a chance of at least 1/(n·k^(d−1)), n tasks.
//!
//! Departures: only decisions with two candidates or more count as steps; d − 1 is kept to a
//! quarter of k, since with as many change points as decisions the schedule is nearly fixed;
//! which timer and which `select!` branch goes first is uniform.

use rand_chacha::ChaCha8Rng;

use super::Knowledge;
use super::fair::UNFAIR;
use super::priorities::Priorities;
use crate::decision::{Candidate, Choose, DecisionPoint, Names, Needs};
use crate::seed;

/// Assumed where no run of the program is known.
const UNKNOWN_LENGTH: u64 = 64;

#[derive(Debug)]
pub(super) struct Pct {
    rng: ChaCha8Rng,
    priorities: Priorities,
    // Decisions at which a priority changes, in descending order.
    changes: Vec<u64>,
    decisions: u64,
    lowest: u64,
    // How many decisions the change points are spread over.
    length: u64,
}

impl Pct {
    pub(super) fn new(mut rng: ChaCha8Rng, depth: u32, knowledge: &Knowledge) -> Self {
        let length = match knowledge.decisions() {
            0 => UNKNOWN_LENGTH,
            known => known,
        };
        let length = length.min(UNFAIR);
        let most = (length / 4).max(1).min(u64::from(u32::MAX));
        let count = u64::from(depth.saturating_sub(1)).min(most) as usize;
        let bound = u32::try_from(length).unwrap_or(u32::MAX);
        let mut changes = Vec::with_capacity(count);
        while changes.len() < count {
            let at = u64::from(seed::below(&mut rng, bound)) + 1;
            if !changes.contains(&at) {
                changes.push(at);
            }
        }
        changes.sort_unstable_by_key(|at| core::cmp::Reverse(*at));
        Self {
            rng,
            priorities: Priorities::default(),
            changes,
            decisions: 0,
            lowest: u64::MAX >> 1,
            length,
        }
    }
}

impl Choose for Pct {
    fn choose(&mut self, point: &DecisionPoint<'_>) -> u32 {
        if !point.kind.picks_a_task() {
            return seed::below(&mut self.rng, point.candidates);
        }
        self.decisions += 1;
        let highest = |this: &mut Self| {
            this.priorities.highest(point.tasks, &mut this.rng, |_| true).unwrap_or(0)
        };
        let mut picked = highest(self);
        if self.changes.last() == Some(&self.decisions) {
            self.changes.pop();
            self.lowest -= 1;
            self.priorities.lower(point.tasks[picked].task, self.lowest);
            picked = highest(self);
        }
        picked as u32
    }

    fn needs(&self) -> Needs {
        Needs::Tasks
    }
}

/// PCT for a part of the run, then a random walk: what comes late is not starved, however the
/// priorities fell.
#[derive(Debug)]
pub(super) struct Prefix {
    pct: Pct,
    rng: ChaCha8Rng,
    left: u64,
}

impl Prefix {
    /// For as many decisions as the longest known run has, at most [`UNFAIR`].
    pub(super) fn new(pct: Pct, rng: ChaCha8Rng) -> Self {
        let left = pct.length;
        Self { pct, rng, left }
    }
}

impl Choose for Prefix {
    fn choose(&mut self, point: &DecisionPoint<'_>) -> u32 {
        if self.left == 0 {
            return seed::below(&mut self.rng, point.candidates);
        }
        self.left -= u64::from(point.kind.picks_a_task());
        self.pct.choose(point)
    }

    fn needs(&self) -> Needs {
        Needs::Tasks
    }

    fn ran(&mut self, ran: &Candidate, names: &dyn Names) {
        self.pct.ran(ran, names);
    }
}
