//! A channel that keeps only the newest value: tokio's `sync::watch`.
//!
//! Every receiver sees that the value has changed, but not every value: what is overwritten
//! before a receiver looks is gone.
//!
//! # Examples
//!
//! ```
//! use sim::sync::watch;
//!
//! # sim::Sim::new().run(|| async {
//! let (sender, mut receiver) = watch::channel("starting");
//! drop(sim::spawn(async move {
//!     sender.send("half way").unwrap();
//!     sender.send("ready").unwrap();
//! }));
//! receiver.changed().await.unwrap();
//! assert_eq!(*receiver.borrow_and_update(), "ready");
//! assert!(receiver.changed().await.is_err()); // the sender is gone
//! # }).unwrap();
//! ```

use core::error::Error;
use core::fmt;
use core::future::Future;
use core::marker::PhantomData;
use core::ops::Deref;
use core::panic::Location;
use core::pin::Pin;
use core::task::{Context, Poll};
use std::sync::{Arc, Mutex};

use crate::kernel::object::Tag;
use crate::kernel::parking::{Reason, Waiters, lock, wake_all};
use crate::kernel::wait::Parked;
use crate::trace::Op;

/// Makes a channel that holds `initial`, which counts as seen.
pub fn channel<T>(initial: T) -> (Sender<T>, Receiver<T>) {
    let sender = Sender::new(initial);
    let receiver = sender.subscribe();
    (sender, receiver)
}

struct Shared<T> {
    inner: Mutex<Inner<T>>,
}

struct Inner<T> {
    // Absent while `send_modify` is at work.
    value: Option<Arc<T>>,
    version: u64,
    senders: usize,
    receivers: usize,
    until_changed: Waiters,
    until_closed: Waiters,
    tag: Tag,
}

impl<T> Shared<T> {
    /// The value, its version, and whether it is the last.
    #[track_caller]
    fn load(&self) -> (Arc<T>, u64, bool) {
        let inner = lock(&self.inner);
        let found = inner.value.clone().map(|value| (value, inner.version, inner.senders == 0));
        drop(inner);
        match found {
            Some(found) => found,
            None => {
                panic!("a watched value was borrowed inside `send_modify`: with tokio this blocks")
            }
        }
    }

    /// A new version, if there is one; an error if there will be none.
    fn changed(&self, seen: &mut u64) -> Option<Result<(), RecvError>> {
        let inner = lock(&self.inner);
        if inner.version != *seen {
            *seen = inner.version;
            Some(Ok(()))
        } else if inner.senders == 0 {
            Some(Err(RecvError(())))
        } else {
            None
        }
    }

    #[track_caller]
    fn wait_for_change(&self, parked: &mut Parked, cx: &Context<'_>) {
        let reason = Reason { what: "sync::watch", op: Op::Changed, place: Location::caller() };
        let left = {
            let mut inner = lock(&self.inner);
            let inner = &mut *inner;
            inner.until_changed.wait(parked, cx, &inner.tag, reason)
        };
        drop(left);
    }

    fn leave_change(&self, parked: &mut Parked) {
        let left = lock(&self.inner).until_changed.leave(parked);
        drop(left);
    }

    fn leave_closed(&self, parked: &mut Parked) {
        let left = lock(&self.inner).until_closed.leave(parked);
        drop(left);
    }
}

/// The value of a channel, borrowed: a snapshot that keeps the value as it was.
///
/// Drop it before the value is next changed: with tokio a sender blocks its thread while a
/// borrow is alive; here it panics. It is `Send`, and so may be held across an `.await`, but
/// should not be.
#[derive(Debug)]
pub struct Ref<'a, T> {
    value: Arc<T>,
    has_changed: bool,
    borrow: PhantomData<&'a ()>,
}

impl<T> Ref<'_, T> {
    /// Whether the receiver had not seen this value before; always false for a sender's borrow.
    #[must_use]
    pub fn has_changed(&self) -> bool {
        self.has_changed
    }
}

