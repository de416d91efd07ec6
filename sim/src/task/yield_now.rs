//! Giving up one's turn.

use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};

use crate::kernel::context;
use crate::trace::{Event, Op};

/// Lets every other ready task have a turn first: `asyncio.sleep(0)`.
///
/// The task goes to the back of the ready queue, and waits for nothing else: the clock does not
/// move.
///
/// # Cancel safety
///
/// Nothing can be lost.
///
/// # Decisions
///
/// The task becomes ready at once, so that it is a candidate of the very next choice.
///
/// # Panics
///
/// When polled outside a simulation.
///
/// # Examples
///
/// ```
/// # sim::Sim::new().run(|| async {
/// let task = sim::spawn(async { sim::note!("a turn of my own") });
/// assert!(!task.is_finished());
/// sim::yield_now().await;
/// assert!(task.is_finished());
/// # }).unwrap();
/// ```
pub fn yield_now() -> YieldNow {
    YieldNow { yielded: false }
}

/// The future of [`yield_now`].
#[derive(Debug)]
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct YieldNow {
    yielded: bool,
}

impl Future for YieldNow {
    type Output = ();

    #[inline(always)]
    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.yielded {
            return Poll::Ready(());
        }
        self.yielded = true;
        begin(cx);
        Poll::Pending
    }
}

/// Puts the task at the back of the queue.
// Not inlined, as the poll is: that way the second poll is one branch.
#[inline(never)]
#[track_caller]
fn begin(cx: &Context<'_>) {
    let place = core::panic::Location::caller();
    let foreign = context::expect("yield_now", |state| {
        let waker = state.foreign_waker(cx);
        let block = Event::Block { op: Op::Yield, object: None, on: None, place: Some(place) };
        state.set_pending(Op::Yield, None, place);
        match state.current {
            Some(task) if waker.is_none() => {
                state.emit(task.id, block);
                state.requeue(task);
            }
            _ => state.emit(state.current_task(), block),
        }
        waker
    });
    if let Some(waker) = foreign {
        waker.wake();
    }
}
