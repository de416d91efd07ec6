//! The loop: asyncio's `_run_once`, one task step at a time.
//!
//! A pass begins by appending the timers that are due behind what is ready, then runs as many
//! entries as the queue then holds; what becomes ready meanwhile waits for the next pass. Under a
//! policy other than FIFO a pass runs that many entries too, whoever is picked.

use core::any::Any;
use core::task::{Context as PollContext, Poll};
use std::rc::Rc;

use super::cancel;
use super::context::{self, Context};
use super::ready::Entry;
use super::task::{self, Body, Ending, TaskRef};
use super::wait::{Call, TimerAction, TimerThen};
use super::{RECENT, State};
use crate::decision::{Divergence, Kind};
use crate::id::TaskId;
use crate::trace::{Event, Op};

/// How far a run has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// The root is alive.
    Running,
    /// The root has ended: the rest of its pass and one pass more are run.
    Draining { passes: u8 },
    /// What was pending was asked to cancel itself, and is awaited.
    Cancelling { tasks: Vec<TaskRef>, passes: u8 },
    /// Nothing is run any more; what still exists is being dropped.
    Closing,
}

impl Phase {
    pub(crate) fn root_ended() -> Self {
        Phase::Draining { passes: 1 }
    }
}

/// Why a turn did not run a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The root has ended, and so have the passes that asyncio still runs.
    Drained,
    /// The tasks that were asked to cancel themselves have ended.
    Cancelled,
    /// Nothing is ready and no timer is set.
    Deadlock,
    /// The step limit is reached.
    Steps,
    /// The next thing to happen lies beyond the limit of virtual time.
    Time { next: u64 },
    /// A task was woken from outside the simulation.
    Outside { task: TaskId },
    /// A replay left its record.
    Diverged(Divergence),
}

/// What a turn did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    Step(TaskRef),
    Stop(Stop),
}

/// What comes next.
enum Next {
    Step(Begun),
    /// A task was picked that stands behind callbacks.
    Behind(usize),
    Call(Call),
    /// A task is about to be picked.
    Settled,
    Stop(Stop),
}

/// Who picks the next task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Picker {
    /// The policy.
    Policy,
    /// Whoever steps through the run: the task at this place in the queue.
    Outside(usize),
    /// Nobody: only what stands before the next pick is run.
    Nobody,
}

/// Runs callbacks up to the next task; `Some` where there is none.
pub(crate) fn settle(context: &Context) -> Option<Stop> {
    loop {
        match next(context, Picker::Nobody) {
            Next::Call(call) => run_call(context, call),
            Next::Settled => return None,
            Next::Stop(stop) => return Some(stop),
            Next::Step(_) | Next::Behind(_) => unreachable!("[sim bug] picked by nobody"),
        }
    }
}

/// Runs callbacks up to the next task, and one step of it.
pub(crate) fn turn(context: &Context, picker: Picker) -> Turn {
    loop {
        match next(context, picker) {
            Next::Step(begun) => return Turn::Step(step(context, begun)),
            Next::Behind(nth) => return Turn::Step(step_behind_calls(context, nth)),
            Next::Call(call) => run_call(context, call),
            Next::Stop(stop) => return Turn::Stop(stop),
            Next::Settled => unreachable!("[sim bug] somebody picks"),
        }
    }
}

/// Runs until nothing more can be run in this phase.
pub(crate) fn run(context: &Context) -> Stop {
    loop {
        match next(context, Picker::Policy) {
            Next::Step(begun) => {
                step(context, begun);
            }
            Next::Behind(nth) => {
                step_behind_calls(context, nth);
            }
            Next::Call(call) => run_call(context, call),
            Next::Stop(stop) => return stop,
            Next::Settled => unreachable!("[sim bug] somebody picks"),
        }
    }
}

