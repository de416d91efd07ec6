//! Waiting for the first of several tasks, or all of them, or for some time.

use core::fmt;
use core::future::Future;
use core::panic::Location;
use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::watched::Hold;
use crate::clock::{TimerId, ticks};
use crate::kernel::State;
use crate::kernel::context;
use crate::kernel::task::{Callback, TaskRef, Watcher};
use crate::kernel::wait::{self, Call, Parked, Target, TimerAction, TimerThen, WaitRef, WaitState};
use crate::task::{AbortHandle, JoinHandle};
use crate::trace::{Op, Place};

/// Says when [`wait()`] returns: asyncio's `return_when`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum WaitFor {
    /// When a task has ended.
    FirstCompleted,
    /// When a task has failed, or all have ended. A panic is a failure, and so is an `Err` of a
    /// task started by [`try_spawn`](crate::try_spawn()), [`gather`](crate::gather()) or a
    /// [`TaskGroup`](crate::TaskGroup); a cancellation is none.
    FirstException,
    /// When all have ended.
    #[default]
    AllCompleted,
}

/// What [`wait()`] can wait for: handles of tasks, and references to them.
pub trait Waitable: sealed::Sealed {
    /// The task.
    #[doc(hidden)]
    fn abort_handle(&self) -> AbortHandle;
}

mod sealed {
    pub trait Sealed {}
    impl<T> Sealed for crate::task::JoinHandle<T> {}
    impl Sealed for crate::task::AbortHandle {}
    impl<W: Sealed + ?Sized> Sealed for &W {}
}

impl<T> Waitable for JoinHandle<T> {
    fn abort_handle(&self) -> AbortHandle {
        JoinHandle::abort_handle(self)
    }
}

impl Waitable for AbortHandle {
    fn abort_handle(&self) -> AbortHandle {
        self.clone()
    }
}

impl<W: Waitable + ?Sized> Waitable for &W {
    fn abort_handle(&self) -> AbortHandle {
        W::abort_handle(self)
    }
}

/// Which tasks had ended when [`wait()`] returned, as places among its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Waited {
    /// Those that have ended, in the order given.
    pub done: Vec<usize>,
    /// The others, in the order given.
    pub pending: Vec<usize>,
}

/// Waits for the first of several tasks, or for all: `asyncio.wait`.
///
/// It takes no results and cancels nobody; [`timeout`](Wait::timeout) bounds the wait, and its
/// end is no error. As in asyncio the wait suspends even where everything has ended, and returns
/// two passes after what it waited for; a task that ends in between is among `done`. With no tasks
/// at all it returns at once.
///
/// # Cancel safety
///
/// A request ends only the wait: the tasks run on.
///
/// # Panics
///
/// When polled outside a simulation.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use sim::WaitFor;
///
/// # sim::Sim::new().run(|| async {
/// let tasks = [3, 1, 2].map(|s| sim::spawn(sim::sleep(Duration::from_secs(s))));
/// let first = sim::wait(&tasks, WaitFor::FirstCompleted).await;
/// assert_eq!((first.done, first.pending), (vec![1], vec![0, 2]));
///
/// let rest = sim::wait(&tasks, WaitFor::AllCompleted).timeout(Duration::from_millis(1_500)).await;
/// assert_eq!((rest.done, rest.pending), (vec![1, 2], vec![0]));
/// # }).unwrap();
/// ```
#[track_caller]
pub fn wait<I>(tasks: I, until: WaitFor) -> Wait
where
    I: IntoIterator,
    I::Item: Waitable,
{
    let tasks = tasks
        .into_iter()
        .map(|task| {
            let handle = task.abort_handle();
            Hold::new(handle.task_ref(), handle.run())
        })
        .collect();
    Wait { tasks, until, timeout: None, waiting: None, parked: Parked::made_at(Location::caller()) }
}

/// The future of [`wait()`].
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Wait {
    tasks: Vec<Hold>,
    until: WaitFor,
    timeout: Option<u64>,
    // Present while it waits.
    waiting: Option<Arc<Waiting>>,
    parked: Parked,
}

impl fmt::Debug for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wait")
            .field("tasks", &self.tasks)
            .field("until", &self.until)
            .finish_non_exhaustive()
    }
}

