//! The bounded channel.

use core::fmt;
use core::future::Future;
use core::panic::Location;
use core::pin::Pin;
use core::task::{Context, Poll};
use std::sync::Arc;

use futures::stream::Stream;

use super::chan::{Chan, NoSlot};
use super::error::{SendError, TryRecvError, TrySendError};
use super::permit::{OwnedPermit, Permit, Reserve, ReserveOwned};
use super::receiver::{Closed, Recv, RecvMany, Rx};
use crate::kernel::parking::Reason;
use crate::kernel::wait::Parked;
use crate::trace::Op;

/// Makes a channel that holds at most `capacity` items: tokio's `mpsc::channel`.
///
/// # Panics
///
/// If `capacity` is 0.
///
/// # Examples
///
/// ```
/// # sim::Sim::new().run(|| async {
/// let (sender, mut receiver) = sim::sync::mpsc::channel(8);
/// sender.send("ping").await.unwrap();
/// assert_eq!(receiver.recv().await, Some("ping"));
/// # }).unwrap();
/// ```
#[track_caller]
pub fn channel<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    assert!(capacity > 0, "an mpsc channel needs room for at least one item");
    let chan = Arc::new(Chan::new(Some(capacity)));
    (Sender { chan: Arc::clone(&chan) }, Receiver { rx: Rx::new(chan) })
}

/// Sends items into a bounded channel; every clone is a sender of its own.
///
/// The channel closes when the last sender is gone.
pub struct Sender<T> {
    pub(super) chan: Arc<Chan<T>>,
}

impl<T> Sender<T> {
    /// Names the channel, for reports.
    #[must_use]
    pub fn named(self, name: impl AsRef<str>) -> Self {
        self.chan.set_name(name.as_ref());
        self
    }

