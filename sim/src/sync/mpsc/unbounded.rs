//! The channel without bounds.

use core::fmt;
use core::panic::Location;
use core::pin::Pin;
use core::task::{Context, Poll};
use std::sync::Arc;

use futures::stream::Stream;

use super::chan::Chan;
use super::error::{SendError, TryRecvError};
use super::receiver::{Closed, Recv, RecvMany, Rx};

/// Makes a channel that holds any number of items: tokio's `mpsc::unbounded_channel`.
///
/// Nothing slows the senders down: where they outrun the receiver, the queue grows.
///
/// # Examples
///
/// ```
/// # sim::Sim::new().run(|| async {
/// let (sender, mut receiver) = sim::sync::mpsc::unbounded_channel();
/// sender.send("ping").unwrap();
/// assert_eq!(receiver.recv().await, Some("ping"));
/// # }).unwrap();
/// ```
#[track_caller]
pub fn unbounded_channel<T>() -> (UnboundedSender<T>, UnboundedReceiver<T>) {
    let chan = Arc::new(Chan::new(None));
    (UnboundedSender { chan: Arc::clone(&chan) }, UnboundedReceiver { rx: Rx::new(chan) })
}

/// Sends items into a channel without bounds; every clone is a sender of its own.
///
/// The channel closes when the last sender is gone.
pub struct UnboundedSender<T> {
    chan: Arc<Chan<T>>,
}

impl<T> UnboundedSender<T> {
    /// Names the channel, for reports.
    #[must_use]
    pub fn named(self, name: impl AsRef<str>) -> Self {
        self.chan.set_name(name.as_ref());
        self
    }

    /// Sends an item, at once.
    ///
    /// # Errors
    ///
    /// [`SendError`] with the item, if the receiver is gone or has closed the channel.
    pub fn send(&self, item: T) -> Result<(), SendError<T>> {
        self.chan.push_unbounded(item).map_err(SendError)
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

    /// Whether the other sender belongs to the same channel.
    #[must_use]
    pub fn same_channel(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.chan, &other.chan)
    }

    /// Gives a sender that does not keep the channel open.
    #[must_use]
    pub fn downgrade(&self) -> WeakUnboundedSender<T> {
        self.chan.add_weak_sender();
        WeakUnboundedSender { chan: Arc::clone(&self.chan) }
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

impl<T> Clone for UnboundedSender<T> {
    fn clone(&self) -> Self {
        self.chan.add_sender();
        Self { chan: Arc::clone(&self.chan) }
    }
}

impl<T> Drop for UnboundedSender<T> {
    fn drop(&mut self) {
        self.chan.drop_sender();
    }
}

impl<T> fmt::Debug for UnboundedSender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnboundedSender").finish_non_exhaustive()
    }
}

/// A sender that does not keep the channel open.
pub struct WeakUnboundedSender<T> {
    chan: Arc<Chan<T>>,
}

impl<T> WeakUnboundedSender<T> {
    /// Gives a sender, if there is one still.
    #[must_use]
    pub fn upgrade(&self) -> Option<UnboundedSender<T>> {
        self.chan.try_add_sender().then(|| UnboundedSender { chan: Arc::clone(&self.chan) })
    }
}

impl<T> Clone for WeakUnboundedSender<T> {
    fn clone(&self) -> Self {
        self.chan.add_weak_sender();
        Self { chan: Arc::clone(&self.chan) }
    }
}

impl<T> Drop for WeakUnboundedSender<T> {
    fn drop(&mut self) {
        self.chan.drop_weak_sender();
    }
}

impl<T> fmt::Debug for WeakUnboundedSender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WeakUnboundedSender").finish_non_exhaustive()
    }
}

/// Receives the items of a channel without bounds; also a [`Stream`].
pub struct UnboundedReceiver<T> {
    rx: Rx<T>,
}

impl<T> UnboundedReceiver<T> {
    /// Receives the next item, waiting for one; `None` once the channel is closed and empty.
    ///
    /// # Cancel safety
    ///
    /// No item is lost: one leaves the channel only as it is returned.
    ///
    /// # Panics
    ///
    /// When it has to wait outside a simulation.
    #[track_caller]
    pub fn recv(&mut self) -> Recv<'_, T> {
        self.rx.recv()
    }

    /// Receives as many items as there are, up to `limit`, waiting for the first; says how many
    /// it appended to `buffer`.
    ///
    /// # Cancel safety
    ///
    /// No item is lost.
    ///
    /// # Panics
    ///
    /// When it has to wait outside a simulation.
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

    /// Takes no more items: senders get an error, and what was sent can still be received.
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

    /// How many senders there are.
    #[must_use]
    pub fn sender_strong_count(&self) -> usize {
        self.rx.chan.senders()
    }
}

impl<T> Unpin for UnboundedReceiver<T> {}

impl<T> Stream for UnboundedReceiver<T> {
    type Item = T;

    #[track_caller]
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        self.poll_recv(cx)
    }
}

impl<T> fmt::Debug for UnboundedReceiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnboundedReceiver").finish_non_exhaustive()
    }
}