// Inlined, as is what it calls: moving the parts of a step through memory costs more than the step.
#[inline(always)]
fn next(context: &Context, picker: Picker) -> Next {
    let mut guard = context.state.borrow_mut();
    let state = guard.as_deref_mut().expect("[sim bug] the run went away");
    loop {
        if let Some(stop) = state.begin_turn() {
            return Next::Stop(stop);
        }
        match state.ready.front() {
            Some(Entry::Task(_)) => {
                let nth = match picker {
                    Picker::Nobody => return Next::Settled,
                    picker => state.pick(picker),
                };
                if nth == 0 {
                    let Some(Entry::Task(slot)) = state.ready.pop_front() else { continue };
                    state.pass_left -= 1;
                    return Next::Step(state.begin_step(slot));
                }
                if state.ready.tasks() < state.ready.len() {
                    return Next::Behind(nth);
                }
                let Some(slot) = state.ready.remove_task(nth) else { continue };
                state.pass_left -= 1;
                return Next::Step(state.begin_step(slot));
            }
            Some(Entry::Call(index)) => {
                state.pass_left -= 1;
                state.ready.pop_front();
                if let Some(call) = state.take_call(index) {
                    return Next::Call(call);
                }
            }
            // A task that ended while it stood in the queue left the pass shorter.
            None => state.pass_left = 0,
        }
    }
}

/// Runs the callbacks that stand before the `nth` task, then a step of that task.
fn step_behind_calls(context: &Context, nth: usize) -> TaskRef {
    loop {
        let call = {
            let mut guard = context.state.borrow_mut();
            let state = guard.as_deref_mut().expect("[sim bug] the run went away");
            state.pass_left = state.pass_left.saturating_sub(1);
            match state.ready.take_call_before(nth) {
                Some(index) => state.take_call(index),
                None => {
                    let slot =
                        state.ready.remove_task(nth).expect("[sim bug] picked beyond the queue");
                    let begun = state.begin_step(slot);
                    drop(guard);
                    return step(context, begun);
                }
            }
        };
        if let Some(call) = call {
            run_call(context, call);
        }
    }
}

fn run_call(context: &Context, call: Call) {
    let then = match call {
        Call::Timer { action } => {
            if let Some(state) = context.state.borrow_mut().as_deref_mut() {
                state.emit(action.task, Event::TimerFired { deadline: action.deadline });
            }
            action.then
        }
        Call::Callback(callback, tag) => TimerThen::Callback(callback, tag),
        Call::Timeout(scope) => TimerThen::Timeout(scope),
    };
    match then {
        TimerThen::Complete(wait) => super::wait::complete_in(context, wait),
        TimerThen::Callback(callback, tag) => callback.call(tag),
        TimerThen::Timeout(scope) => {
            let task = {
                let mut guard = context.state.borrow_mut();
                let Some(state) = guard.as_deref_mut() else { return };
                // A scope that was left takes no notice, as a cancelled handle would not.
                let Some(found) = state.scopes.get_mut(scope) else { return };
                found.expired = true;
                found.task
            };
            if let Some(task) = task {
                cancel::request(task, Some(scope));
            }
        }
    }
}

impl State {
    /// Runs nothing more, not even the rest of the pass.
    pub(crate) fn stop_now(&mut self) {
        self.phase = Phase::Draining { passes: 0 };
        self.pass_left = 0;
    }

    /// Checks the limits, and begins a pass where one has ended.
    #[inline(always)]
    fn begin_turn(&mut self) -> Option<Stop> {
        if self.step >= self.limits.steps {
            return Some(Stop::Steps);
        }
        while self.pass_left == 0 {
            if let Some(stop) = self.begin_pass() {
                return Some(stop);
            }
        }
        None
    }

    #[inline(never)]
    fn begin_pass(&mut self) -> Option<Stop> {
        if let Some(task) = self.outside.take(self.run) {
            return Some(Stop::Outside { task });
        }
        if let Some(divergence) = self.decisions.divergence() {
            return Some(Stop::Diverged(divergence.clone()));
        }
        let may_wait = match self.phase {
            Phase::Running => true,
            _ => match self.begin_late_pass() {
                Ok(may_wait) => may_wait,
                Err(stop) => return Some(stop),
            },
        };
        if self.ready.len() == 0 && may_wait {
            let Some(next) = self.timers.next_deadline() else { return Some(Stop::Deadlock) };
            if next > self.limits.time {
                return Some(Stop::Time { next });
            }
            self.now = self.now.max(next);
        }
        if self.now > self.limits.time {
            return Some(Stop::Time { next: self.now });
        }
        self.queue_due_timers();
        self.pass_left = self.ready.len();
        None
    }

