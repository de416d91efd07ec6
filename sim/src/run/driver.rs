//! A run that is driven from outside, one step at a time.

use core::future::Future;
use core::marker::PhantomData;
use core::time::Duration;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use super::failure::Inner;
use super::{Failure, FailureKind, Leaks, Outcome};
use crate::decision::Decisions;
use crate::detect;
use crate::id::{ObjectId, TaskId};
use crate::kernel::close;
use crate::kernel::context::{self, Context};
use crate::kernel::end::guarded;
use crate::kernel::marks::Marks;
use crate::kernel::task::{Completion, TaskRef, Unobserved, UnobservedKind, erase};
use crate::kernel::turn::{self, Phase, Picker, Stop, Turn};
use crate::kernel::wait::Target;
use crate::kernel::{Limits, State, cancel};
use crate::policy::Policy;
use crate::trace::{BlockedTask, Cause, ObjectInfo, Op, Place, TaskInfo, Trace};

pub(super) struct Settings {
    pub(super) seed: u64,
    pub(super) policy: Policy,
    pub(super) limits: Limits,
    pub(super) decisions: Decisions,
    pub(super) leaks: Leaks,
    pub(super) trace: bool,
    pub(super) heartbeat: Option<Arc<AtomicU64>>,
    pub(super) marks: Option<Arc<Marks>>,
}

/// What one step of a run did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// This task took a step.
    Stepped(TaskId),
    /// The run has ended: [`Run::finish`] tells how.
    Ended,
}

/// A run that is driven from outside.
///
/// # Examples
///
/// ```
/// use sim::{Progress, Sim};
///
/// let mut run = Sim::new().start(|| async {
///     let other = sim::spawn(async { 20 });
///     sim::yield_now().await;
///     other.await.unwrap() + 1
/// });
/// let mut steps = 0;
/// while let Progress::Stepped(_) = run.step() {
///     steps += 1;
/// }
/// assert_eq!((steps, run.finish()?.into_value()), (3, 21));
/// # Ok::<(), sim::Failure>(())
/// ```
pub struct Run<T> {
    // Present until the run is finished.
    state: Option<Box<State>>,
    root: Option<TaskRef>,
    policy: Policy,
    leaks: Leaks,
    leaked: Vec<TaskInfo>,
    stopped: Option<Stop>,
    output: PhantomData<fn() -> T>,
}

impl<T> core::fmt::Debug for Run<T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Run")
            .field("state", &self.state)
            .field("stopped", &self.stopped)
            .finish_non_exhaustive()
    }
}

/// Puts a run's state where the program finds it, and takes it back.
struct Entered<'a> {
    context: &'a Context,
    home: &'a mut Option<Box<State>>,
}

impl<'a> Entered<'a> {
    fn new(context: &'a Context, home: &'a mut Option<Box<State>>) -> Self {
        let mut current = context.state.borrow_mut();
        if let Some(state) = home.as_deref_mut() {
            state.outer = current.take();
        }
        *current = home.take();
        drop(current);
        Self { context, home }
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        let mut current = self.context.state.borrow_mut();
        *self.home = current.take();
        if let Some(state) = self.home.as_deref_mut() {
            *current = state.outer.take();
        }
    }
}

