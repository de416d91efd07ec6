//! Places at which a task may be left for another one, though it has nothing to wait for.

use core::future::Future;
use core::panic::Location;
use core::pin::Pin;
use core::task::{Context, Poll};

use crate::kernel::choice::{Offered, Pending};
use crate::kernel::context;
use crate::kernel::object::Tag;
use crate::trace::{Op, Place};

/// Offers a switch to another ready task, about whose reason nothing is said.
///
/// This is not a yield: first-in-first-out goes on as if it were not there, in the same step, and
/// so does `asyncio`. Only a policy that explores may leave the task here for another one; the
/// task then stands at the back of the ready queue. Put one where, on a machine with several
/// threads, another task might get in between. [`SimCell`](crate::SimCell) has them built in.
///
/// Say what comes next where it is known, so that the search can tell which switches matter:
/// [`reading`](SchedulePoint::reading), [`writing`](SchedulePoint::writing) or
/// [`locking`](SchedulePoint::locking) an object.
///
/// # Cancel safety
///
/// Nothing can be lost.
///
/// # Decisions
///
/// One: to go on (candidate 0), or which of the ready tasks runs instead. No decision is made
/// where no task is ready.
///
/// # Panics
///
/// When polled outside a simulation.
///
/// # Examples
///
/// ```
/// # sim::Sim::new().run(|| async {
/// let other = sim::spawn(async { sim::note!("other") });
/// sim::schedule_point().await;
/// assert!(!other.is_finished(), "first-in-first-out does not notice it");
/// # }).unwrap();
/// ```
pub fn schedule_point() -> SchedulePoint<'static> {
    SchedulePoint { op: Op::Point, tag: None, asked: false }
}

/// The future of [`schedule_point`].
#[derive(Debug)]
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct SchedulePoint<'a> {
    op: Op,
    tag: Option<&'a Tag>,
    asked: bool,
}

/// A shared object that the search can be told about.
///
/// Implemented by `sim`'s own; not by others.
pub trait Tracked: sealed::Tracked {}

impl<T: sealed::Tracked> Tracked for T {}

pub(crate) mod sealed {
    /// What carries a tag.
    pub trait Tracked {
        #[doc(hidden)]
        fn tag(&self) -> Handle<'_>;
    }

    /// A tag, not to be looked into.
    #[derive(Debug)]
    pub struct Handle<'a>(pub(crate) &'a crate::kernel::object::Tag);
}

impl SchedulePoint<'static> {
    /// Says that the task is about to read an object.
    pub fn reading(self, object: &impl Tracked) -> SchedulePoint<'_> {
        SchedulePoint { op: Op::ReadCell, tag: Some(object.tag().0), asked: self.asked }
    }

    /// Says that the task is about to change an object.
    pub fn writing(self, object: &impl Tracked) -> SchedulePoint<'_> {
        SchedulePoint { op: Op::WriteCell, tag: Some(object.tag().0), asked: self.asked }
    }

    /// Says that the task is about to lock an object.
    pub fn locking(self, object: &impl Tracked) -> SchedulePoint<'_> {
        SchedulePoint { op: Op::Lock, tag: Some(object.tag().0), asked: self.asked }
    }

    /// Says that the task has just spawned another one, and touches nothing.
    pub fn spawning(mut self) -> Self {
        self.op = Op::Spawn;
        self
    }
}

impl Future for SchedulePoint<'_> {
    type Output = ();

    #[inline]
    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if core::mem::replace(&mut self.asked, true) {
            return Poll::Ready(());
        }
        pass("schedule_point", self.op, self.tag, Location::caller(), cx)
    }
}

/// Passes a schedule point: `Pending` where the task is left, ready to be polled again.
pub(crate) fn pass(
    what: &str,
    op: Op,
    tag: Option<&Tag>,
    place: Place,
    cx: &Context<'_>,
) -> Poll<()> {
    let left = context::expect(what, |state| {
        let object = tag.map(|tag| tag.id(state));
        if state.offer_switch(Pending { op, object, place }) == Offered::GoesOn {
            return None;
        }
        let foreign = state.foreign_waker(cx);
        if foreign.is_none()
            && let Some(task) = state.current
        {
            state.requeue(task);
        }
        Some(foreign)
    });
    let Some(foreign) = left else { return Poll::Ready(()) };
    if let Some(waker) = foreign {
        waker.wake();
    }
    Poll::Pending
}
