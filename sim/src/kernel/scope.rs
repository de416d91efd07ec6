//! Scopes: the boundaries at which a request to cancel can be stopped.
//!
//! A scope stands around a future, as Python's `try` stands around a block. A request is raised
//! at the innermost suspended scope: it drops its inner future, without polling it, and says so
//! to whoever made it (`catch_cancel`, `timeout`, `TaskGroup`, …), in the same poll.

use core::future::Future;
use core::pin::Pin;
use core::task::{Context as PollContext, Poll, Waker};

use super::State;
use super::arena::Key;
use super::context;
use super::task::TaskRef;
use crate::trace::Event;

/// Names a scope.
pub(crate) type ScopeKey = Key;

#[derive(Debug)]
pub(crate) struct Scope {
    pub(crate) task: Option<TaskRef>,
    pub(crate) parent: Option<ScopeKey>,
    /// How many scopes stand directly inside this one.
    pub(crate) children: u32,
    /// A request is to be raised here before the inner future is polled again.
    pub(crate) throw: bool,
    /// Something inside raised the request during this poll.
    pub(crate) raised: bool,
    /// The deadline of the `timeout` this scope belongs to has passed.
    pub(crate) expired: bool,
    // Absent where the task itself is to be woken.
    pub(crate) waker: Option<Waker>,
    pub(crate) next: Option<Key>,
    pub(crate) prev: Option<Key>,
}

/// The half of a scope that lives in its future.
#[derive(Debug, Default)]
pub(crate) struct ScopeHandle {
    entered: Option<(ScopeKey, u64)>,
}

/// How a poll inside a scope came out.
pub(crate) enum Scoped<T> {
    Ready(T),
    Pending,
    /// A request was raised: the inner future is to be dropped, then the scope left.
    Thrown,
}

impl ScopeHandle {
    pub(crate) const fn new() -> Self {
        Self { entered: None }
    }

    /// Enters the scope, if it was not entered before; outside a simulation there is none.
    pub(crate) fn enter(&mut self, state: &mut State) -> Option<ScopeKey> {
        let (task, parent) = (state.current, state.current_scope);
        if let Some((key, run)) = self.entered
            && run == state.run
            && let Some(scope) = state.scopes.get_mut(key)
        {
            if scope.task != task || scope.parent != parent {
                state.move_scope(key, task, parent);
            }
            return Some(key);
        }
        let key = state.scopes.insert(Scope {
            task: None,
            parent: None,
            children: 0,
            throw: false,
            raised: false,
            expired: false,
            waker: None,
            next: None,
            prev: None,
        });
        state.move_scope(key, task, parent);
        self.entered = Some((key, state.run));
        Some(key)
    }

    pub(crate) fn key(&self) -> Option<ScopeKey> {
        self.entered.map(|(key, _)| key)
    }

    /// Whether the deadline of the `timeout` around the scope has passed.
    pub(crate) fn expired(&self) -> bool {
        let Some((key, run)) = self.entered else { return false };
        context::with(|state| {
            run == state.run && state.scopes.get(key).is_some_and(|scope| scope.expired)
        })
        .unwrap_or(false)
    }

    /// Polls `future` inside the scope, and leaves it when the future gives its value.
    pub(crate) fn poll<F: Future>(
        &mut self,
        future: Pin<&mut F>,
        cx: &mut PollContext<'_>,
    ) -> Scoped<F::Output> {
        let polled = self.poll_keeping(future, cx);
        if matches!(polled, Scoped::Ready(_)) {
            drop(self.leave(true));
        }
        polled
    }

    /// Polls `future` inside the scope; the caller leaves it.
    pub(crate) fn poll_keeping<F: Future>(
        &mut self,
        future: Pin<&mut F>,
        cx: &mut PollContext<'_>,
    ) -> Scoped<F::Output> {
        let entry = context::with(|state| {
            let key = self.enter(state)?;
            if state.take_throw(key) {
                return Some(Err(()));
            }
            Some(Ok((key, state.current_scope.replace(key))))
        });
        let (key, outer) = match entry.flatten() {
            // Outside a simulation nothing is ever raised.
            None => {
                return match future.poll(cx) {
                    Poll::Ready(value) => Scoped::Ready(value),
                    Poll::Pending => Scoped::Pending,
                };
            }
            Some(Err(())) => return Scoped::Thrown,
            Some(Ok(entry)) => entry,
        };
        let restore = Restore(outer);
        let polled = future.poll(cx);
        drop(restore);
        match polled {
            Poll::Ready(value) => Scoped::Ready(value),
            Poll::Pending => {
                let (thrown, old_waker) = context::with(|state| {
                    let waker = state.foreign_waker(cx);
                    match state.scopes.get_mut(key) {
                        Some(scope) => {
                            let thrown = core::mem::take(&mut scope.raised);
                            (thrown, core::mem::replace(&mut scope.waker, waker))
                        }
                        None => (false, None),
                    }
                })
                .unwrap_or((false, None));
                drop(old_waker);
                if thrown { Scoped::Thrown } else { Scoped::Pending }
            }
        }
    }

