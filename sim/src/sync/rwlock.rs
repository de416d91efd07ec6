//! A lock for many readers or one writer.

use core::fmt;
use core::future::Future;
use core::ops::{Deref, DerefMut};
use core::panic::Location;
use core::pin::Pin;
use core::task::{Context, Poll};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex as StdMutex, PoisonError};

use super::mutex::TryLockError;
use super::{Hold, abandon, open};
use crate::kernel::State;
use crate::kernel::context;
use crate::kernel::object::Tag;
use crate::kernel::wait::{self, Parked, Target, WaitRef, WaitState, await_place};
use crate::trace::{Op, Place};

/// Lets many tasks read its data, or one write them: tokio's `RwLock`, which asyncio has not.
///
/// It is fair: tasks get it in the order in which they asked, and a writer that waits keeps back
/// the readers behind it. A release hands the lock to the next (to all readers up to the next
/// writer) at once; they run later.
///
/// A task that holds a read lock and asks for another one waits for itself for ever as soon as a
/// writer stands between, which is reported as a deadlock.
///
/// # Who waits, who holds
///
/// Whoever awaits [`read`](Self::read) or [`write`](Self::write) waits for the tasks that hold a
/// guard, or that stand before it.
///
/// # Cancel safety
///
/// A wait that is cancelled or dropped leaves the queue, and lets readers through that it kept
/// back; one that had been handed the lock passes it on.
///
/// # Examples
///
/// ```
/// use sim::sync::RwLock;
///
/// # sim::Sim::new().run(|| async {
/// let config = RwLock::new(String::from("old")).named("config");
/// let (one, two) = (config.read().await, config.read().await);
/// assert_eq!((one.as_str(), two.as_str()), ("old", "old"));
/// assert!(config.try_write().is_err());
/// drop((one, two));
/// config.write().await.push('!');
/// assert_eq!(config.into_inner(), "old!");
/// # }).unwrap();
/// ```
pub struct RwLock<T> {
    inner: StdMutex<Inner<T>>,
    tag: Tag,
}

struct Inner<T> {
    // Absent while a writer has it.
    value: Option<Arc<T>>,
    /// Who holds the lock, or was handed it and has not run yet.
    readers: usize,
    writing: bool,
    // Those not yet handed the lock.
    waiters: VecDeque<(WaitRef, Access)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    Read,
    Write,
}

impl Access {
    fn op(self) -> Op {
        match self {
            Access::Read => Op::Read,
            Access::Write => Op::Write,
        }
    }
}

impl<T> Inner<T> {
    fn is_free(&self, access: Access) -> bool {
        !self.writing && (access == Access::Read || self.readers == 0)
    }

    fn hand_to(&mut self, access: Access) {
        match access {
            Access::Read => self.readers += 1,
            Access::Write => self.writing = true,
        }
    }

    fn take_back(&mut self, access: Access) {
        match access {
            Access::Read => self.readers = self.readers.saturating_sub(1),
            Access::Write => self.writing = false,
        }
    }

    /// Takes the lock if it is free and nobody stands in the queue but the cancelled.
    fn take_at_once(&mut self, state: &State, access: Access) -> bool {
        let waiting =
            |(wait, _): &(WaitRef, Access)| state.wait_state(*wait) == Some(WaitState::Waiting);
        if !self.is_free(access) || self.waiters.iter().any(waiting) {
            return false;
        }
        self.hand_to(access);
        true
    }

    /// Hands the lock to the first waiter, if it can have it.
    fn hand_to_first(&mut self, state: &State) -> Option<WaitRef> {
        while let Some(&(wait, access)) = self.waiters.front() {
            if state.wait_state(wait) == Some(WaitState::Waiting) {
                if !self.is_free(access) {
                    return None;
                }
                self.waiters.pop_front();
                self.hand_to(access);
                return Some(wait);
            }
            // Cancelled, and not run yet: it keeps nobody back.
            self.waiters.pop_front();
        }
        None
    }

    /// The data, for one who was handed the lock.
    fn value(&mut self, access: Access) -> Option<Arc<T>> {
        match access {
            Access::Read => self.value.clone(),
            Access::Write => self.value.take(),
        }
    }
}

