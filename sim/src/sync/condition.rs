//! A lock whose holder can wait for somebody to change what it guards.

use core::fmt;
use core::future::Future;
use core::ops::{Deref, DerefMut};
use core::panic::Location;
use core::pin::Pin;
use core::task::{Context, Poll};
use std::sync::Mutex as StdMutex;

use super::mutex::{Lock, Mutex, MutexGuard, TryLockError};
use super::{abandon, open, wake_next};
use crate::kernel::State;
use crate::kernel::context;
use crate::kernel::object::Tag;
use crate::kernel::scope::{ScopeHandle, Scoped};
use crate::kernel::wait::{Parked, Target, WaitQueue, WaitState, await_place};
use crate::task::{Cancelled, caught};
use crate::trace::{Op, Place};

/// A lock with data, and a queue of tasks that wait for the data to change: `asyncio.Condition`.
///
/// Only who holds the lock can wait or notify. A wait gives the lock up, waits to be notified, and
/// takes the lock again before it returns, in line with everybody else who wants it: so what was
/// true when [`notify`](ConditionGuard::notify) was called need not be true any more. A wait may
/// also return without anybody having meant it. Use [`wait_for`](ConditionGuard::wait_for), or a
/// loop.
///
/// # Who waits, who holds
///
/// Whoever locks, and whoever was notified, waits for the task that holds the guard. Whoever
/// awaits [`wait`](ConditionGuard::wait) waits for somebody to notify; nobody holds that.
///
/// # Cancel safety
///
/// A wait that is cancelled takes the lock again before the request goes on outward, however long
/// that takes and however often it is asked again. One that had been notified passes the
/// notification on to the next, so that it is not lost. A wait that is dropped (`abort`, `select!`)
/// does not take the lock again, and passes a notification on too.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
/// use sim::sync::Condition;
///
/// # sim::Sim::new().run(|| async {
/// let stock = Arc::new(Condition::new(0).named("stock"));
/// let buyer = sim::spawn({
///     let stock = Arc::clone(&stock);
///     async move {
///         let mut left = stock.lock().await.wait_for(|left| *left >= 2).await;
///         *left -= 2;
///         *left
///     }
/// });
/// for _ in 0..2 {
///     sim::yield_now().await;
///     let mut left = stock.lock().await;
///     *left += 1;
///     left.notify_one();
/// }
/// assert_eq!(buyer.await.unwrap(), 0);
/// # }).unwrap();
/// ```
pub struct Condition<T = ()> {
    mutex: Mutex<T>,
    // Those not yet notified.
    waiters: StdMutex<WaitQueue>,
    tag: Tag,
}

impl<T> Condition<T> {
    /// Makes a condition whose lock is free.
    pub fn new(value: T) -> Self {
        Self::of_kind("Condition", "ConditionLock", value)
    }

    pub(super) fn of_kind(kind: &'static str, lock_kind: &'static str, value: T) -> Self {
        Self {
            mutex: Mutex::of_kind(lock_kind, value),
            waiters: StdMutex::new(WaitQueue::new()),
            tag: Tag::new(kind),
        }
    }

    /// Names the condition, for reports; its lock is called `name/lock`.
    #[must_use]
    pub fn named(mut self, name: impl AsRef<str>) -> Self {
        self.tag.set_name(name.as_ref());
        self.mutex = self.mutex.named(format!("{}/lock", name.as_ref()));
        self
    }

    pub(super) fn name(&self) -> Option<&str> {
        self.tag.name()
    }

