//! Awaiting a task without passing a request to cancel on to it.

use core::future::Future;
use core::panic::Location;
use core::pin::Pin;
use core::task::{Context, Poll};
use std::sync::{Arc, Mutex, PoisonError};

use super::{JoinError, JoinHandle};
use crate::kernel::context;
use crate::kernel::task::{Callback, Watcher};
use crate::kernel::wait::{self, Parked, Target, WaitRef, WaitState};
use crate::trace::Op;

/// Awaits a task, keeping it from requests that reach the awaiting task: `asyncio.shield`.
///
/// A request ends only this await; the task runs on. As in asyncio, the awaiting task learns of
/// the end one pass later than it would by awaiting the handle.
///
/// # Cancel safety
///
/// A dropped `await` changes nothing.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// # sim::Sim::new().run(|| async {
/// let save = sim::spawn(async { sim::sleep(Duration::from_secs(1)).await; "saved" });
/// let keep = save.clone();
/// let waiter = sim::spawn(async move { sim::shield(save).await });
/// sim::yield_now().await;
/// waiter.cancel();
/// assert!(waiter.await.unwrap_err().is_cancelled());
/// assert_eq!(keep.await.unwrap(), "saved");
/// # }).unwrap();
/// ```
///
/// By reference the value stays in the task, where `T: Clone`, for others to await as well.
#[track_caller]
pub fn shield<H: Awaited>(handle: H) -> Shield<H::Value> {
    let (handle, take) = handle.into_parts();
    let ended = Arc::new(Ended::default());
    let task = handle.task_ref();
    context::with(|state| {
        if state.is_done(task) {
            ended.set();
        } else {
            state.watch(task, Watcher::Callback(ended.clone(), 0));
        }
    });
    Shield { handle, take, ended, parked: Parked::made_at(Location::caller()) }
}

/// A task to await: by value its result is taken, by reference it is cloned.
pub trait Awaited: sealed::Sealed {
    /// The task's output.
    type Value: 'static;

    #[doc(hidden)]
    fn into_parts(self) -> (JoinHandle<Self::Value>, Take<Self::Value>);
}

/// How the result of a task is got.
type Take<T> = fn(&JoinHandle<T>) -> Option<Result<T, JoinError>>;

mod sealed {
    pub trait Sealed {}
    impl<T> Sealed for super::JoinHandle<T> {}
    impl<T> Sealed for &super::JoinHandle<T> {}
}

impl<T: 'static> Awaited for JoinHandle<T> {
    type Value = T;

    fn into_parts(self) -> (JoinHandle<T>, Take<T>) {
        (self, JoinHandle::take_result)
    }
}

impl<T: Clone + 'static> Awaited for &JoinHandle<T> {
    type Value = T;

    fn into_parts(self) -> (JoinHandle<T>, Take<T>) {
        (self.clone(), JoinHandle::try_result)
    }
}

/// The future of [`shield`].
#[derive(Debug)]
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Shield<T> {
    handle: JoinHandle<T>,
    take: Take<T>,
    ended: Arc<Ended>,
    parked: Parked,
}

/// asyncio's outer future: done once the inner task's callback has run.
#[derive(Debug, Default)]
struct Ended {
    inner: Mutex<(bool, Option<WaitRef>)>,
}

impl Ended {
    fn set(&self) -> Option<WaitRef> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.0 = true;
        inner.1.take()
    }
}

impl Callback for Ended {
    fn call(&self, _tag: usize) {
        if let Some(wait) = self.set() {
            wait::complete(wait);
        }
    }
}

impl<T: 'static> Future for Shield<T> {
    type Output = Result<T, JoinError>;

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let polled_at = Location::caller();
        let this = &mut *self;
        let ready = context::expect("shield", |state| {
            let mut inner = this.ended.inner.lock().unwrap_or_else(PoisonError::into_inner);
            this.parked.forget_cancelled(state);
            if this.parked.is_parked() {
                let found = this.parked.repoll(state, cx);
                return (found == WaitState::Done).then(|| this.parked.leave(state));
            }
            if inner.0 {
                return Some(None);
            }
            inner.1 = Some(this.parked.park(state, cx, Op::Shield, None, Target::Here, polled_at));
            None
        });
        match ready {
            None => Poll::Pending,
            Some(_left) => match (this.take)(&this.handle) {
                Some(result) => Poll::Ready(result),
                None => unreachable!("[sim bug] a task that has ended gives no result"),
            },
        }
    }
}