    /// A pass after the root has ended: says whether the clock may move on for it.
    #[cold]
    fn begin_late_pass(&mut self) -> Result<bool, Stop> {
        match core::mem::replace(&mut self.phase, Phase::Closing) {
            Phase::Draining { passes: 0 } => {
                self.phase = Phase::Draining { passes: 0 };
                Err(Stop::Drained)
            }
            Phase::Draining { passes } => {
                self.phase = Phase::Draining { passes: passes - 1 };
                // asyncio's loop has the root's done-callback to run, so it does not wait.
                Ok(false)
            }
            Phase::Cancelling { tasks, passes } => {
                let ended = tasks.iter().all(|task| self.is_done(*task));
                let stop = ended && passes == 0;
                let passes = if ended { passes.saturating_sub(1) } else { passes };
                self.phase = Phase::Cancelling { tasks, passes };
                if stop { Err(Stop::Cancelled) } else { Ok(!ended) }
            }
            Phase::Running | Phase::Closing => Err(Stop::Cancelled),
        }
    }

    /// Appends the timers that are due, in an order that is chosen.
    fn queue_due_timers(&mut self) {
        let Some(first) = self.timers.pop_due(self.now) else { return };
        let Some(second) = self.timers.pop_due(self.now) else {
            self.push_call(Call::Timer { action: first });
            return;
        };
        self.due.extend([first, second]);
        while let Some(action) = self.timers.pop_due(self.now) {
            self.due.push(action);
        }
        if self.decisions.is_fifo() {
            let mut due = core::mem::take(&mut self.due);
            // Counted as below, so that a schedule is numbered alike under every policy.
            for candidates in 2..=due.len() as u32 {
                self.choose(Kind::Timer, candidates);
            }
            for action in due.drain(..) {
                self.push_call(Call::Timer { action });
            }
            self.due = due;
            return;
        }
        while !self.due.is_empty() {
            let picked = self.choose(Kind::Timer, self.due.len() as u32) as usize;
            let action: TimerAction = self.due.remove(picked);
            self.push_call(Call::Timer { action });
        }
    }

    #[inline]
    fn pick(&mut self, picker: Picker) -> usize {
        let candidates = self.ready.tasks();
        if candidates < 2 {
            return 0;
        }
        match picker {
            Picker::Outside(nth) => {
                let nth = nth.min(candidates - 1);
                self.impose(Kind::Task, candidates as u32, nth as u32);
                nth
            }
            Picker::Policy | Picker::Nobody => self.choose(Kind::Task, candidates as u32) as usize,
        }
    }
}

/// A task that was made the running one.
struct Begun {
    task: TaskRef,
    body: Rc<Body>,
    /// It is to be dropped at its await, not polled.
    unwind: bool,
}

/// Takes one step of a task.
#[inline(always)]
fn step(context: &Context, begun: Begun) -> TaskRef {
    let Begun { task, body, unwind } = begun;
    let ending = if unwind {
        unwound(context, &body)
    } else {
        let polled = context.guard(|| {
            let mut future = body.future.borrow_mut();
            let Some(future) = &mut *future else {
                unreachable!("[sim bug] a task without a future was ready");
            };
            future.as_mut().poll(&mut PollContext::from_waker(body.waker.waker()))
        });
        match polled {
            Ok(Poll::Pending) => {
                let after = {
                    let mut guard = context.state.borrow_mut();
                    let state = guard.as_deref_mut().expect("[sim bug] the run went away");
                    state.suspend(task)
                };
                match after {
                    AfterPending::Nothing => return task,
                    AfterPending::Deliver => {
                        cancel::after_pending(task);
                        return task;
                    }
                    AfterPending::Unwind => unwound(context, &body),
                }
            }
            Ok(Poll::Ready(value)) => returned(context, task, &body, value),
            Err(caught) => {
                // The future has unwound; its box may hold more that does not drop quietly.
                let _ = unwound(context, &body);
                Ending::Panicked(caught)
            }
        }
    };
    end(context, task, ending);
    task
}

/// What is left to do for a task that is suspended.
enum AfterPending {
    Nothing,
    /// A request that the task made against itself goes to what it waits for now.
    Deliver,
    /// What was raised in the poll, outside every scope, ends the task.
    Unwind,
}

