//! What a run did, as far as a policy can learn from it.

use core::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use crate::decision::{Access, Candidate, Choose, DecisionPoint, Names, Needs, Operation};
use crate::id::{ObjectId, TaskId};
use crate::seed::mix;
use crate::trace::{Event, Waker};

/// An operation that was run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ran {
    pub(crate) signature: u64,
    pub(crate) operation: Operation,
}

/// A choice that was made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Taken {
    pub(crate) candidates: u32,
    /// Bit j: candidate j's operation races with that of another candidate; beyond 63, unknown.
    pub(crate) racing: u64,
}

/// What was seen of one run.
#[derive(Debug, Default)]
pub(crate) struct Observation {
    /// The first operations, in order.
    pub(crate) ran: Vec<Ran>,
    /// The first choices, in order.
    pub(crate) taken: Vec<Taken>,
    /// (parent, child), by signature.
    pub(crate) spawned: Vec<(u64, u64)>,
    /// Decisions among tasks.
    pub(crate) decisions: u64,
    /// How many operations said what they touch, and how many did not.
    pub(crate) declared: u64,
    pub(crate) undeclared: u64,
    /// Equal for runs that differ only in the order of what does not depend on each other.
    pub(crate) class: u64,
    order: Order,
}

/// Most operations and choices kept of a run: a policy learns little from more.
const MOST: usize = 65_536;

/// The partial order of a run, folded into hashes as it grows.
#[derive(Debug, Default)]
struct Order {
    // By task, the hash of its last event.
    last: Vec<u64>,
    objects: BTreeMap<u64, Uses>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Uses {
    last_write: u64,
    // The reads since, in any order.
    reads: u64,
}

/// Stands for all that nobody declared.
const UNDECLARED: u64 = 0;

impl Observation {
    fn ran(&mut self, ran: &Candidate) {
        let operation = ran.operation;
        let access = operation.access();
        match access {
            Access::None => {}
            Access::Unknown => self.undeclared += 1,
            Access::Read | Access::Write => self.declared += 1,
        }
        let code = mix(ran.signature, operation.op as u64);
        match access {
            Access::None => self.happen(ran.task, code, None),
            Access::Unknown => self.happen(ran.task, code, Some((UNDECLARED, true))),
            Access::Read => self.happen(ran.task, code, Some((operation.key, false))),
            Access::Write => self.happen(ran.task, code, Some((operation.key, true))),
        }
        if self.ran.len() < MOST {
            self.ran.push(Ran { signature: ran.signature, operation });
        }
    }

    fn observe(&mut self, task: TaskId, event: &Event, names: &dyn Names) {
        let touch = |object: &ObjectId| names.object_key(*object);
        match event {
            Event::Touch { object, write } => self.happen(task, 1, Some((touch(object), *write))),
            Event::Acquire { object } => self.happen(task, 2, Some((touch(object), true))),
            Event::Release { object } => self.happen(task, 3, Some((touch(object), true))),
            Event::Wake { by: Waker::Task(by) } => {
                let cause = *self.last(*by);
                let last = self.last(task);
                *last = mix(*last, cause);
            }
            Event::Spawn { child } => {
                let cause = *self.last(task);
                *self.last(*child) = cause;
            }
            _ => {}
        }
    }

    /// Adds an event of a task that touches an object, and whether it changes it.
    fn happen(&mut self, task: TaskId, code: u64, touch: Option<(u64, bool)>) {
        let mut hash = mix(*self.last(task), code);
        if let Some((key, write)) = touch {
            let uses = self.order.objects.entry(key).or_default();
            hash = mix(mix(hash, key), uses.last_write);
            if write {
                hash = mix(hash, uses.reads);
                *uses = Uses { last_write: hash, reads: 0 };
            } else {
                uses.reads = uses.reads.wrapping_add(hash);
            }
        }
        *self.last(task) = hash;
        self.class = self.class.wrapping_add(mix(hash, 1));
    }

    fn last(&mut self, task: TaskId) -> &mut u64 {
        let last = &mut self.order.last;
        if task.index() >= last.len() {
            last.resize(task.index() + 1, 0);
        }
        &mut last[task.index()]
    }
}

/// Makes the choices of another chooser, and takes notes.
#[derive(Debug)]
pub(crate) struct Observed {
    chooser: Box<dyn Choose>,
    needs: Needs,
    // Whether it is noted which candidates race: every two of them are compared for it.
    races: bool,
    seen: Rc<RefCell<Observation>>,
}

/// A chooser that takes notes, and the notes.
pub(crate) fn shared(
    chooser: Box<dyn Choose>,
    races: bool,
) -> (Observed, Rc<RefCell<Observation>>) {
    let seen = Rc::new(RefCell::new(Observation::default()));
    let needs = chooser.needs();
    (Observed { chooser, needs, races, seen: Rc::clone(&seen) }, seen)
}

impl Choose for Observed {
    fn choose(&mut self, point: &DecisionPoint<'_>) -> u32 {
        let picked = if self.needs == Needs::Nothing { 0 } else { self.chooser.choose(point) };
        let picked = if picked < point.candidates { picked } else { 0 };
        let mut seen = self.seen.borrow_mut();
        seen.decisions += u64::from(point.kind.picks_a_task());
        if seen.taken.len() < MOST {
            seen.taken.push(Taken {
                candidates: point.candidates,
                racing: if self.races { racing(point.tasks) } else { 0 },
            });
        }
        picked
    }

    fn needs(&self) -> Needs {
        Needs::Events
    }

    fn ran(&mut self, ran: &Candidate, names: &dyn Names) {
        if self.needs >= Needs::Tasks {
            self.chooser.ran(ran, names);
        }
        self.seen.borrow_mut().ran(ran);
    }

    fn spawned(&mut self, parent: u64, child: TaskId, signature: u64) {
        if self.needs >= Needs::Tasks {
            self.chooser.spawned(parent, child, signature);
        }
        let mut seen = self.seen.borrow_mut();
        if seen.spawned.len() < MOST {
            seen.spawned.push((parent, signature));
        }
    }

    fn observe(&mut self, task: TaskId, event: &Event, names: &dyn Names) {
        if self.needs >= Needs::Events {
            self.chooser.observe(task, event, names);
        }
        self.seen.borrow_mut().observe(task, event, names);
    }
}

fn racing(tasks: &[Candidate]) -> u64 {
    let mut mask = 0;
    for (index, task) in tasks.iter().enumerate().take(64) {
        let races = tasks
            .iter()
            .enumerate()
            .any(|(other, candidate)| other != index && candidate.operation.races(&task.operation));
        mask |= u64::from(races) << index;
    }
    mask
}
