//! A number of permits.

use core::fmt;
use core::future::Future;
use core::panic::Location;
use core::pin::Pin;
use core::task::{Context, Poll};
use std::sync::{Arc, Mutex as StdMutex};

use super::{Hold, abandon, open};
use crate::kernel::State;
use crate::kernel::context;
use crate::kernel::object::Tag;
use crate::kernel::wait::{self, Parked, Target, WaitQueue, WaitState, await_place};
use crate::trace::{Op, Place};

/// Lets so many tasks do something at a time: `asyncio.Semaphore`.
///
/// Permits go to tasks in the order in which they asked. A release reserves the permit for the
/// first waiter at once, so that nobody overtakes it, even though it runs later.
///
/// # Who waits, who holds
///
/// Whoever awaits [`acquire`](Self::acquire) waits for one of the tasks that hold a permit, or for
/// somebody to [`add_permits`](Self::add_permits). A permit that was
/// [forgotten](SemaphorePermit::forget) is held by nobody.
///
/// # Cancel safety
///
/// No permit is lost: an `acquire` that is cancelled or dropped between getting a permit and
/// running gives it to the next.
///
/// # Examples
///
/// ```
/// use std::{sync::Arc, time::Duration};
/// use sim::sync::Semaphore;
///
/// # sim::Sim::new().run(|| async {
/// let two = Arc::new(Semaphore::new(2).named("connections"));
/// let tasks: Vec<_> = (0..5)
///     .map(|_| {
///         let two = Arc::clone(&two);
///         sim::spawn(async move {
///             let _permit = two.acquire().await;
///             sim::sleep(Duration::from_secs(1)).await;
///         })
///     })
///     .collect();
/// for task in tasks {
///     task.await.unwrap();
/// }
/// assert_eq!(sim::now(), Duration::from_secs(3));
/// # }).unwrap();
/// ```
pub struct Semaphore {
    inner: StdMutex<Inner>,
    /// How many permits may be free at most, for a [`BoundedSemaphore`].
    bound: Option<usize>,
    tag: Tag,
}

struct Inner {
    // Those reserved for a waiter that was woken are not counted.
    permits: usize,
    waiters: WaitQueue,
}

impl Inner {
    /// As long as a waiter that is not cancelled stands in the queue, free permits are not for
    /// newcomers.
    fn is_locked(&self, state: &State) -> bool {
        self.permits == 0 || self.waiters.any_not_cancelled(state)
    }
}

impl Semaphore {
    /// Makes a semaphore with so many permits.
    #[must_use]
    pub fn new(permits: usize) -> Self {
        Self::of_kind("Semaphore", permits, None)
    }

    fn of_kind(kind: &'static str, permits: usize, bound: Option<usize>) -> Self {
        Self {
            inner: StdMutex::new(Inner { permits, waiters: WaitQueue::new() }),
            bound,
            tag: Tag::new(kind),
        }
    }

    /// Names the semaphore, for reports.
    #[must_use]
    pub fn named(mut self, name: impl AsRef<str>) -> Self {
        self.tag.set_name(name.as_ref());
        self
    }