impl State {
    /// Makes a task the running one, and takes out what is needed to poll it.
    #[inline(always)]
    fn begin_step(&mut self, slot: u32) -> Begun {
        self.step += 1;
        let task = TaskRef { slot, id: self.tasks[slot as usize].id };
        self.recent[self.step as usize % RECENT] = task.id.0;
        if let Some(heartbeat) = &self.heartbeat {
            heartbeat.store(self.step, core::sync::atomic::Ordering::Relaxed);
        }
        self.emit(task.id, Event::Step);
        let found = &mut self.tasks[slot as usize];
        found.scheduled = false;
        let body = Rc::clone(&found.body);
        self.current_waker = found.waker_address;
        // One branch for all that is rare.
        let unwind = (found.must_cancel | found.abort | found.throw) && self.begin_unwinding(task);
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
    fn suspend(&mut self, task: TaskRef) -> AfterPending {
        let slot = &self.tasks[task.slot as usize];
        // One branch for all that is rare.
        let rare = slot.raised | slot.abort | slot.throw | slot.must_cancel;
        if rare | (slot.throwing_scopes > 0) {
            return self.suspend_rarely(task);
        }
        self.note_unknown_wait(task);
        self.end_step();
        AfterPending::Nothing
    }

    #[cold]
    fn suspend_rarely(&mut self, task: TaskRef) -> AfterPending {
        self.pass_untaken_outward(task);
        let slot = &self.tasks[task.slot as usize];
        if slot.raised || slot.abort || slot.throw {
            // The destructors still belong to the step.
            self.current_scope = None;
            return AfterPending::Unwind;
        }
        let deliver = slot.must_cancel;
        self.note_unknown_wait(task);
        self.end_step();
        if deliver { AfterPending::Deliver } else { AfterPending::Nothing }
    }

    #[inline]
    fn note_unknown_wait(&mut self, task: TaskRef) {
        let slot = &self.tasks[task.slot as usize];
        if !slot.scheduled && slot.first_wait.is_none() {
            let place = slot.spawned_at;
            self.emit(task.id, Event::Block { op: Op::Unknown, object: None, on: None, place });
        }
    }

    #[inline(always)]
    fn end_step(&mut self) {
        self.current = None;
        self.current_scope = None;
        self.current_waker = 0;
        if self.limits.cost_per_step > 0 {
            self.advance(self.limits.cost_per_step);
        }
    }
}

/// Ends a task in its step.
fn end(context: &Context, task: TaskRef, ending: Ending) {
    task::finish(context, task, ending);
    if let Some(state) = context.state.borrow_mut().as_deref_mut() {
        state.end_step();
    }
}

/// Drops a task's future at its await.
fn unwound(context: &Context, body: &Body) -> Ending {
    let future = body.future.borrow_mut().take();
    match context.guard(move || drop(future)) {
        Ok(()) => Ending::Cancelled,
        Err(caught) => Ending::Panicked(caught),
    }
}

/// What follows a poll that returned `Ready`.
fn returned(context: &Context, task: TaskRef, body: &Body, value: Box<dyn Any>) -> Ending {
    let dropped = unwound(context, body);
    let cancelled = {
        let mut guard = context.state.borrow_mut();
        let slot = guard.as_deref_mut().and_then(|state| state.task_mut(task));
        slot.is_some_and(|slot| {
            // As in asyncio, an exception of one's own wins over a request not raised yet.
            let failed = slot.fallible.is_some_and(|fallible| (fallible.is_err)(&*value));
            ((slot.must_cancel || slot.raised) && !failed) || slot.abort
        })
    };
    match dropped {
        Ending::Panicked(caught) => Ending::Panicked(caught),
        // A request that nothing has raised yet: the value is lost, as in asyncio.
        _ if cancelled => match context.guard(move || drop(value)) {
            Ok(()) => Ending::Cancelled,
            Err(caught) => Ending::Panicked(caught),
        },
        _ => Ending::Value(value),
    }
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
    // Destructors may spawn: what they spawn is dropped as well.
    let mut slot = 0;
    let mut last = slots;
    while slot < last {
        let left = {
            let mut guard = context.state.borrow_mut();
            let state = guard.as_deref_mut().expect("[sim bug] the run went away");
            last = state.next_slot;
            let task = &mut state.tasks[slot];
            let reference = TaskRef { slot: slot as u32, id: task.id };
            let left = (task.body.future.borrow_mut().take(), task.completion.take());
            state.current = Some(reference);
            (reference.id, left)
        };
        let (id, (future, completion)) = left;
        for result in [context.guard(move || drop(future)), context.guard(move || drop(completion))]
        {
            if let Err(panic) = result {
                caught.push((id, panic));
            }
        }
        slot += 1;
    }
    let left = {
        let mut guard = context.state.borrow_mut();
        let state = guard.as_deref_mut().expect("[sim bug] the run went away");
        state.current = None;
        state.take_leftovers()
    };
    let _ = context.guard(move || drop(left));
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