    /// Sends an item, waiting for room.
    ///
    /// # Cancel safety
    ///
    /// When dropped before it is done, nothing was sent and the item is dropped. Its place in the
    /// queue is lost.
    ///
    /// # Errors
    ///
    /// [`SendError`] with the item, if the receiver is gone or has closed the channel.
    ///
    /// # Panics
    ///
    /// When it has to wait outside a simulation.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// # sim::Sim::new().run(|| async {
    /// let (sender, mut receiver) = sim::sync::mpsc::channel(1);
    /// sender.send(1).await.unwrap();
    /// drop(sim::spawn(async move {
    ///     sim::sleep(Duration::from_secs(1)).await;
    ///     assert_eq!(receiver.recv().await, Some(1));
    ///     assert_eq!(receiver.recv().await, Some(2));
    /// }));
    /// sender.send(2).await.unwrap(); // waits for room
    /// assert_eq!(sim::now(), Duration::from_secs(1));
    /// # }).unwrap();
    /// ```
    #[track_caller]
    pub fn send(&self, item: T) -> Sending<'_, T> {
        Sending { chan: &self.chan, item: Some(item), parked: Parked::new() }
    }

    /// Sends an item if there is room now.
    ///
    /// # Errors
    ///
    /// [`TrySendError`] with the item, if there is no room or the channel is closed.
    ///
    /// # Examples
    ///
    /// ```
    /// use sim::sync::mpsc::{self, TrySendError};
    ///
    /// # sim::Sim::new().run(|| async {
    /// let (sender, receiver) = mpsc::channel(1);
    /// assert_eq!(sender.try_send(1), Ok(()));
    /// assert_eq!(sender.try_send(2), Err(TrySendError::Full(2)));
    /// drop(receiver);
    /// assert_eq!(sender.try_send(3), Err(TrySendError::Closed(3)));
    /// # }).unwrap();
    /// ```
    pub fn try_send(&self, item: T) -> Result<(), TrySendError<T>> {
        match self.chan.try_acquire() {
            Ok(()) => {
                self.chan.push(item);
                Ok(())
            }
            Err(NoSlot::Full) => Err(TrySendError::Full(item)),
            Err(NoSlot::Closed) => Err(TrySendError::Closed(item)),
        }
    }

    /// Waits for room and keeps it: the [`Permit`] sends at once, and cannot fail.
    ///
    /// # Cancel safety
    ///
    /// Its place in the queue is lost when it is dropped; nothing else.
    ///
    /// # Errors
    ///
    /// [`SendError`], if the receiver is gone or has closed the channel.
    ///
    /// # Panics
    ///
    /// When it has to wait outside a simulation.
    ///
    /// # Examples
    ///
    /// ```
    /// # sim::Sim::new().run(|| async {
    /// let (sender, mut receiver) = sim::sync::mpsc::channel(1);
    /// let permit = sender.reserve().await.unwrap();
    /// assert!(sender.try_send("no room").is_err());
    /// permit.send("sure");
    /// assert_eq!(receiver.recv().await, Some("sure"));
    /// # }).unwrap();
    /// ```
    #[track_caller]
    pub fn reserve(&self) -> Reserve<'_, T> {
        Reserve::new(&self.chan)
    }

    /// Takes room if there is some now.
    ///
    /// # Errors
    ///
    /// [`TrySendError`], if there is no room or the channel is closed.
    pub fn try_reserve(&self) -> Result<Permit<'_, T>, TrySendError<()>> {
        match self.chan.try_acquire() {
            Ok(()) => Ok(Permit::new(&self.chan)),
            Err(NoSlot::Full) => Err(TrySendError::Full(())),
            Err(NoSlot::Closed) => Err(TrySendError::Closed(())),
        }
    }

    /// Waits for room and keeps it, together with the sender, in a permit that borrows nothing.
    ///
    /// # Cancel safety
    ///
    /// The sender is dropped with it; clone it before if it is still needed.
    ///
    /// # Errors
    ///
    /// [`SendError`], if the receiver is gone or has closed the channel.
    ///
    /// # Panics
    ///
    /// When it has to wait outside a simulation.
    ///
    /// # Examples
    ///
    /// ```
    /// # sim::Sim::new().run(|| async {
    /// let (sender, mut receiver) = sim::sync::mpsc::channel(1);
    /// let sender = sender.reserve_owned().await.unwrap().send(1);
    /// assert!(sender.try_send(2).is_err());
    /// assert_eq!(receiver.recv().await, Some(1));
    /// # }).unwrap();
    /// ```
    #[track_caller]
    pub fn reserve_owned(self) -> ReserveOwned<T> {
        ReserveOwned::new(self)
    }

    /// Takes room if there is some now, in a permit that borrows nothing.
    ///
    /// # Errors
    ///
    /// [`TrySendError`] with the sender, if there is no room or the channel is closed.
    pub fn try_reserve_owned(self) -> Result<OwnedPermit<T>, TrySendError<Self>> {
        match self.chan.try_acquire() {
            Ok(()) => Ok(OwnedPermit::new(self)),
            Err(NoSlot::Full) => Err(TrySendError::Full(self)),
            Err(NoSlot::Closed) => Err(TrySendError::Closed(self)),
        }
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
    #[track_caller]
    pub fn closed(&self) -> Closed<'_, T> {
        Closed::new(&self.chan)
    }

    /// Whether the receiver is gone or has closed the channel.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.chan.is_closed()
    }

    /// How many items can be sent at once without waiting.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.chan.free()
    }

    /// How many items the channel can hold.
    #[must_use]
    pub fn max_capacity(&self) -> usize {
        self.chan.capacity()
    }

    /// Whether the other sender belongs to the same channel.
    #[must_use]
    pub fn same_channel(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.chan, &other.chan)
    }

    /// Gives a sender that does not keep the channel open.
    #[must_use]
    pub fn downgrade(&self) -> WeakSender<T> {
        self.chan.add_weak_sender();
        WeakSender { chan: Arc::clone(&self.chan) }
    }

    /// How many senders there are.
    #[must_use]
    pub fn strong_count(&self) -> usize {
        self.chan.senders()
    }

    /// How many weak senders there are.
    #[must_use]
    pub fn weak_count(&self) -> usize {
        self.chan.weak_senders()
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        self.chan.add_sender();
        Self { chan: Arc::clone(&self.chan) }
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.chan.drop_sender();
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").finish_non_exhaustive()
    }
}

/// A sender that does not keep the channel open.
pub struct WeakSender<T> {
    chan: Arc<Chan<T>>,
}

impl<T> WeakSender<T> {
    /// Gives a sender, if there is one still.
    #[must_use]
    pub fn upgrade(&self) -> Option<Sender<T>> {
        self.chan.try_add_sender().then(|| Sender { chan: Arc::clone(&self.chan) })
    }
}

impl<T> Clone for WeakSender<T> {
    fn clone(&self) -> Self {
        self.chan.add_weak_sender();
        Self { chan: Arc::clone(&self.chan) }
    }
}

impl<T> Drop for WeakSender<T> {
    fn drop(&mut self) {
        self.chan.drop_weak_sender();
    }
}

impl<T> fmt::Debug for WeakSender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WeakSender").finish_non_exhaustive()
    }
}

/// The future of [`Sender::send`].
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Sending<'a, T> {
    chan: &'a Chan<T>,
    item: Option<T>,
    parked: Parked,
}

impl<T> Unpin for Sending<'_, T> {}

