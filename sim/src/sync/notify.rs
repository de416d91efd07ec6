//! Notifications without a value: tokio's `sync::Notify`.

use core::future::Future;
use core::panic::Location;
use core::pin::Pin;
use core::task::{Context, Poll};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use crate::kernel::State;
use crate::kernel::arena::{Arena, Key};
use crate::kernel::context;
use crate::kernel::object::Tag;
use crate::kernel::parking::{Reason, lock, wait_on, wake};
use crate::kernel::wait::{Left, Parked, WaitRef, WaitState};
use crate::trace::{Op, Place};

/// Notifies waiting tasks: one at a time, or all that wait.
///
/// [`notify_one`](Self::notify_one) wakes the task that has waited longest; where none waits, the
/// notification is kept (one, not several) for the next that does.
/// [`notify_waiters`](Self::notify_waiters) wakes everybody who waits now, and keeps nothing.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
/// use sim::sync::Notify;
///
/// # sim::Sim::new().run(|| async {
/// let notify = Arc::new(Notify::new());
/// let waiter = sim::spawn({
///     let notify = Arc::clone(&notify);
///     async move { notify.notified().await }
/// });
/// notify.notify_one(); // kept, although nobody waits yet
/// waiter.await.unwrap();
/// # }).unwrap();
/// ```
#[derive(Debug)]
pub struct Notify {
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// A notification that nobody has taken.
    permit: bool,
    /// How often everybody was notified.
    calls: u64,
    waiters: Arena<Waiter>,
    /// Those that were not notified, in order of arrival.
    queue: VecDeque<Key>,
    tag: Tag,
}

#[derive(Debug)]
struct Waiter {
    // Absent until it is polled.
    wait: Option<WaitRef>,
    notified: Option<By>,
}

/// How a waiter was notified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    One(Which),
    All,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Which {
    First,
    Last,
}

impl Inner {
    /// Notifies one waiter; says who is to be woken.
    fn notify(&mut self, which: Which) -> Option<WaitRef> {
        let chosen = context::with(|state| self.choose(Some(state), which))
            .unwrap_or_else(|| self.choose(None, which));
        let Some(position) = chosen else {
            self.permit = true;
            return None;
        };
        let key = self.queue.remove(position)?;
        let waiter = self.waiters.get_mut(key)?;
        waiter.notified = Some(By::One(which));
        waiter.wait
    }

    /// The waiter to notify: one whose wait a request to cancel took is passed over.
    fn choose(&self, state: Option<&State>, which: Which) -> Option<usize> {
        let listens = |key: &Key| {
            self.waiters.get(*key).is_some_and(|waiter| {
                waiter.wait.is_none_or(|wait| {
                    state.is_some_and(|state| state.wait_state(wait) == Some(WaitState::Waiting))
                })
            })
        };
        match which {
            Which::First => self.queue.iter().position(listens),
            Which::Last => self.queue.iter().rposition(listens),
        }
    }

    fn remove_from_queue(&mut self, key: Key) {
        if let Some(position) = self.queue.iter().position(|other| *other == key) {
            self.queue.remove(position);
        }
    }
}

impl Notify {
    /// Makes one that nobody waits for.
    #[must_use]
    pub fn new() -> Self {
        Self {
            inner: Mutex::new(Inner {
                permit: false,
                calls: 0,
                waiters: Arena::new(),
                queue: VecDeque::new(),
                tag: Tag::new("Notify"),
            }),
        }
    }

    /// Names it, for reports.
    #[must_use]
    pub fn named(self, name: impl AsRef<str>) -> Self {
        lock(&self.inner).tag.set_name(name.as_ref());
        self
    }

    /// Waits for a notification.
    ///
    /// The future hears [`notify_waiters`](Self::notify_waiters) from the moment it is made, but
    /// stands in the queue for [`notify_one`](Self::notify_one) only once it is polled, or
    /// [`enabled`](Notified::enable).
    ///
    /// # Cancel safety
    ///
    /// Its place in the queue is lost when it is dropped; a notification from `notify_one` that it
    /// had got is not, but goes to the next waiter.
    ///
    /// # Panics
    ///
    /// When it has to wait outside a simulation.
    #[track_caller]
    pub fn notified(&self) -> Notified<'_> {
        Notified { notify: self, listener: self.listener() }
    }

    /// Waits for a notification with a future that borrows nothing; see
    /// [`notified`](Self::notified).
    #[track_caller]
    pub fn notified_owned(self: Arc<Self>) -> OwnedNotified {
        let listener = self.listener();
        OwnedNotified { notify: self, listener }
    }

    #[track_caller]
    fn listener(&self) -> Listener {
        Listener { calls: lock(&self.inner).calls, stage: Stage::New, parked: Parked::new() }
    }

    /// Notifies the task that has waited longest; where none waits, the next that does.
    pub fn notify_one(&self) {
        self.notify(Which::First);
    }

    /// Notifies the task that came last; where none waits, the next that does.
    pub fn notify_last(&self) {
        self.notify(Which::Last);
    }

    fn notify(&self, which: Which) {
        let chosen = lock(&self.inner).notify(which);
        wake(chosen);
    }

    /// Notifies everybody who waits now; nothing is kept for those who come later.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// # sim::Sim::new().run(|| async {
    /// let notify = sim::sync::Notify::new();
    /// let made_before = notify.notified();
    /// notify.notify_waiters();
    /// made_before.await;
    /// assert!(sim::timeout(Duration::from_secs(1), notify.notified()).await.is_err());
    /// # }).unwrap();
    /// ```
    pub fn notify_waiters(&self) {
        let woken: Vec<WaitRef> = {
            let mut inner = lock(&self.inner);
            let inner = &mut *inner;
            inner.calls += 1;
            inner
                .queue
                .drain(..)
                .filter_map(|key| {
                    let waiter = inner.waiters.get_mut(key)?;
                    waiter.notified = Some(By::All);
                    waiter.wait
                })
                .collect()
        };
        for wait in woken {
            wake(Some(wait));
        }
    }
}

