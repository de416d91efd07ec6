//! What a task is: a future in a slot, what it waits for, and how it ended.

use core::any::Any;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context as PollContext, Poll};
use std::sync::{Arc, Mutex};

use pin_project_lite::pin_project;

use super::State;
use super::arena::Key;
use super::choice::Pending;
use super::context::{self, PanicSite};
use super::ready::Entry;
use super::scope::ScopeKey;
use super::wait::WaitRef;
use super::waker::SlotWaker;
use crate::id::TaskId;
use crate::trace::{Event, Op, Place, TaskInfo};

/// Names a task: its slot, and its number to tell it from an earlier task in the slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct TaskRef {
    pub(crate) slot: u32,
    pub(crate) id: TaskId,
}

/// A future that gives any value.
pub(crate) type ErasedFuture = Pin<Box<dyn Future<Output = Box<dyn Any>>>>;

/// What is called, through the ready queue, when a task ends.
pub(crate) trait Callback: Send + Sync {
    /// Does the bookkeeping; `tag` is what was given when it was registered.
    fn call(&self, tag: usize);
}

/// Who learns of a task's end.
pub(crate) enum Watcher {
    /// A task that waits for it: woken directly.
    Wait(WaitRef),
    /// A combinator: called one pass later.
    Callback(Arc<dyn Callback>, usize),
}

impl core::fmt::Debug for Watcher {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Watcher::Wait(wait) => f.debug_tuple("Wait").field(wait).finish(),
            Watcher::Callback(_, tag) => f.debug_tuple("Callback").field(tag).finish(),
        }
    }
}

/// What a task panicked with, taken once, by one of those who ask.
pub(crate) type PanicPayload = Arc<Mutex<Option<Box<dyn Any + Send>>>>;

/// How many panics of a run are remembered, to find the one that led to another.
pub(super) const MAX_PANICS: usize = 64;

/// How a task ended, for whoever asks.
#[derive(Debug)]
pub(crate) enum Completion {
    Value(Box<dyn Any>),
    Cancelled,
    Panicked {
        // Boxed: every task has room for it.
        site: Box<PanicSite>,
        payload: PanicPayload,
    },
    /// The value was handed out.
    Taken,
}

/// An error that nobody looked at.
#[derive(Clone, Debug)]
pub(crate) struct Unobserved {
    pub(crate) task: TaskId,
    pub(crate) name: String,
    pub(crate) kind: UnobservedKind,
}

#[derive(Clone, Debug)]
pub(crate) enum UnobservedKind {
    Panic(PanicSite),
    Error(String),
}

/// An error that nobody looked at, its text not asked for yet: that runs the user's `Debug`.
#[derive(Debug)]
pub(crate) struct Unseen {
    task: TaskId,
    name: String,
    describe: fn(&dyn Any) -> Option<String>,
    value: Box<dyn Any>,
}

impl Unseen {
    /// Remembers the error with its text; gives the value back. Called while the kernel is free.
    pub(crate) fn tell(self) -> Box<dyn Any> {
        let Self { task, name, describe, value } = self;
        let text = match context::enter(|context| context.guard(|| describe(&*value))) {
            Ok(text) => text.unwrap_or_default(),
            Err(caught) => {
                let (payload, site) = caught.into_parts();
                context::drop_quietly(payload);
                format!("(its `Debug` panicked: {}, {})", site.message, site.place)
            }
        };
        let kind = UnobservedKind::Error(text);
        context::with(|state| state.unobserved.push(Unobserved { task, name, kind }));
        value
    }
}

/// What is left of a task that nobody holds any more; dropping it runs code of the user's.
#[derive(Debug)]
pub(crate) struct Leftover {
    unseen: Option<Unseen>,
    _completion: Option<Completion>,
}

impl Drop for Leftover {
    fn drop(&mut self) {
        if let Some(unseen) = self.unseen.take() {
            drop(unseen.tell());
        }
    }
}

/// How to look at the output of a task whose error counts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fallible {
    /// Whether the output is an error; runs no code of the user's.
    pub(crate) is_err: fn(&dyn Any) -> bool,
    /// The text of the error, if it is one.
    pub(crate) describe: fn(&dyn Any) -> Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    Vacant,
    Live,
    Done,
}

/// What is polled. It belongs to the slot and stands apart from the rest of the task: a step takes
/// it out, and so holds nothing of the state, by the move of one pointer.
pub(crate) struct Body {
    // Absent once the task has ended.
    pub(crate) future: Option<ErasedFuture>,
    pub(crate) waker: SlotWaker,
}