impl<T> RwLock<T> {
    /// Makes a free lock.
    pub fn new(value: T) -> Self {
        Self {
            inner: StdMutex::new(Inner {
                value: Some(Arc::new(value)),
                readers: 0,
                writing: false,
                waiters: VecDeque::new(),
            }),
            tag: Tag::new("RwLock"),
        }
    }

    /// Names the lock, for reports.
    #[must_use]
    pub fn named(mut self, name: impl AsRef<str>) -> Self {
        self.tag.set_name(name.as_ref());
        self
    }

    /// Waits until nobody writes, or waits to. Does not suspend where that is so.
    ///
    /// # Cancel safety
    ///
    /// Loses its place in the queue, and nothing else.
    ///
    /// # Panics
    ///
    /// When polled outside a simulation.
    #[track_caller]
    pub fn read(&self) -> Read<'_, T> {
        Read { lock: self, acquire: Acquire::new(Access::Read, Location::caller()) }
    }

    /// Waits until nobody reads or writes, or waits to. Does not suspend where that is so.
    ///
    /// # Cancel safety
    ///
    /// Loses its place in the queue, and nothing else.
    ///
    /// # Panics
    ///
    /// When polled outside a simulation.
    #[track_caller]
    pub fn write(&self) -> Write<'_, T> {
        Write { lock: self, acquire: Acquire::new(Access::Write, Location::caller()) }
    }

    /// As [`read`](Self::read), with a guard that holds the `Arc` instead of a reference.
    ///
    /// # Cancel safety
    ///
    /// As [`read`](Self::read).
    #[track_caller]
    pub fn read_owned(self: Arc<Self>) -> ReadOwned<T> {
        ReadOwned { lock: self, acquire: Acquire::new(Access::Read, Location::caller()) }
    }

    /// As [`write`](Self::write), with a guard that holds the `Arc` instead of a reference.
    ///
    /// # Cancel safety
    ///
    /// As [`write`](Self::write).
    #[track_caller]
    pub fn write_owned(self: Arc<Self>) -> WriteOwned<T> {
        WriteOwned { lock: self, acquire: Acquire::new(Access::Write, Location::caller()) }
    }

    /// Takes the lock for reading if that needs no waiting.
    ///
    /// # Errors
    ///
    /// [`TryLockError`] where somebody writes, or anybody waits.
    #[track_caller]
    pub fn try_read(&self) -> Result<RwLockReadGuard<'_, T>, TryLockError> {
        let held = self.try_hold(Access::Read, Location::caller())?;
        Ok(RwLockReadGuard { lock: self, held })
    }

    /// Takes the lock for writing if that needs no waiting.
    ///
    /// # Errors
    ///
    /// [`TryLockError`] where somebody reads or writes, or anybody waits.
    #[track_caller]
    pub fn try_write(&self) -> Result<RwLockWriteGuard<'_, T>, TryLockError> {
        let held = self.try_hold(Access::Write, Location::caller())?;
        Ok(RwLockWriteGuard { lock: self, held })
    }

    fn try_hold(&self, access: Access, place: Place) -> Result<Held<T>, TryLockError> {
        let taken = context::with(|state| open(&self.inner).take_at_once(state, access));
        // Outside a simulation nobody can wait.
        let taken = taken.unwrap_or_else(|| {
            let mut inner = open(&self.inner);
            let free = inner.is_free(access);
            if free {
                inner.hand_to(access);
            }
            free
        });
        if taken { Ok(self.hold(access, place)) } else { Err(TryLockError(())) }
    }

    /// Gives the data to one who was handed the lock.
    fn hold(&self, access: Access, place: Place) -> Held<T> {
        let value = open(&self.inner).value(access);
        debug_assert!(value.is_some(), "[sim bug] a lock was handed over without its data");
        Held { value, hold: Hold::begin(&self.tag, place) }
    }

    /// Gives up the lock for its data.
    ///
    /// # Panics
    ///
    /// If a guard was leaked (`mem::forget`): the data went with it.
    #[must_use]
    pub fn into_inner(self) -> T {
        let inner = self.inner.into_inner().unwrap_or_else(PoisonError::into_inner);
        inner
            .value
            .and_then(|value| Arc::try_unwrap(value).ok())
            .expect("a guard of this lock was leaked, and its data with it")
    }

    /// Reaches the data without locking: nobody else can have the lock.
    ///
    /// # Panics
    ///
    /// If a guard was leaked (`mem::forget`): the data went with it.
    pub fn get_mut(&mut self) -> &mut T {
        let inner = self.inner.get_mut().unwrap_or_else(PoisonError::into_inner);
        inner
            .value
            .as_mut()
            .and_then(Arc::get_mut)
            .expect("a guard of this lock was leaked, and its data with it")
    }

    fn release(&self, access: Access, held: &mut Held<T>) {
        let Some(value) = held.value.take() else { return };
        match access {
            // Gone before the lock is handed on, so that a writer has the data alone.
            Access::Read => drop(value),
            Access::Write => open(&self.inner).value = Some(value),
        }
        open(&self.inner).take_back(access);
        held.hold.end(&self.tag);
        self.hand_on();
    }

    /// Hands the lock to all who can have it now.
    fn hand_on(&self) {
        while let Some(wait) =
            context::with(|state| open(&self.inner).hand_to_first(state)).flatten()
        {
            wait::complete(wait);
        }
    }
}

