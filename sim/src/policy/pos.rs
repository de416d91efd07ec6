//! POS: each ready task has a random priority, drawn anew for those whose operation races with
//! the one that has just run.
//!
//! Yuan, Yang, Gu, «Partial order aware concurrency sampling», CAV 2018. Needs the pending
//! operations. The paper's bound is better than a random walk's; it needs no length and no depth.
//!
//! The second variant runs what touches nothing shared (a first step, a spawn, a join) before all
//! else, as Fray and P do, so that such steps never delay a race; it misses bugs in which one
//! short task has to outrun a long one, which the first variant finds.
//!
//! Departure: an operation that nobody declared races with every other.

use rand_chacha::ChaCha8Rng;

use super::priorities::Priorities;
use crate::decision::{Access, Candidate, Choose, DecisionPoint, Names, Needs};
use crate::seed;

#[derive(Debug)]
pub(super) struct Pos {
    rng: ChaCha8Rng,
    priorities: Priorities,
    harmless_first: bool,
}

impl Pos {
    pub(super) fn new(rng: ChaCha8Rng, harmless_first: bool) -> Self {
        Self { rng, priorities: Priorities::default(), harmless_first }
    }
}

fn is_harmless(candidate: &Candidate) -> bool {
    candidate.operation.access() == Access::None
}

impl Choose for Pos {
    fn choose(&mut self, point: &DecisionPoint<'_>) -> u32 {
        if !point.kind.picks_a_task() {
            return seed::below(&mut self.rng, point.candidates);
        }
        let tasks = point.tasks;
        let harmless = self.harmless_first && tasks.iter().any(is_harmless);
        let may = |candidate: &Candidate| !harmless || is_harmless(candidate);
        let picked = self.priorities.highest(tasks, &mut self.rng, may).unwrap_or(0);
        self.priorities.forget_racing(tasks, &tasks[picked].operation);
        picked as u32
    }

    fn needs(&self) -> Needs {
        Needs::Tasks
    }

    fn ran(&mut self, ran: &Candidate, _names: &dyn Names) {
        self.priorities.forget(ran.task);
    }
}
