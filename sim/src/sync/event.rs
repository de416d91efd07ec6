//! A flag to wait for.

use core::fmt;
use core::future::Future;
use core::panic::Location;
use core::pin::Pin;
use core::task::{Context, Poll};
use std::sync::Mutex as StdMutex;

use super::{abandon, open};
use crate::kernel::context;
use crate::kernel::object::Tag;
use crate::kernel::wait::{self, Parked, Target, WaitQueue, WaitState};
use crate::trace::Op;

/// A flag that tasks can wait for: `asyncio.Event`.
///
/// [`set`](Self::set) wakes everybody who waits, in order of arrival. They return even if the flag
/// is cleared again before they run.
///
/// # Who waits, who holds
///
/// Whoever awaits [`wait`](Self::wait) waits for somebody to set the flag; nobody holds an event,
/// so that a report cannot say whose task that would be.
///
/// # Cancel safety
///
/// A `wait` that is cancelled or dropped changes nothing for others.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
/// use sim::sync::Event;
///
/// # sim::Sim::new().run(|| async {
/// let started = Arc::new(Event::new().named("started"));
/// let waiter = sim::spawn({
///     let started = Arc::clone(&started);
///     async move { started.wait().await }
/// });
/// sim::yield_now().await;
/// started.set();
/// waiter.await.unwrap();
/// # }).unwrap();
/// ```
pub struct Event {
    inner: StdMutex<Inner>,
    tag: Tag,
}

struct Inner {
    set: bool,
    // Those not yet woken.
    waiters: WaitQueue,
}

impl Event {
    /// Makes an event that is not set.
    #[must_use]
    pub fn new() -> Self {
        Self {
            inner: StdMutex::new(Inner { set: false, waiters: WaitQueue::new() }),
            tag: Tag::new("Event"),
        }
    }

    /// Names the event, for reports.
    #[must_use]
    pub fn named(mut self, name: impl AsRef<str>) -> Self {
        self.tag.set_name(name.as_ref());
        self
    }

    /// Sets the flag, and wakes everybody who waits.
    pub fn set(&self) {
        if core::mem::replace(&mut open(&self.inner).set, true) {
            return;
        }
        // Taken out first: what a combinator's waker does may begin to wait anew.
        let mut waiters = core::mem::take(&mut open(&self.inner).waiters);
        while let Some(wait) = waiters.pop() {
            wait::complete(wait);
        }
    }

    /// Clears the flag: whoever waits from now on waits for the next [`set`](Self::set).
    pub fn clear(&self) {
        open(&self.inner).set = false;
    }

    /// Whether the flag is set.
    #[must_use]
    pub fn is_set(&self) -> bool {
        open(&self.inner).set
    }

    /// Waits until the flag is set. Does not suspend where it is.
    ///
    /// # Cancel safety
    ///
    /// Nothing can be lost.
    ///
    /// # Panics
    ///
    /// When polled outside a simulation.
    #[track_caller]
    pub fn wait(&self) -> EventWait<'_> {
        EventWait { event: self, parked: Parked::new() }
    }
}

impl Default for Event {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event")
            .field("name", &self.tag.name())
            .field("set", &self.is_set())
            .finish_non_exhaustive()
    }
}

/// The future of [`Event::wait`].
#[derive(Debug)]
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct EventWait<'a> {
    event: &'a Event,
    parked: Parked,
}

impl Future for EventWait<'_> {
    type Output = ();

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let polled_at = Location::caller();
        let this = &mut *self;
        let (event, parked) = (this.event, &mut this.parked);
        let done = context::expect("sync::Event::wait", |state| {
            parked.forget_cancelled(state);
            if parked.is_parked() {
                // Released by whoever set the flag, cleared or not since then.
                return (parked.repoll(state, cx) == WaitState::Done).then(|| parked.leave(state));
            }
            let mut inner = open(&event.inner);
            if inner.set {
                return Some(None);
            }
            let object = event.tag.id(state);
            inner.waiters.push(parked.park(
                state,
                cx,
                Op::Event,
                Some(object),
                Target::Here,
                polled_at,
            ));
            None
        });
        if done.is_some() { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Drop for EventWait<'_> {
    fn drop(&mut self) {
        if let Some((wait, _)) = abandon(&mut self.parked) {
            open(&self.event.inner).waiters.remove(wait);
        }
    }
}
