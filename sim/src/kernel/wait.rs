//! How everything parks.
//!
//! A [`Parked`] lives in the future that waits; the kernel keeps a node for it while it waits:
//! for what, at which `.await`, inside which scope. It is asyncio's `Future` with one waiter:
//! *waiting*, then *done* or *cancelled*. Through these nodes requests to cancel find the await
//! they belong to, and reports find who waits for whom.

use core::panic::Location;
use core::task::{Context as PollContext, Waker};
use std::collections::VecDeque;
use std::sync::Arc;

use super::State;
use super::arena::Key;
use super::context;
use super::scope::ScopeKey;
use super::task::{Callback, TaskRef};
use crate::clock::TimerId;
use crate::id::{ObjectId, TaskId};
use crate::trace::{Event, Op, Place};

/// Names a wait of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WaitRef {
    key: Key,
    run: u64,
}

/// How far a wait has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WaitState {
    /// Nothing has happened yet.
    Waiting,
    /// What it waited for has happened; its task is to be polled.
    Done,
    /// A request to cancel took it; its scope is to be unwound.
    Cancelled,
}

/// What a request to cancel does to a wait.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    /// Ends it.
    Here,
    /// Goes on to the task that is awaited.
    Task(TaskRef),
    /// Goes on to each of the tasks that are awaited.
    // A thin pointer: every wait has room for it.
    Tasks(Arc<Box<[TaskRef]>>),
}

#[derive(Debug)]
pub(crate) struct WaitNode {
    pub(crate) task: Option<TaskRef>,
    pub(crate) scope: Option<ScopeKey>,
    pub(crate) state: WaitState,
    // Absent where the task itself is to be woken.
    pub(crate) waker: Option<Waker>,
    pub(crate) target: Target,
    /// A request went on to the target.
    pub(crate) forwarded: bool,
    pub(crate) op: Op,
    pub(crate) object: Option<ObjectId>,
    pub(crate) place: Place,
    pub(crate) since_step: u64,
    pub(crate) since: u64,
    pub(crate) next: Option<Key>,
    prev: Option<Key>,
}

/// What is run through the ready queue beside tasks.
pub(crate) enum Call {
    /// Wakes a combinator's waker.
    Wake(Waker),
    Callback(Arc<dyn Callback>, usize),
    Timeout(ScopeKey),
}

impl core::fmt::Debug for Call {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Call::Wake(_) => "Wake",
            Call::Callback(..) => "Callback",
            Call::Timeout(_) => "Timeout",
        })
    }
}

/// What happens when a timer fires.
pub(crate) struct TimerAction {
    pub(crate) deadline: u64,
    pub(crate) task: TaskId,
    pub(crate) then: TimerThen,
}

pub(crate) enum TimerThen {
    Complete(WaitRef),
    Callback(Arc<dyn Callback>, usize),
    Timeout(ScopeKey),
}

impl core::fmt::Debug for TimerAction {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("TimerAction").field("deadline", &self.deadline).finish_non_exhaustive()
    }
}

/// Chooses the place to report for an await.
///
/// `#[track_caller]` on a `poll` gives the `.await`, except inside combinators and boxes, where
/// the caller is library code: then the place where the future was made says more.
#[inline]
pub(crate) fn await_place(polled_at: Place, made_at: Place) -> Place {
    if is_foreign(polled_at.file()) { made_at } else { polled_at }
}

fn is_foreign(file: &str) -> bool {
    const OWN: &str = {
        // This file's path as the compiler sees it, without `kernel/wait.rs`.
        let bytes = file!().as_bytes();
        match core::str::from_utf8(bytes.split_at(bytes.len() - "kernel/wait.rs".len()).0) {
            Ok(prefix) => prefix,
            Err(_) => "",
        }
    };
    file.starts_with('/') || file.as_bytes().get(1) == Some(&b':') || file.starts_with(OWN)
}

/// The waiting half of a future, kept by whoever waits.
#[derive(Debug)]
pub(crate) struct Parked {
    wait: Option<WaitRef>,
    made_at: Place,
}

impl Parked {
    #[track_caller]
    pub(crate) fn new() -> Self {
        Self { wait: None, made_at: Location::caller() }
    }

