//! What a task is: a future in a slot, what it waits for, and how it ended.

use core::any::Any;
use core::cell::RefCell;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context as PollContext, Poll};
use std::rc::Rc;
use std::sync::{Arc, Mutex};

use pin_project_lite::pin_project;

use super::State;
use super::arena::Key;
use super::context::{self, Caught, PanicSite};
use super::ready::Entry;
use super::scope::ScopeKey;
use super::turn::Phase;
use super::wait::WaitRef;
use super::waker::SlotWaker;
use crate::id::TaskId;
use crate::trace::{End, Event, Place};

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
const MAX_PANICS: usize = 64;

/// How a task ended, for whoever asks.
#[derive(Debug)]
pub(crate) enum Completion {
    Value(Box<dyn Any>),
    Cancelled,
    Panicked {
        site: PanicSite,
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

/// What is polled. It belongs to the slot and stands apart from the rest of the task, so that a
/// poll holds it, and nothing of the state, without a move in and out.
pub(crate) struct Body {
    // Absent once the task has ended.
    pub(crate) future: RefCell<Option<ErasedFuture>>,
    pub(crate) waker: SlotWaker,
}

impl Body {
    fn new(waker: SlotWaker) -> Rc<Self> {
        Rc::new(Self { future: RefCell::new(None), waker })
    }
}

// What every step touches stands first, in one cache line.
#[repr(C, align(64))]
pub(crate) struct Task {
    pub(crate) body: Rc<Body>,
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
        if !task.body.waker.rename(self.run, id) {
            // Somebody kept the old task's waker: it must go on naming the old task.
            task.body = Body::new(SlotWaker::new(self.run, slot, id, &self.outside));
        }
        task.waker_address = task.body.waker.waker().data().addr();
        *task.body.future.borrow_mut() = Some(future);
        task.handles = 1;
        task.scheduled = true;
        self.alive += 1;
        self.ready.push_back(Entry::Task(slot));
        let task = TaskRef { slot, id };
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
    pub(crate) fn requeue_current(&mut self) {
        let Some(task) = self.current else { return };
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
    pub(crate) fn drop_handle(&mut self, task: TaskRef) -> Option<Completion> {
        let slot = self.task_mut(task)?;
        slot.handles -= 1;
        if slot.handles > 0 || slot.stage != Stage::Done {
            return None;
        }
        self.vacate(task.slot)
    }

    /// Frees the slot of a task that has ended, and remembers an error nobody looked at.
    fn vacate(&mut self, slot: u32) -> Option<Completion> {
        self.note_unobserved(slot);
        let task = &mut self.tasks[slot as usize];
        let completion = task.completion.take();
        task.reset();
        self.free_slots.push(slot);
        completion
    }

    /// Remembers the error of a task that has ended, if nobody looked at it.
    pub(crate) fn note_unobserved(&mut self, slot: u32) {
        let task = &self.tasks[slot as usize];
        if task.observed {
            return;
        }
        let kind = match &task.completion {
            Some(Completion::Panicked { site, .. }) => UnobservedKind::Panic(site.clone()),
            Some(Completion::Value(value)) => {
                match task.fallible.and_then(|fallible| (fallible.describe)(&**value)) {
                    Some(text) => UnobservedKind::Error(text),
                    None => return,
                }
            }
            _ => return,
        };
        let info = self.task_info(task);
        self.unobserved.push(Unobserved { task: info.id, name: info.name, kind });
        self.tasks[slot as usize].observed = true;
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
    fn vacant(place: Place, body: Rc<Body>) -> Self {
        Self {
            id: TaskId(u32::MAX),
            stage: Stage::Vacant,
            parent: None,
            spawned_at: place,
            name: None,
            body,
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

/// How a poll of a task came out.
pub(crate) enum Ending {
    Value(Box<dyn Any>),
    Cancelled,
    Panicked(Caught),
}

/// Ends a task: tells its watchers, and frees what nobody holds.
pub(crate) fn finish(context: &context::Context, task: TaskRef, ending: Ending) {
    let mut watchers = {
        let mut state = context.state.borrow_mut();
        let Some(state) = state.as_deref_mut() else { return };
        let (completion, end) = match ending {
            Ending::Value(value) => (Completion::Value(value), End::Returned),
            Ending::Cancelled => (Completion::Cancelled, End::Cancelled),
            Ending::Panicked(caught) => {
                let (payload, site) = caught.into_parts();
                if state.panics.len() < MAX_PANICS {
                    state.panics.push((task.id, site.clone()));
                }
                let payload = Arc::new(Mutex::new(Some(payload)));
                (Completion::Panicked { site, payload }, End::Panicked)
            }
        };
        state.emit(task.id, Event::Finish(end));
        state.alive -= 1;
        let slot = &mut state.tasks[task.slot as usize];
        slot.stage = Stage::Done;
        slot.completion = Some(completion);
        if slot.scheduled {
            slot.scheduled = false;
            state.ready.forget_task(task.slot);
        }
        state.orphan(task);
        if task.id == TaskId::ROOT && matches!(state.phase, Phase::Running) {
            state.phase = Phase::root_ended();
            if end == End::Panicked {
                // The run has failed; what others would still do says nothing about why.
                state.stop_now();
            }
        }
        core::mem::take(&mut state.tasks[task.slot as usize].watchers)
    };
    for watcher in watchers.drain(..) {
        match watcher {
            Watcher::Wait(wait) => super::wait::complete_in(context, wait),
            Watcher::Callback(callback, tag) => {
                if let Some(state) = context.state.borrow_mut().as_deref_mut() {
                    state.push_call(super::wait::Call::Callback(callback, tag));
                }
            }
        }
    }
    let leftover = {
        let mut state = context.state.borrow_mut();
        let Some(state) = state.as_deref_mut() else { return };
        let Some(slot) = state.task_mut(task) else { return };
        // Kept for its memory.
        slot.watchers = watchers;
        if slot.handles == 0 { state.vacate(task.slot) } else { None }
    };
    if let Some(leftover) = leftover {
        // The value's destructor is user code.
        let _ = context.guard(|| drop(leftover));
    }
}