impl Body {
    fn new(waker: SlotWaker) -> Box<Self> {
        Box::new(Self { future: None, waker })
    }
}

// What every step touches stands first, in one cache line.
#[repr(C, align(64))]
pub(crate) struct Task {
    // Absent during a step of the task.
    pub(crate) body: Option<Box<Body>>,
    /// Tells the task's own waker from a combinator's.
    pub(crate) waker_address: usize,
    /// Waits in order of parking.
    pub(crate) first_wait: Option<Key>,
    pub(crate) id: TaskId,
    /// How many of the task's scopes have a request to raise.
    pub(crate) throwing_scopes: u32,
    pub(crate) stage: Stage,
    /// Stands in the ready queue.
    pub(crate) scheduled: bool,
    /// asyncio's `_must_cancel`: a request that could not be put on what the task waits for.
    pub(crate) must_cancel: bool,
    /// A request is to be raised at the root of the task before it is polled again.
    pub(crate) throw: bool,
    /// Something outside every scope raised the request during this poll.
    pub(crate) raised: bool,
    pub(crate) abort: bool,
    pub(crate) observed: bool,
    /// asyncio's `_num_cancels_requested`.
    pub(crate) cancelling: u32,
    /// How many handles exist; a slot is free once its task has ended and none does.
    pub(crate) handles: u32,
    pub(crate) last_wait: Option<Key>,
    /// What it is about to do when it is run next.
    pub(crate) pending: Pending,
    /// See [`Candidate::signature`](crate::decision::Candidate::signature).
    pub(crate) signature: u64,
    /// How many tasks it has spawned.
    pub(crate) children: u32,
    /// How many objects of each kind it has made.
    pub(crate) made: Vec<(&'static str, u32)>,
    /// The scope inside which `must_cancel` is to be raised; none: anywhere.
    pub(crate) must_cancel_within: Option<ScopeKey>,
    /// Scopes in order of entering.
    pub(crate) first_scope: Option<Key>,
    pub(crate) last_scope: Option<Key>,
    pub(crate) parent: Option<TaskId>,
    pub(crate) spawned_at: Place,
    pub(crate) name: Option<Box<str>>,
    pub(crate) watchers: Vec<Watcher>,
    pub(crate) completion: Option<Completion>,
    pub(crate) fallible: Option<Fallible>,
}

impl core::fmt::Debug for Task {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Task")
            .field("id", &self.id)
            .field("stage", &self.stage)
            .finish_non_exhaustive()
    }
}

impl Task {
    pub(crate) fn is_occupied(&self) -> bool {
        self.stage != Stage::Vacant
    }

    pub(crate) fn is_live(&self) -> bool {
        self.stage == Stage::Live
    }

    /// Whether there is something of the program's to drop.
    pub(crate) fn holds_something(&self) -> bool {
        self.completion.is_some() || self.body.as_ref().is_some_and(|body| body.future.is_some())
    }
}

pin_project! {
    struct Erase<F> {
        #[pin]
        future: F,
    }
}

impl<F> Future for Erase<F>
where
    F: Future,
    F::Output: 'static,
{
    type Output = Box<dyn Any>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut PollContext<'_>) -> Poll<Box<dyn Any>> {
        self.project().future.poll(cx).map(|value| Box::new(value) as Box<dyn Any>)
    }
}

/// Hides the type of a future and of its output.
pub(crate) fn erase<F>(future: F) -> ErasedFuture
where
    F: Future + 'static,
    F::Output: 'static,
{
    Box::pin(Erase { future })
}

impl State {
    /// Makes a task and queues its first step.
    pub(crate) fn spawn(&mut self, future: ErasedFuture, place: Place) -> TaskRef {
        let id = TaskId(self.next_task);
        self.next_task = self.next_task.checked_add(1).expect("a run spawned more than 2^32 tasks");
        let parent = (id != TaskId::ROOT).then(|| self.current_task());
        let slot = self.free_slots.pop().unwrap_or_else(|| {
            let slot = u32::try_from(self.next_slot).expect("[sim bug] 2^32 slots");
            self.next_slot += 1;
            if self.next_slot > self.tasks.len() {
                let waker = SlotWaker::new(self.run, slot, id, &self.outside);
                self.tasks.push(Task::vacant(place, Body::new(waker)));
            }
            slot
        });
        let task = &mut self.tasks[slot as usize];
        task.id = id;
        task.stage = Stage::Live;
        task.parent = parent;
        task.spawned_at = place;
        task.pending = Pending { op: Op::Start, object: None, place };
        task.children = 0;
        task.made.clear();
        let body = match &mut task.body {
            Some(body) if body.waker.rename(self.run, id) => body,
            // Somebody kept the old task's waker: it must go on naming the old task.
            stale => stale.insert(Body::new(SlotWaker::new(self.run, slot, id, &self.outside))),
        };
        body.future = Some(future);
        task.waker_address = body.waker.waker().data().addr();
        task.handles = 1;
        task.scheduled = true;
        self.alive += 1;
        self.ready.push_back(Entry::Task(slot));
        let task = TaskRef { slot, id };
        if self.decisions.wants_tasks() {
            self.sign(task);
        }
        if self.trace.is_some() {
            let info = self.task_info(&self.tasks[slot as usize]);
            if let Some(trace) = &mut self.trace {
                trace.tasks.push(info);
            }
        }
        if let Some(parent) = parent {
            self.emit(parent, Event::Spawn { child: id });
        }
        task
    }