    pub(crate) fn made_at(place: Place) -> Self {
        Self { wait: None, made_at: place }
    }

    pub(crate) fn place(&self) -> Place {
        self.made_at
    }

    pub(crate) fn wait(&self) -> Option<WaitRef> {
        self.wait
    }

    pub(crate) fn is_parked(&self) -> bool {
        self.wait.is_some()
    }

    /// Begins to wait; the caller returns `Pending`.
    // Inlined: most of what it writes is known where it is called.
    #[inline(always)]
    pub(crate) fn park(
        &mut self,
        state: &mut State,
        cx: &PollContext<'_>,
        op: Op,
        object: Option<ObjectId>,
        target: Target,
        polled_at: Place,
    ) -> WaitRef {
        debug_assert!(self.wait.is_none(), "[sim bug] parked twice");
        let place = await_place(polled_at, self.made_at);
        let on = match &target {
            Target::Task(task) => Some(task.id),
            Target::Here | Target::Tasks(_) => None,
        };
        let (task, scope) = (state.current, state.current_scope);
        let (since_step, since) = (state.step, state.now);
        let waker = state.foreign_waker(cx);
        // The running task is there, and its waits stand in the order of parking.
        let mut slot = task.map(|task| &mut state.tasks[task.slot as usize]);
        let prev = slot.as_mut().and_then(|slot| slot.last_wait);
        let (node, key) = state.waits.vacant();
        *node = Some(WaitNode {
            task,
            scope,
            state: WaitState::Waiting,
            waker,
            target,
            forwarded: false,
            op,
            object,
            place,
            since_step,
            since,
            next: None,
            prev,
        });
        if let Some(slot) = slot {
            slot.last_wait = Some(key);
            match prev {
                None => slot.first_wait = Some(key),
                Some(prev) => {
                    if let Some(node) = state.waits.get_mut(prev) {
                        node.next = Some(key);
                    }
                }
            }
        }
        state.set_pending(op, object, place);
        state.emit(state.current_task(), Event::Block { op, object, on, place: Some(place) });
        let wait = WaitRef { key, run: state.run };
        self.wait = Some(wait);
        wait
    }

    /// Leaves a wait that a request took.
    ///
    /// Its scope was unwound without dropping it, since its future is kept outside (as in
    /// `timeout(d, &mut future)`): who polls it again waits anew.
    #[inline]
    pub(crate) fn forget_cancelled(&mut self, state: &mut State) {
        let Some(wait) = self.wait else { return };
        if state.wait_state(wait) == Some(WaitState::Cancelled) {
            // Its waker went with the request: nothing is dropped here.
            drop(self.leave(state));
        }
    }

    /// Looks how far the wait has come, when its future is polled again.
    #[inline]
    pub(crate) fn repoll(&self, state: &mut State, cx: &PollContext<'_>) -> WaitState {
        let Some(wait) = self.wait.filter(|wait| wait.run == state.run) else {
            return WaitState::Done;
        };
        let foreign = state.foreign_waker(cx);
        let (task, scope) = (state.current, state.current_scope);
        let Some(node) = state.waits.get_mut(wait.key) else { return WaitState::Done };
        let found = node.state;
        if found == WaitState::Waiting {
            node.waker = foreign;
            node.scope = scope;
            if node.task != task {
                state.unlink_wait(wait.key);
                if let Some(node) = state.waits.get_mut(wait.key) {
                    node.task = task;
                }
                if let Some(task) = task {
                    state.link_wait(task, wait.key);
                }
            }
        }
        found
    }

    /// Ends the wait. Returns how far it had come, and what the caller must drop.
    #[inline(always)]
    pub(crate) fn leave(&mut self, state: &mut State) -> Option<Left> {
        if self.wait.is_some() { self.leave_wait(state) } else { None }
    }

    fn leave_wait(&mut self, state: &mut State) -> Option<Left> {
        let wait = self.wait.take().filter(|wait| wait.run == state.run)?;
        let (left, task, prev, next) = state.waits.remove_with(wait.key, |node| {
            let waker = node.waker.take();
            let left = Left { state: node.state, forwarded: node.forwarded, _waker: waker };
            (left, node.task, node.prev, node.next)
        })?;
        state.unlinked(wait.key, task, prev, next);
        Some(left)
    }

