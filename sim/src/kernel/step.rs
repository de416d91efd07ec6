//! One step of a task: it is made the running one, polled, and suspended or ended.

use core::any::Any;
use core::task::{Context as PollContext, Poll};

use super::cancel;
use super::choice::Pending;
use super::context::{Caught, Context};
use super::end::{self, Ending};
use super::task::{Body, Completion, TaskRef};
use super::{RECENT, State};
use crate::trace::{End, Event, Op};

/// A task that was made the running one.
pub(super) struct Begun {
    pub(super) task: TaskRef,
    body: Box<Body>,
    /// It is to be dropped at its await, not polled.
    unwind: bool,
}

/// A task whose poll returned `Pending`.
pub(super) struct Suspended {
    slot: u32,
    body: Box<Body>,
}

/// Takes one step of a task.
pub(super) fn step(context: &Context, begun: Begun) -> TaskRef {
    let task = begun.task;
    if let Some(suspended) = poll(context, begun) {
        let rare = {
            let mut guard = context.state.borrow_mut();
            let state = guard.as_deref_mut().expect("[sim bug] the run went away");
            state.suspend(suspended)
        };
        if let Some(rare) = rare {
            rare.go_on(context);
        }
    }
    task
}

/// Polls a task; `None` where it has ended, and all is done.
#[inline(always)]
pub(super) fn poll(context: &Context, begun: Begun) -> Option<Suspended> {
    let Begun { task, mut body, unwind } = begun;
    if unwind {
        end_unwound(context, task, body);
        return None;
    }
    let polled = context.guard(|| {
        let Body { future, waker } = &mut *body;
        let Some(future) = future else {
            unreachable!("[sim bug] a task without a future was ready");
        };
        future.as_mut().poll(&mut PollContext::from_waker(waker.waker()))
    });
    match polled {
        Ok(Poll::Pending) => return Some(Suspended { slot: task.slot, body }),
        Ok(Poll::Ready(value)) => end_returned(context, task, body, value),
        Err(caught) => end_panicked(context, task, body, caught),
    }
    None
}

/// What is left to do for a task that is suspended, rarely.
pub(super) enum AfterPending {
    /// A request that the task made against itself goes to what it waits for now.
    Deliver(TaskRef),
    /// What was raised in the poll, outside every scope, ends the task.
    Unwind(TaskRef, Box<Body>),
}

impl AfterPending {
    #[cold]
    pub(super) fn go_on(self, context: &Context) {
        match self {
            AfterPending::Deliver(task) => {
                end::guarded(context, task.id, || cancel::after_pending(task));
            }
            AfterPending::Unwind(task, body) => end_unwound(context, task, body),
        }
    }
}

impl State {
    /// Makes a task the running one, and takes out what is needed to poll it.
    #[inline(always)]
    pub(super) fn begin_step(&mut self, slot: u32) -> Begun {
        let found = &mut self.tasks[slot as usize];
        let task = TaskRef { slot, id: found.id };
        found.scheduled = false;
        let body = found.body.take().expect("[sim bug] a task stepped inside its step");
        // One branch for all that is rare.
        let rare = found.must_cancel | found.abort | found.throw;
        self.current_waker = found.waker_address;
        self.step += 1;
        self.recent[self.step as usize % RECENT] = task.id.0;
        if let Some(heartbeat) = &self.heartbeat {
            heartbeat.store(self.step, core::sync::atomic::Ordering::Relaxed);
        }
        self.emit(task.id, Event::Step);
        let unwind = rare && self.begin_unwinding(task);
        self.current = Some(task);
        Begun { task, body, unwind }
    }

    /// Whether a task is to be dropped at its await in the step that begins.
    #[cold]
    fn begin_unwinding(&mut self, task: TaskRef) -> bool {
        if self.task(task).is_some_and(|found| !found.abort) {
            self.arm_must_cancel(task);
        }
        let Some(found) = self.task_mut(task) else { return false };
        let unwind = found.abort || core::mem::take(&mut found.throw);
        if unwind {
            self.emit(task.id, Event::CancelDelivered);
        }
        unwind
    }

    /// Ends the step of a task that returned `Pending`.
    #[inline(always)]
    pub(super) fn suspend(&mut self, suspended: Suspended) -> Option<AfterPending> {
        let Suspended { slot, body } = suspended;
        let found = &mut self.tasks[slot as usize];
        // One branch for all that is rare.
        let rare = found.raised | found.abort | found.throw | found.must_cancel;
        if rare | (found.throwing_scopes > 0) {
            let task = TaskRef { slot, id: found.id };
            return self.suspend_rarely(task, body);
        }
        // Nothing is there since the step began: said, so that it is not looked for.
        core::mem::forget(found.body.replace(body));
        if !found.scheduled && found.first_wait.is_none() {
            self.note_unknown_wait(slot);
        }
        self.end_step();
        None
    }