    /// Waits for a permit. Does not suspend where one is free and nobody waits.
    ///
    /// # Cancel safety
    ///
    /// Loses its place in the queue, and no permit.
    ///
    /// # Panics
    ///
    /// When polled outside a simulation.
    #[track_caller]
    pub fn acquire(&self) -> Acquire<'_> {
        Acquire { semaphore: self, acquiring: Acquiring { parked: Parked::new() } }
    }

    /// Waits for a permit that holds the semaphore's `Arc` instead of a reference.
    ///
    /// # Cancel safety
    ///
    /// As [`acquire`](Self::acquire).
    ///
    /// # Panics
    ///
    /// When polled outside a simulation.
    #[track_caller]
    pub fn acquire_owned(self: Arc<Self>) -> AcquireOwned {
        AcquireOwned { semaphore: self, acquiring: Acquiring { parked: Parked::new() } }
    }

    /// Takes a permit if that needs no waiting.
    ///
    /// # Errors
    ///
    /// [`TryAcquireError`] where no permit is free, or somebody waits for one.
    #[track_caller]
    pub fn try_acquire(&self) -> Result<SemaphorePermit<'_>, TryAcquireError> {
        let hold = self.try_hold(Location::caller())?;
        Ok(SemaphorePermit { semaphore: self, hold: Some(hold) })
    }

    /// Takes a permit that holds the `Arc`, if that needs no waiting.
    ///
    /// # Errors
    ///
    /// [`TryAcquireError`] where no permit is free, or somebody waits for one.
    #[track_caller]
    pub fn try_acquire_owned(self: Arc<Self>) -> Result<OwnedSemaphorePermit, TryAcquireError> {
        let hold = self.try_hold(Location::caller())?;
        Ok(OwnedSemaphorePermit { semaphore: self, hold: Some(hold) })
    }

    fn try_hold(&self, place: Place) -> Result<Hold, TryAcquireError> {
        if self.is_locked() {
            return Err(TryAcquireError(()));
        }
        open(&self.inner).permits -= 1;
        Ok(Hold::begin(&self.tag, place))
    }

    /// How many permits are free: neither held nor reserved for a waiter that was woken.
    #[must_use]
    pub fn available_permits(&self) -> usize {
        open(&self.inner).permits
    }

    /// Whether an [`acquire`](Self::acquire) would suspend.
    #[must_use]
    pub fn is_locked(&self) -> bool {
        // Outside a simulation nobody can wait.
        context::with(|state| open(&self.inner).is_locked(state))
            .unwrap_or_else(|| self.available_permits() == 0)
    }

    /// Adds permits: `Semaphore.release`, so many times. Each is reserved for the next waiter.
    ///
    /// It adds to what dropped permits give back: who wants to release by hand what was acquired
    /// [forgets](SemaphorePermit::forget) the permit first.
    ///
    /// # Examples
    ///
    /// ```
    /// # sim::Sim::new().run(|| async {
    /// let semaphore = sim::sync::Semaphore::new(0);
    /// semaphore.add_permits(2);
    /// semaphore.acquire().await.forget();
    /// assert_eq!(semaphore.available_permits(), 1);
    /// # }).unwrap();
    /// ```
    pub fn add_permits(&self, permits: usize) {
        // With nobody to wake, the rest are free at once: `permits` may be huge.
        for added in 1..=permits {
            let mut inner = open(&self.inner);
            inner.permits = inner.permits.saturating_add(1);
            drop(inner);
            if !self.wake_next() {
                let mut inner = open(&self.inner);
                inner.permits = inner.permits.saturating_add(permits - added);
                return;
            }
        }
    }

    /// Gives a permit back.
    fn release(&self) -> Result<(), ReleaseError> {
        if self.bound.is_some_and(|bound| self.available_permits() >= bound) {
            return Err(ReleaseError(()));
        }
        self.add_permits(1);
        Ok(())
    }

    /// Reserves a permit for the first waiter that has none; false if there is none, or no permit.
    fn wake_next(&self) -> bool {
        let next = context::with(|state| {
            let mut inner = open(&self.inner);
            if inner.permits == 0 {
                return None;
            }
            let wait = inner.waiters.first_waiting(state)?;
            inner.permits -= 1;
            Some(wait)
        });
        match next.flatten() {
            Some(wait) => wait::complete(wait),
            None => false,
        }
    }

    /// Those who came while others were to be served first may have been left with permits free.
    fn wake_all_eligible(&self) {
        while self.wake_next() {}
    }

    fn give_back(&self, hold: &mut Option<Hold>) {
        if let Some(hold) = hold.take() {
            hold.end(&self.tag);
            // Beyond the bound there is nothing to give back: somebody released too much.
            let _ = self.release();
        }
    }

    fn forget(&self, hold: &mut Option<Hold>) {
        if let Some(hold) = hold.take() {
            hold.end(&self.tag);
        }
    }
}

impl fmt::Debug for Semaphore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Semaphore")
            .field("name", &self.tag.name())
            .field("permits", &self.available_permits())
            .finish_non_exhaustive()
    }
}

