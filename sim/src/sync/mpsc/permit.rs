//! Room in a channel, taken before there is anything to send.

use core::fmt;
use core::future::Future;
use core::panic::Location;
use core::pin::Pin;
use core::task::{Context, Poll};

use super::bounded::Sender;
use super::chan::Chan;
use super::error::SendError;
use crate::kernel::parking::Reason;
use crate::kernel::wait::Parked;
use crate::trace::Op;

/// Room for one item; given back when dropped unused.
pub struct Permit<'a, T> {
    chan: &'a Chan<T>,
}

impl<'a, T> Permit<'a, T> {
    pub(super) fn new(chan: &'a Chan<T>) -> Self {
        Self { chan }
    }

    /// Sends an item: it arrives even if the channel was closed meanwhile, unless the receiver is
    /// gone.
    pub fn send(self, item: T) {
        let chan = self.chan;
        // The slot is filled, so that it is not to be given back.
        core::mem::forget(self);
        chan.push(item);
    }
}

impl<T> Drop for Permit<'_, T> {
    fn drop(&mut self) {
        self.chan.release();
    }
}

impl<T> fmt::Debug for Permit<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").finish_non_exhaustive()
    }
}

/// Room for one item, together with a sender; given back when dropped unused.
pub struct OwnedPermit<T> {
    // Absent once used.
    sender: Option<Sender<T>>,
}

impl<T> OwnedPermit<T> {
    pub(super) fn new(sender: Sender<T>) -> Self {
        Self { sender: Some(sender) }
    }

    /// Sends an item, and gives the sender back.
    pub fn send(mut self, item: T) -> Sender<T> {
        let sender = self.sender.take().expect("[sim bug] a permit was used twice");
        sender.chan.push(item);
        sender
    }

    /// Gives the room back, and returns the sender.
    pub fn release(mut self) -> Sender<T> {
        let sender = self.sender.take().expect("[sim bug] a permit was used twice");
        sender.chan.release();
        sender
    }
}

impl<T> Drop for OwnedPermit<T> {
    fn drop(&mut self) {
        if let Some(sender) = &self.sender {
            sender.chan.release();
        }
    }
}

impl<T> fmt::Debug for OwnedPermit<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnedPermit").finish_non_exhaustive()
    }
}

/// The future of [`Sender::reserve`].
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Reserve<'a, T> {
    chan: &'a Chan<T>,
    parked: Parked,
}

impl<'a, T> Reserve<'a, T> {
    #[track_caller]
    pub(super) fn new(chan: &'a Chan<T>) -> Self {
        Self { chan, parked: Parked::new() }
    }
}

impl<'a, T> Future for Reserve<'a, T> {
    type Output = Result<Permit<'a, T>, SendError<()>>;

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let reason = Reason { what: "sync::mpsc", op: Op::Send, place: Location::caller() };
        let this = &mut *self;
        this.chan.poll_acquire(&mut this.parked, cx, reason).map(|acquired| match acquired {
            Ok(()) => Ok(Permit::new(this.chan)),
            Err(_) => Err(SendError(())),
        })
    }
}

impl<T> Drop for Reserve<'_, T> {
    fn drop(&mut self) {
        self.chan.leave_acquire(&mut self.parked);
    }
}

impl<T> fmt::Debug for Reserve<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reserve").finish_non_exhaustive()
    }
}

/// The future of [`Sender::reserve_owned`].
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct ReserveOwned<T> {
    // Absent once it has ended.
    sender: Option<Sender<T>>,
    parked: Parked,
}

impl<T> ReserveOwned<T> {
    #[track_caller]
    pub(super) fn new(sender: Sender<T>) -> Self {
        Self { sender: Some(sender), parked: Parked::new() }
    }
}

impl<T> Future for ReserveOwned<T> {
    type Output = Result<OwnedPermit<T>, SendError<()>>;

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let reason = Reason { what: "sync::mpsc", op: Op::Send, place: Location::caller() };
        let this = &mut *self;
        let sender = this.sender.as_ref().expect("`reserve_owned` was polled after it ended");
        let Poll::Ready(acquired) = sender.chan.poll_acquire(&mut this.parked, cx, reason) else {
            return Poll::Pending;
        };
        let sender = this.sender.take();
        Poll::Ready(match (acquired, sender) {
            (Ok(()), Some(sender)) => Ok(OwnedPermit::new(sender)),
            _ => Err(SendError(())),
        })
    }
}

impl<T> Drop for ReserveOwned<T> {
    fn drop(&mut self) {
        if let Some(sender) = &self.sender {
            sender.chan.leave_acquire(&mut self.parked);
        }
    }
}

impl<T> fmt::Debug for ReserveOwned<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReserveOwned").finish_non_exhaustive()
    }
}