impl<T> Future for Sending<'_, T> {
    type Output = Result<(), SendError<T>>;

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let place = Location::caller();
        let this = &mut *self;
        assert!(this.item.is_some(), "`send` was polled after it ended");
        let reason = Reason { what: "sync::mpsc", op: Op::Send, place };
        let Poll::Ready(acquired) = this.chan.poll_acquire(&mut this.parked, cx, reason) else {
            return Poll::Pending;
        };
        let item = this.item.take().expect("`send` was polled after it ended");
        Poll::Ready(match acquired {
            Ok(()) => {
                this.chan.push(item);
                Ok(())
            }
            Err(_) => Err(SendError(item)),
        })
    }
}

impl<T> Drop for Sending<'_, T> {
    fn drop(&mut self) {
        self.chan.leave_acquire(&mut self.parked);
    }
}

impl<T> fmt::Debug for Sending<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sending").finish_non_exhaustive()
    }
}

/// Receives the items of a bounded channel; also a [`Stream`].
pub struct Receiver<T> {
    rx: Rx<T>,
}

impl<T> Receiver<T> {
    /// Receives the next item, waiting for one; `None` once the channel is closed and empty.
    ///
    /// # Cancel safety
    ///
    /// No item is lost: one leaves the channel only as it is returned.
    ///
    /// # Panics
    ///
    /// When it has to wait outside a simulation.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// # sim::Sim::new().run(|| async {
    /// let (sender, mut receiver) = sim::sync::mpsc::channel(1);
    /// let early = sim::timeout(Duration::from_secs(1), receiver.recv()).await;
    /// assert!(early.is_err());
    /// sender.send(1).await.unwrap();
    /// drop(sender);
    /// assert_eq!(receiver.recv().await, Some(1));
    /// assert_eq!(receiver.recv().await, None);
    /// # }).unwrap();
    /// ```
    #[track_caller]
    pub fn recv(&mut self) -> Recv<'_, T> {
        self.rx.recv()
    }

    /// Receives as many items as there are, up to `limit`, waiting for the first; says how many
    /// it appended to `buffer`. That is 0 only if the channel is closed and empty, or `limit`
    /// is 0.
    ///
    /// # Cancel safety
    ///
    /// No item is lost.
    ///
    /// # Panics
    ///
    /// When it has to wait outside a simulation.
    ///
    /// # Examples
    ///
    /// ```
    /// # sim::Sim::new().run(|| async {
    /// let (sender, mut receiver) = sim::sync::mpsc::channel(8);
    /// for item in 0..5 {
    ///     sender.send(item).await.unwrap();
    /// }
    /// let mut buffer = Vec::new();
    /// assert_eq!(receiver.recv_many(&mut buffer, 3).await, 3);
    /// assert_eq!(receiver.recv_many(&mut buffer, 3).await, 2);
    /// assert_eq!(buffer, [0, 1, 2, 3, 4]);
    /// # }).unwrap();
    /// ```
    #[track_caller]
    pub fn recv_many<'a>(&'a mut self, buffer: &'a mut Vec<T>, limit: usize) -> RecvMany<'a, T> {
        self.rx.recv_many(buffer, limit)
    }

    /// Receives an item if there is one now.
    ///
    /// # Errors
    ///
    /// [`TryRecvError`], if there is none now, or none will come.
    pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
        self.rx.chan.try_recv()
    }

    /// Receives the next item, poll by poll; the task is woken when there is one.
    #[track_caller]
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        self.rx.poll_recv(cx, Location::caller())
    }

    /// Takes no more items: senders get an error, those who hold a permit may still use it, and
    /// what was sent can still be received.
    ///
    /// # Examples
    ///
    /// ```
    /// # sim::Sim::new().run(|| async {
    /// let (sender, mut receiver) = sim::sync::mpsc::channel(2);
    /// sender.send(1).await.unwrap();
    /// receiver.close();
    /// assert!(sender.send(2).await.is_err());
    /// assert_eq!(receiver.recv().await, Some(1));
    /// assert_eq!(receiver.recv().await, None);
    /// # }).unwrap();
    /// ```
    pub fn close(&mut self) {
        self.rx.chan.close();
    }

    /// Whether nothing can be sent any more: the senders are gone, or the channel was closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.rx.chan.is_disconnected()
    }

    /// Whether the channel holds no item.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many items the channel holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rx.chan.len()
    }

    /// How many items can be sent at once without waiting.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.rx.chan.free()
    }

    /// How many items the channel can hold.
    #[must_use]
    pub fn max_capacity(&self) -> usize {
        self.rx.chan.capacity()
    }

    /// How many senders there are.
    #[must_use]
    pub fn sender_strong_count(&self) -> usize {
        self.rx.chan.senders()
    }
}

impl<T> Unpin for Receiver<T> {}

impl<T> Stream for Receiver<T> {
    type Item = T;

    #[track_caller]
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        self.poll_recv(cx)
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").finish_non_exhaustive()
    }
}