/// A semaphore that cannot be released more often than it was acquired:
/// `asyncio.BoundedSemaphore`.
///
/// # Who waits, who holds
///
/// As [`Semaphore`].
///
/// # Cancel safety
///
/// As [`Semaphore`].
///
/// # Examples
///
/// ```
/// # sim::Sim::new().run(|| async {
/// let one = sim::sync::BoundedSemaphore::new(1);
/// assert!(one.release().is_err());
/// one.acquire().await.forget();
/// assert!(one.release().is_ok());
/// # }).unwrap();
/// ```
pub struct BoundedSemaphore {
    semaphore: Arc<Semaphore>,
}

impl BoundedSemaphore {
    /// Makes a semaphore with so many permits, now and at most.
    #[must_use]
    pub fn new(permits: usize) -> Self {
        let semaphore = Semaphore::of_kind("BoundedSemaphore", permits, Some(permits));
        Self { semaphore: Arc::new(semaphore) }
    }

    /// Names the semaphore, for reports.
    #[must_use]
    pub fn named(mut self, name: impl AsRef<str>) -> Self {
        // Its own until a permit that holds the `Arc` exists.
        if let Some(semaphore) = Arc::get_mut(&mut self.semaphore) {
            semaphore.tag.set_name(name.as_ref());
        }
        self
    }

    /// Waits for a permit; see [`Semaphore::acquire`].
    #[track_caller]
    pub fn acquire(&self) -> Acquire<'_> {
        self.semaphore.acquire()
    }

    /// Waits for a permit that keeps the semaphore alive; see [`Semaphore::acquire_owned`].
    #[track_caller]
    pub fn acquire_owned(&self) -> AcquireOwned {
        Arc::clone(&self.semaphore).acquire_owned()
    }

    /// Takes a permit if that needs no waiting.
    ///
    /// # Errors
    ///
    /// [`TryAcquireError`] where no permit is free, or somebody waits for one.
    #[track_caller]
    pub fn try_acquire(&self) -> Result<SemaphorePermit<'_>, TryAcquireError> {
        self.semaphore.try_acquire()
    }

    /// Takes a permit that keeps the semaphore alive, if that needs no waiting.
    ///
    /// # Errors
    ///
    /// [`TryAcquireError`] where no permit is free, or somebody waits for one.
    #[track_caller]
    pub fn try_acquire_owned(&self) -> Result<OwnedSemaphorePermit, TryAcquireError> {
        Arc::clone(&self.semaphore).try_acquire_owned()
    }

    /// How many permits are free; see [`Semaphore::available_permits`].
    #[must_use]
    pub fn available_permits(&self) -> usize {
        self.semaphore.available_permits()
    }

    /// Whether an [`acquire`](Self::acquire) would suspend.
    #[must_use]
    pub fn is_locked(&self) -> bool {
        self.semaphore.is_locked()
    }

    /// Gives back a permit that was [forgotten](SemaphorePermit::forget).
    ///
    /// # Errors
    ///
    /// [`ReleaseError`] where all permits are free already; nothing is changed then.
    pub fn release(&self) -> Result<(), ReleaseError> {
        self.semaphore.release()
    }
}

impl fmt::Debug for BoundedSemaphore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoundedSemaphore")
            .field("name", &self.semaphore.tag.name())
            .field("permits", &self.available_permits())
            .field("bound", &self.semaphore.bound)
            .finish()
    }
}

/// Says that no permit could be had without waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TryAcquireError(());

impl fmt::Display for TryAcquireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no permit can be had without waiting")
    }
}

impl core::error::Error for TryAcquireError {}

/// Says that a [`BoundedSemaphore`] was released more often than it was acquired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReleaseError(());

impl fmt::Display for ReleaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the semaphore was released too many times")
    }
}

impl core::error::Error for ReleaseError {}

/// The wait of whoever acquires.
#[derive(Debug)]
struct Acquiring {
    parked: Parked,
}

