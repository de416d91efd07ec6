//! A channel of which every receiver gets every value: tokio's `sync::broadcast`.
//!
//! The channel keeps the newest values only. A receiver that falls behind is told how many it
//! missed, and goes on with the oldest that is left.
//!
//! # Examples
//!
//! ```
//! use sim::sync::broadcast::{self, RecvError};
//!
//! # sim::Sim::new().run(|| async {
//! let (sender, mut slow) = broadcast::channel(2);
//! for value in 1..=3 {
//!     sender.send(value).unwrap();
//! }
//! drop(sender);
//! assert_eq!(slow.recv().await, Err(RecvError::Lagged(1)));
//! assert_eq!(slow.recv().await, Ok(2));
//! assert_eq!(slow.recv().await, Ok(3));
//! assert_eq!(slow.recv().await, Err(RecvError::Closed));
//! # }).unwrap();
//! ```

use core::error::Error;
use core::fmt;
use core::future::Future;
use core::panic::Location;
use core::pin::Pin;
use core::task::{Context, Poll};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, TryLockError};

use crate::kernel::object::Tag;
use crate::kernel::parking::{Reason, Waiters, lock, wake_all};
use crate::kernel::wait::Parked;
use crate::trace::Op;

/// Makes a channel that keeps the newest `capacity` values, rounded up to a power of two as
/// tokio does.
///
/// # Panics
///
/// If `capacity` is 0, or more than half of `usize::MAX`.
pub fn channel<T: Clone>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    let sender = Sender::new(capacity);
    let receiver = sender.subscribe();
    (sender, receiver)
}

struct Shared<T> {
    inner: Mutex<Inner<T>>,
}

struct Inner<T> {
    /// The newest values.
    slots: VecDeque<Slot<T>>,
    /// The number of the first of them.
    first: u64,
    capacity: usize,
    senders: usize,
    receivers: usize,
    until_sent: Waiters,
    until_closed: Waiters,
    tag: Tag,
}

struct Slot<T> {
    // Absent once everybody has read it.
    value: Option<Value<T>>,
    unread: usize,
}

/// Behind a lock only so that it can be shared where `T` is not `Sync`.
type Value<T> = Arc<Mutex<T>>;

impl<T> Inner<T> {
    /// The number of the value that comes next.
    fn next(&self) -> u64 {
        self.first + self.slots.len() as u64
    }

    /// Reads on from `next`; the caller clones the value outside of all locks.
    fn read(&mut self, next: &mut u64) -> Result<Value<T>, TryRecvError> {
        if *next < self.first {
            let missed = self.first - *next;
            *next = self.first;
            return Err(TryRecvError::Lagged(missed));
        }
        // What is kept of the channel fits into memory, and so into a `usize`.
        let Some(slot) = self.slots.get_mut((*next - self.first) as usize) else {
            return Err(if self.senders == 0 { TryRecvError::Closed } else { TryRecvError::Empty });
        };
        *next += 1;
        slot.unread -= 1;
        let value = if slot.unread == 0 { slot.value.take() } else { slot.value.clone() };
        Ok(value.expect("[sim bug] a value is gone that was not read by all"))
    }
}

impl<T> Shared<T> {
    fn leave_sent(&self, parked: &mut Parked) {
        let left = lock(&self.inner).until_sent.leave(parked);
        drop(left);
    }

    fn leave_closed(&self, parked: &mut Parked) {
        let left = lock(&self.inner).until_closed.leave(parked);
        drop(left);
    }
}

/// Gives a receiver its copy; the last one gets the value itself.
#[track_caller]
fn copy<T: Clone>(value: Value<T>) -> T {
    match Arc::try_unwrap(value) {
        Ok(value) => value.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner),
        Err(shared) => match shared.try_lock() {
            Ok(value) => value.clone(),
            Err(TryLockError::Poisoned(value)) => value.into_inner().clone(),
            Err(TryLockError::WouldBlock) => {
                panic!("cloning a broadcast value received the same value again")
            }
        },
    }
}

/// Sends values to all receivers; every clone is a sender of its own.
///
/// The channel closes when the last sender is gone.
pub struct Sender<T> {
    shared: Arc<Shared<T>>,
}

