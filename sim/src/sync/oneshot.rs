//! A channel for a single value: tokio's `sync::oneshot`.
//!
//! # Examples
//!
//! ```
//! use sim::sync::oneshot;
//!
//! # sim::Sim::new().run(|| async {
//! let (sender, receiver) = oneshot::channel();
//! drop(sim::spawn(async move { sender.send("answer").unwrap() }));
//! assert_eq!(receiver.await, Ok("answer"));
//! # }).unwrap();
//! ```

use core::error::Error;
use core::fmt;
use core::future::Future;
use core::panic::Location;
use core::pin::Pin;
use core::task::{Context, Poll};
use std::sync::{Arc, Mutex};

use crate::kernel::context;
use crate::kernel::object::Tag;
use crate::kernel::parking::{Reason, Waiters, lock, wait_on, wake, wake_all};
use crate::kernel::wait::{Parked, WaitRef};
use crate::trace::Op;

/// Makes a channel for one value.
#[track_caller]
pub fn channel<T>() -> (Sender<T>, Receiver<T>) {
    let chan = Arc::new(Chan {
        inner: Mutex::new(Inner {
            value: None,
            sender: true,
            closed: false,
            receiver: None,
            until_closed: Waiters::new(),
            tag: Tag::new("oneshot"),
        }),
    });
    let sender = Sender { chan: Arc::clone(&chan), parked: Parked::new() };
    (sender, Receiver { chan, parked: Parked::new(), terminated: false })
}

#[derive(Debug)]
struct Chan<T> {
    inner: Mutex<Inner<T>>,
}

#[derive(Debug)]
struct Inner<T> {
    value: Option<T>,
    /// The sender may still send.
    sender: bool,
    /// The receiver takes nothing more.
    closed: bool,
    receiver: Option<WaitRef>,
    until_closed: Waiters,
    tag: Tag,
}

impl<T> Chan<T> {
    /// The receiver takes no value any more.
    fn close(&self) {
        let waiters = {
            let mut inner = lock(&self.inner);
            inner.closed = true;
            inner.until_closed.take()
        };
        wake_all(waiters);
    }
}

/// Sends the value; dropping it without, the receiver gets an error.
pub struct Sender<T> {
    chan: Arc<Chan<T>>,
    /// Used by `poll_closed`.
    parked: Parked,
}

impl<T> Sender<T> {
    /// Names the channel, for reports.
    #[must_use]
    pub fn named(self, name: impl AsRef<str>) -> Self {
        lock(&self.chan.inner).tag.set_name(name.as_ref());
        self
    }

    /// Sends the value, at once. That it was sent does not mean that it will be received: the
    /// receiver may go first.
    ///
    /// # Errors
    ///
    /// Gives the value back if the receiver is gone or has closed the channel.
    ///
    /// # Examples
    ///
    /// ```
    /// # sim::Sim::new().run(|| async {
    /// let (sender, receiver) = sim::sync::oneshot::channel();
    /// drop(receiver);
    /// assert_eq!(sender.send(1), Err(1));
    /// # }).unwrap();
    /// ```
    pub fn send(self, value: T) -> Result<(), T> {
        let receiver = {
            let mut inner = lock(&self.chan.inner);
            if inner.closed {
                return Err(value);
            }
            inner.value = Some(value);
            inner.sender = false;
            inner.receiver
        };
        wake(receiver);
        Ok(())
    }

    /// Waits until the receiver is gone or has closed the channel.
    ///
    /// # Cancel safety
    ///
    /// Nothing can be lost.
    ///
    /// # Panics
    ///
    /// When it has to wait outside a simulation.
    ///
    /// # Examples
    ///
    /// ```
    /// # sim::Sim::new().run(|| async {
    /// let (mut sender, receiver) = sim::sync::oneshot::channel::<()>();
    /// let work = sim::spawn(async move { sender.closed().await }); // stop when nobody wants it
    /// sim::yield_now().await;
    /// drop(receiver);
    /// work.await.unwrap();
    /// # }).unwrap();
    /// ```
    #[track_caller]
    pub fn closed(&mut self) -> Closed<'_, T> {
        Closed { chan: &self.chan, parked: Parked::new() }
    }

    /// Whether the receiver is gone or has closed the channel.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        lock(&self.chan.inner).closed
    }

    /// Waits as [`closed`](Self::closed) does, poll by poll.
    #[track_caller]
    pub fn poll_closed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        poll_closed(&self.chan, &mut self.parked, cx)
    }
}

