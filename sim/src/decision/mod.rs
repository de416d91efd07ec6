//! The one choke point of every choice a run makes.
//!
//! `(point, candidates) → index`: whoever chooses sees the kind of the choice, how many candidates
//! there are and, if it asks for them, what each of them is about to do; never a task itself.
//! Candidate 0 is always what asyncio would do, so a schedule is described by its *deviations*,
//! the choices other than 0, and those alone are stored.
//!
//! Invariant: nothing here knows a policy by name; policies implement [`Choose`].

mod log;
mod operation;
mod recorder;

use core::fmt;

use crate::id::{ObjectId, TaskId};
use crate::trace::Event;

pub use log::{DecisionLog, Deviation, Divergence};
pub(crate) use operation::same_place;
pub use operation::{Access, Operation};
pub(crate) use recorder::{Asked, Decisions};

/// What is being chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// Which ready task runs next; candidates in the order of the ready queue.
    Task,
    /// Which of the timers due at one instant fires next; candidates in (deadline, creation) order.
    Timer,
    /// Which branch of a `select!` is polled first; candidate 0 is the first as written.
    Select,
    /// Whether the running task is left at a schedule point: candidate 0 is to go on, the others
    /// are the ready tasks in the order of the queue.
    Point,
}

impl Kind {
    /// Whether the candidates are tasks, one of which is about to run.
    #[must_use]
    pub fn picks_a_task(self) -> bool {
        matches!(self, Kind::Task | Kind::Point)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Task => "task",
            Kind::Timer => "timer",
            Kind::Select => "select",
            Kind::Point => "schedule point",
        })
    }
}

/// A choice that is to be made.
#[derive(Clone, Copy)]
pub struct DecisionPoint<'a> {
    /// What is being chosen.
    pub kind: Kind,
    /// How many candidates there are; at least 2.
    pub candidates: u32,
    /// How many steps the run has taken.
    pub step: u64,
    /// The virtual time, in nanoseconds.
    pub now: u64,
    /// What the candidates are; empty unless the chooser [`needs`](Choose::needs) them, and for a
    /// `select!`, whose branches are not known.
    pub tasks: &'a [Candidate],
    /// What things are called.
    pub names: &'a dyn Names,
}

impl fmt::Debug for DecisionPoint<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DecisionPoint")
            .field("kind", &self.kind)
            .field("candidates", &self.candidates)
            .field("step", &self.step)
            .field("now", &self.now)
            .field("tasks", &self.tasks)
            .finish_non_exhaustive()
    }
}

/// Something that can be picked: a task that is ready, or the timer of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The task.
    pub task: TaskId,
    /// What names the task in every run of a program: it depends on who spawned it and as which
    /// of its children, not on when.
    pub signature: u64,
    /// What it is about to do.
    pub operation: Operation,
}

/// Tells what things are called.
pub trait Names {
    /// The name that the program gave a live task.
    fn given_name(&self, task: TaskId) -> Option<String>;

    /// The tasks of the choice that is being made, in order.
    fn candidates(&self) -> Vec<Candidate>;

    /// What an object is called, and who made it.
    fn object(&self, object: ObjectId) -> ObjectName;

    /// What names an object in every run of a program; see [`Operation::key`].
    fn object_key(&self, object: ObjectId) -> u64;
}

/// What an object is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectName {
    /// The name that the program gave it.
    pub given: Option<String>,
    /// Who made it.
    pub creator: TaskId,
    /// What it is: `Mutex`, `Event`, …
    pub kind: &'static str,
    /// As which of its creator's objects of this kind, from 1.
    pub nth: u32,
}

/// How much a chooser wants to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Needs {
    /// Nothing: it always picks candidate 0, and is not asked.
    Nothing,
    /// How many candidates there are.
    Count,
    /// What is run, and all that happens; the candidates only where it asks
    /// ([`Names::candidates`]).
    Followed,
    /// What each candidate is about to do, and what was run.
    Tasks,
    /// All that happens.
    Events,
}

/// Makes the choices of a run.
///
/// Asked only where there are at least two candidates. An answer that is out of range counts as
/// candidate 0. What [`needs`](Choose::needs) does not ask for is neither computed nor told.
///
/// It is called by the loop, between steps: it must not use the simulation (`sim::spawn`,
/// `sim::now`, a wake), which panics there.
pub trait Choose: fmt::Debug {
    /// Picks the index of a candidate.
    fn choose(&mut self, point: &DecisionPoint<'_>) -> u32;

    /// Says how much it wants to know; asked once, before the run.
    fn needs(&self) -> Needs {
        Needs::Count
    }

    /// Learns that a task begins a step, or goes on at a schedule point, with this operation,
    /// whether or not there was a choice.
    fn ran(&mut self, ran: &Candidate, names: &dyn Names) {
        let _ = (ran, names);
    }

    /// Learns that a task was spawned, before anything is known of it but its signature and its
    /// parent's (0 for the root's).
    fn spawned(&mut self, parent: u64, child: TaskId, signature: u64) {
        let _ = (parent, child, signature);
    }

    /// Learns what happened to a task.
    fn observe(&mut self, task: TaskId, event: &Event, names: &dyn Names) {
        let _ = (task, event, names);
    }
}

impl<C: Choose + ?Sized> Choose for Box<C> {
    fn choose(&mut self, point: &DecisionPoint<'_>) -> u32 {
        (**self).choose(point)
    }

    fn needs(&self) -> Needs {
        (**self).needs()
    }

    fn ran(&mut self, ran: &Candidate, names: &dyn Names) {
        (**self).ran(ran, names);
    }

    fn spawned(&mut self, parent: u64, child: TaskId, signature: u64) {
        (**self).spawned(parent, child, signature);
    }

    fn observe(&mut self, task: TaskId, event: &Event, names: &dyn Names) {
        (**self).observe(task, event, names);
    }
}

/// Picks candidate 0, always: first in, first out.
#[derive(Debug)]
pub(crate) struct First;

impl Choose for First {
    fn choose(&mut self, _point: &DecisionPoint<'_>) -> u32 {
        0
    }

    fn needs(&self) -> Needs {
        Needs::Nothing
    }
}
