//! The causes of a failure: which operations it depends on, and the plainest order of them.
//!
//! From one failing run comes its partial order (what each task did in turn, who touched what
//! after whom, who woke whom); the events before the failure in it are the causal slice. The
//! slice is run again in the order that departs least from first-in-first-out: that alone drops
//! most deviations, at the price of one replay.

use core::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use crate::decision::{Access, Candidate, Choose, DecisionPoint, Names, Needs};
use crate::id::TaskId;
use crate::trace::{Event, Waker};

/// Names an event of any schedule of the program: the task, and its how-manieth operation.
type EventKey = (u64, u32);

/// The partial order of a run.
#[derive(Debug, Default)]
pub(crate) struct Causes {
    // In the order of the run; the causes of each that are not its task's event before it.
    events: Vec<(EventKey, Vec<usize>)>,
    last: BTreeMap<TaskId, usize>,
    // What made a task ready, or spawned it, since its last event.
    pending: BTreeMap<TaskId, Vec<usize>>,
    objects: BTreeMap<u64, Uses>,
    counts: BTreeMap<u64, u32>,
    full: bool,
}

#[derive(Debug, Default)]
struct Uses {
    last_write: Option<usize>,
    reads: Vec<usize>,
}

/// Runs longer than this are not taken apart.
const MOST_EVENTS: usize = 20_000;

/// Stands for all that nobody declared.
const UNDECLARED: u64 = 0;

impl Causes {
    fn ran(&mut self, ran: &Candidate) {
        if self.events.len() == MOST_EVENTS {
            self.full = true;
            return;
        }
        let count = self.counts.entry(ran.signature).or_insert(0);
        *count += 1;
        let index = self.events.len();
        let mut causes = self.pending.remove(&ran.task).unwrap_or_default();
        causes.extend(self.last.insert(ran.task, index));
        self.events.push(((ran.signature, *count), causes));
        match ran.operation.access() {
            Access::None => {}
            Access::Unknown => self.touch(index, UNDECLARED, true),
            Access::Read => self.touch(index, ran.operation.key, false),
            Access::Write => self.touch(index, ran.operation.key, true),
        }
    }

    fn observe(&mut self, task: TaskId, event: &Event, names: &dyn Names) {
        let at = self.last.get(&task).copied();
        match (event, at) {
            (Event::Touch { object, write }, Some(at)) => {
                self.touch(at, names.object_key(*object), *write);
            }
            (Event::Acquire { object } | Event::Release { object }, Some(at)) => {
                self.touch(at, names.object_key(*object), true);
            }
            (Event::Spawn { child }, Some(at)) => self.pending.entry(*child).or_default().push(at),
            (Event::Wake { by: Waker::Task(by) }, _) => {
                let cause = self.last.get(by).copied();
                self.pending.entry(task).or_default().extend(cause);
            }
            _ => {}
        }
    }

    fn touch(&mut self, index: usize, key: u64, write: bool) {
        let uses = self.objects.entry(key).or_default();
        let causes = &mut self.events[index].1;
        causes.extend(uses.last_write.filter(|last| *last != index));
        if write {
            causes.extend(uses.reads.drain(..).filter(|last| *last != index));
            uses.last_write = Some(index);
        } else {
            uses.reads.push(index);
        }
    }

    /// What has to happen for the run to end as it did: all that the last events of `tasks`
    /// depend on; of every task where none is named. None where the run was too long.
    pub(crate) fn slice(&self, tasks: &[TaskId]) -> Option<Slice> {
        if self.full {
            return None;
        }
        let mut open: Vec<usize> = if tasks.is_empty() {
            self.last.values().copied().collect()
        } else {
            tasks.iter().filter_map(|task| self.last.get(task)).copied().collect()
        };
        let mut inside = BTreeSet::new();
        while let Some(index) = open.pop() {
            if inside.insert(index) {
                open.extend(self.events[index].1.iter().copied());
            }
        }
        let after = inside.iter().map(|index| {
            let (key, causes) = &self.events[*index];
            (*key, causes.iter().map(|cause| self.events[*cause].0).collect())
        });
        Some(Slice { after: after.collect() })
    }
}

/// The events that lead to a failure, each with those it comes after.
#[derive(Clone, Debug)]
pub(crate) struct Slice {
    after: BTreeMap<EventKey, Vec<EventKey>>,
}

/// Takes down the partial order of a run that another chooser makes.
#[derive(Debug)]
pub(crate) struct Tracing<C> {
    chooser: C,
    causes: Rc<RefCell<Causes>>,
}

/// A chooser that takes down causes, and where it does.
pub(crate) fn tracing<C: Choose>(chooser: C) -> (Tracing<C>, Rc<RefCell<Causes>>) {
    let causes = Rc::new(RefCell::new(Causes::default()));
    (Tracing { chooser, causes: Rc::clone(&causes) }, causes)
}

impl<C: Choose> Choose for Tracing<C> {
    fn choose(&mut self, point: &DecisionPoint<'_>) -> u32 {
        self.chooser.choose(point)
    }

    fn needs(&self) -> Needs {
        Needs::Events
    }

    fn ran(&mut self, ran: &Candidate, names: &dyn Names) {
        self.chooser.ran(ran, names);
        self.causes.borrow_mut().ran(ran);
    }

    fn spawned(&mut self, parent: u64, child: TaskId, signature: u64) {
        self.chooser.spawned(parent, child, signature);
    }

    fn observe(&mut self, task: TaskId, event: &Event, names: &dyn Names) {
        self.chooser.observe(task, event, names);
        self.causes.borrow_mut().observe(task, event, names);
    }
}

/// Runs the events of a slice in the order that departs least from first-in-first-out.
#[derive(Debug)]
pub(crate) struct InOrder {
    slice: Slice,
    done: BTreeMap<u64, u32>,
}

impl InOrder {
    pub(crate) fn new(slice: Slice) -> Self {
        Self { slice, done: BTreeMap::new() }
    }

    fn may_run(&self, candidate: &Candidate) -> bool {
        let done = |signature| self.done.get(&signature).copied().unwrap_or(0);
        let next = (candidate.signature, done(candidate.signature) + 1);
        let causes = self.slice.after.get(&next);
        causes.is_some_and(|causes| causes.iter().all(|(signature, nth)| done(*signature) >= *nth))
    }
}

impl Choose for InOrder {
    fn choose(&mut self, point: &DecisionPoint<'_>) -> u32 {
        if !point.kind.picks_a_task() {
            return 0;
        }
        point.tasks.iter().position(|task| self.may_run(task)).unwrap_or(0) as u32
    }

    fn needs(&self) -> Needs {
        Needs::Tasks
    }

    fn ran(&mut self, ran: &Candidate, _names: &dyn Names) {
        *self.done.entry(ran.signature).or_insert(0) += 1;
    }
}
