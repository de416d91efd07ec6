//! Cleanup that awaits, on every way out.

use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::cancel::{Cancelled, CatchCancel, catch_cancel};
use crate::kernel::State;
use crate::kernel::context;

/// Runs a future, then a cleanup: Python's `finally`, which may await.
///
/// The cleanup runs when the future has given its value and when a request to cancel was raised in
/// it; the request then goes on outward. It does not run when the whole is dropped (by `abort`,
/// `select!` or tokio's `timeout`) or when the future panics: what must happen even then belongs
/// into a destructor.
///
/// # Cancel safety
///
/// A request that is raised during the cleanup interrupts the cleanup, as in Python.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// # sim::Sim::new().run(|| async {
/// let task = sim::spawn(sim::finally(std::future::pending::<()>(), || async {
///     sim::sleep(Duration::from_secs(2)).await;
///     sim::note!("connection closed");
/// }));
/// sim::yield_now().await;
/// task.cancel();
/// assert!(task.await.unwrap_err().is_cancelled());
/// assert_eq!(sim::now(), Duration::from_secs(2));
/// # }).unwrap();
/// ```
pub fn finally<F, C, Fut>(body: F, cleanup: C) -> Finally<F, C, Fut>
where
    F: Future,
    C: FnOnce() -> Fut,
    Fut: Future,
{
    Finally { body: catch_cancel(body), cleanup: Some(cleanup), cleaning: None, outcome: None }
}

pin_project! {
    /// The future of [`finally`].
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    pub struct Finally<F: Future, C, Fut> {
        #[pin]
        body: CatchCancel<F>,
        cleanup: Option<C>,
        #[pin]
        cleaning: Option<Fut>,
        outcome: Option<Result<F::Output, Cancelled>>,
    }
}

impl<F: Future, C, Fut> core::fmt::Debug for Finally<F, C, Fut> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Finally")
            .field("cleaning", &self.cleaning.is_some())
            .finish_non_exhaustive()
    }
}

impl<F, C, Fut> Future for Finally<F, C, Fut>
where
    F: Future,
    C: FnOnce() -> Fut,
    Fut: Future,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        if let Some(cleanup) = this.cleanup.take_if(|_| this.outcome.is_none()) {
            match this.body.poll(cx) {
                Poll::Pending => {
                    *this.cleanup = Some(cleanup);
                    return Poll::Pending;
                }
                Poll::Ready(outcome) => {
                    *this.outcome = Some(outcome);
                    this.cleaning.set(Some(cleanup()));
                }
            }
        }
        if let Some(cleaning) = this.cleaning.as_mut().as_pin_mut() {
            if cleaning.poll(cx).is_pending() {
                return Poll::Pending;
            }
            this.cleaning.set(None);
        }
        match this.outcome.take() {
            Some(Ok(value)) => Poll::Ready(value),
            Some(Err(cancelled)) => {
                // Kept, so that a poll that comes nevertheless raises again.
                *this.outcome = Some(Err(cancelled));
                context::with(State::raise);
                Poll::Pending
            }
            None => panic!("`finally` was polled after it ended"),
        }
    }
}
