//! The loop: asyncio's `_run_once`, one task step at a time.
//!
//! A pass begins by appending the timers that are due behind what is ready, then runs as many
//! entries as the queue then holds; what becomes ready meanwhile waits for the next pass. Under a
//! policy other than FIFO a pass runs that many entries too, whoever is picked.

use core::any::Any;
use core::task::{Context as PollContext, Poll};

use super::cancel;
use super::choice::Pending;
use super::context::{self, Caught, Context};
use super::ready::Entry;
use super::task::{self, Body, Completion, Ending, Task, TaskRef};
use super::wait::{Call, TimerAction, TimerThen};
use super::{RECENT, State};
use crate::decision::{Divergence, Kind};
use crate::id::TaskId;
use crate::trace::{Cause, End, Event, Op, Place};

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
    /// A task polled too many `select!`s in one step.
    Spinning { task: TaskId, place: Place, selects: u64 },
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

/// What comes next, where it is no step.
enum Else {
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
            Err(Else::Call(call)) => run_call(context, call),
            Err(Else::Settled) => return None,
            Err(Else::Stop(stop)) => return Some(stop),
            Ok(_) | Err(Else::Behind(_)) => unreachable!("[sim bug] picked by nobody"),
        }
    }
}

/// Runs callbacks up to the next task, and one step of it.
pub(crate) fn turn(context: &Context, picker: Picker) -> Turn {
    loop {
        match next(context, picker) {
            Ok(begun) => return Turn::Step(step(context, begun)),
            Err(Else::Behind(nth)) => return Turn::Step(step_behind_calls(context, nth)),
            Err(Else::Call(call)) => run_call(context, call),
            Err(Else::Stop(stop)) => return Turn::Stop(stop),
            Err(Else::Settled) => unreachable!("[sim bug] somebody picks"),
        }
    }
}

/// Runs until nothing more can be run in this phase.
pub(crate) fn run(context: &Context) -> Stop {
    let mut suspended: Option<Suspended> = None;
    loop {
        let next = {
            let mut guard = context.state.borrow_mut();
            let state = guard.as_deref_mut().expect("[sim bug] the run went away");
            // One look at the state for the end of a step and the beginning of the next.
            match suspended.take().and_then(|suspended| state.suspend(suspended)) {
                None => state.next(Picker::Policy),
                Some(rare) => {
                    drop(guard);
                    rare.go_on(context);
                    continue;
                }
            }
        };
        match next {
            Ok(begun) => suspended = poll(context, begun),
            Err(Else::Call(call)) => run_call(context, call),
            Err(Else::Behind(nth)) => {
                step_behind_calls(context, nth);
            }
            Err(Else::Stop(stop)) => return stop,
            Err(Else::Settled) => unreachable!("[sim bug] somebody picks"),
        }
    }
}

fn next(context: &Context, picker: Picker) -> Result<Begun, Else> {
    let mut guard = context.state.borrow_mut();
    guard.as_deref_mut().expect("[sim bug] the run went away").next(picker)
}

