//! A priority for each task, drawn when it is first looked at.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;

use crate::decision::{Candidate, Operation};
use crate::id::TaskId;

/// Random priorities. Drawn ones have the top bit set, so that those given by hand lie below.
#[derive(Debug, Default)]
pub(super) struct Priorities {
    // 0: none.
    of: Vec<u64>,
}

const DRAWN: u64 = 1 << 63;

impl Priorities {
    /// The priority of a task; drawn if it has none.
    pub(super) fn get(&mut self, task: TaskId, rng: &mut ChaCha8Rng) -> u64 {
        let index = task.index();
        if index >= self.of.len() {
            self.of.resize(index + 1, 0);
        }
        if self.of[index] == 0 {
            self.of[index] = rng.next_u64() | DRAWN;
        }
        self.of[index]
    }

    /// Gives a task a priority below all that were drawn.
    pub(super) fn lower(&mut self, task: TaskId, to: u64) {
        let index = task.index();
        if index >= self.of.len() {
            self.of.resize(index + 1, 0);
        }
        self.of[index] = to & !DRAWN;
    }

    /// Lets a new one be drawn.
    pub(super) fn forget(&mut self, task: TaskId) {
        if let Some(priority) = self.of.get_mut(task.index()) {
            *priority = 0;
        }
    }

    /// Lets new ones be drawn for those whose operation races with what is about to be run.
    pub(super) fn forget_racing(&mut self, tasks: &[Candidate], runs: &Operation) {
        for candidate in tasks {
            if candidate.operation.races(runs) {
                self.forget(candidate.task);
            }
        }
    }

    /// The candidate with the highest priority among those that `may`.
    pub(super) fn highest(
        &mut self,
        tasks: &[Candidate],
        rng: &mut ChaCha8Rng,
        mut may: impl FnMut(&Candidate) -> bool,
    ) -> Option<usize> {
        let mut best: Option<(u64, usize)> = None;
        for (index, candidate) in tasks.iter().enumerate() {
            // Drawn for every candidate, so that who may run does not shift the draws.
            let priority = self.get(candidate.task, rng);
            if may(candidate) && best.is_none_or(|(highest, _)| priority > highest) {
                best = Some((priority, index));
            }
        }
        best.map(|(_, index)| index)
    }
}