impl<T: Default> Default for RwLock<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T> From<T> for RwLock<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T> fmt::Debug for RwLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (readers, writing) = {
            let inner = open(&self.inner);
            (inner.readers, inner.writing)
        };
        f.debug_struct("RwLock")
            .field("name", &self.tag.name())
            .field("readers", &readers)
            .field("writing", &writing)
            .finish_non_exhaustive()
    }
}

/// What a guard holds: the data, and the entry in the table of holders.
struct Held<T> {
    // Absent only while it is being given back.
    value: Option<Arc<T>>,
    hold: Hold,
}

impl<T> Held<T> {
    fn get(&self) -> &T {
        self.value.as_deref().expect("[sim bug] a guard without its data")
    }

    fn get_mut(&mut self) -> &mut T {
        self.value
            .as_mut()
            .and_then(Arc::get_mut)
            .expect("[sim bug] a writer that has its data not alone")
    }
}

/// The wait of whoever reads or writes.
#[derive(Debug)]
struct Acquire {
    access: Access,
    parked: Parked,
}

impl Acquire {
    fn new(access: Access, made_at: Place) -> Self {
        Self { access, parked: Parked::made_at(made_at) }
    }

    fn poll<T>(&mut self, lock: &RwLock<T>, cx: &Context<'_>, polled_at: Place) -> Poll<Held<T>> {
        let (access, parked) = (self.access, &mut self.parked);
        let (taken, left) = context::expect("sync::RwLock", |state| {
            parked.forget_cancelled(state);
            let mut left = None;
            if parked.is_parked() {
                if parked.repoll(state, cx) != WaitState::Done {
                    return (false, None);
                }
                left = parked.leave(state);
                if left.is_some() {
                    return (true, left);
                }
            } else if open(&lock.inner).take_at_once(state, access) {
                return (true, None);
            }
            let object = lock.tag.id(state);
            let wait = parked.park(state, cx, access.op(), Some(object), Target::Here, polled_at);
            open(&lock.inner).waiters.push_back((wait, access));
            (false, left)
        });
        drop(left);
        if !taken {
            return Poll::Pending;
        }
        Poll::Ready(lock.hold(access, await_place(polled_at, self.parked.place())))
    }

    fn abandon<T>(&mut self, lock: &RwLock<T>) {
        let Some((wait, handed)) = abandon(&mut self.parked) else { return };
        let mut inner = open(&lock.inner);
        if handed {
            inner.take_back(self.access);
        } else {
            inner.waiters.retain(|(other, _)| *other != wait);
        }
        drop(inner);
        lock.hand_on();
    }
}

macro_rules! future {
    ($(#[$doc:meta])* $future:ident -> $guard:ident) => {
        $(#[$doc])*
        #[derive(Debug)]
        #[must_use = "futures do nothing unless you `.await` or poll them"]
        pub struct $future<'a, T> {
            lock: &'a RwLock<T>,
            acquire: Acquire,
        }

        impl<'a, T> Future for $future<'a, T> {
            type Output = $guard<'a, T>;

            #[track_caller]
            fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
                let lock = self.lock;
                let held = self.acquire.poll(lock, cx, Location::caller());
                held.map(|held| $guard { lock, held })
            }
        }

        impl<T> Drop for $future<'_, T> {
            fn drop(&mut self) {
                self.acquire.abandon(self.lock);
            }
        }
    };
}