impl<T> Sender<T> {
    /// Makes a channel that nobody receives from yet; see [`channel`].
    ///
    /// # Panics
    ///
    /// If `capacity` is 0, or more than half of `usize::MAX`.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        assert!(capacity > 0, "a broadcast channel needs room for at least one value");
        assert!(
            capacity <= usize::MAX >> 1,
            "a broadcast channel has room for `usize::MAX / 2` values"
        );
        let inner = Inner {
            slots: VecDeque::new(),
            first: 0,
            capacity: capacity.next_power_of_two(),
            senders: 1,
            receivers: 0,
            until_sent: Waiters::new(),
            until_closed: Waiters::new(),
            tag: Tag::new("broadcast"),
        };
        Self { shared: Arc::new(Shared { inner: Mutex::new(inner) }) }
    }

    /// Names the channel, for reports.
    #[must_use]
    pub fn named(self, name: impl AsRef<str>) -> Self {
        lock(&self.shared.inner).tag.set_name(name.as_ref());
        self
    }

    /// Sends a value to every receiver, at once; says how many there are. The oldest value is
    /// dropped where there is no room.
    ///
    /// # Errors
    ///
    /// [`SendError`] with the value, if there is no receiver. One may come later.
    pub fn send(&self, value: T) -> Result<usize, SendError<T>> {
        let (receivers, waiters, oldest) = {
            let mut inner = lock(&self.shared.inner);
            let receivers = inner.receivers;
            if receivers == 0 {
                return Err(SendError(value));
            }
            let value = Some(Arc::new(Mutex::new(value)));
            inner.slots.push_back(Slot { value, unread: receivers });
            let oldest = if inner.slots.len() > inner.capacity {
                inner.first += 1;
                inner.slots.pop_front()
            } else {
                None
            };
            (receivers, inner.until_sent.take(), oldest)
        };
        drop(oldest);
        wake_all(waiters);
        Ok(receivers)
    }

    /// Makes a receiver, which gets what is sent from now on.
    #[must_use]
    pub fn subscribe(&self) -> Receiver<T> {
        Receiver::new(&self.shared)
    }

    /// Waits until there is no receiver.
    ///
    /// # Cancel safety
    ///
    /// Nothing can be lost.
    ///
    /// # Panics
    ///
    /// When it has to wait outside a simulation.
    #[track_caller]
    pub fn closed(&self) -> Closed<'_, T> {
        Closed { shared: &self.shared, parked: Parked::new() }
    }

    /// How many values were sent that not every receiver has read.
    #[must_use]
    pub fn len(&self) -> usize {
        let inner = lock(&self.shared.inner);
        // Nobody can have read a value without the ones before it, except who came after them.
        inner.slots.iter().rev().take_while(|slot| slot.unread > 0).count()
    }

    /// Whether every receiver has read everything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many receivers there are.
    #[must_use]
    pub fn receiver_count(&self) -> usize {
        lock(&self.shared.inner).receivers
    }

    /// How many senders there are.
    #[must_use]
    pub fn strong_count(&self) -> usize {
        lock(&self.shared.inner).senders
    }

    /// Whether the other sender belongs to the same channel.
    #[must_use]
    pub fn same_channel(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        lock(&self.shared.inner).senders += 1;
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        let waiters = {
            let mut inner = lock(&self.shared.inner);
            inner.senders -= 1;
            if inner.senders > 0 {
                return;
            }
            inner.until_sent.take()
        };
        wake_all(waiters);
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").finish_non_exhaustive()
    }
}

/// The future of [`Sender::closed`].
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Closed<'a, T> {
    shared: &'a Shared<T>,
    parked: Parked,
}

impl<T> Future for Closed<'_, T> {
    type Output = ();

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let reason = Reason { what: "sync::broadcast", op: Op::Closed, place: Location::caller() };
        let this = &mut *self;
        let (polled, left) = {
            let mut inner = lock(&this.shared.inner);
            let inner = &mut *inner;
            if inner.receivers == 0 {
                (Poll::Ready(()), inner.until_closed.leave(&mut this.parked))
            } else {
                (Poll::Pending, inner.until_closed.wait(&mut this.parked, cx, &inner.tag, reason))
            }
        };
        drop(left);
        polled
    }
}

impl<T> Drop for Closed<'_, T> {
    fn drop(&mut self) {
        self.shared.leave_closed(&mut self.parked);
    }
}

impl<T> fmt::Debug for Closed<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Closed").finish_non_exhaustive()
    }
}

/// Receives every value that is sent while it exists.
pub struct Receiver<T> {
    shared: Arc<Shared<T>>,
    /// The number of the value to read next.
    next: u64,
}

impl<T> Receiver<T> {
    fn new(shared: &Arc<Shared<T>>) -> Self {
        let next = {
            let mut inner = lock(&shared.inner);
            inner.receivers += 1;
            inner.next()
        };
        Self { shared: Arc::clone(shared), next }
    }

    /// How many values were sent that this receiver has not read, those that it missed included.
    #[must_use]
    pub fn len(&self) -> usize {
        let unread = lock(&self.shared.inner).next() - self.next;
        usize::try_from(unread).unwrap_or(usize::MAX)
    }