impl<T: 'static> Run<T> {
    pub(super) fn begin<F, Fut>(program: F, place: Place, settings: Settings) -> Self
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = T> + 'static,
    {
        context::install_panic_hook();
        let mut state = context::take_spare();
        state.reset(settings.seed, settings.limits, settings.decisions, settings.trace);
        state.heartbeat = settings.heartbeat;
        state.marks = settings.marks;
        let mut run = Self {
            state: Some(state),
            root: None,
            policy: settings.policy,
            leaks: settings.leaks,
            leaked: Vec::new(),
            stopped: None,
            output: PhantomData,
        };
        // The closure runs inside the simulation, and a panic in it is the root's: it is called
        // in the root's first step.
        let mut program = Some(program);
        run.root = Some(context::enter(|context| {
            let entered = Entered::new(context, &mut run.state);
            let future = context.guard(|| program.take().map(|program| program()));
            let future = match future {
                Ok(Some(future)) => erase(future),
                Ok(None) => unreachable!("[sim bug] the program was taken twice"),
                Err(caught) => erase::<_>(panicking::<T>(caught)),
            };
            let root = context
                .state
                .borrow_mut()
                .as_deref_mut()
                .expect("[sim bug] the run went away")
                .spawn(future, place);
            drop(entered);
            root
        }));
        run
    }

    /// Takes one step: of the task the policy picks.
    pub fn step(&mut self) -> Progress {
        self.advance(Picker::Policy)
    }

    /// Takes one step of the `nth` of the [`ready`](Run::ready) tasks; beyond the last, of the
    /// last. The choice is recorded as a policy's would be.
    pub fn step_choosing(&mut self, nth: usize) -> Progress {
        self.advance(Picker::Outside(nth))
    }

    fn advance(&mut self, picker: Picker) -> Progress {
        loop {
            if self.stopped.is_some() {
                return Progress::Ended;
            }
            let turn = context::enter(|context| {
                let entered = Entered::new(context, &mut self.state);
                let turn = turn::turn(context, picker);
                drop(entered);
                turn
            });
            match turn {
                Turn::Step(task) => return Progress::Stepped(task.id),
                Turn::Stop(stop) => self.on_stop(stop),
            }
        }
    }

    /// The tasks among which the next step chooses, in the order of the ready queue.
    ///
    /// Runs what stands before the choice (timers, bookkeeping) first; empty once the run has
    /// ended.
    pub fn ready(&mut self) -> Vec<TaskInfo> {
        while self.stopped.is_none() {
            let stop = context::enter(|context| {
                let entered = Entered::new(context, &mut self.state);
                let stop = turn::settle(context);
                drop(entered);
                stop
            });
            match stop {
                Some(stop) => self.on_stop(stop),
                None => {
                    let state = self.state();
                    return state
                        .ready
                        .iter_tasks()
                        .map(|slot| state.task_info(&state.tasks[slot as usize]))
                        .collect();
                }
            }
        }
        Vec::new()
    }

    /// The virtual time.
    pub fn elapsed(&self) -> Duration {
        Duration::from_nanos(self.state().now)
    }

    /// How many steps were taken.
    pub fn steps(&self) -> u64 {
        self.state().step
    }

    /// The tasks that wait, and for what.
    pub fn blocked(&self) -> Vec<BlockedTask> {
        blocked(self.state())
    }

    /// The records so far; `None` where the trace is off.
    pub fn trace(&self) -> Option<&Trace> {
        self.state().trace.as_deref()
    }

    /// Runs to the end.
    ///
    /// # Errors
    ///
    /// As [`Sim::run`](crate::Sim::run).
    pub fn finish(mut self) -> Result<Outcome<T>, Failure> {
        while self.stopped.is_none() {
            let stop = context::enter(|context| {
                let entered = Entered::new(context, &mut self.state);
                let stop = turn::run(context);
                drop(entered);
                stop
            });
            self.on_stop(stop);
        }
        self.conclude()
    }

    fn state(&self) -> &State {
        self.state.as_deref().expect("[sim bug] the run has no state")
    }

    /// Decides what follows when nothing more can be run in this phase.
    fn on_stop(&mut self, stop: Stop) {
        if stop != Stop::Drained {
            self.stopped = Some(stop);
            return;
        }
        let state = self.state.as_deref_mut().expect("[sim bug] the run has no state");
        if state.alive == 0 {
            self.stopped = Some(Stop::Drained);
            return;
        }
        let mut pending: Vec<TaskRef> = state
            .slots()
            .iter()
            .enumerate()
            .filter(|(_, task)| task.is_live())
            .map(|(slot, task)| TaskRef { slot: slot as u32, id: task.id })
            .collect();
        pending.sort_by_key(|task| task.id);
        self.leaked =
            pending.iter().map(|task| state.task_info(&state.tasks[task.slot as usize])).collect();
        let root_returned = self
            .root
            .and_then(|root| state.task(root))
            .is_some_and(|root| matches!(root.completion, Some(Completion::Value(_))));
        if pending.is_empty() || self.leaks != Leaks::Cancel || !root_returned {
            self.stopped = Some(Stop::Drained);
            return;
        }
        state.phase = Phase::Cancelling { tasks: pending.clone(), passes: 2 };
        context::enter(|context| {
            let entered = Entered::new(context, &mut self.state);
            for task in pending {
                guarded(context, task.id, || {
                    cancel::request(task, None, Cause::Shutdown);
                });
            }
            drop(entered);
        });
    }

    fn conclude(&mut self) -> Result<Outcome<T>, Failure> {
        let stop = self.stopped.clone().unwrap_or(Stop::Drained);
        let root = self.root.expect("[sim bug] the run has no root");
        let state = self.state.as_deref_mut().expect("[sim bug] the run has no state");
        let completion = state.task_mut(root).and_then(|root| root.completion.take());
        self.ask_for_errors();
        let state = self.state.as_deref_mut().expect("[sim bug] the run has no state");
        let mut errors = core::mem::take(&mut state.unobserved);
        errors.sort_by_key(|error| matches!(error.kind, UnobservedKind::Error(_)));
        let (value, mut kind) = match completion {
            Some(Completion::Value(value)) => (value.downcast::<T>().ok(), None),
            Some(Completion::Panicked { site, .. }) => {
                (None, Some(root_panic(state, site.message, site.place)))
            }
            Some(Completion::Cancelled) => (None, Some(FailureKind::RootCancelled)),
            Some(Completion::Taken) | None => (None, None),
        };
        if kind.is_none() {
            kind = stop_kind(state, &stop);
        }
        let leads = |kind: &Option<FailureKind>| {
            matches!(kind, None | Some(FailureKind::Deadlock { .. } | FailureKind::RootCancelled))
        };
        let mut others = Vec::new();
        for error in errors {
            // A panic explains a deadlock that follows from it; an error may as well.
            if leads(&kind) {
                if let Some(kind) = &kind {
                    others.push(format!("then: {}", kind.rule().name));
                }
                kind = Some(unobserved_kind(error));
            } else if !is_about(&kind, &error) {
                others.push(describe(&error));
            }
        }
        if kind.is_none() && self.leaks == Leaks::Fail && !self.leaked.is_empty() {
            kind =
                Some(FailureKind::Leak { tasks: self.leaked.iter().map(|task| task.id).collect() });
        }
        let snapshot = kind.is_some().then(|| Snapshot::take(state));
        let digest = state.digest.value();
        let (step, now, seed, timers) = (state.step, state.now, state.seed, state.timers.len());
        let shutting_down = state.phase != Phase::Running;
        let (decisions, divergence) = state.decisions.finish(digest);
        let traced = state.trace.take();
        // The labels are only wanted where something shows them.
        let objects = if traced.is_some() || kind.is_some() { objects(state) } else { Vec::new() };
        let mut trace = traced.map_or_else(Trace::default, |trace| *trace);
        trace.objects = objects;
        let caught = self.close();
        for (task, panic) in caught {
            let (_payload, site) = panic.into_parts();
            let text = format!(
                "{} panicked while it was dropped at the end: {} ({})",
                crate::kernel::default_label(task),
                site.message,
                site.place
            );
            if kind.is_none() {
                kind = Some(FailureKind::Panic {
                    task,
                    message: site.message,
                    place: site.place,
                    then: None,
                });
            } else {
                others.push(text);
            }
        }
        if kind.is_none()
            && let Some(divergence) = &divergence
        {
            kind = Some(FailureKind::Diverged(divergence.clone()));
        }
        let failure = match (kind, value) {
            (None, Some(value)) => {
                return Ok(Outcome {
                    value: *value,
                    seed,
                    steps: step,
                    now,
                    digest,
                    decisions,
                    trace,
                    leaked: core::mem::take(&mut self.leaked),
                });
            }
            (kind, _) => kind.unwrap_or(FailureKind::RootCancelled),
        };
        let snapshot = snapshot.unwrap_or_default();
        Err(Failure(Box::new(Inner {
            kind: failure,
            seed,
            policy: self.policy,
            step,
            now,
            shutting_down,
            digest,
            decisions,
            divergence,
            objects: trace.objects.clone(),
            tasks: if trace.tasks.is_empty() { snapshot.tasks } else { trace.tasks.clone() },
            trace,
            blocked: snapshot.blocked,
            leaked: core::mem::take(&mut self.leaked),
            timers,
            others,
            origin: None,
        })))
    }
}