/// asyncio's `_wait`: its waiter, its counter and its timer.
struct Waiting {
    until: WaitFor,
    tasks: Vec<TaskRef>,
    wait: WaitRef,
    run: u64,
    inner: Mutex<Inner>,
}

struct Inner {
    left: usize,
    timer: Option<TimerId>,
}

impl Waiting {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[must_use]
    fn stop_timer(&self, state: &mut State) -> Option<TimerAction> {
        let timer = self.lock().timer.take()?;
        state.drop_timer(timer)
    }
}

impl Callback for Waiting {
    fn call(&self, index: usize) {
        let left = {
            let mut inner = self.lock();
            inner.left = inner.left.saturating_sub(1);
            inner.left
        };
        let dropped = context::with(|state| {
            let over = left == 0
                || match self.until {
                    WaitFor::FirstCompleted => true,
                    WaitFor::FirstException => state.failed(self.tasks[index]),
                    WaitFor::AllCompleted => false,
                };
            over.then(|| self.stop_timer(state))
        });
        if dropped.flatten().is_some() {
            wait::complete(self.wait);
        }
    }
}

impl Wait {
    /// Waits for this long at most, counted from the first poll.
    pub fn timeout(mut self, duration: Duration) -> Self {
        self.timeout = Some(ticks(duration));
        self
    }

    /// Begins to wait: the timer is set first, then the tasks are watched, as in asyncio.
    fn begin(&mut self, state: &mut State, cx: &Context<'_>, polled_at: Place) {
        let wait = self.parked.park(state, cx, Op::Wait, None, Target::Here, polled_at);
        let timer = self.timeout.map(|ticks| {
            let deadline = state.now.saturating_add(ticks);
            state.set_timer(deadline, TimerThen::Complete(wait))
        });
        // A task that is given twice is watched once.
        let mut seen = BTreeSet::new();
        let unique: Vec<usize> = (0..self.tasks.len())
            .filter(|index| seen.insert((self.tasks[*index].run(), self.tasks[*index].task().id)))
            .collect();
        let waiting = Arc::new(Waiting {
            until: self.until,
            tasks: self.tasks.iter().map(Hold::task).collect(),
            wait,
            run: state.run,
            inner: Mutex::new(Inner { left: unique.len(), timer }),
        });
        for index in unique {
            let task = &self.tasks[index];
            if task.run() == state.run {
                state.watch(task.task(), Watcher::Callback(waiting.clone(), index));
            } else {
                state.push_call(Call::Callback(waiting.clone(), index));
            }
        }
        self.waiting = Some(waiting);
    }

    /// Takes timer and callbacks back: asyncio's `finally`.
    fn end(&mut self) {
        let Some(waiting) = self.waiting.take() else { return };
        let tasks = &self.tasks;
        let dropped = context::with(|state| {
            if waiting.run != state.run {
                return None;
            }
            let timer = waiting.stop_timer(state);
            let callback: Arc<dyn Callback> = waiting.clone();
            let watchers: Vec<Watcher> = tasks
                .iter()
                .enumerate()
                .filter(|(_, task)| task.run() == waiting.run)
                .filter_map(|(index, task)| state.unwatch(task.task(), &callback, index))
                .collect();
            Some((timer, watchers))
        });
        drop(dropped);
    }

    fn split(&self) -> Waited {
        let (done, pending) = context::with(|state| {
            (0..self.tasks.len()).partition(|index| self.tasks[*index].is_done(state))
        })
        .unwrap_or_default();
        Waited { done, pending }
    }
}

impl Future for Wait {
    type Output = Waited;

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Waited> {
        let polled_at = Location::caller();
        let this = &mut *self;
        let ready = context::expect("wait", |state| {
            this.parked.forget_cancelled(state);
            if this.parked.is_parked() {
                return match this.parked.repoll(state, cx) {
                    WaitState::Done => Some(this.parked.leave(state)),
                    WaitState::Waiting | WaitState::Cancelled => None,
                };
            }
            if this.tasks.is_empty() {
                return Some(None);
            }
            this.begin(state, cx, polled_at);
            None
        });
        match ready {
            None => Poll::Pending,
            Some(_left) => {
                this.end();
                Poll::Ready(this.split())
            }
        }
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        self.end();
    }
}
