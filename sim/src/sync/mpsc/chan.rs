//! The channel behind both kinds of ends.
//!
//! Each slot of a bounded channel is free, filled with an item, or promised to a sender. A slot
//! that becomes free goes straight to the first sender that waits, before that one runs: nobody
//! can overtake it. Whoever is out of the queue of waiting senders owns a slot; so a sender that
//! goes away without having run knows whether it has one to pass on.

use core::task::{Context, Poll};
use std::collections::VecDeque;
use std::sync::Mutex;

use super::error::TryRecvError;
use crate::kernel::context;
use crate::kernel::object::Tag;
use crate::kernel::parking::{Reason, Waiters, lock, wait_on, wake, wake_all};
use crate::kernel::wait::{Left, Parked, WaitQueue, WaitRef, WaitState};
use crate::trace::{Op, Place};

#[derive(Debug)]
pub(crate) struct Chan<T> {
    inner: Mutex<Inner<T>>,
}

#[derive(Debug)]
struct Inner<T> {
    queue: VecDeque<T>,
    /// How many slots there are; none: as many as it takes.
    capacity: Option<usize>,
    /// Slots that are neither filled nor promised.
    free: usize,
    senders: usize,
    weak_senders: usize,
    /// The receiver takes no more.
    closed: bool,
    waiting: WaitQueue,
    receiver: Option<WaitRef>,
    until_closed: Waiters,
    tag: Tag,
}

/// There is no slot.
pub(super) enum NoSlot {
    Closed,
    Full,
}

/// What is to be done once the lock is given back.
#[derive(Default)]
struct After {
    wake: Option<WaitRef>,
    _left: Option<Left>,
}

impl<T> Inner<T> {
    /// Whether every slot is free or filled: no sender is about to send.
    fn none_promised(&self) -> bool {
        self.capacity.is_none_or(|capacity| self.free + self.queue.len() == capacity)
    }

    /// Whether the receiver has had everything.
    fn exhausted(&self) -> bool {
        self.queue.is_empty() && (self.senders == 0 || self.closed && self.none_promised())
    }

    /// Gives a slot to the first sender that waits; says who is to be woken.
    #[must_use]
    fn release(&mut self) -> Option<WaitRef> {
        self.capacity?;
        if !self.closed
            && let Some(next) = context::with(|state| self.waiting.first_waiting(state)).flatten()
        {
            self.waiting.remove(next);
            return Some(next);
        }
        self.free += 1;
        if self.exhausted() { self.receiver } else { None }
    }
}

impl<T> Chan<T> {
    pub(super) fn new(capacity: Option<usize>) -> Self {
        Self {
            inner: Mutex::new(Inner {
                queue: VecDeque::new(),
                capacity,
                free: capacity.unwrap_or(0),
                senders: 1,
                weak_senders: 0,
                closed: false,
                waiting: WaitQueue::new(),
                receiver: None,
                until_closed: Waiters::new(),
                tag: Tag::new("mpsc"),
            }),
        }
    }

    pub(super) fn set_name(&self, name: &str) {
        lock(&self.inner).tag.set_name(name);
    }

    pub(super) fn try_acquire(&self) -> Result<(), NoSlot> {
        let mut inner = lock(&self.inner);
        if inner.closed {
            Err(NoSlot::Closed)
        } else if inner.free == 0 {
            Err(NoSlot::Full)
        } else {
            inner.free -= 1;
            Ok(())
        }
    }

    /// Gets a slot; an error where the channel is closed.
    #[track_caller]
    pub(super) fn poll_acquire(
        &self,
        parked: &mut Parked,
        cx: &Context<'_>,
        reason: Reason<'_>,
    ) -> Poll<Result<(), NoSlot>> {
        let mut after = After::default();
        let polled = {
            let mut inner = lock(&self.inner);
            self.acquire(&mut inner, parked, cx, reason, &mut after)
        };
        wake(after.wake);
        polled
    }

    #[track_caller]
    fn acquire(
        &self,
        inner: &mut Inner<T>,
        parked: &mut Parked,
        cx: &Context<'_>,
        reason: Reason<'_>,
        after: &mut After,
    ) -> Poll<Result<(), NoSlot>> {
        if let Some(wait) = parked.wait() {
            let found = context::with(|state| state.wait_state(wait)).flatten();
            let promised = match found {
                Some(WaitState::Waiting) if !inner.closed => {
                    context::with(|state| parked.repoll(state, cx));
                    return Poll::Pending;
                }
                Some(WaitState::Done) if !inner.closed => true,
                _ => !inner.waiting.remove(wait),
            };
            after._left = parked.leave_on_drop();
            if promised && !inner.closed {
                return Poll::Ready(Ok(()));
            }
            if promised {
                after.wake = inner.release();
            }
        }
        if inner.closed {
            return Poll::Ready(Err(NoSlot::Closed));
        }
        if inner.free > 0 {
            inner.free -= 1;
            return Poll::Ready(Ok(()));
        }
        let parking = context::expect(reason.what, |state| {
            let object = inner.tag.id(state);
            wait_on(parked, state, cx, Some(object), reason)
        });
        inner.waiting.push(parking.wait);
        Poll::Pending
    }

    /// Ends the wait for a slot; one that was promised meanwhile goes to the next sender.
    pub(super) fn leave_acquire(&self, parked: &mut Parked) {
        let Some(wait) = parked.wait() else { return };
        let left = parked.leave_on_drop();
        let next = {
            let mut inner = lock(&self.inner);
            let woken = left.as_ref().is_some_and(|left| left.state == WaitState::Done);
            let promised = (woken && !inner.closed) || !inner.waiting.remove(wait);
            if promised { inner.release() } else { None }
        };
        drop(left);
        wake(next);
    }