    #[cold]
    fn suspend_rarely(&mut self, task: TaskRef, body: Box<Body>) -> Option<AfterPending> {
        self.pass_untaken_outward(task);
        let slot = &mut self.tasks[task.slot as usize];
        if slot.raised || slot.abort || slot.throw {
            // The destructors still belong to the step.
            self.current_scope = None;
            return Some(AfterPending::Unwind(task, body));
        }
        slot.body = Some(body);
        let deliver = slot.must_cancel;
        if !slot.scheduled && slot.first_wait.is_none() {
            self.note_unknown_wait(task.slot);
        }
        self.end_step();
        deliver.then_some(AfterPending::Deliver(task))
    }

    #[cold]
    fn note_unknown_wait(&mut self, slot: u32) {
        let task = &mut self.tasks[slot as usize];
        let (id, place) = (task.id, task.spawned_at);
        // Nobody has told where a foreign future is awaited.
        task.pending = Pending { op: Op::Unknown, object: None, place };
        self.emit(id, Event::Block { op: Op::Unknown, object: None, on: None, place: None });
    }

    #[inline(always)]
    pub(crate) fn end_step(&mut self) {
        self.current = None;
        self.current_scope = None;
        self.current_waker = 0;
        if self.limits.cost_per_step > 0 {
            self.advance(self.limits.cost_per_step);
        }
    }
}

/// Drops a task's future at its await.
#[inline]
fn unwound(context: &Context, body: &mut Body) -> Ending {
    let future = body.future.take();
    match context.guard(move || drop(future)) {
        Ok(()) => Ending::Cancelled,
        Err(caught) => Ending::Panicked(caught),
    }
}

#[cold]
fn end_unwound(context: &Context, task: TaskRef, mut body: Box<Body>) {
    let ending = unwound(context, &mut body);
    end::finish(context, task, body, ending);
}

#[cold]
fn end_panicked(context: &Context, task: TaskRef, mut body: Box<Body>, caught: Caught) {
    // The future has unwound; its box may hold more that does not drop quietly.
    let _ = unwound(context, &mut body);
    end::finish(context, task, body, Ending::Panicked(caught));
}

/// What follows a poll that returned `Ready`.
#[inline(never)]
fn end_returned(context: &Context, task: TaskRef, mut body: Box<Body>, value: Box<dyn Any>) {
    let dropped = unwound(context, &mut body);
    let told = {
        let mut guard = context.state.borrow_mut();
        let state = guard.as_deref_mut().expect("[sim bug] the run went away");
        let slot = &state.tasks[task.slot as usize];
        let rare = slot.must_cancel | slot.raised | slot.abort;
        if rare || matches!(dropped, Ending::Panicked(_)) {
            drop(guard);
            return end_returned_rarely(context, task, body, value, dropped);
        }
        state.settle(task, body, Completion::Value(value), End::Returned)
    };
    end::tell(context, task, told);
}

#[cold]
fn end_returned_rarely(
    context: &Context,
    task: TaskRef,
    body: Box<Body>,
    value: Box<dyn Any>,
    dropped: Ending,
) {
    let cancelled = {
        let mut guard = context.state.borrow_mut();
        let slot = guard.as_deref_mut().and_then(|state| state.task_mut(task));
        slot.is_some_and(|slot| {
            // As in asyncio, an exception of one's own wins over a request not raised yet.
            let failed = slot.fallible.is_some_and(|fallible| (fallible.is_err)(&*value));
            ((slot.must_cancel || slot.raised) && !failed) || slot.abort
        })
    };
    let ending = match dropped {
        Ending::Panicked(caught) => Ending::Panicked(caught),
        // A request that nothing has raised yet: the value is lost, as in asyncio.
        _ if cancelled => match context.guard(move || drop(value)) {
            Ok(()) => Ending::Cancelled,
            Err(caught) => Ending::Panicked(caught),
        },
        _ => Ending::Value(value),
    };
    end::finish(context, task, body, ending);
}

impl State {
    /// A request whose scope was not polled in this step (a kept loser of a `select!`, say) goes
    /// to the next scope outward, and at last to the root of the task.
    #[cold]
    fn pass_untaken_outward(&mut self, task: TaskRef) {
        let untaken: Vec<_> = self
            .scopes_of(task)
            .filter(|(_, scope)| scope.throw)
            .map(|(key, scope)| (key, scope.parent))
            .collect();
        for (key, parent) in untaken {
            if let Some(scope) = self.scopes.get_mut(key) {
                scope.throw = false;
            }
            if let Some(slot) = self.task_mut(task) {
                slot.throwing_scopes -= 1;
            }
            match parent {
                Some(parent) => {
                    self.throw_at(parent);
                    self.wake(task);
                }
                None => {
                    if let Some(slot) = self.task_mut(task) {
                        slot.throw = true;
                    }
                }
            }
        }
    }
}
