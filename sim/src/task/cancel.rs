//! Catching a request to cancel, and letting it go on.

use core::convert::Infallible;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::kernel::State;
use crate::kernel::context;
use crate::kernel::scope::{ScopeHandle, Scoped};
use crate::trace::Event;

/// Says that a request to cancel was caught.
///
/// Dropping it swallows the request: the task goes on, and is not cancelled.
/// [`resume`](Cancelled::resume) lets the request go on outward.
#[derive(Debug)]
#[must_use = "dropping this swallows the request; `resume` lets it go on"]
pub struct Cancelled {
    _caught: (),
}

impl Cancelled {
    pub(crate) fn new() -> Self {
        Self { _caught: () }
    }

    /// Lets the request go on outward: Python's bare `raise`. Never returns.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// # sim::Sim::new().run(|| async {
    /// let task = sim::spawn(async {
    ///     if let Err(cancelled) = sim::catch_cancel(sim::sleep(Duration::MAX)).await {
    ///         sim::sleep(Duration::from_secs(1)).await; // cleanup may await
    ///         cancelled.resume().await;
    ///     }
    /// });
    /// sim::yield_now().await;
    /// task.cancel();
    /// assert!(task.await.unwrap_err().is_cancelled());
    /// assert_eq!(sim::now(), Duration::from_secs(1));
    /// # }).unwrap();
    /// ```
    pub fn resume(self) -> Resume {
        Resume { _caught: () }
    }
}

impl core::fmt::Display for Cancelled {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("cancelled")
    }
}

impl core::error::Error for Cancelled {}

/// Raises a request to cancel by hand: Python's `raise CancelledError`. Never returns.
///
/// It unwinds outward from here as a request by [`cancel`](crate::JoinHandle::cancel) would; where
/// nothing catches it the task ends as cancelled.
///
/// # Examples
///
/// ```
/// # sim::Sim::new().run(|| async {
/// let task = sim::spawn(async { sim::task::raise_cancelled().await });
/// assert!(task.await.unwrap_err().is_cancelled());
/// # }).unwrap();
/// ```
pub fn raise_cancelled() -> Resume {
    Resume { _caught: () }
}

/// The future of [`Cancelled::resume`] and [`raise_cancelled`].
#[derive(Debug)]
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Resume {
    _caught: (),
}

impl Future for Resume {
    type Output = Infallible;

    fn poll(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<Infallible> {
        context::expect("Cancelled::resume", State::raise);
        Poll::Pending
    }
}

/// Runs a future, and stops a request to cancel that is raised inside it: Python's
/// `try: … except CancelledError`, as `catch_unwind` is for panics.
///
/// On a request the future is dropped at its await, without being polled again, and this gives
/// `Err(Cancelled)` in the same step. The code there may clean up with awaits, swallow the
/// request, or [`resume`](Cancelled::resume) it. `abort` is not stopped.
///
/// # Cancel safety
///
/// As the future's own.
///
/// # Examples
///
/// ```
/// # sim::Sim::new().run(|| async {
/// let task = sim::spawn(async {
///     match sim::catch_cancel(std::future::pending::<()>()).await {
///         Ok(()) => "done",
///         Err(_cancelled) => "swallowed",
///     }
/// });
/// sim::yield_now().await;
/// assert!(task.cancel());
/// assert_eq!(task.await.unwrap(), "swallowed");
/// # }).unwrap();
/// ```
pub fn catch_cancel<F: Future>(future: F) -> CatchCancel<F> {
    CatchCancel { future: Some(future), scope: ScopeHandle::new() }
}

/// Adds [`cancellable`](CancelExt::cancellable) to every future.
pub trait CancelExt: Future + Sized {
    /// Stops a request to cancel at this one await: [`catch_cancel`] in postfix form.
    fn cancellable(self) -> CatchCancel<Self> {
        catch_cancel(self)
    }
}

impl<F: Future> CancelExt for F {}

pin_project! {
    /// The future of [`catch_cancel`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    pub struct CatchCancel<F> {
        // Dropped before the scope: what is suspended inside leaves first.
        #[pin]
        future: Option<F>,
        scope: ScopeHandle,
    }
}

impl<F: Future> Future for CatchCancel<F> {
    type Output = Result<F::Output, Cancelled>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let future =
            this.future.as_mut().as_pin_mut().expect("`catch_cancel` was polled after it ended");
        match this.scope.poll(future, cx) {
            Scoped::Ready(value) => {
                this.future.set(None);
                Poll::Ready(Ok(value))
            }
            Scoped::Pending => Poll::Pending,
            Scoped::Thrown => {
                this.future.set(None);
                drop(this.scope.leave(false));
                caught();
                Poll::Ready(Err(Cancelled::new()))
            }
        }
    }
}

/// Records that the running task caught a request.
pub(crate) fn caught() {
    context::with(|state| state.emit(state.current_task(), Event::CancelCaught));
}