impl<T> Deref for Ref<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

/// Changes the value; every clone is a sender of its own. When the last one is gone, no change
/// will come any more.
pub struct Sender<T> {
    shared: Arc<Shared<T>>,
}

impl<T> Sender<T> {
    /// Makes a channel that nobody watches yet.
    pub fn new(initial: T) -> Self {
        let inner = Inner {
            value: Some(Arc::new(initial)),
            version: 0,
            senders: 1,
            receivers: 0,
            until_changed: Waiters::new(),
            until_closed: Waiters::new(),
            tag: Tag::new("watch"),
        };
        Self { shared: Arc::new(Shared { inner: Mutex::new(inner) }) }
    }

    /// Names the channel, for reports.
    #[must_use]
    pub fn named(self, name: impl AsRef<str>) -> Self {
        lock(&self.shared.inner).tag.set_name(name.as_ref());
        self
    }

    /// Replaces the value, and wakes every receiver.
    ///
    /// # Errors
    ///
    /// [`SendError`] with the new value, if there is no receiver; the old value stays.
    /// [`send_replace`](Self::send_replace) does not care.
    ///
    /// # Panics
    ///
    /// If a [`Ref`] is alive: with tokio the thread would block.
    #[track_caller]
    pub fn send(&self, value: T) -> Result<(), SendError<T>> {
        if self.receiver_count() == 0 {
            return Err(SendError(value));
        }
        drop(self.send_replace(value));
        Ok(())
    }

    /// Changes the value in place, and wakes every receiver. It works without receivers, too.
    ///
    /// # Panics
    ///
    /// If a [`Ref`] is alive: with tokio the thread would block. A panic of `modify` goes on here,
    /// and nobody is woken.
    ///
    /// # Examples
    ///
    /// ```
    /// # sim::Sim::new().run(|| async {
    /// let (sender, receiver) = sim::sync::watch::channel(vec![1]);
    /// sender.send_modify(|list| list.push(2));
    /// assert_eq!(*receiver.borrow(), [1, 2]);
    /// # }).unwrap();
    /// ```
    #[track_caller]
    pub fn send_modify(&self, modify: impl FnOnce(&mut T)) {
        self.send_if_modified(|value| {
            modify(value);
            true
        });
    }

    /// Changes the value in place, and wakes every receiver if `modify` says that it did.
    ///
    /// # Panics
    ///
    /// If a [`Ref`] is alive: with tokio the thread would block. A panic of `modify` goes on here,
    /// and nobody is woken.
    #[track_caller]
    pub fn send_if_modified(&self, modify: impl FnOnce(&mut T) -> bool) -> bool {
        let taken = {
            let mut inner = lock(&self.shared.inner);
            inner.value.take_if(|value| Arc::strong_count(value) == 1)
        };
        let Some(value) = taken else {
            panic!("a watched value was changed while a `Ref` borrowed it: with tokio this blocks");
        };
        let mut taken = Taken { shared: &self.shared, value: Some(value) };
        let modified = match taken.value.as_mut().and_then(Arc::get_mut) {
            Some(value) => modify(value),
            None => unreachable!("[sim bug] a value with one owner has several"),
        };
        drop(taken);
        if modified {
            let waiters = {
                let mut inner = lock(&self.shared.inner);
                inner.version += 1;
                inner.until_changed.take()
            };
            wake_all(waiters);
        }
        modified
    }

    /// Replaces the value, wakes every receiver, and gives the old value back. It works without
    /// receivers, too.
    ///
    /// # Panics
    ///
    /// If a [`Ref`] is alive: with tokio the thread would block.
    #[track_caller]
    pub fn send_replace(&self, mut value: T) -> T {
        self.send_modify(|old| core::mem::swap(old, &mut value));
        value
    }