    /// Gives a slot back unused.
    pub(super) fn release(&self) {
        let next = lock(&self.inner).release();
        wake(next);
    }

    /// Fills a slot that the caller owns.
    pub(super) fn push(&self, item: T) {
        let receiver = {
            let mut inner = lock(&self.inner);
            inner.queue.push_back(item);
            inner.receiver
        };
        wake(receiver);
    }

    /// Sends on a channel without bounds.
    pub(super) fn push_unbounded(&self, item: T) -> Result<(), T> {
        if lock(&self.inner).closed {
            return Err(item);
        }
        self.push(item);
        Ok(())
    }

    #[track_caller]
    pub(super) fn poll_recv(
        &self,
        parked: &mut Parked,
        cx: &Context<'_>,
        place: Place,
    ) -> Poll<Option<T>> {
        let mut after = After::default();
        let polled = {
            let mut inner = lock(&self.inner);
            let item = inner.queue.pop_front();
            if item.is_some() || inner.exhausted() {
                inner.receiver = None;
                after._left = parked.leave_on_drop();
                if item.is_some() {
                    after.wake = inner.release();
                }
                Poll::Ready(item)
            } else {
                let inner = &mut *inner;
                let reason = Reason { what: "sync::mpsc", op: Op::Receive, place };
                let parking = context::expect(reason.what, |state| {
                    let object = inner.tag.id(state);
                    wait_on(parked, state, cx, Some(object), reason)
                });
                inner.receiver = Some(parking.wait);
                after._left = parking.left;
                Poll::Pending
            }
        };
        wake(after.wake);
        polled
    }

    pub(super) fn leave_recv(&self, parked: &mut Parked) {
        let Some(wait) = parked.wait() else { return };
        let left = parked.leave_on_drop();
        let mut inner = lock(&self.inner);
        if inner.receiver == Some(wait) {
            inner.receiver = None;
        }
        drop(inner);
        drop(left);
    }

    pub(super) fn try_recv(&self) -> Result<T, TryRecvError> {
        let (item, next) = {
            let mut inner = lock(&self.inner);
            match inner.queue.pop_front() {
                Some(item) => (item, inner.release()),
                None if inner.exhausted() => return Err(TryRecvError::Disconnected),
                None => return Err(TryRecvError::Empty),
            }
        };
        wake(next);
        Ok(item)
    }

    /// Takes no more: who waits for a slot gets an error, who has one may still use it.
    pub(super) fn close(&self) {
        let (waiting, until_closed) = {
            let mut inner = lock(&self.inner);
            if core::mem::replace(&mut inner.closed, true) {
                return;
            }
            // They stay in the queue: that tells them from those who were promised a slot.
            let waiting: Vec<WaitRef> =
                context::with(|state| inner.waiting.waiting(state).collect()).unwrap_or_default();
            (waiting, inner.until_closed.take())
        };
        for wait in waiting {
            wake(Some(wait));
        }
        wake_all(until_closed);
    }

    /// Closes, and drops what was not received.
    pub(super) fn drop_receiver(&self, parked: &mut Parked) {
        self.leave_recv(parked);
        self.close();
        loop {
            // One by one, and outside the lock: destructors may use the channel.
            let (item, next) = {
                let mut inner = lock(&self.inner);
                match inner.queue.pop_front() {
                    Some(item) => (item, inner.release()),
                    None => return,
                }
            };
            wake(next);
            drop(item);
        }
    }

    #[track_caller]
    pub(super) fn poll_closed(
        &self,
        parked: &mut Parked,
        cx: &Context<'_>,
        place: Place,
    ) -> Poll<()> {
        let (polled, left) = {
            let mut inner = lock(&self.inner);
            let inner = &mut *inner;
            if inner.closed {
                (Poll::Ready(()), inner.until_closed.leave(parked))
            } else {
                let reason = Reason { what: "sync::mpsc", op: Op::Closed, place };
                (Poll::Pending, inner.until_closed.wait(parked, cx, &inner.tag, reason))
            }
        };
        drop(left);
        polled
    }

    pub(super) fn leave_closed(&self, parked: &mut Parked) {
        let left = lock(&self.inner).until_closed.leave(parked);
        drop(left);
    }

    pub(super) fn add_sender(&self) {
        lock(&self.inner).senders += 1;
    }

    /// Adds a sender, if there is one still.
    pub(super) fn try_add_sender(&self) -> bool {
        let mut inner = lock(&self.inner);
        let any = inner.senders > 0;
        inner.senders += usize::from(any);
        any
    }

    pub(super) fn drop_sender(&self) {
        let receiver = {
            let mut inner = lock(&self.inner);
            inner.senders -= 1;
            if inner.exhausted() { inner.receiver } else { None }
        };
        wake(receiver);
    }

    pub(super) fn add_weak_sender(&self) {
        lock(&self.inner).weak_senders += 1;
    }

    pub(super) fn drop_weak_sender(&self) {
        lock(&self.inner).weak_senders -= 1;
    }

    pub(super) fn senders(&self) -> usize {
        lock(&self.inner).senders
    }

    pub(super) fn weak_senders(&self) -> usize {
        lock(&self.inner).weak_senders
    }

    pub(super) fn is_closed(&self) -> bool {
        lock(&self.inner).closed
    }

    /// Whether nothing can be sent any more.
    pub(super) fn is_disconnected(&self) -> bool {
        let inner = lock(&self.inner);
        inner.closed || inner.senders == 0
    }

    pub(super) fn len(&self) -> usize {
        lock(&self.inner).queue.len()
    }

    pub(super) fn free(&self) -> usize {
        lock(&self.inner).free
    }

    pub(super) fn capacity(&self) -> usize {
        lock(&self.inner).capacity.unwrap_or(usize::MAX)
    }
}
