//! A set of tasks, taken as they end: tokio's `JoinSet`.

use core::fmt;
use core::future::Future;
use core::panic::Location;
use core::pin::Pin;
use core::task::{Context, Poll};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pin_project_lite::pin_project;

use crate::id::TaskId;
use crate::kernel::context;
use crate::kernel::wait::{self, Parked, Target, WaitRef, WaitState};
use crate::task::{AbortHandle, JoinError, JoinHandle, spawn_at};
use crate::trace::{Op, Place};

/// A set of tasks of one type, taken in the order in which they end: tokio's `JoinSet`.
///
/// Dropping the set aborts the tasks that are still in it.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use sim::JoinSet;
///
/// # sim::Sim::new().run(|| async {
/// let mut set = JoinSet::new();
/// for seconds in [3, 1, 2] {
///     set.spawn(sim::sleep_with(Duration::from_secs(seconds), seconds));
/// }
/// let mut order = Vec::new();
/// while let Some(result) = set.join_next().await {
///     order.push(result.unwrap());
/// }
/// assert_eq!(order, [1, 2, 3]);
/// # }).unwrap();
/// ```
pub struct JoinSet<T> {
    // In the order of spawning.
    handles: BTreeMap<usize, JoinHandle<T>>,
    next: usize,
    ends: Arc<Ends>,
}

/// The tasks that have ended, in order, and who waits for the next one.
#[derive(Debug, Default)]
struct Ends {
    inner: Mutex<(VecDeque<usize>, Option<WaitRef>)>,
}

impl Ends {
    fn lock(&self) -> MutexGuard<'_, (VecDeque<usize>, Option<WaitRef>)> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells of a task's end, in whatever way it comes, in the task's last step: as in tokio, and so
/// one pass earlier than asyncio's combinators learn of it.
#[derive(Debug)]
struct Farewell {
    ends: Arc<Ends>,
    tag: usize,
}

impl Drop for Farewell {
    fn drop(&mut self) {
        let mut inner = self.ends.lock();
        inner.0.push_back(self.tag);
        let wait = inner.1.take();
        drop(inner);
        if let Some(wait) = wait {
            wait::complete(wait);
        }
    }
}

pin_project! {
    struct Member<F> {
        // Dropped before the farewell.
        #[pin]
        future: F,
        farewell: Farewell,
    }
}

impl<F: Future> Future for Member<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        self.project().future.poll(cx)
    }
}

impl<T> JoinSet<T> {
    /// Makes an empty set.
    #[must_use]
    pub fn new() -> Self {
        Self { handles: BTreeMap::new(), next: 0, ends: Arc::default() }
    }

    /// How many tasks are in the set: running, or ended and not taken.
    #[must_use]
    pub fn len(&self) -> usize {
        self.handles.len()
    }

    /// Whether the set has no tasks.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.handles.is_empty()
    }

    /// Aborts every task; [`join_next`](Self::join_next) still gives them, as cancelled.
    pub fn abort_all(&mut self) {
        for handle in self.handles.values().filter(|handle| !handle.is_finished()) {
            handle.abort();
        }
    }

    /// Takes every task out of the set without aborting it.
    pub fn detach_all(&mut self) {
        self.handles.clear();
        self.ends = Arc::default();
    }
}