    /// Looks at the value.
    ///
    /// # Panics
    ///
    /// Inside `send_modify`: with tokio the thread would block.
    #[must_use]
    #[track_caller]
    pub fn borrow(&self) -> Ref<'_, T> {
        let (value, ..) = self.shared.load();
        Ref { value, has_changed: false, borrow: PhantomData }
    }

    /// Makes a receiver; the present value counts as seen.
    #[must_use]
    pub fn subscribe(&self) -> Receiver<T> {
        let seen = {
            let mut inner = lock(&self.shared.inner);
            inner.receivers += 1;
            inner.version
        };
        Receiver { shared: Arc::clone(&self.shared), seen }
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

    /// Whether there is no receiver.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.receiver_count() == 0
    }

    /// How many receivers there are.
    #[must_use]
    pub fn receiver_count(&self) -> usize {
        lock(&self.shared.inner).receivers
    }

    /// How many senders there are.
    #[must_use]
    pub fn sender_count(&self) -> usize {
        lock(&self.shared.inner).senders
    }

    /// Whether the other sender belongs to the same channel.
    #[must_use]
    pub fn same_channel(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }
}

/// The value while `send_modify` is at work; put back also when it panics.
struct Taken<'a, T> {
    shared: &'a Shared<T>,
    value: Option<Arc<T>>,
}

impl<T> Drop for Taken<'_, T> {
    fn drop(&mut self) {
        lock(&self.shared.inner).value = self.value.take();
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        lock(&self.shared.inner).senders += 1;
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<T: Default> Default for Sender<T> {
    fn default() -> Self {
        Self::new(T::default())
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
            inner.until_changed.take()
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
        let reason = Reason { what: "sync::watch", op: Op::Closed, place: Location::caller() };
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

/// Watches the value; every clone remembers by itself what it has seen.
pub struct Receiver<T> {
    shared: Arc<Shared<T>>,
    seen: u64,
}

impl<T> Receiver<T> {
    /// Looks at the value, which does not count as seen by that.
    ///
    /// # Panics
    ///
    /// Inside `send_modify`: with tokio the thread would block.
    #[must_use]
    #[track_caller]
    pub fn borrow(&self) -> Ref<'_, T> {
        let (value, version, _) = self.shared.load();
        Ref { value, has_changed: version != self.seen, borrow: PhantomData }
    }

    /// Looks at the value, and counts it as seen.
    ///
    /// # Panics
    ///
    /// Inside `send_modify`: with tokio the thread would block.
    #[must_use]
    #[track_caller]
    pub fn borrow_and_update(&mut self) -> Ref<'_, T> {
        let (value, version, _) = self.shared.load();
        let has_changed = version != core::mem::replace(&mut self.seen, version);
        Ref { value, has_changed, borrow: PhantomData }
    }

    /// Whether there is a value that was not seen.
    ///
    /// # Errors
    ///
    /// [`RecvError`], if every sender is gone, whether or not the last value was seen.
    pub fn has_changed(&self) -> Result<bool, RecvError> {
        let inner = lock(&self.shared.inner);
        if inner.senders == 0 { Err(RecvError(())) } else { Ok(inner.version != self.seen) }
    }

    /// Counts the present value as not seen.
    pub fn mark_changed(&mut self) {
        self.seen = lock(&self.shared.inner).version.wrapping_sub(1);
    }

    /// Counts the present value as seen.
    pub fn mark_unchanged(&mut self) {
        self.seen = lock(&self.shared.inner).version;
    }

    /// Waits until there is a value that was not seen, and counts it as seen.
    ///
    /// # Cancel safety
    ///
    /// A change is not lost: it counts as seen only as this returns.
    ///
    /// # Errors
    ///
    /// [`RecvError`], if every sender is gone and their last value was seen.
    ///
    /// # Panics
    ///
    /// When it has to wait outside a simulation.
    #[track_caller]
    pub fn changed(&mut self) -> Changed<'_, T> {
        Changed { receiver: self, parked: Parked::new() }
    }

    /// Waits until the value satisfies `condition`; the present value is looked at first.
    ///
    /// # Cancel safety
    ///
    /// What `condition` refused counts as seen; nothing else changes.
    ///
    /// # Errors
    ///
    /// [`RecvError`], if every sender is gone and their last value does not satisfy it.
    ///
    /// # Panics
    ///
    /// When it has to wait outside a simulation.
    ///
    /// # Examples
    ///
    /// ```
    /// # sim::Sim::new().run(|| async {
    /// let (sender, mut receiver) = sim::sync::watch::channel(0);
    /// drop(sim::spawn(async move {
    ///     for level in 1..=5 {
    ///         sender.send_replace(level);
    ///         sim::yield_now().await;
    ///     }
    /// }));
    /// assert_eq!(*receiver.wait_for(|level| *level > 3).await.unwrap(), 4);
    /// # }).unwrap();
    /// ```
    #[track_caller]
    pub fn wait_for<F: FnMut(&T) -> bool>(&mut self, condition: F) -> WaitFor<'_, T, F> {
        WaitFor { shared: &self.shared, seen: &mut self.seen, condition, parked: Parked::new() }
    }

    /// Whether the other receiver belongs to the same channel.
    #[must_use]
    pub fn same_channel(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        lock(&self.shared.inner).receivers += 1;
        Self { shared: Arc::clone(&self.shared), seen: self.seen }
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        let waiters = {
            let mut inner = lock(&self.shared.inner);
            inner.receivers -= 1;
            if inner.receivers > 0 {
                return;
            }
            inner.until_closed.take()
        };
        wake_all(waiters);
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").finish_non_exhaustive()
    }
}

