//! The end of a run: what is left of it is dropped, and its memory kept for the next.

use super::State;
use super::context::{self, Context};
use super::task::{self, Task, TaskRef};
use super::turn::Phase;
use super::wait::{Call, TimerAction};
use crate::id::TaskId;

/// How many tasks that destructors spawned at the end of a run are dropped as well.
const MOST_SPAWNED_LATE: usize = 100_000;

/// Drops what is left of a run. Panics of destructors are handed over.
pub(crate) fn close(context: &Context) -> Vec<(TaskId, context::Caught)> {
    let mut caught = Vec::new();
    let slots = {
        let mut guard = context.state.borrow_mut();
        let Some(state) = guard.as_deref_mut() else { return caught };
        state.phase = Phase::Closing;
        state.current = None;
        state.current_scope = None;
        state.next_slot
    };
    // Destructors may spawn: what they spawn is dropped as well, whatever slot it got.
    let mut slot = 0;
    let mut dropped = 0;
    loop {
        let left = {
            let mut guard = context.state.borrow_mut();
            let state = guard.as_deref_mut().expect("[sim bug] the run went away");
            // Most slots hold nothing any more.
            let last = state.next_slot;
            let ahead = state.tasks[slot..last].iter().position(Task::holds_something);
            let found = ahead.map(|skipped| slot + skipped);
            let Some(found) =
                found.or_else(|| state.tasks[..slot].iter().position(Task::holds_something))
            else {
                break;
            };
            slot = found;
            let task = &mut state.tasks[slot];
            let reference = TaskRef { slot: slot as u32, id: task.id };
            let future = task.body.as_mut().and_then(|body| body.future.take());
            let left = (future, task.completion.take());
            state.current = Some(reference);
            (reference.id, left)
        };
        let (id, (future, completion)) = left;
        slot += 1;
        dropped += 1;
        if dropped > slots + MOST_SPAWNED_LATE {
            // A destructor that spawns its like for ever: nothing but this ends it.
            core::mem::forget((future, completion));
            continue;
        }
        for result in [context.guard(move || drop(future)), context.guard(move || drop(completion))]
        {
            if let Err(panic) = result {
                caught.push((id, panic));
            }
        }
    }
    let left = {
        let mut guard = context.state.borrow_mut();
        let state = guard.as_deref_mut().expect("[sim bug] the run went away");
        state.current = None;
        state.take_leftovers()
    };
    if let Err(panic) = context.guard(move || drop(left)) {
        caught.push((TaskId::ROOT, panic));
    }
    caught
}

/// What is left of a run beside its tasks, to be dropped outside the kernel.
struct Leftovers {
    _calls: Vec<Option<Call>>,
    _waits: Vec<super::wait::WaitNode>,
    _scopes: Vec<super::scope::Scope>,
    _watchers: Vec<task::Watcher>,
    _timers: Vec<TimerAction>,
    _blocking: Option<std::sync::Arc<dyn core::any::Any + Send + Sync>>,
}

/// How many tasks' memory is kept for the next run.
const KEPT_SLOTS: usize = 1024;

impl State {
    fn take_leftovers(&mut self) -> Leftovers {
        self.ready.clear();
        let timers = self.timers.clear();
        self.objects.clear();
        self.unobserved.clear();
        self.free_slots.clear();
        let mut watchers = Vec::new();
        for task in &mut self.tasks[..self.next_slot] {
            watchers.append(&mut task.watchers);
            task.reset();
        }
        self.next_slot = 0;
        self.tasks.truncate(KEPT_SLOTS);
        let calls = if self.calls.iter().any(Option::is_some) {
            core::mem::take(&mut self.calls)
        } else {
            self.calls.clear();
            Vec::new()
        };
        self.free_calls.clear();
        Leftovers {
            _calls: calls,
            _waits: self.waits.clear(),
            _scopes: self.scopes.clear(),
            _watchers: watchers,
            _timers: timers,
            _blocking: self.blocking.take(),
        }
    }
}
