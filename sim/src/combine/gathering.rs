//! The bookkeeping of a gather: asyncio's `_GatheringFuture` and its done-callback.

use core::fmt;
use core::panic::Location;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::task::{Context, Poll};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::gate::Gate;
use super::watched::{Ended, IsErr};
use crate::kernel::State;
use crate::kernel::context::{self, Caught, drop_quietly};
use crate::kernel::task::{Callback, TaskRef, Watcher};
use crate::kernel::wait::{self, Parked, Target, WaitRef, WaitState};
use crate::task::{JoinError, JoinHandle};
use crate::trace::{Op, Place};

/// How far a gather has come: how many of its tasks have ended.
#[derive(Clone, Debug)]
pub struct Progress {
    counts: Arc<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    done: AtomicUsize,
    total: AtomicUsize,
}

impl Progress {
    /// How many tasks have ended.
    #[must_use]
    pub fn done(&self) -> usize {
        self.counts.done.load(Ordering::Relaxed)
    }

    /// How many tasks there are.
    #[must_use]
    pub fn total(&self) -> usize {
        self.counts.total.load(Ordering::Relaxed)
    }
}

type OnProgress = Box<dyn FnMut(usize, usize) + Send>;

/// The children of a gather, kept until the last one has ended: an error that comes after the
/// first is marked as seen, so somebody has to be there to see it.
struct Children<R> {
    is_err: IsErr,
    tasks: Arc<Box<[TaskRef]>>,
    counts: Arc<Counts>,
    inner: Mutex<Inner<R>>,
}

struct Inner<R> {
    handles: Vec<JoinHandle<R>>,
    finished: usize,
    /// How many there are, each counted once.
    expected: usize,
    first_failure: Option<(usize, Ended)>,
    /// The result was taken, or nobody waits for it any more.
    concluded: bool,
    /// asyncio's `return_exceptions`.
    wants_all: bool,
    wait: Option<WaitRef>,
    on_progress: Option<OnProgress>,
    panic: Option<Caught>,
}

impl<R> Inner<R> {
    /// Whether asyncio's outer future is done.
    fn is_done(&self) -> bool {
        self.finished == self.expected || (self.first_failure.is_some() && !self.wants_all)
    }
}

impl<R: 'static> Children<R> {
    fn lock(&self) -> MutexGuard<'_, Inner<R>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note of a child's end.
    fn finished(&self, index: usize, ended: Ended) {
        let mut inner = self.lock();
        let late = inner.is_done();
        inner.finished += 1;
        let (done, total) = (inner.finished, inner.expected);
        self.counts.done.store(done, Ordering::Relaxed);
        if !late && ended != Ended::Value {
            inner.first_failure.get_or_insert((index, ended));
        }
        let wait = if inner.is_done() { inner.wait.take() } else { None };
        let on_progress = inner.on_progress.take();
        let unwanted = if inner.concluded && done == total {
            core::mem::take(&mut inner.handles)
        } else {
            Vec::new()
        };
        drop(inner);
        if late && ended == Ended::Failed {
            // Silent, as in asyncio. A panic is a bug, and stays loud.
            context::with(|state| state.observe(self.tasks[index]));
        }
        drop_quietly(unwanted);
        if let Some(wait) = wait {
            wait::complete(wait);
        }
        if let Some(on_progress) = on_progress {
            self.report(on_progress, done, total);
        }
    }

    fn report(&self, mut on_progress: OnProgress, done: usize, total: usize) {
        let reported = context::enter(|context| context.guard(|| on_progress(done, total)));
        let mut inner = self.lock();
        let wait = match reported {
            Ok(()) => {
                inner.on_progress = Some(on_progress);
                None
            }
            Err(panic) => {
                // It goes on in the task that awaits the gather.
                inner.panic = Some(panic);
                inner.wait.take()
            }
        };
        drop(inner);
        if let Some(wait) = wait {
            wait::complete(wait);
        }
    }
}

impl<R: 'static> Callback for Children<R> {
    fn call(&self, index: usize) {
        let ended = context::with(|state| Ended::of(state, self.tasks[index], self.is_err));
        self.finished(index, ended.unwrap_or(Ended::Lost));
    }
}

/// A gather on its way: what stands behind all the public futures.
pub(super) struct Gathering<R> {
    children: Arc<Children<R>>,
    gate: Option<Arc<Gate>>,
    parked: Parked,
    /// A request went on outward from here.
    raised: bool,
}

impl<R> Drop for Gathering<R> {
    fn drop(&mut self) {
        let mut inner = self.children.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.concluded = true;
    }
}

/// What a gather has come to.
pub(super) enum Gathered<R> {
    All(Vec<JoinHandle<R>>),
    /// The first child that failed, and its result.
    Failed(usize, TaskRef, Result<R, JoinError>),
}

impl<R> fmt::Debug for Gathering<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gathering")
            .field("total", &self.children.tasks.len())
            .field("parked", &self.parked)
            .finish_non_exhaustive()
    }
}