/// The future of [`Receiver::changed`].
#[derive(Debug)]
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Changed<'a, T> {
    receiver: &'a mut Receiver<T>,
    parked: Parked,
}

impl<T> Future for Changed<'_, T> {
    type Output = Result<(), RecvError>;

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let Receiver { shared, seen } = &mut *this.receiver;
        match shared.changed(seen) {
            Some(result) => {
                shared.leave_change(&mut this.parked);
                Poll::Ready(result)
            }
            None => {
                shared.wait_for_change(&mut this.parked, cx);
                Poll::Pending
            }
        }
    }
}

impl<T> Drop for Changed<'_, T> {
    fn drop(&mut self) {
        self.receiver.shared.leave_change(&mut self.parked);
    }
}

/// The future of [`Receiver::wait_for`].
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct WaitFor<'a, T, F> {
    shared: &'a Shared<T>,
    seen: &'a mut u64,
    condition: F,
    parked: Parked,
}

impl<T, F> Unpin for WaitFor<'_, T, F> {}

impl<'a, T, F: FnMut(&T) -> bool> Future for WaitFor<'a, T, F> {
    type Output = Result<Ref<'a, T>, RecvError>;

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let (value, version, last) = this.shared.load();
        let has_changed = version != core::mem::replace(this.seen, version);
        if (this.condition)(&value) {
            this.shared.leave_change(&mut this.parked);
            return Poll::Ready(Ok(Ref { value, has_changed, borrow: PhantomData }));
        }
        drop(value);
        if last {
            this.shared.leave_change(&mut this.parked);
            return Poll::Ready(Err(RecvError(())));
        }
        this.shared.wait_for_change(&mut this.parked, cx);
        Poll::Pending
    }
}

impl<T, F> Drop for WaitFor<'_, T, F> {
    fn drop(&mut self) {
        self.shared.leave_change(&mut self.parked);
    }
}

impl<T, F> fmt::Debug for WaitFor<'_, T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitFor").finish_non_exhaustive()
    }
}

/// Says that nobody watches; gives the value back.
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

/// Says that every sender is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecvError(());

impl fmt::Display for RecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("channel closed")
    }
}

impl Error for RecvError {}

#[cfg(test)]
#[path = "watch_tests.rs"]
mod tests;
