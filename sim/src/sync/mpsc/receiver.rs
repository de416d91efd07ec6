//! Receiving, and waiting for the receiver to go.

use core::future::Future;
use core::panic::Location;
use core::pin::Pin;
use core::task::{Context, Poll};
use std::sync::Arc;

use super::chan::Chan;
use crate::kernel::wait::Parked;
use crate::trace::Place;

/// The receiving end of either kind of channel.
#[derive(Debug)]
pub(super) struct Rx<T> {
    pub(super) chan: Arc<Chan<T>>,
    /// Used where the receiver is polled itself, as a stream.
    parked: Parked,
}

impl<T> Rx<T> {
    #[track_caller]
    pub(super) fn new(chan: Arc<Chan<T>>) -> Self {
        Self { chan, parked: Parked::new() }
    }

    #[track_caller]
    pub(super) fn recv(&mut self) -> Recv<'_, T> {
        Recv { rx: self, parked: Parked::new() }
    }

    #[track_caller]
    pub(super) fn recv_many<'a>(
        &'a mut self,
        buffer: &'a mut Vec<T>,
        limit: usize,
    ) -> RecvMany<'a, T> {
        RecvMany { recv: self.recv(), buffer, limit }
    }

    pub(super) fn poll_recv(&mut self, cx: &Context<'_>, place: Place) -> Poll<Option<T>> {
        self.chan.poll_recv(&mut self.parked, cx, place)
    }
}

impl<T> Drop for Rx<T> {
    fn drop(&mut self) {
        self.chan.drop_receiver(&mut self.parked);
    }
}

/// The future of [`Receiver::recv`](super::Receiver::recv).
#[derive(Debug)]
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Recv<'a, T> {
    rx: &'a mut Rx<T>,
    parked: Parked,
}

impl<T> Recv<'_, T> {
    fn poll_at(&mut self, cx: &Context<'_>, place: Place) -> Poll<Option<T>> {
        if self.rx.parked.is_parked() {
            // Left over from a poll as a stream that nobody went on with.
            self.rx.chan.leave_recv(&mut self.rx.parked);
        }
        self.rx.chan.poll_recv(&mut self.parked, cx, place)
    }
}

impl<T> Future for Recv<'_, T> {
    type Output = Option<T>;

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        self.poll_at(cx, Location::caller())
    }
}

impl<T> Drop for Recv<'_, T> {
    fn drop(&mut self) {
        self.rx.chan.leave_recv(&mut self.parked);
    }
}

/// The future of [`Receiver::recv_many`](super::Receiver::recv_many).
#[derive(Debug)]
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct RecvMany<'a, T> {
    recv: Recv<'a, T>,
    buffer: &'a mut Vec<T>,
    limit: usize,
}

impl<T> Future for RecvMany<'_, T> {
    type Output = usize;

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<usize> {
        let place = Location::caller();
        let this = &mut *self;
        if this.limit == 0 {
            return Poll::Ready(0);
        }
        match this.recv.poll_at(cx, place) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(None) => return Poll::Ready(0),
            Poll::Ready(Some(item)) => this.buffer.push(item),
        }
        let mut received = 1;
        while received < this.limit
            && let Ok(item) = this.recv.rx.chan.try_recv()
        {
            this.buffer.push(item);
            received += 1;
        }
        Poll::Ready(received)
    }
}

/// The future of [`Sender::closed`](super::Sender::closed).
#[derive(Debug)]
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Closed<'a, T> {
    chan: &'a Chan<T>,
    parked: Parked,
}

impl<'a, T> Closed<'a, T> {
    #[track_caller]
    pub(super) fn new(chan: &'a Chan<T>) -> Self {
        Self { chan, parked: Parked::new() }
    }
}

impl<T> Future for Closed<'_, T> {
    type Output = ();

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let place = Location::caller();
        let this = &mut *self;
        this.chan.poll_closed(&mut this.parked, cx, place)
    }
}

impl<T> Drop for Closed<'_, T> {
    fn drop(&mut self) {
        self.chan.leave_closed(&mut self.parked);
    }
}