impl<T: 'static> JoinSet<T> {
    /// Starts a task in the set.
    ///
    /// # Panics
    ///
    /// Outside a simulation.
    #[track_caller]
    pub fn spawn<F>(&mut self, future: F) -> AbortHandle
    where
        F: Future<Output = T> + 'static,
    {
        self.spawn_from(future, Location::caller())
    }

    fn spawn_from<F>(&mut self, future: F, place: Place) -> AbortHandle
    where
        F: Future<Output = T> + 'static,
    {
        let tag = self.next;
        self.next += 1;
        let farewell = Farewell { ends: Arc::clone(&self.ends), tag };
        let handle =
            JoinHandle::new(spawn_at("JoinSet::spawn", Member { future, farewell }, place));
        let abort_handle = handle.abort_handle();
        self.handles.insert(tag, handle);
        abort_handle
    }

    /// Waits for a task to end, and takes it out; `None` if the set is empty.
    ///
    /// # Cancel safety
    ///
    /// A dropped `join_next` takes no task out.
    #[track_caller]
    pub fn join_next(&mut self) -> JoinNext<'_, T> {
        JoinNext { set: self, parked: Parked::made_at(Location::caller()) }
    }

    /// Takes out a task that has ended, if there is one.
    #[must_use]
    pub fn try_join_next(&mut self) -> Option<Result<T, JoinError>> {
        self.take_ended().map(|(_, result)| result)
    }

    /// Takes out a task that has ended, if there is one, with its number.
    #[must_use]
    pub fn try_join_next_with_id(&mut self) -> Option<(TaskId, Result<T, JoinError>)> {
        self.take_ended()
    }

    /// Aborts every task, and waits for them to end.
    pub async fn shutdown(&mut self) {
        self.abort_all();
        while self.join_next().await.is_some() {}
    }

    /// Waits for all tasks and gives their values in the order in which they ended.
    ///
    /// # Panics
    ///
    /// If one of them panicked, with its panic, or was cancelled; the others are then aborted.
    pub async fn join_all(mut self) -> Vec<T> {
        let mut values = Vec::with_capacity(self.len());
        while let Some(result) = self.join_next().await {
            match result.map_err(JoinError::try_into_panic) {
                Ok(value) => values.push(value),
                Err(Ok(payload)) => std::panic::resume_unwind(payload),
                Err(Err(error)) => panic!("{error}"),
            }
        }
        values
    }

    fn take_ended(&mut self) -> Option<(TaskId, Result<T, JoinError>)> {
        let tag = self.ends.lock().0.front().copied()?;
        let result = match self.handles.get(&tag) {
            // Asked from a destructor in the task's very last step: it has not ended quite yet.
            Some(handle) => (handle.id(), handle.take_result()?),
            None => unreachable!("[sim bug] a task that is not in the set has ended"),
        };
        self.ends.lock().0.pop_front();
        self.handles.remove(&tag);
        Some(result)
    }
}

impl<T> Default for JoinSet<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> fmt::Debug for JoinSet<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinSet").field("len", &self.len()).finish_non_exhaustive()
    }
}

impl<T> Drop for JoinSet<T> {
    fn drop(&mut self) {
        self.abort_all();
    }
}

impl<T, F> FromIterator<F> for JoinSet<T>
where
    F: Future<Output = T> + 'static,
    T: 'static,
{
    #[track_caller]
    fn from_iter<I: IntoIterator<Item = F>>(futures: I) -> Self {
        let place = Location::caller();
        let mut set = Self::new();
        for future in futures {
            set.spawn_from(future, place);
        }
        set
    }
}

/// The future of [`JoinSet::join_next`].
#[derive(Debug)]
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct JoinNext<'a, T> {
    set: &'a mut JoinSet<T>,
    parked: Parked,
}

impl<T: 'static> Future for JoinNext<'_, T> {
    type Output = Option<Result<T, JoinError>>;

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let polled_at = Location::caller();
        let this = &mut *self;
        context::expect("JoinSet", |state| this.parked.forget_cancelled(state));
        if this.parked.is_parked() {
            let left = context::expect("JoinSet", |state| match this.parked.repoll(state, cx) {
                WaitState::Done => this.parked.leave(state),
                // Forgotten above: it waits.
                WaitState::Waiting | WaitState::Cancelled => None,
            });
            if left.is_none() {
                return Poll::Pending;
            }
        }
        if let Some((_, result)) = this.set.take_ended() {
            return Poll::Ready(Some(result));
        }
        if this.set.is_empty() {
            return Poll::Ready(None);
        }
        context::expect("JoinSet", |state| {
            let wait =
                this.parked.park(state, cx, Op::NextCompleted, None, Target::Here, polled_at);
            this.set.ends.lock().1 = Some(wait);
        });
        Poll::Pending
    }
}