    /// Leaves the scope, after its inner future has ended or was dropped.
    ///
    /// With `rearm`, a request that was raised inside but overtaken by a value is not lost: the
    /// task's next await gets it.
    pub(crate) fn leave(&mut self, rearm: bool) -> Option<Waker> {
        let (key, run) = self.entered.take()?;
        context::with(|state| {
            if run != state.run {
                return None;
            }
            state.unlink_scope(key);
            let scope = state.scopes.remove(key)?;
            if let Some(task) = scope.task
                && let Some(slot) = state.task_mut(task)
            {
                if scope.throw {
                    slot.throwing_scopes -= 1;
                }
                if slot.must_cancel_within == Some(key) {
                    slot.must_cancel_within = scope.parent;
                }
                if rearm && (scope.throw || scope.raised) {
                    slot.must_cancel = true;
                    slot.must_cancel_within = scope.parent;
                }
            }
            scope.waker
        })
        .flatten()
    }
}

impl Drop for ScopeHandle {
    fn drop(&mut self) {
        if self.entered.is_some() {
            drop(self.leave(false));
        }
    }
}

/// Makes the outer scope current again, also when the inner future panics.
struct Restore(Option<ScopeKey>);

impl Drop for Restore {
    fn drop(&mut self) {
        context::with(|state| state.current_scope = self.0);
    }
}

impl State {
    /// Raises the request at the current scope, or at the task's root if there is none: the
    /// caller returns `Pending`.
    pub(crate) fn raise(&mut self) {
        match self.current_scope.and_then(|key| self.scopes.get_mut(key)) {
            Some(scope) => scope.raised = true,
            None => {
                if let Some(slot) = self.current.and_then(|task| self.task_mut(task)) {
                    slot.raised = true;
                }
            }
        }
    }

    /// Marks a request to be raised at a scope before its inner future is polled again.
    pub(crate) fn throw_at(&mut self, key: ScopeKey) {
        let Some(scope) = self.scopes.get_mut(key) else { return };
        if core::mem::replace(&mut scope.throw, true) {
            return;
        }
        let task = scope.task;
        if let Some(slot) = task.and_then(|task| self.task_mut(task)) {
            slot.throwing_scopes += 1;
        }
    }

    fn take_throw(&mut self, key: ScopeKey) -> bool {
        let Some(scope) = self.scopes.get_mut(key) else { return false };
        if !core::mem::take(&mut scope.throw) {
            return false;
        }
        let task = scope.task;
        if let Some(slot) = task.and_then(|task| self.task_mut(task)) {
            slot.throwing_scopes -= 1;
        }
        let task = self.current_task();
        self.emit(task, Event::CancelDelivered);
        true
    }

    /// The scopes of a task, in the order of entering.
    pub(crate) fn scopes_of(&self, task: TaskRef) -> impl Iterator<Item = (ScopeKey, &Scope)> {
        let mut next = self.task(task).and_then(|task| task.first_scope);
        core::iter::from_fn(move || {
            let key = next?;
            let scope = self.scopes.get(key)?;
            next = scope.next;
            Some((key, scope))
        })
    }

    /// Whether `inner` is `outer` or stands inside it.
    pub(crate) fn is_within(&self, inner: ScopeKey, outer: ScopeKey) -> bool {
        let mut at = Some(inner);
        while let Some(key) = at {
            if key == outer {
                return true;
            }
            at = self.scopes.get(key).and_then(|scope| scope.parent);
        }
        false
    }

    fn move_scope(&mut self, key: ScopeKey, task: Option<TaskRef>, parent: Option<ScopeKey>) {
        self.unlink_scope(key);
        let Some(scope) = self.scopes.get_mut(key) else { return };
        let (throw, from) = (scope.throw, scope.task);
        scope.task = task;
        scope.parent = parent;
        if throw && from != task {
            if let Some(slot) = from.and_then(|task| self.task_mut(task)) {
                slot.throwing_scopes -= 1;
            }
            if let Some(slot) = task.and_then(|task| self.task_mut(task)) {
                slot.throwing_scopes += 1;
            }
        }
        if let Some(parent) = parent.and_then(|parent| self.scopes.get_mut(parent)) {
            parent.children += 1;
        }
        let Some(slot) = task.and_then(|task| self.task_mut(task)) else { return };
        match slot.last_scope.replace(key) {
            Some(last) => {
                if let Some(scope) = self.scopes.get_mut(last) {
                    scope.next = Some(key);
                }
                if let Some(scope) = self.scopes.get_mut(key) {
                    scope.prev = Some(last);
                }
            }
            None => slot.first_scope = Some(key),
        }
    }

    fn unlink_scope(&mut self, key: ScopeKey) {
        let Some(scope) = self.scopes.get_mut(key) else { return };
        let (prev, next, task, parent) =
            (scope.prev.take(), scope.next.take(), scope.task, scope.parent);
        if let Some(parent) = parent.and_then(|parent| self.scopes.get_mut(parent)) {
            parent.children -= 1;
        }
        if let Some(scope) = prev.and_then(|prev| self.scopes.get_mut(prev)) {
            scope.next = next;
        }
        if let Some(scope) = next.and_then(|next| self.scopes.get_mut(next)) {
            scope.prev = prev;
        }
        let Some(slot) = task.and_then(|task| self.task_mut(task)) else { return };
        if slot.first_scope == Some(key) {
            slot.first_scope = next;
        }
        if slot.last_scope == Some(key) {
            slot.last_scope = prev;
        }
    }
}
