//! The end of a task: its watchers are told, and what nobody holds is dropped.

use core::any::Any;
use std::sync::{Arc, Mutex};

use super::State;
use super::context::{self, Caught};
use super::task::{
    Body, Completion, MAX_PANICS, Stage, TaskRef, Unobserved, UnobservedKind, Watcher,
};
use super::turn::Phase;
use crate::id::TaskId;
use crate::trace::{End, Event};

/// How a poll of a task came out.
pub(crate) enum Ending {
    Value(Box<dyn Any>),
    Cancelled,
    Panicked(Caught),
}

/// Runs what the loop does in the name of a task. The user's code in it (wakers, destructors) may
/// panic: that counts as a panic of the task which nobody looked at, and the loop goes on.
pub(crate) fn guarded(context: &context::Context, task: TaskId, f: impl FnOnce()) {
    if let Err(caught) = context.guard(f) {
        note_panic(context, task, caught);
    }
}

#[cold]
fn note_panic(context: &context::Context, task: TaskId, caught: Caught) {
    let (payload, site) = caught.into_parts();
    context::drop_quietly(payload);
    if let Some(state) = context.state.borrow_mut().as_deref_mut() {
        let name = state.task_label(task);
        state.unobserved.push(Unobserved { task, name, kind: UnobservedKind::Panic(site) });
    }
}

/// Ends a task in its step: tells its watchers, and frees what nobody holds.
pub(crate) fn finish(context: &context::Context, task: TaskRef, body: Box<Body>, ending: Ending) {
    let told = {
        let mut state = context.state.borrow_mut();
        let Some(state) = state.as_deref_mut() else { return };
        let (completion, end) = match ending {
            Ending::Value(value) => (Completion::Value(value), End::Returned),
            Ending::Cancelled => (Completion::Cancelled, End::Cancelled),
            Ending::Panicked(caught) => {
                let (payload, site) = caught.into_parts();
                if state.panics.len() < MAX_PANICS {
                    state.panics.push((task.id, site.clone()));
                }
                let payload = Arc::new(Mutex::new(Some(payload)));
                (Completion::Panicked { site: Box::new(site), payload }, End::Panicked)
            }
        };
        state.settle(task, body, completion, end)
    };
    tell(context, task, told);
}

/// Says whether a task's watchers know of its end.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// They do, and the step has ended.
    All,
    /// They have to be told by [`tell`].
    Nobody,
}

impl State {
    /// Marks the running task as ended, and tells its watchers if that can be done at once.
    #[inline(always)]
    pub(crate) fn settle(
        &mut self,
        task: TaskRef,
        body: Box<Body>,
        completion: Completion,
        end: End,
    ) -> Told {
        self.emit(task.id, Event::Finish(end));
        self.alive -= 1;
        let slot = &mut self.tasks[task.slot as usize];
        slot.body = Some(body);
        slot.stage = Stage::Done;
        slot.completion = Some(completion);
        if slot.scheduled {
            slot.scheduled = false;
            self.ready.forget_task(task.slot);
        }
        let slot = &mut self.tasks[task.slot as usize];
        if slot.first_wait.is_some() || slot.first_scope.is_some() {
            self.orphan(task);
        }
        if task.id == TaskId::ROOT && matches!(self.phase, Phase::Running) {
            self.phase = Phase::root_ended();
            if end == End::Panicked {
                // The run has failed; what others would still do says nothing about why.
                self.stop_now();
            }
        }
        let slot = &self.tasks[task.slot as usize];
        if slot.handles == 0 {
            return Told::Nobody;
        }
        match slot.watchers[..] {
            [] => {}
            // The usual: one task awaits the handle.
            [Watcher::Wait(wait)] => {
                if self.complete_own(wait).is_none() {
                    return Told::Nobody;
                }
                self.tasks[task.slot as usize].watchers.clear();
            }
            _ => return Told::Nobody,
        }
        self.end_step();
        Told::All
    }
}

/// Tells a task's watchers of its end, and ends its step.
#[inline]
pub(crate) fn tell(context: &context::Context, task: TaskRef, told: Told) {
    if told == Told::Nobody {
        tell_each(context, task);
    }
}

#[cold]
fn tell_each(context: &context::Context, task: TaskRef) {
    let watchers = context
        .state
        .borrow_mut()
        .as_deref_mut()
        .and_then(|state| state.task_mut(task).map(|slot| core::mem::take(&mut slot.watchers)));
    let mut watchers = watchers.unwrap_or_default();
    for watcher in watchers.drain(..) {
        match watcher {
            // A waker may be a combinator's own, and so user code.
            Watcher::Wait(wait) => guarded(context, task.id, || {
                super::wait::complete(wait);
            }),
            Watcher::Callback(callback, tag) => {
                if let Some(state) = context.state.borrow_mut().as_deref_mut() {
                    state.push_call(super::wait::Call::Callback(callback, tag));
                }
            }
        }
    }
    let leftover = context.state.borrow_mut().as_deref_mut().and_then(|state| {
        let slot = state.task_mut(task)?;
        // Kept for its memory.
        slot.watchers = watchers;
        if slot.handles == 0 { Some(state.vacate(task.slot)) } else { None }
    });
    if let Some(leftover) = leftover {
        // The value's destructor is user code.
        guarded(context, task.id, || drop(leftover));
    }
    if let Some(state) = context.state.borrow_mut().as_deref_mut() {
        state.end_step();
    }
}
