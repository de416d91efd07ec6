//! The machine: tasks, the ready queue, waits, scopes and the loop that runs them.
//!
//! Reading order: [`turn`] (the loop, asyncio's `run_once`), [`step`] and [`end`] (of a task),
//! [`close`] (of a run), [`choice`] (where it is asked who runs), [`task`] (what a task is),
//! [`wait`] and [`parking`] (how everything parks), [`scope`] and [`cancel`] (how a request to cancel travels),
//! [`waker`], [`context`] (the one thread-local), [`ready`], [`object`], [`arena`].
//!
//! Invariants: the kernel names no policy, detector or exporter; user code (a poll, a waker, a
//! destructor) never runs while the state is borrowed, so that it may call back into the kernel.

pub(crate) mod arena;
pub(crate) mod cancel;
pub(crate) mod choice;
pub(crate) mod close;
pub(crate) mod context;
pub(crate) mod end;
pub(crate) mod marks;
pub(crate) mod object;
pub(crate) mod parking;
pub(crate) mod ready;
pub(crate) mod scope;
mod step;
pub(crate) mod task;
pub(crate) mod turn;
pub(crate) mod wait;
pub(crate) mod waker;

use core::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rand_chacha::ChaCha8Rng;

use crate::clock::Timers;
use crate::decision::{Candidate, Decisions, First};
use crate::id::TaskId;
use crate::seed::{self, Purpose};
use crate::trace::{Digest, Event, Place, Record, TaskInfo, Trace};
use arena::Arena;
use context::PanicSite;
use object::Object;
use ready::{Entry, ReadyQueue};
use scope::{Scope, ScopeKey};
use task::{Task, TaskRef, Unobserved};
use turn::Phase;
use wait::{Call, TimerAction, WaitNode};
use waker::Outside;

/// What bounds a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) steps: u64,
    pub(crate) time: u64,
    pub(crate) cost_per_step: u64,
}

impl Limits {
    /// How many `select!`s may be polled in one step: as many as there may be steps, but so many
    /// that a task may well hold them all at once.
    pub(crate) fn selects(self) -> u64 {
        self.steps.max(10_000)
    }
}

/// All of one run.
#[derive(Debug)]
pub(crate) struct State {
    /// Tells this run from every other one of the process.
    pub(crate) run: u64,
    pub(crate) seed: u64,
    pub(crate) now: u64,
    pub(crate) step: u64,
    pub(crate) phase: Phase,
    pub(crate) limits: Limits,
    pub(crate) decisions: Decisions,
    pub(crate) digest: Digest,
    // Boxed, so that the state is smaller and the check whether there is one short.
    pub(crate) trace: Option<Box<Trace>>,
    pub(crate) tasks: Vec<Task>,
    free_slots: Vec<u32>,
    /// Slots from here on are not in use in this run.
    next_slot: usize,
    next_task: u32,
    pub(crate) alive: usize,
    pub(crate) ready: ReadyQueue,
    pub(crate) calls: Vec<Option<Call>>,
    free_calls: Vec<u32>,
    pub(crate) timers: Timers<TimerAction>,
    due: Vec<u32>,
    pub(crate) waits: Arena<WaitNode>,
    pub(crate) scopes: Arena<Scope>,
    pub(crate) objects: Vec<Object>,
    /// How many objects were made while no task ran.
    made_outside: u32,
    /// How many entries of this pass are still to be run.
    pass_left: usize,
    /// The task that was picked where another one was left at a schedule point.
    forced: Option<u32>,
    /// The running task at a schedule point at which a switch is being offered.
    offered: Option<Candidate>,
    // What stands to be picked; its memory is kept.
    candidates: Vec<Candidate>,
    /// Whether somebody takes notice of every event.
    watched: bool,
    /// The task that is being run.
    pub(crate) current: Option<TaskRef>,
    /// The innermost scope that is being polled.
    pub(crate) current_scope: Option<ScopeKey>,
    /// The address of the running task's waker, to tell it from a combinator's own.
    current_waker: usize,
    /// The tasks of the last steps, to show the cycle of a livelock.
    recent: [u32; RECENT],
    pub(crate) unobserved: Vec<Unobserved>,
    /// The first panics of the run, whoever looked at them.
    pub(crate) panics: Vec<(TaskId, PanicSite)>,
    /// How many `select!`s were polled, and in which step.
    selects: (u64, u64),
    /// Who polled too many of them in one step, and where.
    pub(crate) spinning: Option<(TaskId, Place)>,
    /// The step count for a watchdog, where there is one.
    pub(crate) heartbeat: Option<Arc<AtomicU64>>,
    /// Where the program's marks go, where somebody asks for them.
    pub(crate) marks: Option<Arc<marks::Marks>>,
    pub(crate) outside: Arc<Outside>,
    /// The run's thread pool, once it is used; kept for the room that simulates it.
    pub(crate) blocking: Option<Arc<dyn Any + Send + Sync>>,
    program_rng: Option<ChaCha8Rng>,
    /// The run that this one is nested in.
    pub(crate) outer: Option<Box<State>>,
}