    /// Ends the wait if what it waits for has happened: mostly the case where a future is polled
    /// again.
    #[inline]
    pub(crate) fn leave_if_done(&mut self, state: &mut State) -> Option<Left> {
        let wait = self.wait?;
        if state.wait_state(wait) == Some(WaitState::Done) { self.leave_wait(state) } else { None }
    }

    /// Ends the wait of a future that is being dropped.
    pub(crate) fn leave_on_drop(&mut self) -> Option<Left> {
        self.wait?;
        context::with(|state| self.leave(state)).flatten()
    }
}

/// What a wait had come to when it was left.
#[derive(Debug)]
pub(crate) struct Left {
    pub(crate) state: WaitState,
    pub(crate) forwarded: bool,
    // Dropped by the caller: a combinator's waker may run user code when it goes.
    _waker: Option<Waker>,
}

impl Drop for Parked {
    #[inline]
    fn drop(&mut self) {
        if self.wait.is_some() {
            drop(self.leave_on_drop());
        }
    }
}

/// Marks a wait as done and wakes its task; false if it was done or cancelled before, or is gone.
pub(crate) fn complete(wait: WaitRef) -> bool {
    let (found, waker) = context::with(|state| state.complete(wait)).unwrap_or((false, None));
    if let Some(waker) = waker {
        waker.wake();
    }
    found
}

impl State {
    /// A clone of the waker a future was polled with, unless it is the task's own.
    #[inline]
    pub(crate) fn foreign_waker(&self, cx: &PollContext<'_>) -> Option<Waker> {
        if cx.waker().data().addr() == self.current_waker { None } else { Some(cx.waker().clone()) }
    }

    #[inline]
    pub(crate) fn wait_state(&self, wait: WaitRef) -> Option<WaitState> {
        if wait.run != self.run {
            return None;
        }
        self.waits.get(wait.key).map(|node| node.state)
    }

    /// As [`complete`], from inside: the caller wakes the waker when the state is free.
    #[must_use]
    #[inline]
    pub(crate) fn complete(&mut self, wait: WaitRef) -> (bool, Option<Waker>) {
        match self.complete_own(wait) {
            Some(found) => (found, None),
            None => self.complete_foreign(wait),
        }
    }

    /// As [`complete`], where no waker but the task's own is to be woken; else does nothing.
    #[must_use]
    #[inline]
    pub(crate) fn complete_own(&mut self, wait: WaitRef) -> Option<bool> {
        if wait.run != self.run {
            return Some(false);
        }
        let Some(node) = self.waits.get_mut(wait.key) else { return Some(false) };
        if node.state != WaitState::Waiting {
            return Some(false);
        }
        if node.waker.is_some() {
            return None;
        }
        node.state = WaitState::Done;
        if let Some(task) = node.task {
            self.wake(task);
        }
        Some(true)
    }

    #[cold]
    pub(crate) fn complete_foreign(&mut self, wait: WaitRef) -> (bool, Option<Waker>) {
        let Some(node) = self.waits.get_mut(wait.key) else { return (false, None) };
        node.state = WaitState::Done;
        (true, node.waker.clone())
    }

    fn link_wait(&mut self, task: TaskRef, key: Key) {
        let Some(slot) = self.task_mut(task) else { return };
        let last = slot.last_wait.replace(key);
        match last {
            Some(last) => {
                if let Some(node) = self.waits.get_mut(last) {
                    node.next = Some(key);
                }
                if let Some(node) = self.waits.get_mut(key) {
                    node.prev = Some(last);
                }
            }
            None => slot.first_wait = Some(key),
        }
    }

    fn unlink_wait(&mut self, key: Key) {
        let Some(node) = self.waits.get_mut(key) else { return };
        let (prev, next, task) = (node.prev.take(), node.next.take(), node.task);
        self.unlinked(key, task, prev, next);
    }