    /// Waits for the lock; see [`Mutex::lock`].
    ///
    /// # Cancel safety
    ///
    /// Loses its place in the queue, and nothing else.
    ///
    /// # Panics
    ///
    /// When polled outside a simulation.
    #[track_caller]
    pub fn lock(&self) -> ConditionLock<'_, T> {
        self.lock_at(Location::caller())
    }

    pub(super) fn lock_at(&self, place: Place) -> ConditionLock<'_, T> {
        ConditionLock { condition: self, lock: self.mutex.lock_at(place) }
    }

    /// Takes the lock if that needs no waiting; see [`Mutex::try_lock`].
    ///
    /// # Errors
    ///
    /// [`TryLockError`] where the lock is held, or free but due to a waiter.
    #[track_caller]
    pub fn try_lock(&self) -> Result<ConditionGuard<'_, T>, TryLockError> {
        Ok(ConditionGuard { condition: self, guard: self.mutex.try_lock()? })
    }

    /// Whether somebody holds the lock.
    #[must_use]
    pub fn is_locked(&self) -> bool {
        self.mutex.is_locked()
    }

    /// Gives up the condition for its data.
    ///
    /// # Panics
    ///
    /// If a guard was leaked (`mem::forget`): the data went with it.
    #[must_use]
    pub fn into_inner(self) -> T {
        self.mutex.into_inner()
    }

    /// Reaches the data without locking: nobody else can have the lock.
    ///
    /// # Panics
    ///
    /// If a guard was leaked (`mem::forget`): the data went with it.
    pub fn get_mut(&mut self) -> &mut T {
        self.mutex.get_mut()
    }

    /// Notifies without asking for the lock.
    pub(super) fn notify(&self, tasks: usize) {
        for _ in 0..tasks {
            if !wake_next(|| open(&self.waiters).pop()) {
                return;
            }
        }
    }
}

impl<T: Default> Default for Condition<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T> fmt::Debug for Condition<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Condition")
            .field("name", &self.tag.name())
            .field("locked", &self.is_locked())
            .finish_non_exhaustive()
    }
}

/// The future of [`Condition::lock`].
#[derive(Debug)]
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct ConditionLock<'a, T> {
    condition: &'a Condition<T>,
    lock: Lock<'a, T>,
}

impl<'a, T> Future for ConditionLock<'a, T> {
    type Output = ConditionGuard<'a, T>;

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let condition = self.condition;
        Pin::new(&mut self.lock).poll(cx).map(|guard| ConditionGuard { condition, guard })
    }
}

/// The data of a [`Condition`] whose lock is held; dropping it releases the lock.
#[must_use = "a guard that is dropped at once protects nothing"]
pub struct ConditionGuard<'a, T> {
    condition: &'a Condition<T>,
    guard: MutexGuard<'a, T>,
}

impl<'a, T> ConditionGuard<'a, T> {
    /// Gives up the lock, waits to be notified, and takes the lock again.
    ///
    /// May return without anybody having meant it: look at the data, and wait again.
    ///
    /// # Cancel safety
    ///
    /// See [`Condition`]. The guard goes with the wait: where the code that catches the request
    /// still needs the lock, it has [`wait_cancellable`](Self::wait_cancellable).
    #[track_caller]
    pub fn wait(self) -> ConditionWait<'a, T> {
        ConditionWait { waiting: Waiting::new(self, Location::caller()), raising: None }
    }

    /// Waits, once or more often, until `predicate` holds for the data. Does not suspend where it
    /// does already.
    ///
    /// # Cancel safety
    ///
    /// As [`wait`](Self::wait).
    #[track_caller]
    pub fn wait_for<F>(self, predicate: F) -> ConditionWaitFor<'a, T, F>
    where
        F: FnMut(&T) -> bool,
    {
        let made_at = Location::caller();
        ConditionWaitFor { stage: Stage::Looking(self), made_at, predicate }
    }

    /// Waits as [`wait`](Self::wait) does, and stops a request to cancel here, with the lock held:
    /// Python's `try: await condition.wait()` `except CancelledError:` inside the `async with`.
    ///
    /// # Errors
    ///
    /// The guard and the request, if one was raised; [`resume`](Cancelled::resume) lets it go on.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::{sync::Arc, time::Duration};
    /// use sim::sync::Condition;
    ///
    /// # sim::Sim::new().run(|| async {
    /// let waiting = Arc::new(Condition::new(0));
    /// let waiter = sim::spawn({
    ///     let waiting = Arc::clone(&waiting);
    ///     async move {
    ///         let mut count = waiting.lock().await;
    ///         *count += 1;
    ///         if let Err((mut count, cancelled)) = count.wait_cancellable().await {
    ///             *count -= 1;
    ///             drop(count);
    ///             cancelled.resume().await;
    ///         }
    ///     }
    /// });
    /// sim::sleep(Duration::from_secs(1)).await;
    /// waiter.cancel();
    /// assert!(waiter.await.unwrap_err().is_cancelled());
    /// assert_eq!(*waiting.lock().await, 0);
    /// # }).unwrap();
    /// ```
    #[track_caller]
    pub fn wait_cancellable(self) -> ConditionWaitCancellable<'a, T> {
        ConditionWaitCancellable { waiting: Waiting::new(self, Location::caller()) }
    }

    /// Wakes the first `tasks` of those who wait; each returns when it has got the lock.
    pub fn notify(&self, tasks: usize) {
        self.condition.notify(tasks);
    }

    /// Wakes the first of those who wait.
    pub fn notify_one(&self) {
        self.notify(1);
    }

    /// Wakes all who wait.
    pub fn notify_all(&self) {
        let waiting = open(&self.condition.waiters).len();
        self.notify(waiting);
    }
}