/// How many of the last steps are remembered; a cycle longer than half of it is not recognized.
pub(crate) const RECENT: usize = 256;

static NEXT_RUN: AtomicU64 = AtomicU64::new(1);

impl State {
    pub(crate) fn new() -> Self {
        Self {
            run: 0,
            seed: 0,
            now: 0,
            step: 0,
            phase: Phase::Running,
            limits: Limits { steps: 0, time: 0, cost_per_step: 0 },
            decisions: Decisions::new(Box::new(First), None),
            digest: Digest::new(),
            trace: None,
            tasks: Vec::new(),
            free_slots: Vec::new(),
            next_slot: 0,
            next_task: 0,
            alive: 0,
            ready: ReadyQueue::new(),
            calls: Vec::new(),
            free_calls: Vec::new(),
            timers: Timers::new(),
            due: Vec::new(),
            waits: Arena::new(),
            scopes: Arena::new(),
            objects: Vec::new(),
            made_outside: 0,
            pass_left: 0,
            forced: None,
            offered: None,
            candidates: Vec::new(),
            watched: false,
            current: None,
            current_scope: None,
            current_waker: 0,
            recent: [0; RECENT],
            unobserved: Vec::new(),
            panics: Vec::new(),
            selects: (0, 0),
            spinning: None,
            heartbeat: None,
            marks: None,
            outside: Arc::default(),
            blocking: None,
            program_rng: None,
            outer: None,
        }
    }

    /// Makes the state ready for a run, keeping the memory of the run before.
    pub(crate) fn reset(&mut self, seed: u64, limits: Limits, decisions: Decisions, trace: bool) {
        // Not part of any digest: it only tells the wakers of different runs apart.
        self.run = NEXT_RUN.fetch_add(1, Ordering::Relaxed);
        self.seed = seed;
        self.now = 0;
        self.step = 0;
        self.phase = Phase::Running;
        self.limits = limits;
        self.watched = trace || decisions.wants_events();
        self.decisions = decisions;
        self.digest = Digest::new();
        self.trace = trace.then(Box::default);
        self.next_task = 0;
        self.alive = 0;
        self.made_outside = 0;
        self.pass_left = 0;
        self.forced = None;
        self.offered = None;
        self.current = None;
        self.current_scope = None;
        self.selects = (0, 0);
        self.spinning = None;
        self.heartbeat = None;
        self.marks = None;
        self.program_rng = None;
        self.panics.clear();
        debug_assert!(self.unobserved.is_empty() && self.objects.is_empty());
    }

    /// Records an event of `task`.
    // Inlined where the event is written, so that only the words for its digest are computed.
    #[inline(always)]
    pub(crate) fn emit(&mut self, task: TaskId, event: Event) {
        let (code, payload) = digest_words(&event);
        self.digest.mix_event(code, task, payload);
        if let Event::Note(text) = &event {
            self.digest.mix_text(text);
        }
        if self.watched {
            self.keep(task, event);
        }
    }

    /// Tells the chooser, where it wants to know, and adds to the trace, where one is kept.
    #[cold]
    pub(crate) fn keep(&mut self, task: TaskId, event: Event) {
        if self.decisions.wants_events() {
            self.tell(task, &event);
        }
        let (step, now) = (self.step, self.now);
        if let Some(trace) = &mut self.trace {
            trace.push(Record { step, now, task, event });
        }
    }

    /// The running task, or the root where none runs (the loop acts in its name).
    #[inline]
    pub(crate) fn current_task(&self) -> TaskId {
        self.current.map_or(TaskId::ROOT, |task| task.id)
    }

    /// Who acts: the running task, or the loop.
    #[inline]
    pub(crate) fn actor(&self) -> crate::trace::Waker {
        match self.current {
            Some(task) => crate::trace::Waker::Task(task.id),
            None => crate::trace::Waker::Loop,
        }
    }

    pub(crate) fn advance(&mut self, ticks: u64) {
        self.now = self.now.saturating_add(ticks);
    }

    /// Counts a poll of a `select!`; false once there have been too many in one step, and then
    /// the run goes no further than this step.
    #[inline]
    pub(crate) fn polled_select(&mut self, place: Place) -> bool {
        let (count, step) = self.selects;
        let count = if step == self.step { count + 1 } else { 1 };
        self.selects = (count, self.step);
        count <= self.limits.selects() || self.stop_spinning(place)
    }

