//! Keeps a policy that prefers one task to another from starving the rest for ever.
//!
//! A task that waits in a loop (`while !done { yield_now().await }`) never blocks: under fixed
//! priorities it may run for ever, and a correct program would be called a livelock. So a task
//! that yields over and over at the same few places, and spawns nothing, stands back while any
//! other is ready, and after
//! [`UNFAIR`] decisions every pick is uniform, as in Coyote. Up to there the guarantees of the
//! policy inside hold for programs without such loops.

use rand_chacha::ChaCha8Rng;

use crate::decision::{Access, Candidate, Choose, DecisionPoint, Names, Needs, same_place};
use crate::id::TaskId;
use crate::seed;
use crate::trace::Place;

/// After how many decisions among tasks every pick is uniform.
pub(super) const UNFAIR: u64 = 10_000;

/// How many places a circle has at most.
const PLACES: usize = 4;
/// After how many yields in a circle a task is taken to wait for something.
const PATIENCE: u32 = 256;

#[derive(Debug)]
pub(super) struct Fair<P> {
    policy: P,
    rng: ChaCha8Rng,
    decisions: u64,
    rounds: Vec<Round>,
    running: usize,
    // The candidates that do not go round in a circle, and their places; memory is kept.
    others: Vec<Candidate>,
    indices: Vec<u32>,
}

/// Where a task has been of late.
#[derive(Clone, Debug, Default)]
struct Round {
    places: [Option<Place>; PLACES],
    next: usize,
    repeated: u32,
}

impl<P: Choose> Fair<P> {
    pub(super) fn new(policy: P, rng: ChaCha8Rng) -> Self {
        Self {
            policy,
            rng,
            decisions: 0,
            rounds: Vec::new(),
            running: 0,
            others: Vec::new(),
            indices: Vec::new(),
        }
    }

    fn circles(&self, task: TaskId) -> bool {
        self.rounds.get(task.index()).is_some_and(|round| round.repeated >= PATIENCE)
    }
}

impl<P: Choose> Choose for Fair<P> {
    fn choose(&mut self, point: &DecisionPoint<'_>) -> u32 {
        if !point.kind.picks_a_task() {
            return self.policy.choose(point);
        }
        self.decisions += 1;
        if self.decisions > UNFAIR {
            return seed::below(&mut self.rng, point.candidates);
        }
        if !point.tasks.iter().any(|candidate| self.circles(candidate.task)) {
            return self.policy.choose(point);
        }
        let mut others = core::mem::take(&mut self.others);
        let mut indices = core::mem::take(&mut self.indices);
        for (index, candidate) in point.tasks.iter().enumerate() {
            if !self.circles(candidate.task) {
                others.push(*candidate);
                indices.push(index as u32);
            }
        }
        let picked = match others.len() as u32 {
            0 => seed::below(&mut self.rng, point.candidates),
            1 => indices[0],
            candidates => {
                let point = DecisionPoint { candidates, tasks: &others, ..*point };
                indices.get(self.policy.choose(&point) as usize).copied().unwrap_or(0)
            }
        };
        others.clear();
        indices.clear();
        (self.others, self.indices) = (others, indices);
        picked
    }

    fn needs(&self) -> Needs {
        self.policy.needs().max(Needs::Tasks)
    }

    fn ran(&mut self, ran: &Candidate, names: &dyn Names) {
        self.policy.ran(ran, names);
        let index = ran.task.index();
        if index >= self.rounds.len() {
            self.rounds.resize_with(index + 1, Round::default);
        }
        self.running = index;
        let (round, place) = (&mut self.rounds[index], ran.operation.place);
        if round.places.iter().flatten().any(|known| same_place(known, place)) {
            // An access to an object is work; who waits yields between them.
            round.repeated += u32::from(ran.operation.access() == Access::Unknown);
        } else {
            round.repeated = 0;
            round.places[round.next] = Some(place);
            round.next = (round.next + 1) % PLACES;
        }
    }

    fn spawned(&mut self, parent: u64, child: TaskId, signature: u64) {
        self.policy.spawned(parent, child, signature);
        // Whoever spawns gets on.
        if let Some(round) = self.rounds.get_mut(self.running) {
            round.repeated = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{Policy, Sim};

    #[test]
    fn no_policy_lets_a_waiting_loop_run_for_ever() {
        let spin = || async {
            let other = crate::spawn(async { crate::yield_now().await });
            while !other.is_finished() {
                crate::schedule_point().await;
                crate::yield_now().await;
            }
        };
        for policy in Policy::ALL {
            for seed in 0..20 {
                let run = Sim::new().seed(seed).policy(policy).max_steps(5_000).run(spin);
                assert!(run.is_ok(), "{policy}, seed {seed}: {}", run.unwrap_err());
            }
        }
    }
}
