//! A lock with the data it guards.

use core::fmt;
use core::future::Future;
use core::ops::{Deref, DerefMut};
use core::panic::Location;
use core::pin::Pin;
use core::task::{Context, Poll};
use std::sync::{Arc, Mutex as StdMutex, MutexGuard as StdMutexGuard};

use super::{Hold, abandon, first_of_run, open};
use crate::kernel::State;
use crate::kernel::context;
use crate::kernel::object::Tag;
use crate::kernel::wait::{self, Parked, Target, WaitQueue, WaitState, await_place};
use crate::trace::{Op, Place};

/// Lets one task at a time work on its data: `asyncio.Lock`, around what it protects.
///
/// Tasks get the lock in the order in which they asked. A release wakes the first of them, which
/// takes the lock when it runs; meanwhile the lock is free but nobody overtakes, not even the task
/// that released it. A panic while the lock is held releases it and poisons nothing.
///
/// A task that locks twice waits for itself for ever, which is reported as a deadlock.
///
/// # Who waits, who holds
///
/// Whoever awaits [`lock`](Self::lock) waits for the task that holds the guard.
///
/// # Cancel safety
///
/// A `lock` that is cancelled or dropped leaves the queue; one that had been woken passes the lock
/// on to the next.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
/// use sim::sync::Mutex;
///
/// # sim::Sim::new().run(|| async {
/// let balance = Arc::new(Mutex::new(100).named("balance"));
/// let tasks: Vec<_> = (0..3)
///     .map(|_| {
///         let balance = Arc::clone(&balance);
///         sim::spawn(async move {
///             let mut balance = balance.lock().await;
///             let read = *balance;
///             sim::yield_now().await; // nobody can come between
///             *balance = read - 10;
///         })
///     })
///     .collect();
/// for task in tasks {
///     task.await.unwrap();
/// }
/// assert_eq!(*balance.lock().await, 70);
/// # }).unwrap();
/// ```
pub struct Mutex<T> {
    inner: StdMutex<Inner<T>>,
    tag: Tag,
}

struct Inner<T> {
    // Absent while the lock is held: the guard has it.
    value: Option<Box<T>>,
    waiters: WaitQueue,
    // Whoever runs first takes it.
    barging: bool,
}

impl<T> crate::schedule_point::sealed::Tracked for Mutex<T> {
    fn tag(&self) -> crate::schedule_point::sealed::Handle<'_> {
        crate::schedule_point::sealed::Handle(&self.tag)
    }
}

impl<T> Inner<T> {
    /// Takes the lock if it is free and nobody stands in the queue but the cancelled.
    fn take_at_once(&mut self, state: &State) -> Option<Box<T>> {
        if !self.barging && self.waiters.any_not_cancelled(state) {
            None
        } else {
            self.value.take()
        }
    }
}

impl<T> Mutex<T> {
    /// Makes a free lock.
    pub fn new(value: T) -> Self {
        Self::of_kind("Mutex", value)
    }

    /// Makes a free lock that is not fair: a release wakes everybody who waits, and whoever runs
    /// first takes it, a newcomer as well, as with most locks of threads.
    ///
    /// Under a policy that explores, this reaches every order in which the lock can be taken; the
    /// fair lock only those in which tasks came to ask for it.
    ///
    /// # Examples
    ///
    /// ```
    /// use sim::sync::Mutex;
    ///
    /// # sim::Sim::new().run(|| async {
    /// let lock = std::sync::Arc::new(Mutex::barging(()));
    /// let guard = lock.lock().await;
    /// let waits = std::sync::Arc::clone(&lock);
    /// let waiter = sim::spawn(async move { drop(waits.lock().await) });
    /// sim::yield_now().await;
    /// drop(guard);
    /// // The waiter was woken, and has not run yet: with a fair lock it could not be overtaken.
    /// assert!(lock.try_lock().is_ok());
    /// waiter.await.unwrap();
    /// # }).unwrap();
    /// ```
    pub fn barging(value: T) -> Self {
        let mutex = Self::of_kind("Mutex", value);
        open(&mutex.inner).barging = true;
        mutex
    }

    pub(super) fn of_kind(kind: &'static str, value: T) -> Self {
        let (value, waiters) = (Some(Box::new(value)), WaitQueue::new());
        Self { inner: StdMutex::new(Inner { value, waiters, barging: false }), tag: Tag::new(kind) }
    }

    /// Names the lock, for reports.
    #[must_use]
    pub fn named(mut self, name: impl AsRef<str>) -> Self {
        self.tag.set_name(name.as_ref());
        self
    }

