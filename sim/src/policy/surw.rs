//! SURW: the operations on one shared object, chosen for the run, are interleaved uniformly; all
//! else follows random priorities.
//!
//! Zhao et al., «Selectively uniform concurrency testing», ASPLOS 2025. Needs the pending
//! operations, and from a profile how many operations on each object each task does. Uniform over
//! the interleavings of the object's operations where counts are exact and nothing blocks; every
//! interleaving stays possible.
//!
//! Departures: the object is chosen uniformly among those that at least two tasks use and one
//! changes, rather than in proportion to its operations, which drowns in a noisy object. Where
//! nothing is known, the priorities alone decide.

use rand_chacha::ChaCha8Rng;

use super::Knowledge;
use super::priorities::Priorities;
use super::urw::{Left, weighted};
use crate::decision::{Candidate, Choose, DecisionPoint, Names, Needs};
use crate::id::TaskId;
use crate::seed;

#[derive(Debug)]
pub(super) struct Surw {
    rng: ChaCha8Rng,
    priorities: Priorities,
    target: Option<u64>,
    left: Left,
    /// By signature: whose operation on the object comes next.
    intended: Option<u64>,
    /// Those that stand before the object and are not intended.
    held: Vec<TaskId>,
}

impl Surw {
    pub(super) fn new(mut rng: ChaCha8Rng, knowledge: &Knowledge) -> Self {
        let objects = knowledge.contended();
        let target = (!objects.is_empty())
            .then(|| objects[seed::below(&mut rng, objects.len() as u32) as usize]);
        let left = Left::new(target.map(|key| knowledge.uses_by_task(key)).unwrap_or_default());
        Self {
            rng,
            priorities: Priorities::default(),
            target,
            left,
            intended: None,
            held: Vec::new(),
        }
    }

    fn is_on_target(&self, candidate: &Candidate) -> bool {
        candidate.operation.object.is_some() && Some(candidate.operation.key) == self.target
    }
}

impl Choose for Surw {
    fn choose(&mut self, point: &DecisionPoint<'_>) -> u32 {
        if !point.kind.picks_a_task() {
            return seed::below(&mut self.rng, point.candidates);
        }
        // Each round but the last holds one more task.
        for _ in 0..=point.tasks.len() {
            let held = &self.held;
            let may = |candidate: &Candidate| !held.contains(&candidate.task);
            let Some(picked) = self.priorities.highest(point.tasks, &mut self.rng, may) else {
                // Whoever is intended waits for one that is held.
                self.intended = None;
                self.held.clear();
                continue;
            };
            let candidate = &point.tasks[picked];
            if !self.is_on_target(candidate) {
                return picked as u32;
            }
            if self.intended.is_none() {
                let (left, held, own) = (&self.left, &self.held, candidate.task);
                let weights = point.tasks.iter().map(|task| match left.of(task.signature) {
                    _ if held.contains(&task.task) => 0,
                    // It is about to do one, whatever the profile says.
                    0 => u64::from(task.task == own),
                    left => left,
                });
                let intended = weighted(&mut self.rng, weights).unwrap_or(picked);
                self.intended = Some(point.tasks[intended].signature);
            }
            if self.intended == Some(candidate.signature) {
                return picked as u32;
            }
            self.held.push(candidate.task);
        }
        self.priorities.highest(point.tasks, &mut self.rng, |_| true).unwrap_or(0) as u32
    }

    fn needs(&self) -> Needs {
        Needs::Tasks
    }

    fn ran(&mut self, ran: &Candidate, _names: &dyn Names) {
        if self.is_on_target(ran) {
            self.left.take(ran.signature);
            self.intended = None;
            self.held.clear();
        } else {
            self.priorities.forget(ran.task);
        }
    }

    fn spawned(&mut self, parent: u64, _child: TaskId, signature: u64) {
        let before = self.left.of(parent);
        let expected = self.left.spawn(parent, signature);
        if self.intended == Some(parent)
            && weighted(&mut self.rng, [expected, before.saturating_sub(expected)].into_iter())
                == Some(0)
        {
            self.intended = Some(signature);
        }
    }
}
