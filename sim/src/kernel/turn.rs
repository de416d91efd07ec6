//! The loop: asyncio's `_run_once`, one task step at a time.
//!
//! A pass begins by appending the timers that are due behind what is ready, then runs as many
//! entries as the queue then holds; what becomes ready meanwhile waits for the next pass. Under a
//! policy other than FIFO a pass runs that many entries too, whoever is picked.

use super::State;
use super::cancel;
use super::context::Context;
use super::end;
use super::ready::Entry;
use super::step::{Begun, Suspended, poll, step};
use super::task::TaskRef;
use super::wait::{Call, TimerAction, TimerThen};
use crate::decision::{Divergence, Kind};
use crate::id::TaskId;
use crate::trace::{Cause, Event, Place};

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
        Call::Wake(waker) => end::guarded(context, TaskId::ROOT, || waker.wake()),
        // The last one to know a combinator drops what is left of it.
        Call::Callback(callback, tag) => {
            end::guarded(context, TaskId::ROOT, move || callback.call(tag));
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
                end::guarded(context, task.id, || {
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
