//! URW: each ready task runs with a chance in proportion to how much it, and what it has still to
//! spawn, has to do.
//!
//! Zhao et al., «Selectively uniform concurrency testing», ASPLOS 2025, where it is the baseline;
//! also a scheduler of shuttle. Needs how many operations each task does, from a profile, and a
//! signature of a task that does not depend on the schedule. Uniform over all interleavings where
//! the counts are exact and nothing blocks.
//!
//! A task that the profile does not know counts as having one operation left.

use std::collections::BTreeMap;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;

use super::Knowledge;
use crate::decision::{Candidate, Choose, DecisionPoint, Names, Needs};
use crate::id::TaskId;
use crate::seed;

#[derive(Debug)]
pub(super) struct Urw {
    rng: ChaCha8Rng,
    left: Left,
}

/// How many operations each task has left, with what it has still to spawn.
#[derive(Debug)]
pub(super) struct Left {
    /// By signature, what its task and all that descends from it does.
    expected: BTreeMap<u64, u64>,
    /// By signature, of the tasks that exist.
    of: BTreeMap<u64, u64>,
}

impl Left {
    pub(super) fn new(expected: BTreeMap<u64, u64>) -> Self {
        Self { expected, of: BTreeMap::new() }
    }

    pub(super) fn of(&self, signature: u64) -> u64 {
        self.of.get(&signature).copied().unwrap_or(0)
    }

    /// Takes one away.
    pub(super) fn take(&mut self, signature: u64) {
        if let Some(left) = self.of.get_mut(&signature) {
            *left = left.saturating_sub(1);
        }
    }

    /// Moves what a new task has to do from its parent to itself, and returns it.
    pub(super) fn spawn(&mut self, parent: u64, child: u64) -> u64 {
        let expected = self.expected.get(&child).copied().unwrap_or(0);
        self.of.insert(child, expected);
        if let Some(left) = self.of.get_mut(&parent) {
            *left = left.saturating_sub(expected);
        }
        expected
    }
}

/// Picks an index with a chance in proportion to its weight; none where all weights are 0.
pub(super) fn weighted(
    rng: &mut ChaCha8Rng,
    weights: impl Iterator<Item = u64> + Clone,
) -> Option<usize> {
    let total: u64 = weights.clone().sum();
    if total == 0 {
        return None;
    }
    let mut at = ((u128::from(rng.next_u64()) * u128::from(total)) >> 64) as u64;
    for (index, weight) in weights.enumerate() {
        if at < weight {
            return Some(index);
        }
        at -= weight;
    }
    None
}

impl Urw {
    pub(super) fn new(rng: ChaCha8Rng, knowledge: &Knowledge) -> Self {
        Self { rng, left: Left::new(knowledge.steps_by_task()) }
    }
}

impl Choose for Urw {
    fn choose(&mut self, point: &DecisionPoint<'_>) -> u32 {
        if !point.kind.picks_a_task() {
            return seed::below(&mut self.rng, point.candidates);
        }
        let left = &self.left;
        let weights = point.tasks.iter().map(|task| left.of(task.signature).max(1));
        weighted(&mut self.rng, weights).unwrap_or(0) as u32
    }

    fn needs(&self) -> Needs {
        Needs::Tasks
    }

    fn ran(&mut self, ran: &Candidate, _names: &dyn Names) {
        self.left.take(ran.signature);
    }

    fn spawned(&mut self, parent: u64, _child: TaskId, signature: u64) {
        self.left.spawn(parent, signature);
    }
}
