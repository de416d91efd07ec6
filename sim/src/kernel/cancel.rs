//! How a request to cancel travels: asyncio's `Task.cancel`, with scopes in place of frames.
//!
//! The request goes to what each innermost suspended scope of the task waits for. A wait of our
//! own ends (*cancelled*, its scope will unwind); a wait for another task passes the request on
//! to that task and goes on waiting. Where nothing could take it, or what is awaited is not ours,
//! the task remembers it and raises it at its next step.

use core::task::Waker;

use super::State;
use super::arena::Key;
use super::context;
use super::scope::ScopeKey;
use super::task::{Stage, TaskRef};
use super::wait::{Target, WaitState};
use crate::trace::{Cause, Event};

/// Asks a task to cancel itself; false if it has ended.
///
/// With `within`, only what is suspended inside that scope is asked, as a `timeout` does.
/// Chains of awaiting tasks are followed in a loop: a chain of a million must not exhaust the
/// stack.
pub(crate) fn request(task: TaskRef, within: Option<ScopeKey>, cause: Cause) -> bool {
    let mut pending = vec![(task, within, cause)];
    let mut accepted = None;
    while let Some((task, within, cause)) = pending.pop() {
        let mut request = Request::default();
        let live = context::with(|state| state.request_cancel(task, within, cause, &mut request));
        accepted.get_or_insert(live.unwrap_or(false));
        for waker in request.wakers {
            waker.wake();
        }
        // Depth first, in the order of awaiting, as asyncio's recursion goes.
        pending.extend(request.forward.into_iter().rev().map(|task| (task, None, Cause::PassedOn)));
    }
    accepted.unwrap_or(false)
}

/// Tells a task to end at its await; nothing can refuse. False if it has ended.
pub(crate) fn abort(task: TaskRef) -> bool {
    context::with(|state| {
        let by = state.actor();
        let running = state.current == Some(task);
        let Some(slot) = state.task_mut(task).filter(|slot| slot.stage == Stage::Live) else {
            return false;
        };
        if core::mem::replace(&mut slot.abort, true) {
            return true;
        }
        state.emit(task.id, Event::AbortRequested { by });
        if !running {
            state.wake(task);
        }
        true
    })
    .unwrap_or(false)
}

/// Records that somebody told a task to cancel itself, or to end, when it had ended.
pub(crate) fn note_too_late(task: TaskRef, abort: bool) {
    context::with(|state| {
        let by = state.actor();
        state.emit(task.id, Event::TooLate { by, abort });
    });
}

#[derive(Default)]
struct Request {
    wakers: Vec<Waker>,
    forward: Vec<TaskRef>,
}

impl State {
    fn request_cancel(
        &mut self,
        task: TaskRef,
        within: Option<ScopeKey>,
        cause: Cause,
        request: &mut Request,
    ) -> bool {
        let by = self.actor();
        let running = self.current == Some(task);
        let Some(slot) = self.task_mut(task).filter(|slot| slot.stage == Stage::Live) else {
            return false;
        };
        slot.cancelling += 1;
        self.emit(task.id, Event::CancelRequested { by, cause });
        if running || !self.deliver(task, within, request) {
            self.remember(task, within);
        }
        true
    }

    /// asyncio's `_must_cancel`.
    fn remember(&mut self, task: TaskRef, within: Option<ScopeKey>) {
        let Some(slot) = self.task_mut(task) else { return };
        // The wider of two requests wins.
        slot.must_cancel_within = if slot.must_cancel { None } else { within };
        slot.must_cancel = true;
    }

    /// Gives the request to what the task waits for; false if it has to be remembered.
    fn deliver(&mut self, task: TaskRef, within: Option<ScopeKey>, request: &mut Request) -> bool {
        let innermost = self.innermost(task, within);
        let several = innermost.len() > 1;
        let mut taken = false;
        for scope in innermost {
            let waits: Vec<Key> = self
                .waits_of(task)
                .filter(|(_, node)| node.scope == scope)
                .map(|(key, _)| key)
                .collect();
            if waits.is_empty() {
                // What is awaited is not ours (or is the task's next turn): poll it to raise.
                let waker = scope
                    .and_then(|scope| self.scopes.get(scope))
                    .and_then(|scope| scope.waker.clone());
                match waker {
                    Some(waker) => request.wakers.push(waker),
                    None => self.wake(task),
                }
                // Alone, it is remembered, so that `uncancel` can still take it back.
                if several && let Some(scope) = scope {
                    self.throw_at(scope);
                    taken = true;
                }
                continue;
            }
            for key in waits {
                taken |= self.cancel_wait(task, scope, key, request);
            }
        }
        taken
    }