    #[inline]
    pub(crate) fn task(&self, task: TaskRef) -> Option<&Task> {
        self.tasks.get(task.slot as usize).filter(|slot| slot.id == task.id && slot.is_occupied())
    }

    #[inline]
    pub(crate) fn task_mut(&mut self, task: TaskRef) -> Option<&mut Task> {
        self.tasks
            .get_mut(task.slot as usize)
            .filter(|slot| slot.id == task.id && slot.is_occupied())
    }

    /// The slots that were used in this run; others may be there from an earlier one.
    pub(crate) fn slots(&self) -> &[Task] {
        &self.tasks[..self.next_slot]
    }

    pub(crate) fn is_done(&self, task: TaskRef) -> bool {
        self.task(task).is_none_or(|task| task.stage == Stage::Done)
    }

    /// Puts a task in the ready queue unless it stands there.
    #[inline]
    pub(crate) fn wake(&mut self, task: TaskRef) {
        let by = self.actor();
        let Some(slot) = self.task_mut(task) else { return };
        if slot.scheduled || slot.stage != Stage::Live {
            return;
        }
        slot.scheduled = true;
        self.ready.push_back(Entry::Task(task.slot));
        self.emit(task.id, Event::Wake { by });
    }

    /// Puts the running task at the back of the ready queue.
    #[inline]
    pub(crate) fn requeue(&mut self, task: TaskRef) {
        let slot = &mut self.tasks[task.slot as usize];
        if !core::mem::replace(&mut slot.scheduled, true) {
            self.ready.push_back(Entry::Task(task.slot));
        }
    }

    pub(crate) fn name_task(&mut self, task: TaskRef, name: &str) {
        if let Some(slot) = self.task_mut(task) {
            slot.name = Some(name.into());
        }
        if let Some(info) =
            self.trace.as_mut().and_then(|trace| trace.tasks.get_mut(task.id.index()))
        {
            name.clone_into(&mut info.name);
        }
    }

    pub(crate) fn add_handle(&mut self, task: TaskRef) {
        if let Some(slot) = self.task_mut(task) {
            slot.handles += 1;
        }
    }

    /// Gives up a handle; what is left of the task is handed over, to be dropped by the caller.
    #[must_use]
    #[inline]
    pub(crate) fn drop_handle(&mut self, task: TaskRef) -> Option<Leftover> {
        let slot = self.task_mut(task)?;
        slot.handles -= 1;
        if slot.handles > 0 || slot.stage != Stage::Done {
            return None;
        }
        Some(self.vacate(task.slot))
    }

    /// Frees the slot of a task that has ended; an error nobody looked at goes with the rest.
    #[inline]
    pub(super) fn vacate(&mut self, slot: u32) -> Leftover {
        let unseen = if self.tasks[slot as usize].observed { None } else { self.take_unseen(slot) };
        let task = &mut self.tasks[slot as usize];
        let completion = match task.completion {
            // The value was handed out: nothing is left to drop, as mostly.
            Some(Completion::Taken) => {
                task.completion = None;
                None
            }
            _ => task.completion.take(),
        };
        task.reset();
        self.free_slots.push(slot);
        Leftover { unseen, _completion: completion }
    }

