//! Shared state that the search knows about.

use core::fmt;
use core::future::Future;
use core::panic::Location;
use core::pin::Pin;
use core::task::{Context, Poll};
use std::sync::{Mutex, MutexGuard, TryLockError};

use crate::kernel::object::Tag;
use crate::schedule_point::{pass, sealed};
use crate::trace::Op;

/// A cell of shared state whose accesses the search sees.
///
/// A plain `Cell` or `RefCell` between tasks works just as well in a run, but nobody knows of it.
/// Here each access is recorded, so that the search can tell which tasks meet at it and in what
/// order, and the asynchronous ones are [schedule points](crate::schedule_point()): places at
/// which another task may get in between, as on a machine with several threads.
///
/// First-in-first-out never switches there, so that a program with a `SimCell` does what it would
/// do with a `Cell`.
///
/// # Examples
///
/// ```
/// use std::rc::Rc;
/// use sim::SimCell;
///
/// async fn lost_update() {
///     let count = Rc::new(SimCell::new(0).named("count"));
///     let add = || {
///         let count = Rc::clone(&count);
///         sim::spawn(async move {
///             let seen = count.read().await;
///             count.write(seen + 1).await;
///         })
///     };
///     let (a, b) = (add(), add());
///     let _ = (a.await, b.await);
///     assert_eq!(count.get(), 2, "an update was lost");
/// }
///
/// assert!(sim::Sim::new().run(lost_update).is_ok(), "first-in-first-out hides it");
/// let report = sim::explore(lost_update).runs(100).run();
/// assert!(report.failure().is_some(), "the search does not");
/// ```
pub struct SimCell<T> {
    value: Mutex<T>,
    tag: Tag,
}

impl<T> SimCell<T> {
    /// Makes a cell.
    pub fn new(value: T) -> Self {
        Self { value: Mutex::new(value), tag: Tag::new("SimCell") }
    }

    /// Names the cell, for reports and tokens.
    #[must_use]
    pub fn named(mut self, name: impl AsRef<str>) -> Self {
        self.tag.set_name(name.as_ref());
        self
    }

    /// Reads at once, without offering a switch; the access is recorded.
    pub fn get(&self) -> T
    where
        T: Clone,
    {
        self.tag.touched(false);
        self.hold().clone()
    }

    /// Writes at once, without offering a switch; the access is recorded.
    pub fn set(&self, value: T) {
        self.tag.touched(true);
        let old = core::mem::replace(&mut *self.hold(), value);
        drop(old);
    }

    /// Offers a switch, then reads.
    ///
    /// # Cancel safety
    ///
    /// Nothing can be lost.
    ///
    /// # Decisions
    ///
    /// That of a [`schedule_point`](crate::schedule_point()).
    ///
    /// # Panics
    ///
    /// When polled outside a simulation.
    pub fn read(&self) -> Read<'_, T> {
        Read { cell: self, asked: false }
    }

    /// Offers a switch, then writes.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it completes, it has written nothing.
    ///
    /// # Decisions
    ///
    /// That of a [`schedule_point`](crate::schedule_point()).
    ///
    /// # Panics
    ///
    /// When polled outside a simulation.
    pub fn write(&self, value: T) -> Write<'_, T> {
        Write { cell: self, value: Some(value), asked: false }
    }

    /// Offers a switch, then reads and writes as one: no other task gets in between.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it completes, it has changed nothing.
    ///
    /// # Decisions
    ///
    /// That of a [`schedule_point`](crate::schedule_point()).
    ///
    /// # Panics
    ///
    /// When polled outside a simulation, and if `change` uses this cell.
    pub fn update<F, R>(&self, change: F) -> Update<'_, T, F>
    where
        F: FnOnce(&mut T) -> R,
    {
        Update { cell: self, change: Some(change), asked: false }
    }

    #[track_caller]
    fn hold(&self) -> MutexGuard<'_, T> {
        match self.value.try_lock() {
            Ok(guard) => guard,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => {
                panic!("a `SimCell` was used while its own `update`, or its value's `clone`, ran")
            }
        }
    }
}

impl<T> sealed::Tracked for SimCell<T> {
    fn tag(&self) -> sealed::Handle<'_> {
        sealed::Handle(&self.tag)
    }
}

impl<T> fmt::Debug for SimCell<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimCell").field("name", &self.tag.name()).finish_non_exhaustive()
    }
}

impl<T: Default> Default for SimCell<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

/// The future of [`SimCell::read`].
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Read<'a, T> {
    cell: &'a SimCell<T>,
    asked: bool,
}

impl<T: Clone> Future for Read<'_, T> {
    type Output = T;

    #[inline]
    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        if !core::mem::replace(&mut self.asked, true)
            && pass("SimCell::read", Op::ReadCell, Some(&self.cell.tag), Location::caller(), cx)
                .is_pending()
        {
            return Poll::Pending;
        }
        Poll::Ready(self.cell.get())
    }
}

/// The future of [`SimCell::write`].
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Write<'a, T> {
    cell: &'a SimCell<T>,
    value: Option<T>,
    asked: bool,
}

// The value is never pinned: it is only moved into the cell.
impl<T> Unpin for Write<'_, T> {}

impl<T> Future for Write<'_, T> {
    type Output = ();

    #[inline]
    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if !core::mem::replace(&mut self.asked, true)
            && pass("SimCell::write", Op::WriteCell, Some(&self.cell.tag), Location::caller(), cx)
                .is_pending()
        {
            return Poll::Pending;
        }
        if let Some(value) = self.value.take() {
            self.cell.set(value);
        }
        Poll::Ready(())
    }
}

/// The future of [`SimCell::update`].
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Update<'a, T, F> {
    cell: &'a SimCell<T>,
    change: Option<F>,
    asked: bool,
}

// The closure is never pinned: it is only called.
impl<T, F> Unpin for Update<'_, T, F> {}

impl<T, F, R> Future for Update<'_, T, F>
where
    F: FnOnce(&mut T) -> R,
{
    type Output = R;

    #[inline]
    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<R> {
        if !core::mem::replace(&mut self.asked, true)
            && pass("SimCell::update", Op::UpdateCell, Some(&self.cell.tag), Location::caller(), cx)
                .is_pending()
        {
            return Poll::Pending;
        }
        let change = self.change.take().expect("`SimCell::update` was polled after completion");
        self.cell.tag.touched(true);
        Poll::Ready(change(&mut self.cell.hold()))
    }
}

macro_rules! opaque_debug {
    ($($name:ident<$($parameter:ident),+>),+) => {$(
        impl<$($parameter),+> fmt::Debug for $name<'_, $($parameter),+> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    )+};
}

opaque_debug!(Read<T>, Write<T>, Update<T, F>);
