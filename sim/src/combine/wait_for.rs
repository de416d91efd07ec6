//! Bounding the time of a task.

use core::fmt;
use core::future::Future;
use core::panic::Location;
use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;

use std::sync::Arc;

use crate::kernel::cancel;
use crate::kernel::context;
use crate::kernel::task::{Callback, Watcher};
use crate::kernel::wait::{self, Parked, Target, WaitRef, WaitState};
use crate::task::{JoinError, JoinHandle};
use crate::time::{Elapsed, Timeout, timeout};
use crate::trace::{Cause, Op, Place};

/// Says why [`wait_for`] gave no value.
#[derive(Clone, Debug)]
pub enum WaitForError {
    /// The time was over, and the task was cancelled.
    Elapsed,
    /// The task panicked, or somebody else cancelled it.
    Join(JoinError),
}

impl WaitForError {
    /// Whether the time was over.
    #[must_use]
    pub fn is_elapsed(&self) -> bool {
        matches!(self, WaitForError::Elapsed)
    }
}

impl fmt::Display for WaitForError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WaitForError::Elapsed => Elapsed::new().fmt(f),
            WaitForError::Join(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for WaitForError {}

/// Waits for a task for some time at most, and then *cancels* it: `asyncio.wait_for`.
///
/// The cancellation is waited for: a task that cleans up for four seconds delays the error by
/// four seconds, and one that swallows the request gives its value after all. Where the deadline
/// and the end of the task come in one pass, the deadline wins. With a zero duration a task that
/// has ended gives its result, and any other is cancelled; one that has not begun never does.
///
/// To bound a future that is no task, use [`timeout`](crate::timeout()); to keep the task running,
/// bound a [`shield`](crate::shield()).
///
/// # Cancel safety
///
/// A request to cancel the awaiting task is passed on to the task, and then goes on outward.
///
/// # Errors
///
/// [`WaitForError::Elapsed`] if the time was over; [`WaitForError::Join`] if the task panicked or
/// was cancelled by somebody else.
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
/// let download = sim::spawn(sim::sleep_with(Duration::from_secs(60), "data"));
/// let handle = download.clone();
/// let result = sim::wait_for(download, Duration::from_secs(5)).await;
/// assert!(result.unwrap_err().is_elapsed());
/// assert!(handle.is_finished()); // it was cancelled
/// # }).unwrap();
/// ```
#[track_caller]
pub fn wait_for<T: 'static>(task: JoinHandle<T>, duration: Duration) -> WaitForTask<T> {
    let place = Location::caller();
    let stage = if duration.is_zero() {
        Stage::Ending(Ending { handle: task, parked: Parked::made_at(place), waker: None })
    } else {
        Stage::Timed(timeout(duration, task.awaited_at(place)))
    };
    WaitForTask { stage }
}

/// The future of [`wait_for`].
#[derive(Debug)]
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct WaitForTask<T> {
    stage: Stage<T>,
}

#[derive(Debug)]
enum Stage<T> {
    Timed(Timeout<JoinHandle<T>>),
    Ending(Ending<T>),
}

impl<T: 'static> Future for WaitForTask<T> {
    type Output = Result<T, WaitForError>;

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.stage {
            Stage::Timed(timed) => Pin::new(timed).poll(cx).map(|result| match result {
                Ok(result) => result.map_err(WaitForError::Join),
                Err(_elapsed) => Err(WaitForError::Elapsed),
            }),
            Stage::Ending(ending) => ending.poll(cx, Location::caller()),
        }
    }
}

/// asyncio's `_cancel_and_wait`: cancels a task and waits for its end, shielded from requests.
struct Ending<T> {
    handle: JoinHandle<T>,
    parked: Parked,
    waker: Option<Arc<dyn Callback>>,
}

impl<T> fmt::Debug for Ending<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ending").field("handle", &self.handle).finish_non_exhaustive()
    }
}

struct Release(WaitRef);

impl Callback for Release {
    fn call(&self, _tag: usize) {
        wait::complete(self.0);
    }
}

impl<T: 'static> Ending<T> {
    fn poll(&mut self, cx: &mut Context<'_>, polled_at: Place) -> Poll<Result<T, WaitForError>> {
        let (task, run) = (self.handle.task_ref(), self.handle.run());
        let parked = &mut self.parked;
        context::expect("wait_for", |state| parked.forget_cancelled(state));
        if !parked.is_parked() {
            // Polled again after its wait was cancelled, it waits anew, and asks nobody twice.
            let asked = self.waker.is_some();
            if let Some(result) = self.handle.take_result() {
                return Poll::Ready(result.map_err(|error| match error {
                    error if asked && error.is_cancelled() => WaitForError::Elapsed,
                    error => WaitForError::Join(error),
                }));
            }
            self.waker = Some(context::expect("wait_for", |state| {
                let wait = parked.park(state, cx, Op::Join, None, Target::Here, polled_at);
                let release: Arc<dyn Callback> = Arc::new(Release(wait));
                debug_assert!(state.run == run, "[sim bug] a task of another run is pending");
                state.watch(task, Watcher::Callback(Arc::clone(&release), 0));
                release
            }));
            if !asked {
                cancel::request(task, None, Cause::Deadline);
            }
            return Poll::Pending;
        }
        let left = context::expect("wait_for", |state| match parked.repoll(state, cx) {
            WaitState::Done => parked.leave(state),
            WaitState::Waiting | WaitState::Cancelled => None,
        });
        if left.is_none() {
            return Poll::Pending;
        }
        match self.handle.take_result() {
            Some(Err(error)) if error.is_cancelled() => Poll::Ready(Err(WaitForError::Elapsed)),
            Some(result) => Poll::Ready(result.map_err(WaitForError::Join)),
            None => unreachable!("[sim bug] a task that has ended gives no result"),
        }
    }
}

impl<T> Drop for Ending<T> {
    fn drop(&mut self) {
        let Some(waker) = self.waker.take() else { return };
        let (task, run) = (self.handle.task_ref(), self.handle.run());
        drop(context::with(
            |state| {
                if state.run == run { state.unwatch(task, &waker, 0) } else { None }
            },
        ));
    }
}