impl<T> Deref for ConditionGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.guard
    }
}

impl<T> DerefMut for ConditionGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.guard
    }
}

impl<T: fmt::Debug> fmt::Debug for ConditionGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl<T: fmt::Display> fmt::Display for ConditionGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&**self, f)
    }
}

/// The wait for a notification alone, without the lock.
#[derive(Debug)]
struct Notified<'a> {
    waiters: &'a StdMutex<WaitQueue>,
    tag: &'a Tag,
    parked: Parked,
}

impl Notified<'_> {
    /// Leaves the queue; true if it had been notified and never ran.
    fn abandon(&mut self) -> bool {
        let Some((wait, notified)) = abandon(&mut self.parked) else { return false };
        open(self.waiters).remove(wait);
        notified
    }
}

impl Future for Notified<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let parked = &mut this.parked;
        let place = parked.place();
        let left = context::expect("sync::Condition", |state| {
            parked.forget_cancelled(state);
            if parked.is_parked() {
                return (parked.repoll(state, cx) == WaitState::Done).then(|| parked.leave(state));
            }
            let object = this.tag.id(state);
            let wait = parked.park(state, cx, Op::Notified, Some(object), Target::Here, place);
            open(this.waiters).push(wait);
            None
        });
        if left.is_some() { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Drop for Notified<'_> {
    fn drop(&mut self) {
        self.abandon();
    }
}

/// CPython's `Condition.wait`: gives its guard back also when a request was raised.
#[derive(Debug)]
pub(super) struct Waiting<'a, T> {
    condition: &'a Condition<T>,
    // Given up in the first poll.
    guard: Option<MutexGuard<'a, T>>,
    // Dropped before the scope: what is suspended inside leaves first.
    phase: Phase<'a, T>,
    scope: ScopeHandle,
    made_at: Place,
    /// Somebody notified this wait, and nobody has profited yet.
    notified: bool,
    /// A request was raised, and waits for the lock.
    cancelled: bool,
}

#[derive(Debug)]
enum Phase<'a, T> {
    New,
    Notified(Notified<'a>),
    Locking(Lock<'a, T>),
    Over,
}

impl<'a, T> Waiting<'a, T> {
    pub(super) fn new(guard: ConditionGuard<'a, T>, made_at: Place) -> Self {
        let ConditionGuard { condition, guard } = guard;
        Self {
            condition,
            guard: Some(guard),
            phase: Phase::New,
            scope: ScopeHandle::new(),
            made_at,
            notified: false,
            cancelled: false,
        }
    }

    /// Waits for the guard; says too whether a request to cancel was raised.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        polled_at: Place,
    ) -> Poll<(ConditionGuard<'a, T>, bool)> {
        let condition = self.condition;
        loop {
            match &mut self.phase {
                Phase::New => {
                    drop(self.guard.take());
                    self.made_at = await_place(polled_at, self.made_at);
                    self.phase = Phase::Notified(Notified {
                        waiters: &condition.waiters,
                        tag: &condition.tag,
                        parked: Parked::made_at(self.made_at),
                    });
                }
                Phase::Notified(inner) => match self.scope.poll(Pin::new(inner), cx) {
                    Scoped::Pending => return Poll::Pending,
                    Scoped::Ready(()) => {
                        self.notified = true;
                        self.lock();
                    }
                    Scoped::Thrown => {
                        self.notified = inner.abandon();
                        self.caught();
                    }
                },
                // Further requests only make it queue anew: the lock has to be taken.
                Phase::Locking(inner) => match self.scope.poll(Pin::new(inner), cx) {
                    Scoped::Pending => return Poll::Pending,
                    Scoped::Thrown => self.caught(),
                    Scoped::Ready(guard) => {
                        self.phase = Phase::Over;
                        let cancelled = self.cancelled;
                        if cancelled {
                            // The notification may have been this task's: somebody else gets it.
                            condition.notify(1);
                        }
                        return Poll::Ready((ConditionGuard { condition, guard }, cancelled));
                    }
                },
                Phase::Over => panic!("the wait of a `Condition` was polled after it ended"),
            }
        }
    }

    fn lock(&mut self) {
        self.phase = Phase::Locking(self.condition.mutex.lock_at(self.made_at));
    }

    fn caught(&mut self) {
        self.cancelled = true;
        // Leaves the queue of the lock before it enters it anew.
        self.phase = Phase::Over;
        drop(self.scope.leave(false));
        caught();
        self.lock();
    }
}