macro_rules! future_owned {
    ($(#[$doc:meta])* $future:ident -> $guard:ident) => {
        $(#[$doc])*
        #[derive(Debug)]
        #[must_use = "futures do nothing unless you `.await` or poll them"]
        pub struct $future<T> {
            lock: Arc<RwLock<T>>,
            acquire: Acquire,
        }

        impl<T> Future for $future<T> {
            type Output = $guard<T>;

            #[track_caller]
            fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
                let this = &mut *self;
                let held = this.acquire.poll(&this.lock, cx, Location::caller());
                held.map(|held| $guard { lock: Arc::clone(&this.lock), held })
            }
        }

        impl<T> Drop for $future<T> {
            fn drop(&mut self) {
                self.acquire.abandon(&self.lock);
            }
        }
    };
}

future! {
    /// The future of [`RwLock::read`].
    Read -> RwLockReadGuard
}

future! {
    /// The future of [`RwLock::write`].
    Write -> RwLockWriteGuard
}

future_owned! {
    /// The future of [`RwLock::read_owned`].
    ReadOwned -> OwnedRwLockReadGuard
}

future_owned! {
    /// The future of [`RwLock::write_owned`].
    WriteOwned -> OwnedRwLockWriteGuard
}

macro_rules! guard {
    ($guard:ident<$($lifetime:lifetime,)? T>, $access:expr) => {
        impl<T> Deref for $guard<$($lifetime,)? T> {
            type Target = T;

            fn deref(&self) -> &T {
                self.held.get()
            }
        }

        impl<T> Drop for $guard<$($lifetime,)? T> {
            fn drop(&mut self) {
                self.lock.release($access, &mut self.held);
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

/// The data of an [`RwLock`] that is held for reading; dropping it releases the lock.
#[must_use = "a guard that is dropped at once protects nothing"]
pub struct RwLockReadGuard<'a, T> {
    lock: &'a RwLock<T>,
    held: Held<T>,
}

guard!(RwLockReadGuard<'_, T>, Access::Read);

/// The data of an [`RwLock`] that is held for writing; dropping it releases the lock.
#[must_use = "a guard that is dropped at once protects nothing"]
pub struct RwLockWriteGuard<'a, T> {
    lock: &'a RwLock<T>,
    held: Held<T>,
}

guard!(RwLockWriteGuard<'_, T>, Access::Write);

impl<T> DerefMut for RwLockWriteGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.held.get_mut()
    }
}

impl<'a, T> RwLockWriteGuard<'a, T> {
    /// Goes on reading: nobody can write between. Readers that wait in front get in.
    ///
    /// # Examples
    ///
    /// ```
    /// # sim::Sim::new().run(|| async {
    /// let lock = sim::sync::RwLock::new(1);
    /// let mut writer = lock.write().await;
    /// *writer += 1;
    /// let reader = writer.downgrade();
    /// assert_eq!((*reader, *lock.read().await), (2, 2));
    /// # }).unwrap();
    /// ```
    #[track_caller]
    pub fn downgrade(mut self) -> RwLockReadGuard<'a, T> {
        let lock = self.lock;
        if let Some(value) = self.held.value.take() {
            let mut inner = open(&lock.inner);
            inner.value = Some(value);
            inner.take_back(Access::Write);
            inner.hand_to(Access::Read);
        }
        self.held.hold.end(&lock.tag);
        let held = lock.hold(Access::Read, Location::caller());
        lock.hand_on();
        RwLockReadGuard { lock, held }
    }
}

/// As [`RwLockReadGuard`], with the lock's `Arc` in place of a reference.
#[must_use = "a guard that is dropped at once protects nothing"]
pub struct OwnedRwLockReadGuard<T> {
    lock: Arc<RwLock<T>>,
    held: Held<T>,
}

guard!(OwnedRwLockReadGuard<T>, Access::Read);

/// As [`RwLockWriteGuard`], with the lock's `Arc` in place of a reference.
#[must_use = "a guard that is dropped at once protects nothing"]
pub struct OwnedRwLockWriteGuard<T> {
    lock: Arc<RwLock<T>>,
    held: Held<T>,
}

guard!(OwnedRwLockWriteGuard<T>, Access::Write);

impl<T> DerefMut for OwnedRwLockWriteGuard<T> {
    fn deref_mut(&mut self) -> &mut T {
        self.held.get_mut()
    }
}