    fn cancel_wait(
        &mut self,
        task: TaskRef,
        scope: Option<ScopeKey>,
        key: Key,
        request: &mut Request,
    ) -> bool {
        let Some(node) = self.waits.get(key) else { return false };
        if node.state != WaitState::Waiting {
            return false;
        }
        let forward: Vec<TaskRef> = match &node.target {
            Target::Here => {
                let waker = self.waits.get_mut(key).and_then(|node| {
                    node.state = WaitState::Cancelled;
                    node.waker.take()
                });
                match scope {
                    Some(scope) => self.throw_at(scope),
                    None => {
                        if let Some(slot) = self.task_mut(task) {
                            slot.throw = true;
                        }
                    }
                }
                match waker {
                    Some(waker) => request.wakers.push(waker),
                    None => self.wake(task),
                }
                return true;
            }
            Target::Task(awaited) => vec![*awaited],
            Target::Tasks(awaited) => awaited.to_vec(),
        };
        let live: Vec<TaskRef> = forward.into_iter().filter(|task| !self.is_done(*task)).collect();
        if live.is_empty() {
            return false;
        }
        if let Some(node) = self.waits.get_mut(key) {
            node.forwarded = true;
        }
        request.forward.extend(live);
        true
    }

    /// The innermost suspended scopes of a task (inside `within`); `None` stands for its root.
    fn innermost(&self, task: TaskRef, within: Option<ScopeKey>) -> Vec<Option<ScopeKey>> {
        let found: Vec<Option<ScopeKey>> = self
            .scopes_of(task)
            .filter(|(key, scope)| {
                scope.children == 0 && within.is_none_or(|outer| self.is_within(*key, outer))
            })
            .map(|(key, _)| Some(key))
            .collect();
        if found.is_empty() { vec![None] } else { found }
    }

    /// Turns a remembered request into one that is raised in the step that is about to begin.
    pub(crate) fn arm_must_cancel(&mut self, task: TaskRef) {
        let Some(slot) = self.task_mut(task) else { return };
        if !core::mem::take(&mut slot.must_cancel) {
            return;
        }
        let within = slot.must_cancel_within.take();
        for scope in self.innermost(task, within) {
            match scope {
                Some(scope) => self.throw_at(scope),
                None => {
                    if let Some(slot) = self.task_mut(task) {
                        slot.throw = true;
                    }
                }
            }
        }
    }

    /// asyncio's `uncancel`: counts down, and at 0 takes back a request not yet raised.
    pub(crate) fn uncancel(&mut self, task: TaskRef) -> u32 {
        let Some(slot) = self.task_mut(task) else { return 0 };
        slot.cancelling = slot.cancelling.saturating_sub(1);
        if slot.cancelling == 0 {
            slot.must_cancel = false;
            slot.must_cancel_within = None;
        }
        slot.cancelling
    }
}

/// After a poll that returned `Pending`: a request made meanwhile, by the task against itself,
/// goes to what the task has begun to wait for.
pub(crate) fn after_pending(task: TaskRef) {
    let mut request = Request::default();
    context::with(|state| {
        let Some(slot) = state.task_mut(task) else { return };
        if !slot.must_cancel || slot.scheduled {
            return;
        }
        let within = slot.must_cancel_within;
        if state.deliver(task, within, &mut request)
            && let Some(slot) = state.task_mut(task)
        {
            slot.must_cancel = false;
            slot.must_cancel_within = None;
        }
    });
    let Request { wakers, forward } = request;
    for waker in wakers {
        waker.wake();
    }
    for task in forward {
        self::request(task, None, Cause::PassedOn);
    }
}
