//! The shared objects of a run, and who holds them.
//!
//! A primitive keeps only a [`Tag`]; what reports need to know of it (kind, name, creator,
//! holders) stands here, so that the wait-for graph can be drawn from the kernel alone.

use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use super::State;
use super::context;
use crate::id::{ObjectId, TaskId};
use crate::seed::mix;
use crate::trace::{Event, Holder, Place};

/// Ties a primitive to its entry in the current run's table of objects.
///
/// Registered on first use, and again in each run that uses it: a primitive may be made outside a
/// simulation, or outlive one. What names it is settled when it is made, since who uses it first
/// may depend on the schedule.
#[derive(Debug)]
pub(crate) struct Tag {
    run: AtomicU64,
    id: AtomicU32,
    kind: &'static str,
    name: Option<Box<str>>,
    born: Option<Born>,
}

/// Who made an object, in which run.
#[derive(Clone, Copy, Debug)]
struct Born {
    run: u64,
    creator: TaskId,
    /// As which of the creator's objects of its kind, from 1.
    nth: u32,
    /// The creator's.
    signature: u64,
}

impl Born {
    /// See [`Operation::key`](crate::decision::Operation::key).
    fn key(&self, kind: &str) -> u64 {
        let kind = kind.bytes().fold(0, |key, byte| mix(key, u64::from(byte)));
        mix(mix(self.signature, kind), u64::from(self.nth))
    }
}

impl Tag {
    /// A tag for an object that the current task makes.
    pub(crate) fn new(kind: &'static str) -> Self {
        let born = context::with(|state| state.birth(kind));
        Self { born, ..Self::unborn(kind) }
    }

    /// A tag for an object that whoever uses it first will count as having made.
    pub(crate) const fn unborn(kind: &'static str) -> Self {
        Self { run: AtomicU64::new(0), id: AtomicU32::new(0), kind, name: None, born: None }
    }

    pub(crate) fn set_name(&mut self, name: &str) {
        self.name = Some(name.into());
    }

    pub(crate) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    #[inline]
    pub(crate) fn id(&self, state: &mut State) -> ObjectId {
        if self.run.load(Ordering::Relaxed) == state.run {
            return ObjectId(self.id.load(Ordering::Relaxed));
        }
        self.register(state)
    }

    #[cold]
    fn register(&self, state: &mut State) -> ObjectId {
        let id = ObjectId(u32::try_from(state.objects.len()).expect("[sim bug] 2^32 objects"));
        let born = match self.born {
            Some(born) if born.run == state.run => born,
            _ => state.birth(self.kind),
        };
        state.objects.push(Object {
            kind: self.kind,
            name: self.name.clone(),
            creator: born.creator,
            nth: born.nth,
            key: if state.decisions.wants_tasks() { born.key(self.kind) } else { 0 },
            holders: Holders::default(),
        });
        self.run.store(state.run, Ordering::Relaxed);
        self.id.store(id.0, Ordering::Relaxed);
        id
    }

    /// Records that the current task touches the object.
    pub(crate) fn touched(&self, write: bool) {
        context::with(|state| self.touched_in(state, write));
    }

    /// The same where the state is at hand.
    #[inline]
    pub(crate) fn touched_in(&self, state: &mut State, write: bool) {
        let object = self.id(state);
        let task = state.current_task();
        state.emit(task, Event::Touch { object, write });
    }

    /// Records that the current task got hold of the object.
    pub(crate) fn acquired(&self, place: Place) {
        context::with(|state| self.take_hold(state, place));
    }

    /// As [`acquired`](Self::acquired), for who has the state at hand; gives the task.
    #[inline]
    pub(crate) fn take_hold(&self, state: &mut State, place: Place) -> TaskId {
        let object = self.id(state);
        let task = state.current_task();
        let step = state.step;
        state.objects[object.index()].holders.add(Holder { task, step, place });
        state.emit(task, Event::Acquire { object });
        task
    }

    /// Records that whoever got hold of the object gave it back.
    pub(crate) fn released(&self, holder: TaskId) {
        context::with(|state| self.give_up(state, holder));
    }

    /// As [`released`](Self::released), for who has the state at hand.
    #[inline]
    pub(crate) fn give_up(&self, state: &mut State, holder: TaskId) {
        let object = self.id(state);
        // A guard may be dropped by another task than the one that locked.
        state.objects[object.index()].holders.remove(holder);
        let task = state.current_task();
        state.emit(task, Event::Release { object });
    }
}

/// Who holds an object, in the order in which they got hold of it; mostly one.
#[derive(Debug, Default)]
pub(crate) struct Holders {
    first: Option<Holder>,
    // Invariant: empty where there is no first.
    more: Vec<Holder>,
}

impl Holders {
    #[inline]
    fn add(&mut self, holder: Holder) {
        if self.first.is_none() {
            self.first = Some(holder);
        } else {
            self.more.push(holder);
        }
    }

    /// Takes out the last entry of a task, if there is one.
    #[inline]
    fn remove(&mut self, task: TaskId) {
        if self.more.is_empty() {
            self.first.take_if(|first| first.task == task);
        } else {
            self.remove_one_of_many(task);
        }
    }

    #[cold]
    fn remove_one_of_many(&mut self, task: TaskId) {
        if let Some(position) = self.more.iter().rposition(|held| held.task == task) {
            self.more.remove(position);
        } else if self.first.is_some_and(|first| first.task == task) {
            self.first = Some(self.more.remove(0));
        }
    }

    pub(crate) fn to_vec(&self) -> Vec<Holder> {
        self.first.iter().chain(&self.more).copied().collect()
    }
}

#[derive(Debug)]
pub(crate) struct Object {
    pub(crate) kind: &'static str,
    pub(crate) name: Option<Box<str>>,
    pub(crate) creator: TaskId,
    /// As which of the creator's objects of its kind, from 1.
    pub(crate) nth: u32,
    /// See [`Operation::key`](crate::decision::Operation::key); 0 where nobody wants to know.
    pub(crate) key: u64,
    pub(crate) holders: Holders,
}

impl State {
    /// The label of an object: its name, else `creator-task/kind#n`.
    pub(crate) fn object_label(&self, id: ObjectId) -> String {
        let object = &self.objects[id.index()];
        if let Some(name) = &object.name {
            return name.to_string();
        }
        format!("{}/{}#{}", self.task_label(object.creator), object.kind, object.nth)
    }

    /// Settles what names an object that the current task makes.
    fn birth(&mut self, kind: &'static str) -> Born {
        let creator = self.current_task();
        let (signature, nth) = match self.current {
            Some(task) => {
                let task = &mut self.tasks[task.slot as usize];
                let nth = match task.made.iter_mut().find(|(made, _)| *made == kind) {
                    Some((_, count)) => {
                        *count += 1;
                        *count
                    }
                    None => {
                        task.made.push((kind, 1));
                        1
                    }
                };
                (task.signature, nth)
            }
            // Made by the program before its first step, or by the loop.
            None => {
                self.made_outside += 1;
                (0, self.made_outside)
            }
        };
        Born { run: self.run, creator, nth, signature }
    }
}