    /// Waits for the lock: `Lock.acquire`. Does not suspend where the lock is free.
    ///
    /// # Cancel safety
    ///
    /// Loses its place in the queue, and nothing else.
    ///
    /// # Panics
    ///
    /// When polled outside a simulation.
    #[track_caller]
    pub fn lock(&self) -> Lock<'_, T> {
        self.lock_at(Location::caller())
    }

    pub(super) fn lock_at(&self, place: Place) -> Lock<'_, T> {
        Lock { mutex: self, acquire: Acquire { parked: Parked::made_at(place) } }
    }

    /// Waits for the lock, and gives a guard that holds the `Arc` instead of a reference.
    ///
    /// # Cancel safety
    ///
    /// As [`lock`](Self::lock).
    ///
    /// # Panics
    ///
    /// When polled outside a simulation.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use sim::sync::Mutex;
    ///
    /// # sim::Sim::new().run(|| async {
    /// let mutex = Arc::new(Mutex::new(1));
    /// let guard = mutex.clone().lock_owned().await;
    /// let other = sim::spawn(async move { *guard });
    /// assert_eq!(other.await.unwrap(), 1);
    /// # }).unwrap();
    /// ```
    #[track_caller]
    pub fn lock_owned(self: Arc<Self>) -> LockOwned<T> {
        LockOwned { mutex: self, acquire: Acquire { parked: Parked::new() } }
    }

    /// Takes the lock if that needs no waiting.
    ///
    /// # Errors
    ///
    /// [`TryLockError`] where the lock is held, or free but due to a waiter.
    #[track_caller]
    pub fn try_lock(&self) -> Result<MutexGuard<'_, T>, TryLockError> {
        let held = self.try_hold(Location::caller())?;
        Ok(MutexGuard { mutex: self, held })
    }

    /// Takes the lock if that needs no waiting, and gives a guard that holds the `Arc`.
    ///
    /// # Errors
    ///
    /// [`TryLockError`] where the lock is held, or free but due to a waiter.
    #[track_caller]
    pub fn try_lock_owned(self: Arc<Self>) -> Result<OwnedMutexGuard<T>, TryLockError> {
        let held = self.try_hold(Location::caller())?;
        Ok(OwnedMutexGuard { mutex: self, held })
    }

    fn try_hold(&self, place: Place) -> Result<Held<T>, TryLockError> {
        // Outside a simulation nobody can wait.
        let value = match context::with(|state| open(&self.inner).take_at_once(state)) {
            Some(value) => value,
            None => open(&self.inner).value.take(),
        };
        match value {
            Some(value) => Ok(Held { value: Some(value), hold: Hold::begin(&self.tag, place) }),
            None => Err(TryLockError(())),
        }
    }

    /// Whether somebody holds the lock. It is false between a release and the next holder's step.
    #[must_use]
    pub fn is_locked(&self) -> bool {
        open(&self.inner).value.is_none()
    }

    /// Gives up the lock for its data.
    ///
    /// # Panics
    ///
    /// If a guard was leaked (`mem::forget`): the data went with it.
    #[must_use]
    pub fn into_inner(self) -> T {
        let inner = self.inner.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        *inner.value.expect("the guard of this mutex was leaked, and its data with it")
    }

    /// Reaches the data without locking: nobody else can have the lock.
    ///
    /// # Panics
    ///
    /// If a guard was leaked (`mem::forget`): the data went with it.
    pub fn get_mut(&mut self) -> &mut T {
        let inner = self.inner.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner);
        inner
            .value
            .as_deref_mut()
            .expect("the guard of this mutex was leaked, and its data with it")
    }

    fn release(&self, held: &mut Held<T>) {
        let mut value = held.value.take();
        if value.is_none() {
            return;
        }
        let waker = context::with(|state| {
            let mut inner = open(&self.inner);
            inner.value = value.take();
            held.hold.end_in(state, &self.tag);
            if inner.barging {
                return None;
            }
            first_of_run(&mut inner.waiters, state).and_then(|wait| state.complete(wait).1)
        });
        if value.is_some() {
            // Outside a simulation.
            open(&self.inner).value = value;
        }
        if let Some(Some(waker)) = waker {
            waker.wake();
        }
        if open(&self.inner).barging {
            self.wake_all();
        }
    }

    /// Lets everybody who waits try again.
    #[cold]
    fn wake_all(&self) {
        let waiting =
            context::with(|state| open(&self.inner).waiters.waiting(state).collect::<Vec<_>>());
        for wait in waiting.unwrap_or_default() {
            wait::complete(wait);
        }
    }

    /// Makes sure that the first waiter will run; nothing where it was woken, or was cancelled and
    /// will see to the next when it runs.
    fn wake_first(&self) {
        let first =
            context::with(|state| first_of_run(&mut open(&self.inner).waiters, state)).flatten();
        if let Some(wait) = first {
            wait::complete(wait);
        }
    }

    fn inner(&self) -> StdMutexGuard<'_, Inner<T>> {
        open(&self.inner)
    }
}

impl<T: Default> Default for Mutex<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T> From<T> for Mutex<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T> fmt::Debug for Mutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mutex")
            .field("name", &self.tag.name())
            .field("locked", &self.is_locked())
            .finish_non_exhaustive()
    }
}

/// Says that a lock could not be taken without waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TryLockError(pub(super) ());

impl fmt::Display for TryLockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the lock cannot be taken without waiting")
    }
}

impl core::error::Error for TryLockError {}

