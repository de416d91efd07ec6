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

    #[inline]
    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.yielded {
            return Poll::Ready(());
        }
        self.yielded = true;
        let place = core::panic::Location::caller();
        let foreign = context::expect("yield_now", |state| {
            let task = state.current_task();
            state.emit(task, Event::Block { op: Op::Yield, object: None, on: None, place });
            let foreign = state.foreign_waker(cx);
            if foreign.is_none() {
                state.requeue_current();
            }
            foreign
        });
        if let Some(waker) = foreign {
            waker.wake();
        }
        Poll::Pending
    }
}