impl<T> Run<T> {
    /// Asks for the text of each error that nobody looked at: the user's code, so it runs inside
    /// the run, and while the state is free.
    fn ask_for_errors(&mut self) {
        let slots = self.state.as_deref().map_or(0, |state| state.slots().len());
        for slot in 0..slots {
            let Some(state) = self.state.as_deref_mut() else { return };
            if !state.tasks[slot].is_occupied() {
                continue;
            }
            let id = state.tasks[slot].id;
            let Some(unseen) = state.take_unseen(slot as u32) else { continue };
            let value = context::enter(|context| {
                let entered = Entered::new(context, &mut self.state);
                let value = unseen.tell();
                drop(entered);
                value
            });
            // Dropped with the rest of the run, where a panic of its destructor is noticed.
            if let Some(state) = self.state.as_deref_mut()
                && let Some(task) = state.task_mut(TaskRef { slot: slot as u32, id })
            {
                task.completion = Some(Completion::Value(value));
            }
        }
    }

    /// Drops what is left of the run and keeps its memory for the next one.
    fn close(&mut self) -> Vec<(TaskId, context::Caught)> {
        if self.state.is_none() {
            return Vec::new();
        }
        let caught = context::enter(|context| {
            let entered = Entered::new(context, &mut self.state);
            let caught = close::close(context);
            drop(entered);
            caught
        });
        if let Some(state) = self.state.take() {
            context::put_spare(state);
        }
        caught
    }
}