impl<T> Drop for Waiting<'_, T> {
    fn drop(&mut self) {
        match core::mem::replace(&mut self.phase, Phase::Over) {
            Phase::Notified(mut inner) => self.notified = inner.abandon(),
            Phase::Locking(inner) => drop(inner),
            Phase::New | Phase::Over => return,
        }
        if self.notified {
            self.condition.notify(1);
        }
    }
}

/// The future of [`ConditionGuard::wait`].
#[derive(Debug)]
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct ConditionWait<'a, T> {
    waiting: Waiting<'a, T>,
    // Kept until whoever takes the request drops this future: the lock is held until then.
    raising: Option<ConditionGuard<'a, T>>,
}

impl<'a, T> Future for ConditionWait<'a, T> {
    type Output = ConditionGuard<'a, T>;

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let polled_at = Location::caller();
        let this = &mut *self;
        if this.raising.is_none() {
            match this.waiting.poll(cx, polled_at) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready((guard, false)) => return Poll::Ready(guard),
                Poll::Ready((guard, true)) => this.raising = Some(guard),
            }
        }
        context::with(State::raise);
        Poll::Pending
    }
}

/// The future of [`ConditionGuard::wait_cancellable`].
#[derive(Debug)]
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct ConditionWaitCancellable<'a, T> {
    waiting: Waiting<'a, T>,
}

impl<'a, T> Future for ConditionWaitCancellable<'a, T> {
    type Output = Result<ConditionGuard<'a, T>, (ConditionGuard<'a, T>, Cancelled)>;

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.waiting.poll(cx, Location::caller()).map(|(guard, cancelled)| {
            if cancelled { Err((guard, Cancelled::new())) } else { Ok(guard) }
        })
    }
}

/// The future of [`ConditionGuard::wait_for`].
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct ConditionWaitFor<'a, T, F> {
    stage: Stage<'a, T>,
    made_at: Place,
    predicate: F,
}

#[derive(Debug)]
enum Stage<'a, T> {
    Looking(ConditionGuard<'a, T>),
    Waiting(ConditionWait<'a, T>),
    Over,
}

// The predicate is only called, never pinned.
impl<T, F> Unpin for ConditionWaitFor<'_, T, F> {}

impl<T, F> fmt::Debug for ConditionWaitFor<'_, T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConditionWaitFor").finish_non_exhaustive()
    }
}

impl<'a, T, F> Future for ConditionWaitFor<'a, T, F>
where
    F: FnMut(&T) -> bool,
{
    type Output = ConditionGuard<'a, T>;

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let place = await_place(Location::caller(), this.made_at);
        loop {
            if let Stage::Waiting(wait) = &mut this.stage {
                match Pin::new(wait).poll(cx) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(guard) => this.stage = Stage::Looking(guard),
                }
            }
            match core::mem::replace(&mut this.stage, Stage::Over) {
                Stage::Looking(guard) if (this.predicate)(&guard) => return Poll::Ready(guard),
                Stage::Looking(guard) => {
                    let waiting = Waiting::new(guard, place);
                    this.stage = Stage::Waiting(ConditionWait { waiting, raising: None });
                }
                Stage::Waiting(_) | Stage::Over => {
                    panic!("`wait_for` of a `Condition` was polled after it ended")
                }
            }
        }
    }
}