    /// Remembers the panic of a task that has ended, if nobody looked at it; an error, whose text
    /// is the user's to give, is handed over with the value.
    pub(crate) fn take_unseen(&mut self, slot: u32) -> Option<Unseen> {
        let task = &self.tasks[slot as usize];
        if task.observed {
            return None;
        }
        let describe = match &task.completion {
            Some(Completion::Panicked { .. }) => None,
            Some(Completion::Value(value)) => {
                let fallible = task.fallible.filter(|fallible| (fallible.is_err)(&**value))?;
                Some(fallible.describe)
            }
            _ => return None,
        };
        let TaskInfo { id, name, .. } = self.task_info(task);
        let task = &mut self.tasks[slot as usize];
        task.observed = true;
        match (describe, task.completion.take()) {
            (Some(describe), Some(Completion::Value(value))) => {
                Some(Unseen { task: id, name, describe, value })
            }
            (_, completion) => {
                if let Some(Completion::Panicked { site, .. }) = &completion {
                    let kind = UnobservedKind::Panic((**site).clone());
                    self.unobserved.push(Unobserved { task: id, name, kind });
                }
                self.tasks[slot as usize].completion = completion;
                None
            }
        }
    }

    /// Marks a task's error as seen, as `await`, `gather` and the like do.
    pub(crate) fn observe(&mut self, task: TaskRef) {
        if let Some(slot) = self.task_mut(task) {
            slot.observed = true;
        }
    }

    /// Whether a task ended with an error: a panic, or an `Err` where its output is a `Result`.
    pub(crate) fn failed(&self, task: TaskRef) -> bool {
        let Some(slot) = self.task(task) else { return false };
        match &slot.completion {
            Some(Completion::Panicked { .. }) => true,
            Some(Completion::Value(value)) => {
                slot.fallible.is_some_and(|fallible| (fallible.is_err)(&**value))
            }
            _ => false,
        }
    }

    /// Takes the value of a task that has returned one, as [`observe`](Self::observe)d.
    #[inline]
    pub(crate) fn take_value(&mut self, task: TaskRef) -> Option<Box<dyn Any>> {
        let slot = self.task_mut(task)?;
        if !matches!(slot.completion, Some(Completion::Value(_))) {
            return None;
        }
        slot.observed = true;
        match slot.completion.replace(Completion::Taken) {
            Some(Completion::Value(value)) => Some(value),
            _ => None,
        }
    }

    /// Registers who is to learn of a task's end.
    pub(crate) fn watch(&mut self, task: TaskRef, watcher: Watcher) {
        if let Some(slot) = self.task_mut(task).filter(|slot| slot.is_live()) {
            slot.watchers.push(watcher);
            return;
        }
        // As asyncio: a callback added to a task that has ended is called in the next pass.
        if let Watcher::Callback(callback, tag) = watcher {
            self.push_call(super::wait::Call::Callback(callback, tag));
        }
    }

    /// Takes back a callback that was not called yet.
    pub(crate) fn unwatch(
        &mut self,
        task: TaskRef,
        callback: &Arc<dyn Callback>,
        tag: usize,
    ) -> Option<Watcher> {
        let slot = self.task_mut(task)?;
        let position = slot.watchers.iter().position(|watcher| match watcher {
            Watcher::Callback(other, other_tag) => {
                core::ptr::addr_eq(Arc::as_ptr(other), Arc::as_ptr(callback)) && *other_tag == tag
            }
            Watcher::Wait(_) => false,
        })?;
        Some(slot.watchers.remove(position))
    }
}

impl Task {
    fn vacant(place: Place, body: Box<Body>) -> Self {
        Self {
            id: TaskId(u32::MAX),
            stage: Stage::Vacant,
            parent: None,
            spawned_at: place,
            name: None,
            body: Some(body),
            waker_address: 0,
            scheduled: false,
            handles: 0,
            cancelling: 0,
            must_cancel: false,
            must_cancel_within: None,
            throw: false,
            raised: false,
            throwing_scopes: 0,
            abort: false,
            first_wait: None,
            last_wait: None,
            first_scope: None,
            last_scope: None,
            watchers: Vec::new(),
            completion: None,
            fallible: None,
            observed: false,
            pending: Pending { op: Op::Start, object: None, place },
            signature: 0,
            children: 0,
            made: Vec::new(),
        }
    }

    /// Makes the slot vacant, keeping its memory.
    pub(crate) fn reset(&mut self) {
        self.id = TaskId(u32::MAX);
        self.stage = Stage::Vacant;
        self.parent = None;
        self.name = None;
        self.scheduled = false;
        self.handles = 0;
        self.cancelling = 0;
        self.must_cancel = false;
        self.must_cancel_within = None;
        self.throw = false;
        self.raised = false;
        self.throwing_scopes = 0;
        self.abort = false;
        self.first_wait = None;
        self.last_wait = None;
        self.first_scope = None;
        self.last_scope = None;
        self.fallible = None;
        self.observed = false;
    }
}