impl Default for Notify {
    fn default() -> Self {
        Self::new()
    }
}

#[derive(Clone, Copy, Debug)]
enum Stage {
    New,
    Waiting(Key),
    Over,
}

/// The half of a waiter that lives in its future.
#[derive(Debug)]
struct Listener {
    calls: u64,
    stage: Stage,
    parked: Parked,
}

impl Listener {
    /// Looks for a notification; without one, stands in the queue, and waits if it is polled.
    #[track_caller]
    fn poll(&mut self, notify: &Notify, cx: Option<&Context<'_>>, place: Place) -> bool {
        let (notified, left) = {
            let mut inner = lock(&notify.inner);
            self.poll_locked(&mut inner, cx, place)
        };
        drop(left);
        notified
    }

    #[track_caller]
    fn poll_locked(
        &mut self,
        inner: &mut Inner,
        cx: Option<&Context<'_>>,
        place: Place,
    ) -> (bool, Option<Left>) {
        let (key, notified) = match self.stage {
            Stage::Over => return (true, None),
            Stage::New => {
                if inner.calls != self.calls || core::mem::take(&mut inner.permit) {
                    self.stage = Stage::Over;
                    return (true, None);
                }
                let key = inner.waiters.insert(Waiter { wait: None, notified: None });
                inner.queue.push_back(key);
                self.stage = Stage::Waiting(key);
                (key, false)
            }
            Stage::Waiting(key) => {
                (key, inner.waiters.get(key).is_some_and(|waiter| waiter.notified.is_some()))
            }
        };
        // A notification may have been kept although this one waited, if a request to cancel had
        // taken its wait at that time.
        let late = !notified && core::mem::take(&mut inner.permit);
        if notified || late {
            if late {
                inner.remove_from_queue(key);
            }
            inner.waiters.remove(key);
            self.stage = Stage::Over;
            return (true, self.parked.leave_on_drop());
        }
        let Some(cx) = cx else { return (false, None) };
        let reason = Reason { what: "sync::Notify", op: Op::Notified, place };
        let parked = &mut self.parked;
        let parking = context::expect(reason.what, |state| {
            let object = inner.tag.id(state);
            wait_on(parked, state, cx, Some(object), reason)
        });
        if let Some(waiter) = inner.waiters.get_mut(key) {
            waiter.wait = Some(parking.wait);
        }
        (false, parking.left)
    }

    /// Goes away; a notification that was for one passes to another.
    fn leave(&mut self, notify: &Notify) {
        let Stage::Waiting(key) = self.stage else { return };
        self.stage = Stage::Over;
        let left = self.parked.leave_on_drop();
        let next = {
            let mut inner = lock(&notify.inner);
            match inner.waiters.remove(key).and_then(|waiter| waiter.notified) {
                Some(By::One(which)) => inner.notify(which),
                Some(By::All) => None,
                None => {
                    inner.remove_from_queue(key);
                    None
                }
            }
        };
        drop(left);
        wake(next);
    }
}

/// The future of [`Notify::notified`].
#[derive(Debug)]
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Notified<'a> {
    notify: &'a Notify,
    listener: Listener,
}

impl Notified<'_> {
    /// Stands in the queue from now on, before the future is polled; true if it has a
    /// notification already.
    ///
    /// So nothing is missed between looking at a condition and waiting for it to change.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::pin::pin;
    ///
    /// # sim::Sim::new().run(|| async {
    /// let notify = sim::sync::Notify::new();
    /// let mut first = pin!(notify.notified());
    /// assert!(!first.as_mut().enable());
    /// notify.notify_one();
    /// assert!(first.as_mut().enable());
    /// first.await;
    /// # }).unwrap();
    /// ```
    #[track_caller]
    pub fn enable(mut self: Pin<&mut Self>) -> bool {
        let this = &mut *self;
        this.listener.poll(this.notify, None, Location::caller())
    }
}

impl Future for Notified<'_> {
    type Output = ();

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        if this.listener.poll(this.notify, Some(cx), Location::caller()) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }
}

impl Drop for Notified<'_> {
    fn drop(&mut self) {
        self.listener.leave(self.notify);
    }
}

/// The future of [`Notify::notified_owned`].
#[derive(Debug)]
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct OwnedNotified {
    notify: Arc<Notify>,
    listener: Listener,
}

impl OwnedNotified {
    /// Stands in the queue from now on; see [`Notified::enable`].
    #[track_caller]
    pub fn enable(mut self: Pin<&mut Self>) -> bool {
        let this = &mut *self;
        this.listener.poll(&this.notify, None, Location::caller())
    }
}

impl Future for OwnedNotified {
    type Output = ();

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        if this.listener.poll(&this.notify, Some(cx), Location::caller()) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }
}

impl Drop for OwnedNotified {
    fn drop(&mut self) {
        self.listener.leave(&self.notify);
    }
}

#[cfg(test)]
#[path = "notify_tests.rs"]
mod tests;
