//! The shared objects of a run, and who holds them.
//!
//! A primitive keeps only a [`Tag`]; what reports need to know of it (kind, name, creator,
//! holders) stands here, so that the wait-for graph can be drawn from the kernel alone.

use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use super::State;
use super::context;
use crate::id::{ObjectId, TaskId};
use crate::trace::{Event, Holder, Place};

/// Ties a primitive to its entry in the current run's table of objects.
///
/// Registered on first use, and again in each run that uses it: a primitive may be made outside a
/// simulation, or outlive one.
#[derive(Debug)]
pub(crate) struct Tag {
    run: AtomicU64,
    id: AtomicU32,
    kind: &'static str,
    name: Option<Box<str>>,
}

impl Tag {
    pub(crate) const fn new(kind: &'static str) -> Self {
        Self { run: AtomicU64::new(0), id: AtomicU32::new(0), kind, name: None }
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
        let id = ObjectId(u32::try_from(state.objects.len()).expect("[sim bug] 2^32 objects"));
        state.objects.push(Object {
            kind: self.kind,
            name: self.name.clone(),
            creator: state.current_task(),
            holders: Vec::new(),
        });
        self.run.store(state.run, Ordering::Relaxed);
        self.id.store(id.0, Ordering::Relaxed);
        id
    }

    /// Records that the current task got hold of the object.
    pub(crate) fn acquired(&self, place: Place) {
        context::with(|state| {
            let object = self.id(state);
            let task = state.current_task();
            let step = state.step;
            state.objects[object.index()].holders.push(Holder { task, step, place });
            state.emit(task, Event::Acquire { object });
        });
    }

    /// Records that whoever got hold of the object at `place` gave it back.
    pub(crate) fn released(&self, holder: TaskId) {
        context::with(|state| {
            let object = self.id(state);
            let holders = &mut state.objects[object.index()].holders;
            // A guard may be dropped by another task than the one that locked.
            if let Some(position) = holders.iter().rposition(|held| held.task == holder) {
                holders.remove(position);
            }
            let task = state.current_task();
            state.emit(task, Event::Release { object });
        });
    }
}

#[derive(Debug)]
pub(crate) struct Object {
    pub(crate) kind: &'static str,
    pub(crate) name: Option<Box<str>>,
    pub(crate) creator: TaskId,
    pub(crate) holders: Vec<Holder>,
}

impl State {
    /// The label of an object: its name, else `creator-task/kind#n`.
    pub(crate) fn object_label(&self, id: ObjectId) -> String {
        let object = &self.objects[id.index()];
        if let Some(name) = &object.name {
            return name.to_string();
        }
        let nth = self.objects[..=id.index()]
            .iter()
            .filter(|other| {
                other.name.is_none() && other.creator == object.creator && other.kind == object.kind
            })
            .count();
        format!("{}/{}#{nth}", self.task_label(object.creator), object.kind)
    }
}