impl<R: 'static> Gathering<R> {
    pub(super) fn new(
        handles: Vec<JoinHandle<R>>,
        is_err: IsErr,
        gate: Option<Arc<Gate>>,
        place: Place,
    ) -> Self {
        let tasks: Box<[TaskRef]> = handles.iter().map(JoinHandle::task_ref).collect();
        let tasks = Arc::new(tasks);
        // A task that is given twice is watched once.
        let mut seen = BTreeSet::new();
        let watched: Vec<(usize, u64)> = handles
            .iter()
            .enumerate()
            .filter(|(_, handle)| seen.insert((handle.run(), handle.id())))
            .map(|(index, handle)| (index, handle.run()))
            .collect();
        let counts = Arc::new(Counts::default());
        counts.total.store(watched.len(), Ordering::Relaxed);
        let children = Arc::new(Children {
            is_err,
            tasks,
            counts,
            inner: Mutex::new(Inner {
                handles,
                finished: 0,
                expected: watched.len(),
                first_failure: None,
                concluded: false,
                wants_all: false,
                wait: None,
                on_progress: None,
                panic: None,
            }),
        });
        let mut done = Vec::new();
        context::with(|state| {
            for (index, run) in watched {
                let task = children.tasks[index];
                if run != state.run {
                    done.push((index, Ended::Lost));
                } else if state.is_done(task) {
                    done.push((index, Ended::of(state, task, is_err)));
                } else {
                    state.watch(task, Watcher::Callback(children.clone(), index));
                }
            }
        });
        for (index, ended) in done {
            children.finished(index, ended);
        }
        Self { children, gate, parked: Parked::made_at(place), raised: false }
    }

    pub(super) fn limit(&self, limit: usize) {
        if let Some(gate) = &self.gate {
            gate.set_limit(limit);
        }
    }

    pub(super) fn want_all(&self) {
        self.children.lock().wants_all = true;
    }

    pub(super) fn progress(&self) -> Progress {
        Progress { counts: Arc::clone(&self.children.counts) }
    }

    pub(super) fn on_progress(&self, on_progress: OnProgress) {
        let replaced = self.children.lock().on_progress.replace(on_progress);
        drop(replaced);
    }

    #[track_caller]
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Gathered<R>> {
        if self.raised {
            context::with(State::raise);
            return Poll::Pending;
        }
        let polled_at = Location::caller();
        let forwarded = match self.poll_end(cx, polled_at) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(forwarded) => forwarded,
        };
        let mut inner = self.children.lock();
        if let Some(panic) = inner.panic.take() {
            drop(inner);
            context::rethrow(panic);
        }
        match inner.first_failure.filter(|_| !inner.wants_all) {
            Some((index, ended)) => {
                inner.concluded = true;
                let handle = inner.handles.get(index).cloned();
                drop(inner);
                if forwarded && ended == Ended::Cancelled {
                    return self.raise();
                }
                let Some(handle) = handle else { panic!("`gather` was polled after it ended") };
                match handle.take_result() {
                    Some(result) => {
                        Poll::Ready(Gathered::Failed(index, self.children.tasks[index], result))
                    }
                    None => unreachable!("[sim bug] a task that has ended gives no result"),
                }
            }
            None => {
                let handles = core::mem::take(&mut inner.handles);
                drop(inner);
                if forwarded {
                    self.forget(handles);
                    return self.raise();
                }
                Poll::Ready(Gathered::All(handles))
            }
        }
    }

    /// Waits until asyncio's outer future is done; `Ready(true)` if a request was passed on to
    /// the children through here.
    fn poll_end(&mut self, cx: &mut Context<'_>, polled_at: Place) -> Poll<bool> {
        let (children, parked) = (&self.children, &mut self.parked);
        let polled = context::expect("gather", |state| {
            parked.forget_cancelled(state);
            if parked.is_parked() {
                return match parked.repoll(state, cx) {
                    WaitState::Done => Poll::Ready(parked.leave(state)),
                    WaitState::Waiting | WaitState::Cancelled => Poll::Pending,
                };
            }
            let mut inner = children.lock();
            if inner.is_done() || inner.panic.is_some() {
                return Poll::Ready(None);
            }
            let target = Target::Tasks(Arc::clone(&children.tasks));
            inner.wait = Some(parked.park(state, cx, Op::Gather, None, target, polled_at));
            Poll::Pending
        });
        polled.map(|left| left.is_some_and(|left| left.forwarded))
    }

    fn raise(&mut self) -> Poll<Gathered<R>> {
        self.raised = true;
        context::with(State::raise);
        Poll::Pending
    }

    /// Gives up the results of a gather that was cancelled; asyncio has seen the errors by then.
    fn forget(&self, handles: Vec<JoinHandle<R>>) {
        context::with(|state| {
            for handle in &handles {
                if Ended::of(state, handle.task_ref(), self.children.is_err) == Ended::Failed {
                    state.observe(handle.task_ref());
                }
            }
        });
        drop(handles);
    }
}

/// The result of a task that has ended.
pub(super) fn result_of<R: 'static>(handle: &JoinHandle<R>) -> Result<R, JoinError> {
    match handle.take_result() {
        Some(result) => result,
        None => unreachable!("[sim bug] a task that has ended gives no result"),
    }
}