impl Acquiring {
    fn poll(&mut self, semaphore: &Semaphore, cx: &Context<'_>, polled_at: Place) -> Poll<Hold> {
        let parked = &mut self.parked;
        // Whether a permit was got, and whether it was waited for.
        let (got, left) = context::expect("sync::Semaphore::acquire", |state| {
            parked.forget_cancelled(state);
            let mut left = None;
            if let Some(wait) = parked.wait() {
                if parked.repoll(state, cx) != WaitState::Done {
                    return (false, None);
                }
                left = parked.leave(state);
                open(&semaphore.inner).waiters.remove(wait);
                if left.is_some() {
                    return (true, left);
                }
            } else {
                let mut inner = open(&semaphore.inner);
                if !inner.is_locked(state) {
                    inner.permits -= 1;
                    return (true, None);
                }
            }
            let object = semaphore.tag.id(state);
            let wait = parked.park(state, cx, Op::Acquire, Some(object), Target::Here, polled_at);
            open(&semaphore.inner).waiters.push(wait);
            (false, left)
        });
        if !got {
            return Poll::Pending;
        }
        let hold = Hold::begin(&semaphore.tag, await_place(polled_at, self.parked.place()));
        if left.is_some() {
            semaphore.wake_all_eligible();
        }
        Poll::Ready(hold)
    }

    fn abandon(&mut self, semaphore: &Semaphore) {
        let Some((wait, woken)) = abandon(&mut self.parked) else { return };
        let mut inner = open(&semaphore.inner);
        inner.waiters.remove(wait);
        if woken {
            inner.permits = inner.permits.saturating_add(1);
        }
        drop(inner);
        semaphore.wake_all_eligible();
    }
}

/// The future of [`Semaphore::acquire`].
#[derive(Debug)]
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Acquire<'a> {
    semaphore: &'a Semaphore,
    acquiring: Acquiring,
}

impl<'a> Future for Acquire<'a> {
    type Output = SemaphorePermit<'a>;

    #[inline]
    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let semaphore = self.semaphore;
        let hold = self.acquiring.poll(semaphore, cx, Location::caller());
        hold.map(|hold| SemaphorePermit { semaphore, hold: Some(hold) })
    }
}

impl Drop for Acquire<'_> {
    fn drop(&mut self) {
        self.acquiring.abandon(self.semaphore);
    }
}

/// The future of [`Semaphore::acquire_owned`].
#[derive(Debug)]
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct AcquireOwned {
    semaphore: Arc<Semaphore>,
    acquiring: Acquiring,
}

impl Future for AcquireOwned {
    type Output = OwnedSemaphorePermit;

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let hold = this.acquiring.poll(&this.semaphore, cx, Location::caller());
        hold.map(|hold| OwnedSemaphorePermit {
            semaphore: Arc::clone(&this.semaphore),
            hold: Some(hold),
        })
    }
}

impl Drop for AcquireOwned {
    fn drop(&mut self) {
        self.acquiring.abandon(&self.semaphore);
    }
}

/// A permit of a semaphore; dropping it gives it back.
#[derive(Debug)]
#[must_use = "a permit that is dropped at once permits nothing"]
pub struct SemaphorePermit<'a> {
    semaphore: &'a Semaphore,
    // Absent once it was given back or forgotten.
    hold: Option<Hold>,
}

impl SemaphorePermit<'_> {
    /// Keeps the permit from being given back: there is one less from now on.
    pub fn forget(mut self) {
        self.semaphore.forget(&mut self.hold);
    }
}

impl Drop for SemaphorePermit<'_> {
    fn drop(&mut self) {
        self.semaphore.give_back(&mut self.hold);
    }
}

/// As [`SemaphorePermit`], with the semaphore's `Arc` in place of a reference.
#[derive(Debug)]
#[must_use = "a permit that is dropped at once permits nothing"]
pub struct OwnedSemaphorePermit {
    semaphore: Arc<Semaphore>,
    // Absent once it was given back or forgotten.
    hold: Option<Hold>,
}

impl OwnedSemaphorePermit {
    /// Keeps the permit from being given back: there is one less from now on.
    pub fn forget(mut self) {
        self.semaphore.forget(&mut self.hold);
    }
}

impl Drop for OwnedSemaphorePermit {
    fn drop(&mut self) {
        self.semaphore.give_back(&mut self.hold);
    }
}
