//! Taking results as they come.

use core::fmt;
use core::future::Future;
use core::panic::Location;
use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;
use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::Stream;

use super::gathering::result_of;
use crate::clock::{TimerId, ticks};
use crate::kernel::context;
use crate::kernel::task::{Callback, Watcher};
use crate::kernel::wait::{self, Call, Parked, Target, TimerThen, WaitRef, WaitState};
use crate::task::{JoinError, JoinHandle};
use crate::time::Elapsed;
use crate::trace::{Op, Place};

/// Gives the results of tasks in the order in which they end: `asyncio.as_completed`.
///
/// Each item is the task's place among the arguments and its result. It is a
/// [`Stream`](futures::Stream), with a [`next`](AsCompleted::next) of its own.
///
/// # Cancel safety
///
/// A request ends only the wait for the next item: no item is lost, the tasks run on. When the
/// stream is dropped they are detached.
///
/// # Panics
///
/// When polled outside a simulation.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// # sim::Sim::new().run(|| async {
/// let tasks = [3, 1, 2].map(|s| sim::spawn(sim::sleep_with(Duration::from_secs(s), s)));
/// let mut completed = sim::as_completed(tasks);
/// let mut order = Vec::new();
/// while let Some((index, result)) = completed.next().await {
///     order.push((index, result.unwrap()));
/// }
/// assert_eq!(order, [(1, 1), (2, 2), (0, 3)]);
/// # }).unwrap();
/// ```
#[track_caller]
pub fn as_completed<T: 'static>(tasks: impl IntoIterator<Item = JoinHandle<T>>) -> AsCompleted<T> {
    let handles: Vec<JoinHandle<T>> = tasks.into_iter().collect();
    // A task that is given twice comes once.
    let mut seen = BTreeSet::new();
    let unique: Vec<usize> = (0..handles.len())
        .filter(|index| seen.insert((handles[*index].run(), handles[*index].id())))
        .collect();
    let completions = Arc::new(Completions {
        inner: Mutex::new(Inner {
            done: VecDeque::new(),
            todo: unique.iter().copied().collect(),
            getter: None,
            timer: None,
        }),
    });
    context::with(|state| {
        for &index in &unique {
            let callback = Arc::clone(&completions);
            if handles[index].run() == state.run {
                state.watch(handles[index].task_ref(), Watcher::Callback(callback, index));
            } else {
                state.push_call(Call::Callback(callback, index));
            }
        }
    });
    AsCompleted {
        handles,
        left: unique.len(),
        completions,
        parked: Parked::made_at(Location::caller()),
    }
}

/// The stream of [`as_completed`].
#[must_use = "streams do nothing unless polled"]
pub struct AsCompleted<T> {
    handles: Vec<JoinHandle<T>>,
    /// How many items are still to be given.
    left: usize,
    completions: Arc<Completions>,
    // For polling as a stream.
    parked: Parked,
}

impl<T> fmt::Debug for AsCompleted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsCompleted").field("left", &self.left).finish_non_exhaustive()
    }
}

/// asyncio's `_AsCompletedIterator`: a queue of the tasks that have ended.
#[derive(Debug)]
struct Completions {
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// `None` stands for a task that had not ended when the time was over.
    done: VecDeque<Option<usize>>,
    todo: BTreeSet<usize>,
    getter: Option<WaitRef>,
    timer: Option<TimerId>,
}

/// The tag of the timer; all others are places of tasks.
const TIMEOUT: usize = usize::MAX;

impl Completions {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Callback for Completions {
    fn call(&self, tag: usize) {
        let mut inner = self.lock();
        let mut timer = None;
        if tag == TIMEOUT {
            let late = core::mem::take(&mut inner.todo).len();
            inner.done.extend((0..late).map(|_| None));
            inner.timer = None;
        } else {
            if !inner.todo.remove(&tag) {
                return; // The time was over before.
            }
            inner.done.push_back(Some(tag));
            if inner.todo.is_empty() {
                timer = inner.timer.take();
            }
        }
        let getter = inner.getter.take();
        drop(inner);
        if let Some(timer) = timer {
            drop(context::with(|state| state.drop_timer(timer)));
        }
        if let Some(getter) = getter {
            wait::complete(getter);
        }
    }
}

impl<T: 'static> AsCompleted<T> {
    /// Bounds the whole, from now on: each task that has not ended by then comes as
    /// [`Elapsed`]. Nobody is cancelled.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// # sim::Sim::new().run(|| async {
    /// let tasks = [1, 9].map(|s| sim::spawn(sim::sleep(Duration::from_secs(s))));
    /// let mut completed = sim::as_completed(tasks).timeout(Duration::from_secs(5));
    /// assert!(completed.next().await.unwrap().is_ok());
    /// assert!(completed.next().await.unwrap().is_err());
    /// assert!(completed.next().await.is_none());
    /// # }).unwrap();
    /// ```
    pub fn timeout(self, duration: Duration) -> AsCompletedWithin<T> {
        let completions = &self.completions;
        context::with(|state| {
            let mut inner = completions.lock();
            if !inner.todo.is_empty() {
                let deadline = state.now.saturating_add(ticks(duration));
                let then = TimerThen::Callback(completions.clone(), TIMEOUT);
                inner.timer = Some(state.set_timer(deadline, then));
            }
        });
        AsCompletedWithin { tasks: self }
    }