/// What a guard holds: the data, and the entry in the table of holders.
struct Held<T> {
    // Absent only while it is being given back.
    value: Option<Box<T>>,
    hold: Hold,
}

impl<T> Held<T> {
    fn get(&self) -> &T {
        self.value.as_deref().expect("[sim bug] a guard without its data")
    }

    fn get_mut(&mut self) -> &mut T {
        self.value.as_deref_mut().expect("[sim bug] a guard without its data")
    }
}

/// The wait of whoever locks.
#[derive(Debug)]
struct Acquire {
    parked: Parked,
}

impl Acquire {
    fn poll<T>(&mut self, mutex: &Mutex<T>, cx: &Context<'_>, polled_at: Place) -> Poll<Held<T>> {
        let parked = &mut self.parked;
        let (held, left) = context::expect("sync::Mutex::lock", |state| {
            parked.forget_cancelled(state);
            let mut left = None;
            let mut inner = mutex.inner();
            let value = if let Some(wait) = parked.wait() {
                left = parked.leave_if_done(state);
                if left.is_none() {
                    if parked.repoll(state, cx) != WaitState::Done {
                        return (None, None);
                    }
                    // The wait belongs to an earlier run.
                    left = parked.leave(state);
                }
                inner.waiters.remove(wait);
                inner.value.take()
            } else {
                inner.take_at_once(state)
            };
            if value.is_some() {
                let place = await_place(polled_at, parked.place());
                let hold = Hold::begin_in(state, &mutex.tag, place);
                return (Some(Held { value, hold }), left);
            }
            let object = mutex.tag.id(state);
            let wait = parked.park(state, cx, Op::Lock, Some(object), Target::Here, polled_at);
            inner.waiters.push(wait);
            (None, left)
        });
        drop(left);
        held.map_or(Poll::Pending, Poll::Ready)
    }

    /// Leaves the queue, when the future is dropped. Whoever was woken passes the lock on, and so
    /// does whoever was cancelled in front of others while the lock was released.
    #[inline]
    fn abandon<T>(&mut self, mutex: &Mutex<T>) {
        if self.parked.is_parked() {
            self.abandon_wait(mutex);
        }
    }

    #[cold]
    fn abandon_wait<T>(&mut self, mutex: &Mutex<T>) {
        let Some((wait, _)) = abandon(&mut self.parked) else { return };
        mutex.inner().waiters.remove(wait);
        if !mutex.is_locked() {
            mutex.wake_first();
        }
    }
}

/// The future of [`Mutex::lock`].
#[derive(Debug)]
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Lock<'a, T> {
    mutex: &'a Mutex<T>,
    acquire: Acquire,
}

impl<'a, T> Future for Lock<'a, T> {
    type Output = MutexGuard<'a, T>;

    #[inline]
    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mutex = self.mutex;
        let held = self.acquire.poll(mutex, cx, Location::caller());
        held.map(|held| MutexGuard { mutex, held })
    }
}

impl<T> Drop for Lock<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.acquire.abandon(self.mutex);
    }
}

/// The future of [`Mutex::lock_owned`].
#[derive(Debug)]
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct LockOwned<T> {
    mutex: Arc<Mutex<T>>,
    acquire: Acquire,
}

impl<T> Future for LockOwned<T> {
    type Output = OwnedMutexGuard<T>;

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let held = this.acquire.poll(&this.mutex, cx, Location::caller());
        held.map(|held| OwnedMutexGuard { mutex: Arc::clone(&this.mutex), held })
    }
}

impl<T> Drop for LockOwned<T> {
    fn drop(&mut self) {
        self.acquire.abandon(&self.mutex);
    }
}

macro_rules! guard {
    ($guard:ident<$($lifetime:lifetime,)? T>) => {
        impl<T> Deref for $guard<$($lifetime,)? T> {
            type Target = T;

            fn deref(&self) -> &T {
                self.held.get()
            }
        }

        impl<T> DerefMut for $guard<$($lifetime,)? T> {
            fn deref_mut(&mut self) -> &mut T {
                self.held.get_mut()
            }
        }

        impl<T> Drop for $guard<$($lifetime,)? T> {
            fn drop(&mut self) {
                self.mutex.release(&mut self.held);
            }
        }

        impl<T: fmt::Debug> fmt::Debug for $guard<$($lifetime,)? T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&**self, f)
            }
        }

        impl<T: fmt::Display> fmt::Display for $guard<$($lifetime,)? T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&**self, f)
            }
        }
    };
}

/// The data of a [`Mutex`] that is held; dropping it releases the lock.
#[must_use = "a guard that is dropped at once protects nothing"]
pub struct MutexGuard<'a, T> {
    mutex: &'a Mutex<T>,
    held: Held<T>,
}

guard!(MutexGuard<'_, T>);

/// As [`MutexGuard`], with the lock's `Arc` in place of a reference.
#[must_use = "a guard that is dropped at once protects nothing"]
pub struct OwnedMutexGuard<T> {
    mutex: Arc<Mutex<T>>,
    held: Held<T>,
}

guard!(OwnedMutexGuard<T>);