impl State {
    // Inlined, as is what it calls: moving the parts of a step through memory costs more than the
    // step.
    #[inline(always)]
    fn next(&mut self, picker: Picker) -> Result<Begun, Else> {
        loop {
            if let Some(stop) = self.begin_turn() {
                return Err(Else::Stop(stop));
            }
            match self.ready.front() {
                Some(front @ Entry::Task(slot)) => {
                    let nth = match picker {
                        Picker::Nobody => return Err(Else::Settled),
                        Picker::Policy => self.pick(None),
                        Picker::Outside(nth) => self.pick(Some(nth)),
                    };
                    if nth == 0 {
                        self.ready.drop_front(front);
                        self.pass_left -= 1;
                        return Ok(self.begin_step(slot));
                    }
                    if self.ready.has_calls() {
                        return Err(Else::Behind(nth));
                    }
                    let Some(slot) = self.ready.remove_task(nth) else { continue };
                    self.pass_left -= 1;
                    return Ok(self.begin_step(slot));
                }
                Some(front) => {
                    self.pass_left -= 1;
                    self.ready.drop_front(front);
                    if let Some(call) = self.begin_call(front) {
                        return Err(Else::Call(call));
                    }
                }
                // A task that ended while it stood in the queue left the pass shorter.
                None => self.pass_left = 0,
            }
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
                Some(entry) => state.begin_call(entry),
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

/// Runs a callback: user code may come after it.
fn run_call(context: &Context, call: Call) {
    match call {
        // A combinator's own, and so user code.
        Call::Wake(waker) => task::guarded(context, TaskId::ROOT, || waker.wake()),
        // The last one to know a combinator drops what is left of it.
        Call::Callback(callback, tag) => {
            task::guarded(context, TaskId::ROOT, move || callback.call(tag));
        }
        Call::Timeout(scope) => {
            let task = {
                let mut guard = context.state.borrow_mut();
                let Some(state) = guard.as_deref_mut() else { return };
                // A scope that was left takes no notice, as a cancelled handle would not.
                let Some(found) = state.scopes.get_mut(scope) else { return };
                found.expired = true;
                found.task
            };
            if let Some(task) = task {
                task::guarded(context, task.id, || {
                    cancel::request(task, Some(scope), Cause::Deadline);
                });
            }
        }
    }
}

impl State {
    /// Does what a callback or a timer in the queue does to the state; the rest is handed over.
    fn begin_call(&mut self, entry: Entry) -> Option<Call> {
        match entry {
            Entry::Task(_) => None,
            Entry::Call(index) => self.take_call(index),
            Entry::Timer(index) => {
                let TimerAction { deadline, task, then } = self.timers.fire(index)?;
                self.emit(task, Event::TimerFired { deadline });
                match then {
                    TimerThen::Complete(wait) => match self.complete_own(wait) {
                        Some(_) => None,
                        None => self.complete_foreign(wait).1.map(Call::Wake),
                    },
                    TimerThen::Callback(callback, tag) => Some(Call::Callback(callback, tag)),
                    TimerThen::Timeout(scope) => Some(Call::Timeout(scope)),
                }
            }
        }
    }

    /// Runs nothing more, not even the rest of the pass.
    pub(crate) fn stop_now(&mut self) {
        self.phase = Phase::Draining { passes: 0 };
        self.pass_left = 0;
    }

    /// Checks the limits, and begins a pass where one has ended.
    #[inline(always)]
    fn begin_turn(&mut self) -> Option<Stop> {
        // One branch for both.
        if (self.step >= self.limits.steps) | self.spinning.is_some() {
            return Some(self.spinning.map_or(Stop::Steps, |(task, place)| Stop::Spinning {
                task,
                place,
                selects: self.limits.selects(),
            }));
        }
        while self.pass_left == 0 {
            if self.is_plain_pass() {
                self.pass_left = self.ready.len();
                break;
            }
            if let Some(stop) = self.begin_pass() {
                return Some(stop);
            }
        }
        None
    }

    /// Whether all there is to do in the next pass is to run what is ready.
    #[inline(always)]
    fn is_plain_pass(&self) -> bool {
        matches!(self.phase, Phase::Running)
            && self.ready.len() > 0
            && self.timers.none_due(self.now)
            && self.now <= self.limits.time
            && self.decisions.divergence().is_none()
            && !self.outside.is_pending()
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
        if !self.timers.none_due(self.now) {
            self.queue_due_timers();
        }
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
        if self.timers.none_due(self.now) {
            self.ready.push_back(Entry::Timer(first));
            return;
        }
        self.due.push(first);
        while let Some(timer) = self.timers.pop_due(self.now) {
            self.due.push(timer);
        }
        if self.decisions.is_fifo() {
            // Counted as below, so that a schedule is numbered alike under every policy.
            for candidates in 2..=self.due.len() as u32 {
                self.choose(Kind::Timer, candidates);
            }
            for timer in self.due.drain(..) {
                self.ready.push_back(Entry::Timer(timer));
            }
            return;
        }
        let mut due = core::mem::take(&mut self.due);
        while !due.is_empty() {
            let picked = self.pick_timer(&due);
            let timer = due.remove(picked);
            self.ready.push_back(Entry::Timer(timer));
        }
        self.due = due;
    }
}

/// A task that was made the running one.
struct Begun {
    task: TaskRef,
    body: Box<Body>,
    /// It is to be dropped at its await, not polled.
    unwind: bool,
}

/// A task whose poll returned `Pending`.
struct Suspended {
    slot: u32,
    body: Box<Body>,
}

/// Takes one step of a task.
fn step(context: &Context, begun: Begun) -> TaskRef {
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
fn poll(context: &Context, begun: Begun) -> Option<Suspended> {
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
enum AfterPending {
    /// A request that the task made against itself goes to what it waits for now.
    Deliver(TaskRef),
    /// What was raised in the poll, outside every scope, ends the task.
    Unwind(TaskRef, Box<Body>),
}

impl AfterPending {
    #[cold]
    fn go_on(self, context: &Context) {
        match self {
            AfterPending::Deliver(task) => {
                task::guarded(context, task.id, || cancel::after_pending(task));
            }
            AfterPending::Unwind(task, body) => end_unwound(context, task, body),
        }
    }
}

impl State {
    /// Makes a task the running one, and takes out what is needed to poll it.
    #[inline(always)]
    fn begin_step(&mut self, slot: u32) -> Begun {
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
    fn suspend(&mut self, suspended: Suspended) -> Option<AfterPending> {
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
    task::finish(context, task, body, ending);
}

#[cold]
fn end_panicked(context: &Context, task: TaskRef, mut body: Box<Body>, caught: Caught) {
    // The future has unwound; its box may hold more that does not drop quietly.
    let _ = unwound(context, &mut body);
    task::finish(context, task, body, Ending::Panicked(caught));
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
    task::tell(context, task, told);
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
    task::finish(context, task, body, ending);
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