    /// Whether this receiver has read everything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether every sender is gone.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        lock(&self.shared.inner).senders == 0
    }

    /// Makes another receiver, which gets what is sent from now on.
    #[must_use]
    pub fn resubscribe(&self) -> Self {
        Self::new(&self.shared)
    }

    /// How many senders there are.
    #[must_use]
    pub fn sender_strong_count(&self) -> usize {
        lock(&self.shared.inner).senders
    }

    /// Whether the other receiver belongs to the same channel.
    #[must_use]
    pub fn same_channel(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }
}

impl<T: Clone> Receiver<T> {
    /// Receives the next value, waiting for one.
    ///
    /// # Cancel safety
    ///
    /// No value is lost: it counts as read only as it is returned.
    ///
    /// # Errors
    ///
    /// [`RecvError::Lagged`], if the receiver fell behind and values were dropped: the next call
    /// gives the oldest that is left. [`RecvError::Closed`], if every sender is gone and all was
    /// read.
    ///
    /// # Panics
    ///
    /// When it has to wait outside a simulation.
    #[track_caller]
    pub fn recv(&mut self) -> Recv<'_, T> {
        Recv { receiver: self, parked: Parked::new() }
    }

    /// Receives a value if there is one now.
    ///
    /// # Errors
    ///
    /// [`TryRecvError`]: as [`recv`](Self::recv), or there is none now.
    #[track_caller]
    pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
        let value = lock(&self.shared.inner).read(&mut self.next);
        value.map(copy)
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        let mut unread = Vec::new();
        let waiters = {
            let mut inner = lock(&self.shared.inner);
            let inner = &mut *inner;
            let from = usize::try_from(self.next.saturating_sub(inner.first)).unwrap_or(usize::MAX);
            for slot in inner.slots.iter_mut().skip(from) {
                slot.unread -= 1;
                if slot.unread == 0 {
                    unread.extend(slot.value.take());
                }
            }
            inner.receivers -= 1;
            if inner.receivers == 0 { Some(inner.until_closed.take()) } else { None }
        };
        drop(unread);
        if let Some(waiters) = waiters {
            wake_all(waiters);
        }
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").finish_non_exhaustive()
    }
}

/// The future of [`Receiver::recv`].
#[derive(Debug)]
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Recv<'a, T> {
    receiver: &'a mut Receiver<T>,
    parked: Parked,
}

impl<T: Clone> Future for Recv<'_, T> {
    type Output = Result<T, RecvError>;

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let reason = Reason { what: "sync::broadcast", op: Op::Receive, place: Location::caller() };
        let this = &mut *self;
        let Receiver { shared, next } = &mut *this.receiver;
        let (found, left) = {
            let mut inner = lock(&shared.inner);
            let inner = &mut *inner;
            match inner.read(next) {
                Err(TryRecvError::Empty) => {
                    (None, inner.until_sent.wait(&mut this.parked, cx, &inner.tag, reason))
                }
                found => (Some(found), inner.until_sent.leave(&mut this.parked)),
            }
        };
        drop(left);
        match found {
            None | Some(Err(TryRecvError::Empty)) => Poll::Pending,
            Some(Ok(value)) => Poll::Ready(Ok(copy(value))),
            Some(Err(TryRecvError::Closed)) => Poll::Ready(Err(RecvError::Closed)),
            Some(Err(TryRecvError::Lagged(missed))) => Poll::Ready(Err(RecvError::Lagged(missed))),
        }
    }
}

impl<T> Drop for Recv<'_, T> {
    fn drop(&mut self) {
        self.receiver.shared.leave_sent(&mut self.parked);
    }
}

/// Says that nobody receives; gives the value back.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SendError<T>(pub T);

impl<T> fmt::Debug for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendError").finish_non_exhaustive()
    }
}

impl<T> fmt::Display for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("channel closed")
    }
}

impl<T> Error for SendError<T> {}

/// Says why there is no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecvError {
    /// Every sender is gone, and all was read.
    Closed,
    /// The receiver fell behind, and missed this many values.
    Lagged(u64),
}

impl fmt::Display for RecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RecvError::Closed => f.write_str("channel closed"),
            RecvError::Lagged(missed) => write!(f, "channel lagged by {missed}"),
        }
    }
}

impl Error for RecvError {}

/// Says why there is no value at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TryRecvError {
    /// There is none now.
    Empty,
    /// Every sender is gone, and all was read.
    Closed,
    /// The receiver fell behind, and missed this many values.
    Lagged(u64),
}

impl fmt::Display for TryRecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TryRecvError::Empty => f.write_str("channel empty"),
            TryRecvError::Closed => f.write_str("channel closed"),
            TryRecvError::Lagged(missed) => write!(f, "channel lagged by {missed}"),
        }
    }
}

impl Error for TryRecvError {}

#[cfg(test)]
#[path = "broadcast_tests.rs"]
mod tests;