impl<T> Drop for Run<T> {
    fn drop(&mut self) {
        self.close();
    }
}

async fn panicking<T>(caught: context::Caught) -> T {
    context::rethrow(caught)
}

fn root_panic(state: &State, message: String, place: String) -> FailureKind {
    // A root that unwraps a task's `JoinError` panics with that task's panic inside its message:
    // the original leads.
    let original = state.panics.iter().find(|(task, site)| {
        *task != TaskId::ROOT && !site.message.is_empty() && message.contains(&site.message)
    });
    match original {
        Some((task, site)) => FailureKind::Panic {
            task: *task,
            message: site.message.clone(),
            place: site.place.clone(),
            then: Some(format!("main panicked: {message} ({place})")),
        },
        None => FailureKind::Panic { task: TaskId::ROOT, message, place, then: None },
    }
}

fn stop_kind(state: &State, stop: &Stop) -> Option<FailureKind> {
    match stop {
        Stop::Drained | Stop::Cancelled => None,
        Stop::Deadlock => Some(FailureKind::Deadlock { cycle: detect::cycle(&blocked(state)) }),
        Stop::Steps => {
            Some(FailureKind::Livelock { cycle: detect::repeating(&state.recent_tasks()) })
        }
        Stop::Spinning { task, place, selects } => {
            Some(FailureKind::Spinning { task: *task, place: place.to_string(), selects: *selects })
        }
        Stop::Time { next } => Some(FailureKind::TimeLimit { next: Duration::from_nanos(*next) }),
        Stop::Outside { task } => Some(FailureKind::OutsideWake { task: *task }),
        Stop::Diverged(divergence) => Some(FailureKind::Diverged(divergence.clone())),
    }
}

fn unobserved_kind(error: Unobserved) -> FailureKind {
    match error.kind {
        UnobservedKind::Panic(site) => FailureKind::Panic {
            task: error.task,
            message: site.message,
            place: site.place,
            then: None,
        },
        UnobservedKind::Error(message) => {
            FailureKind::UnobservedError { task: error.task, message }
        }
    }
}

fn is_about(kind: &Option<FailureKind>, error: &Unobserved) -> bool {
    matches!(kind, Some(FailureKind::Panic { task, .. }) if *task == error.task)
}

fn describe(error: &Unobserved) -> String {
    match &error.kind {
        UnobservedKind::Panic(site) => {
            format!("{} panicked as well: {} ({})", error.name, site.message, site.place)
        }
        UnobservedKind::Error(message) => {
            format!("{} ended with an error that nobody looked at: {message}", error.name)
        }
    }
}

#[derive(Default)]
struct Snapshot {
    tasks: Vec<TaskInfo>,
    blocked: Vec<BlockedTask>,
}

impl Snapshot {
    fn take(state: &State) -> Self {
        let mut tasks: Vec<TaskInfo> = state
            .slots()
            .iter()
            .filter(|task| task.is_occupied())
            .map(|task| state.task_info(task))
            .collect();
        tasks.sort_by_key(|task| task.id);
        Self { tasks, blocked: blocked(state) }
    }
}

fn objects(state: &State) -> Vec<ObjectInfo> {
    (0..state.objects.len())
        .map(|index| {
            let id = ObjectId(index as u32);
            ObjectInfo { id, kind: state.objects[index].kind, name: state.object_label(id) }
        })
        .collect()
}

/// What the tasks that are not ready wait for, in order of spawning.
fn blocked(state: &State) -> Vec<BlockedTask> {
    let mut live: Vec<TaskRef> = state
        .slots()
        .iter()
        .enumerate()
        .filter(|(_, task)| task.is_live() && !task.scheduled)
        .map(|(slot, task)| TaskRef { slot: slot as u32, id: task.id })
        .collect();
    live.sort_by_key(|task| task.id);
    let mut found = Vec::new();
    for task in live {
        let before = found.len();
        for (_, node) in state.waits_of(task) {
            let on = match &node.target {
                Target::Here => Vec::new(),
                Target::Task(on) => vec![on.id],
                Target::Tasks(on) => {
                    on.iter().filter(|on| !state.is_done(**on)).map(|on| on.id).collect()
                }
            };
            found.push(BlockedTask {
                task: task.id,
                op: node.op,
                object: node.object,
                holders: node
                    .object
                    .map(|object| state.objects[object.index()].holders.to_vec())
                    .unwrap_or_default(),
                on,
                place: Some(node.place),
                since_step: node.since_step,
                since: node.since,
            });
        }
        if found.len() == before {
            found.push(BlockedTask {
                task: task.id,
                op: Op::Unknown,
                object: None,
                holders: Vec::new(),
                on: Vec::new(),
                place: None,
                since_step: state.step,
                since: state.now,
            });
        }
    }
    found
}
