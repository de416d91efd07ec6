//! What the primitives of this room have in common: parking, and waking everybody.

use core::task::Context as PollContext;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::id::ObjectId;
use crate::kernel::State;
use crate::kernel::context;
use crate::kernel::object::Tag;
use crate::kernel::wait::{Left, Parked, Target, WaitQueue, WaitRef, WaitState, complete};
use crate::trace::{Op, Place};

/// Locks the state of a primitive; a panic of user code elsewhere left it whole.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a wait is for.
#[derive(Clone, Copy)]
pub(crate) struct Reason<'a> {
    /// The call, for the message where it was made outside a simulation.
    pub(crate) what: &'a str,
    pub(crate) op: Op,
    pub(crate) place: Place,
}

/// Goes on waiting, or begins to.
///
/// A wait that a request to cancel took begins anew: the request was raised at the scope around
/// it, and whoever polls its future again, kept outside that scope, waits again.
pub(crate) fn wait_on(
    parked: &mut Parked,
    state: &mut State,
    cx: &PollContext<'_>,
    object: Option<ObjectId>,
    reason: Reason<'_>,
) -> Parking {
    if let Some(wait) = parked.wait()
        && state.wait_state(wait) == Some(WaitState::Waiting)
    {
        parked.repoll(state, cx);
        return Parking { wait, fresh: false, left: None };
    }
    let left = parked.leave(state);
    let wait = parked.park(state, cx, reason.op, object, Target::Here, reason.place);
    Parking { wait, fresh: true, left }
}

/// How [`wait_on`] went.
pub(crate) struct Parking {
    pub(crate) wait: WaitRef,
    /// It began just now.
    pub(crate) fresh: bool,
    /// To be dropped when no lock is held.
    pub(crate) left: Option<Left>,
}

/// Those who wait for a condition: a change wakes them all, and each looks for itself.
///
/// Since nobody is handed anything, nothing is lost with a waiter that goes away.
#[derive(Debug, Default)]
pub(crate) struct Waiters {
    queue: WaitQueue,
}

impl Waiters {
    pub(crate) const fn new() -> Self {
        Self { queue: WaitQueue::new() }
    }

    /// Waits; the caller drops what it gets when it holds no lock, and returns `Pending`.
    #[track_caller]
    pub(crate) fn wait(
        &mut self,
        parked: &mut Parked,
        cx: &PollContext<'_>,
        tag: &Tag,
        reason: Reason<'_>,
    ) -> Option<Left> {
        let before = parked.wait();
        let parking = context::expect(reason.what, |state| {
            let object = tag.id(state);
            wait_on(parked, state, cx, Some(object), reason)
        });
        if parking.fresh {
            let taken_out = parking.left.as_ref().is_some_and(|left| left.state == WaitState::Done);
            if let Some(before) = before
                && !taken_out
            {
                self.queue.remove(before);
            }
            self.queue.push(parking.wait);
        }
        parking.left
    }

    /// Ends a wait; the caller drops what it gets when it holds no lock.
    pub(crate) fn leave(&mut self, parked: &mut Parked) -> Option<Left> {
        let wait = parked.wait()?;
        let left = parked.leave_on_drop();
        if left.as_ref().is_none_or(|left| left.state != WaitState::Done) {
            self.queue.remove(wait);
        }
        left
    }

    /// Takes everybody out, for [`wake_all`].
    #[must_use]
    pub(crate) fn take(&mut self) -> WaitQueue {
        core::mem::take(&mut self.queue)
    }
}

/// Wakes waiters in the order of their arrival. No lock may be held: wakers may be user code.
pub(crate) fn wake_all(mut waiters: WaitQueue) {
    while let Some(wait) = waiters.pop() {
        complete(wait);
    }
}

/// Wakes a waiter, if there is one.
pub(crate) fn wake(wait: Option<WaitRef>) {
    if let Some(wait) = wait {
        complete(wait);
    }
}
