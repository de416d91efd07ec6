//! What tasks share: asyncio's locks and queues, to the loop iteration, around Rust's data; and
//! channels, notifications, cells and tokens with tokio's names.
//!
//! Nothing here runs a waiter: a release, a put or a notification only puts it in the ready
//! queue. Who comes first is served first, and nobody overtakes a waiter that was woken; a waiter
//! that is cancelled or dropped between being woken and running passes on what it was given.
//!
//! All of them may be made outside a simulation, shared between tasks by reference or `Arc`, and
//! named for reports with `named`. Their futures and guards are `Send` where the data are.

mod barrier;
pub mod broadcast;
mod cancellation_token;
mod condition;
mod event;
pub mod mpsc;
mod mutex;
mod notify;
mod once_cell;
pub mod oneshot;
mod queue;
mod rwlock;
mod semaphore;
pub mod watch;

pub use barrier::{Barrier, BarrierChange, BarrierWait, BarrierWaitResult, BrokenBarrier};
pub use cancellation_token::{
    CancellationToken, DropGuard, DropGuardRef, RunUntilCancelled, WaitForCancellation,
    WaitForCancellationOwned,
};
pub use condition::{
    Condition, ConditionGuard, ConditionLock, ConditionWait, ConditionWaitCancellable,
    ConditionWaitFor,
};
pub use event::{Event, EventWait};
pub use mutex::{Lock, LockOwned, Mutex, MutexGuard, OwnedMutexGuard, TryLockError};
pub use notify::{Notified, Notify, OwnedNotified};
pub use once_cell::{GetOrInit, GetOrTryInit, OnceCell, SetError};
pub use queue::{
    Queue, QueueGet, QueueJoin, QueuePut, QueueShutDown, TaskDoneError, TryGetError, TryPutError,
};
pub use rwlock::{
    OwnedRwLockReadGuard, OwnedRwLockWriteGuard, Read, ReadOwned, RwLock, RwLockReadGuard,
    RwLockWriteGuard, Write, WriteOwned,
};
pub use semaphore::{
    Acquire, AcquireOwned, BoundedSemaphore, OwnedSemaphorePermit, ReleaseError, Semaphore,
    SemaphorePermit, TryAcquireError,
};

use std::sync::{Mutex as StdMutex, MutexGuard as StdMutexGuard, PoisonError};

use crate::id::TaskId;
use crate::kernel::State;
use crate::kernel::context;
use crate::kernel::object::Tag;
use crate::kernel::wait::{self, Parked, WaitQueue, WaitRef, WaitState};
use crate::trace::Place;

/// Opens the state of a primitive. No user code runs while it is open, so nothing can poison it.
fn open<T>(state: &StdMutex<T>) -> StdMutexGuard<'_, T> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ends the wait of a future that is being dropped: which wait it was, and whether it had been
/// woken and never ran. `None` if it did not wait.
#[inline]
fn abandon(parked: &mut Parked) -> Option<(WaitRef, bool)> {
    let wait = parked.wait()?;
    let woken = parked.leave_on_drop().is_some_and(|left| left.state == WaitState::Done);
    Some((wait, woken))
}

/// Wakes the first of `waiters` that is neither done nor cancelled, and takes out all up to it;
/// false if there was none.
fn wake_next(waiters: impl Fn() -> Option<WaitRef>) -> bool {
    while let Some(wait) = waiters() {
        if wait::complete(wait) {
            return true;
        }
    }
    false
}

/// The first waiter of this run, whatever has become of it.
///
/// A future that was leaked leaves a waiter of an earlier run behind: it is taken out.
fn first_of_run(waiters: &mut WaitQueue, state: &State) -> Option<WaitRef> {
    while let Some(wait) = waiters.first() {
        if state.wait_state(wait).is_some() {
            return Some(wait);
        }
        waiters.pop();
    }
    None
}

/// An entry in the table of who holds what. It is taken out by [`Hold::end`], not on drop.
#[derive(Clone, Copy, Debug)]
struct Hold {
    // Absent where it was taken outside a simulation.
    task: Option<TaskId>,
}

impl Hold {
    /// Records that the running task got hold of the object at `place`.
    fn begin(tag: &Tag, place: Place) -> Self {
        Self { task: context::with(|state| tag.take_hold(state, place)) }
    }

    /// As [`begin`](Self::begin), for who has the state at hand.
    #[inline]
    fn begin_in(state: &mut State, tag: &Tag, place: Place) -> Self {
        Self { task: Some(tag.take_hold(state, place)) }
    }

    /// Records that the object was given back.
    fn end(self, tag: &Tag) {
        if let Some(task) = self.task {
            tag.released(task);
        }
    }

    /// As [`end`](Self::end), for who has the state at hand.
    #[inline]
    fn end_in(self, state: &mut State, tag: &Tag) {
        if let Some(task) = self.task {
            tag.give_up(state, task);
        }
    }
}

#[cfg(test)]
mod place_tests;
#[cfg(test)]
mod stress_tests;
#[cfg(test)]
mod tests;