    /// Waits for the next task to end; `None` when all have been given.
    #[track_caller]
    #[expect(clippy::should_implement_trait, reason = "the name that streams have for it")]
    pub fn next(&mut self) -> NextCompleted<'_, T> {
        NextCompleted { tasks: self, parked: Parked::made_at(Location::caller()) }
    }

    /// How many results are still to come.
    #[must_use]
    pub fn len(&self) -> usize {
        self.left
    }

    /// Whether all results have been given.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.left == 0
    }

    /// The next task that has ended; `Some(None)` where the time was over first.
    fn poll_index(
        &mut self,
        parked: &mut Parked,
        cx: &mut Context<'_>,
        polled_at: Place,
    ) -> Poll<Option<Option<usize>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let completions = &self.completions;
        let (next, left) = context::expect("as_completed", |state| {
            parked.forget_cancelled(state);
            let mut inner = completions.lock();
            if parked.is_parked() && parked.repoll(state, cx) != WaitState::Done {
                return (None, None);
            }
            let left = parked.leave(state);
            let next = inner.done.pop_front();
            if next.is_none() {
                let wait = parked.park(state, cx, Op::NextCompleted, None, Target::Here, polled_at);
                inner.getter = Some(wait);
            }
            (next, left)
        });
        drop(left);
        match next {
            None => Poll::Pending,
            Some(index) => {
                self.left -= 1;
                Poll::Ready(Some(index))
            }
        }
    }

    /// Polls as a stream: the wait stands in the stream, and so may be left over from a poll
    /// whose scope has been unwound since; that request is dealt with, and is not raised again.
    fn poll_stream(
        &mut self,
        cx: &mut Context<'_>,
        polled_at: Place,
    ) -> Poll<Option<Option<usize>>> {
        let mut parked = core::mem::replace(&mut self.parked, Parked::made_at(polled_at));
        drop(context::with(|state| {
            let found = parked.wait().and_then(|wait| state.wait_state(wait));
            if found == Some(WaitState::Waiting) { None } else { parked.leave(state) }
        }));
        let polled = self.poll_index(&mut parked, cx, polled_at);
        self.parked = parked;
        polled
    }

    fn item(&self, index: usize) -> (usize, Result<T, JoinError>) {
        (index, result_of(&self.handles[index]))
    }
}

impl<T: 'static> Stream for AsCompleted<T> {
    type Item = (usize, Result<T, JoinError>);

    #[track_caller]
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_stream(cx, Location::caller()).map(|next| match next {
            Some(Some(index)) => Some(self.item(index)),
            Some(None) => unreachable!("[sim bug] no time was set"),
            None => None,
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

/// The future of [`AsCompleted::next`].
#[derive(Debug)]
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct NextCompleted<'a, T> {
    tasks: &'a mut AsCompleted<T>,
    parked: Parked,
}

impl<T: 'static> Future for NextCompleted<'_, T> {
    type Output = Option<(usize, Result<T, JoinError>)>;

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        this.tasks.poll_index(&mut this.parked, cx, Location::caller()).map(|next| match next {
            Some(Some(index)) => Some(this.tasks.item(index)),
            Some(None) => unreachable!("[sim bug] no time was set"),
            None => None,
        })
    }
}

/// The stream of [`AsCompleted::timeout`].
#[derive(Debug)]
#[must_use = "streams do nothing unless polled"]
pub struct AsCompletedWithin<T> {
    tasks: AsCompleted<T>,
}

impl<T: 'static> AsCompletedWithin<T> {
    /// Waits for the next task to end or the time to be over; `None` when all have been given.
    #[track_caller]
    #[expect(clippy::should_implement_trait, reason = "the name that streams have for it")]
    pub fn next(&mut self) -> NextCompletedWithin<'_, T> {
        NextCompletedWithin { next: self.tasks.next() }
    }

    /// How many items are still to come.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tasks.left
    }

    /// Whether all items have been given.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tasks.left == 0
    }

    fn item(
        tasks: &AsCompleted<T>,
        next: Option<usize>,
    ) -> Result<(usize, Result<T, JoinError>), Elapsed> {
        next.map(|index| tasks.item(index)).ok_or(Elapsed::new())
    }
}

impl<T: 'static> Stream for AsCompletedWithin<T> {
    type Item = Result<(usize, Result<T, JoinError>), Elapsed>;

    #[track_caller]
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let polled = self.tasks.poll_stream(cx, Location::caller());
        polled.map(|next| next.map(|next| Self::item(&self.tasks, next)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.tasks.left, Some(self.tasks.left))
    }
}

/// The future of [`AsCompletedWithin::next`].
#[derive(Debug)]
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct NextCompletedWithin<'a, T> {
    next: NextCompleted<'a, T>,
}

impl<T: 'static> Future for NextCompletedWithin<'_, T> {
    type Output = Option<Result<(usize, Result<T, JoinError>), Elapsed>>;

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let NextCompleted { tasks, parked } = &mut self.next;
        let polled = tasks.poll_index(parked, cx, Location::caller());
        polled.map(|next| next.map(|next| AsCompletedWithin::item(tasks, next)))
    }
}