    #[cold]
    fn stop_spinning(&mut self, place: Place) -> bool {
        self.spinning.get_or_insert((self.current_task(), place));
        false
    }

    /// The stream of words that the program draws from.
    pub(crate) fn program_rng(&mut self) -> &mut ChaCha8Rng {
        let seed = self.seed;
        self.program_rng.get_or_insert_with(|| seed::stream(seed, Purpose::Program))
    }

    pub(crate) fn push_call(&mut self, call: Call) {
        let index = match self.free_calls.pop() {
            Some(index) => {
                self.calls[index as usize] = Some(call);
                index
            }
            None => {
                self.calls.push(Some(call));
                u32::try_from(self.calls.len() - 1).expect("[sim bug] 2^32 callbacks")
            }
        };
        self.ready.push_back(Entry::Call(index));
    }

    fn take_call(&mut self, index: u32) -> Option<Call> {
        let call = self.calls.get_mut(index as usize)?.take();
        self.free_calls.push(index);
        call
    }

    /// The tasks of the last steps, oldest first.
    pub(crate) fn recent_tasks(&self) -> Vec<TaskId> {
        let len = (self.step as usize).min(RECENT);
        (0..len).map(|back| self.recent_at(len - 1 - back)).collect()
    }

    fn recent_at(&self, back: usize) -> TaskId {
        TaskId(self.recent[(self.step as usize - back) % RECENT])
    }

    /// The label of a task: its name, else `main` or `task-N`.
    pub(crate) fn task_label(&self, id: TaskId) -> String {
        let named = self
            .tasks
            .iter()
            .find(|task| task.id == id && task.is_occupied())
            .and_then(|task| task.name.as_deref());
        if let Some(name) = named {
            return name.to_owned();
        }
        let traced = self.trace.as_ref().and_then(|trace| trace.tasks.get(id.index()));
        if let Some(info) = traced { info.name.clone() } else { default_label(id) }
    }

    /// The label of a task whose slot is known: found at once, however many tasks there are.
    pub(crate) fn label_of(&self, task: TaskRef) -> String {
        let name = self.task(task).and_then(|slot| slot.name.as_deref());
        name.map_or_else(|| default_label(task.id), str::to_owned)
    }

    /// Who the live tasks are.
    pub(crate) fn task_info(&self, task: &Task) -> TaskInfo {
        TaskInfo {
            id: task.id,
            name: task.name.as_deref().map_or_else(|| default_label(task.id), str::to_owned),
            parent: task.parent,
            spawned_at: task.spawned_at,
        }
    }
}

pub(crate) fn default_label(id: TaskId) -> String {
    if id == TaskId::ROOT { "main".to_owned() } else { format!("task-{}", id.0) }
}

/// What of an event goes into the digest.
#[inline(always)]
fn digest_words(event: &Event) -> (u8, u64) {
    use crate::trace::{End, Waker};
    let by = |waker: &Waker| match waker {
        Waker::Task(task) => u64::from(task.0) + 1,
        Waker::Loop => 0,
    };
    match event {
        Event::Spawn { child } => (1, u64::from(child.0)),
        Event::Step => (2, 0),
        Event::Wake { by: waker } => (3, by(waker)),
        Event::Block { op, object, on, place: _ } => {
            let object = object.map_or(0, |object| u64::from(object.0) + 1);
            let on = on.map_or(0, |task| u64::from(task.0) + 1);
            (4, (*op as u64) | (object << 8) ^ (on << 36))
        }
        Event::Left { op, object, place: _ } => {
            let object = object.map_or(0, |object| u64::from(object.0) + 1);
            (17, (*op as u64) | (object << 8))
        }
        Event::Touch { object, write } => (18, (u64::from(object.0) << 1) | u64::from(*write)),
        Event::TimerSet { deadline } => (5, *deadline),
        Event::TimerFired { deadline } => (6, *deadline),
        Event::TimerDropped { deadline } => (7, *deadline),
        Event::Busy { duration } => (8, *duration),
        Event::CancelRequested { by: waker, cause } => (9, by(waker) ^ ((*cause as u64) << 36)),
        Event::CancelDelivered => (10, 0),
        Event::CancelCaught => (11, 0),
        Event::AbortRequested { by: waker } => (12, by(waker)),
        Event::Acquire { object } => (13, u64::from(object.0)),
        Event::Release { object } => (14, u64::from(object.0)),
        Event::Note(_) => (15, 0),
        Event::TooLate { by: waker, abort } => (17, by(waker) ^ (u64::from(*abort) << 36)),
        Event::Finish(end) => match end {
            End::Returned => (16, 0),
            End::Cancelled => (16, 1),
            End::Panicked => (16, 2),
        },
    }
}