    /// Closes the gap that a wait leaves in its task's list.
    #[inline]
    fn unlinked(&mut self, key: Key, task: Option<TaskRef>, prev: Option<Key>, next: Option<Key>) {
        if let Some(node) = prev.and_then(|prev| self.waits.get_mut(prev)) {
            node.next = next;
        }
        if let Some(node) = next.and_then(|next| self.waits.get_mut(next)) {
            node.prev = prev;
        }
        let Some(slot) = task.and_then(|task| self.task_mut(task)) else { return };
        if slot.first_wait == Some(key) {
            slot.first_wait = next;
        }
        if slot.last_wait == Some(key) {
            slot.last_wait = prev;
        }
    }

    /// The waits of a task, in the order of parking.
    pub(crate) fn waits_of(&self, task: TaskRef) -> impl Iterator<Item = (Key, &WaitNode)> {
        let mut next = self.task(task).and_then(|task| task.first_wait);
        core::iter::from_fn(move || {
            let key = next?;
            let node = self.waits.get(key)?;
            next = node.next;
            Some((key, node))
        })
    }

    /// Cuts the waits and scopes that outlive a task (their futures were moved out of it) off.
    pub(crate) fn orphan(&mut self, task: TaskRef) {
        let Some(slot) = self.task_mut(task) else { return };
        let (mut wait, mut scope) = (slot.first_wait.take(), slot.first_scope.take());
        slot.last_wait = None;
        slot.last_scope = None;
        while let Some(node) = wait.and_then(|key| self.waits.get_mut(key)) {
            node.task = None;
            node.scope = None;
            node.prev = None;
            wait = node.next.take();
        }
        while let Some(node) = scope.and_then(|key| self.scopes.get_mut(key)) {
            node.task = None;
            node.parent = None;
            node.prev = None;
            scope = node.next.take();
        }
    }

    /// Sets a timer in the name of the current task.
    #[inline(always)]
    pub(crate) fn set_timer(&mut self, deadline: u64, then: TimerThen) -> TimerId {
        let task = self.current_task();
        self.emit(task, Event::TimerSet { deadline });
        self.timers.insert(deadline, TimerAction { deadline, task, then })
    }

    /// Drops a timer; the action is handed over, since dropping it may run user code.
    #[must_use]
    pub(crate) fn drop_timer(&mut self, timer: TimerId) -> Option<TimerAction> {
        let action = self.timers.remove(timer)?;
        self.emit(action.task, Event::TimerDropped { deadline: action.deadline });
        Some(action)
    }
}

/// The waiters of a primitive, in order of arrival.
#[derive(Debug, Default)]
pub(crate) struct WaitQueue {
    waiters: VecDeque<WaitRef>,
}

impl WaitQueue {
    pub(crate) const fn new() -> Self {
        Self { waiters: VecDeque::new() }
    }

    pub(crate) fn push(&mut self, wait: WaitRef) {
        self.waiters.push_back(wait);
    }

    /// Takes a waiter out; false if it was not there.
    pub(crate) fn remove(&mut self, wait: WaitRef) -> bool {
        match self.waiters.iter().position(|other| *other == wait) {
            Some(position) => self.waiters.remove(position).is_some(),
            None => false,
        }
    }

    pub(crate) fn pop(&mut self) -> Option<WaitRef> {
        self.waiters.pop_front()
    }

    pub(crate) fn len(&self) -> usize {
        self.waiters.len()
    }

    /// The first waiter, whatever has become of it.
    pub(crate) fn first(&self) -> Option<WaitRef> {
        self.waiters.front().copied()
    }

    /// The first waiter that is neither done nor cancelled.
    pub(crate) fn first_waiting(&self, state: &State) -> Option<WaitRef> {
        self.waiting(state).next()
    }

    /// The waiters that are neither done nor cancelled.
    pub(crate) fn waiting<'a>(&'a self, state: &'a State) -> impl Iterator<Item = WaitRef> + 'a {
        self.waiters
            .iter()
            .copied()
            .filter(|wait| state.wait_state(*wait) == Some(WaitState::Waiting))
    }

    /// Whether there is a waiter that was not cancelled.
    pub(crate) fn any_not_cancelled(&self, state: &State) -> bool {
        self.waiters.iter().any(|wait| {
            matches!(state.wait_state(*wait), Some(WaitState::Waiting | WaitState::Done))
        })
    }
}