#[track_caller]
fn poll_closed<T>(chan: &Chan<T>, parked: &mut Parked, cx: &Context<'_>) -> Poll<()> {
    let reason = Reason { what: "sync::oneshot", op: Op::Closed, place: Location::caller() };
    let (polled, left) = {
        let mut inner = lock(&chan.inner);
        let inner = &mut *inner;
        if inner.closed {
            (Poll::Ready(()), inner.until_closed.leave(parked))
        } else {
            (Poll::Pending, inner.until_closed.wait(parked, cx, &inner.tag, reason))
        }
    };
    drop(left);
    polled
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        let (left, receiver) = {
            let mut inner = lock(&self.chan.inner);
            let gave_up = core::mem::replace(&mut inner.sender, false);
            let receiver = inner.receiver.filter(|_| gave_up);
            (inner.until_closed.leave(&mut self.parked), receiver)
        };
        drop(left);
        wake(receiver);
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").finish_non_exhaustive()
    }
}

/// The future of [`Sender::closed`].
#[derive(Debug)]
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Closed<'a, T> {
    chan: &'a Chan<T>,
    parked: Parked,
}

impl<T> Future for Closed<'_, T> {
    type Output = ();

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        poll_closed(this.chan, &mut this.parked, cx)
    }
}

impl<T> Drop for Closed<'_, T> {
    fn drop(&mut self) {
        let left = lock(&self.chan.inner).until_closed.leave(&mut self.parked);
        drop(left);
    }
}

/// Receives the value: a future of `Result<T, RecvError>`.
///
/// # Cancel safety
///
/// `&mut receiver` may be awaited and dropped any number of times: the value stays in the channel
/// until it is returned.
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Receiver<T> {
    chan: Arc<Chan<T>>,
    parked: Parked,
    /// Gave its result.
    terminated: bool,
}

impl<T> Receiver<T> {
    /// Takes nothing more: the sender gets its value back; one that was sent can still be
    /// received.
    ///
    /// # Examples
    ///
    /// ```
    /// # sim::Sim::new().run(|| async {
    /// let (sender, mut receiver) = sim::sync::oneshot::channel();
    /// receiver.close();
    /// assert_eq!(sender.send(1), Err(1));
    /// # }).unwrap();
    /// ```
    pub fn close(&mut self) {
        self.chan.close();
    }

    /// Takes the value if it is there now.
    ///
    /// # Errors
    ///
    /// [`TryRecvError`], if it is not there yet, or will never be.
    pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
        if self.terminated {
            return Err(TryRecvError::Closed);
        }
        let (result, left) = {
            let mut inner = lock(&self.chan.inner);
            match inner.value.take() {
                None if inner.sender && !inner.closed => return Err(TryRecvError::Empty),
                value => {
                    inner.receiver = None;
                    (value.ok_or(TryRecvError::Closed), self.parked.leave_on_drop())
                }
            }
        };
        self.terminated = true;
        drop(left);
        result
    }

    /// Whether there is no value to take now.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        lock(&self.chan.inner).value.is_none()
    }

    /// Whether the receiver gave its result, so that it must not be awaited again.
    #[must_use]
    pub fn is_terminated(&self) -> bool {
        self.terminated
    }
}

impl<T> Unpin for Receiver<T> {}

impl<T> Future for Receiver<T> {
    type Output = Result<T, RecvError>;

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let reason = Reason { what: "sync::oneshot", op: Op::Receive, place: Location::caller() };
        let this = &mut *self;
        assert!(!this.terminated, "a oneshot receiver was polled after it gave its result");
        match this.try_recv() {
            Ok(value) => return Poll::Ready(Ok(value)),
            Err(TryRecvError::Closed) => return Poll::Ready(Err(RecvError(()))),
            Err(TryRecvError::Empty) => {}
        }
        let left = {
            let mut inner = lock(&this.chan.inner);
            let inner = &mut *inner;
            let parked = &mut this.parked;
            let parking = context::expect(reason.what, |state| {
                let object = inner.tag.id(state);
                wait_on(parked, state, cx, Some(object), reason)
            });
            inner.receiver = Some(parking.wait);
            parking.left
        };
        drop(left);
        Poll::Pending
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        self.chan.close();
        let (value, left) = {
            let mut inner = lock(&self.chan.inner);
            inner.receiver = None;
            (inner.value.take(), self.parked.leave_on_drop())
        };
        drop(left);
        drop(value);
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").field("terminated", &self.terminated).finish_non_exhaustive()
    }
}

/// Says that the sender went without sending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecvError(());

impl fmt::Display for RecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("channel closed")
    }
}

impl Error for RecvError {}

/// Says why there is no value at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TryRecvError {
    /// It is not there yet.
    Empty,
    /// It will never be there: the sender went without sending, or the value was taken.
    Closed,
}

impl fmt::Display for TryRecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TryRecvError::Empty => "channel empty",
            TryRecvError::Closed => "channel closed",
        })
    }
}

impl Error for TryRecvError {}

#[cfg(test)]
#[path = "oneshot_tests.rs"]
mod tests;
