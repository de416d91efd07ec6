//! Bounding how long something may take.

use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;

use pin_project_lite::pin_project;

use crate::clock::{TimerId, ticks};
use crate::kernel::State;
use crate::kernel::context;
use crate::kernel::scope::{ScopeHandle, Scoped};
use crate::kernel::task::TaskRef;
use crate::kernel::wait::{Call, TimerThen};
use crate::task::caught;

/// Runs a future for some time at most: asyncio's `timeout` block, with tokio's signature.
///
/// At the deadline a request to cancel is raised inside the future: its cleanup
/// ([`catch_cancel`](crate::catch_cancel), [`finally`](crate::finally)) runs, and is waited for;
/// a task that is awaited in it is cancelled; what swallows the request keeps its value. A future
/// that never suspends is not interrupted, however long it takes. Where the deadline and the value
/// come in one pass, the deadline wins and the value is lost, as in CPython since 3.12.
///
/// A zero duration lets the future run up to its first suspension.
///
/// # Cancel safety
///
/// A request that is raised in the future by somebody else goes on outward. A dropped timeout
/// drops its future.
///
/// # Errors
///
/// [`Elapsed`], if the time was over before the future gave its value.
///
/// # Panics
///
/// When polled outside a simulation.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// # sim::Sim::new().run(|| async {
/// let slow = sim::sleep_with(Duration::from_secs(10), "answer");
/// assert!(sim::timeout(Duration::from_secs(5), slow).await.is_err());
/// assert_eq!(sim::now(), Duration::from_secs(5));
/// # }).unwrap();
/// ```
pub fn timeout<F: Future>(duration: Duration, future: F) -> Timeout<F> {
    Timeout {
        future: Some(future),
        scope: ScopeHandle::new(),
        alarm: Alarm { timer: None, run: 0 },
        deadline: Deadline::In(ticks(duration)),
        entered: None,
    }
}

/// Runs a future until the clock shows `deadline`; see [`timeout`].
///
/// # Errors
///
/// [`Elapsed`], if the time was over before the future gave its value.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// # sim::Sim::new().run(|| async {
/// let deadline = sim::now() + Duration::from_secs(1);
/// assert!(sim::timeout_at(deadline, std::future::pending::<()>()).await.is_err());
/// # }).unwrap();
/// ```
pub fn timeout_at<F: Future>(deadline: Duration, future: F) -> Timeout<F> {
    Timeout { deadline: Deadline::At(ticks(deadline)), ..timeout(Duration::ZERO, future) }
}

/// Says that the time given to [`timeout`] was over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Elapsed(());

impl Elapsed {
    pub(crate) fn new() -> Self {
        Self(())
    }
}

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("deadline has elapsed")
    }
}

impl core::error::Error for Elapsed {}

#[derive(Clone, Copy, Debug)]
enum Deadline {
    In(u64),
    At(u64),
}

/// The timer of a timeout, dropped with it.
#[derive(Debug)]
struct Alarm {
    timer: Option<TimerId>,
    run: u64,
}

impl Alarm {
    fn stop(&mut self) {
        let Some(timer) = self.timer.take() else { return };
        let run = self.run;
        drop(context::with(|state| (state.run == run).then(|| state.drop_timer(timer))));
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Who entered the block, and how many requests it had had by then.
#[derive(Clone, Copy, Debug)]
struct Entered {
    task: Option<TaskRef>,
    cancelling: u32,
}

pin_project! {
    /// The future of [`timeout`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    pub struct Timeout<F> {
        // Dropped before the scope: what is suspended inside leaves first.
        #[pin]
        future: Option<F>,
        alarm: Alarm,
        scope: ScopeHandle,
        deadline: Deadline,
        entered: Option<Entered>,
    }
}

impl<F: Future> Future for Timeout<F> {
    type Output = Result<F::Output, Elapsed>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if this.entered.is_none() {
            let (scope, alarm, deadline) = (&mut *this.scope, &mut *this.alarm, *this.deadline);
            *this.entered =
                Some(context::expect("timeout", |state| enter(state, scope, alarm, deadline)));
        }
        let future =
            this.future.as_mut().as_pin_mut().expect("`timeout` was polled after it ended");
        // Known only while the scope is there.
        let key = this.scope.key();
        match this.scope.poll_keeping(future, cx) {
            Scoped::Pending => Poll::Pending,
            Scoped::Ready(value) => {
                this.future.set(None);
                this.alarm.stop();
                if this.scope.expired() {
                    // Swallowed inside: the block ends normally, and the count is restored.
                    uncancel(this.entered);
                }
                drop(this.scope.leave(true));
                Poll::Ready(Ok(value))
            }
            Scoped::Thrown => {
                debug_assert!(key.is_some(), "[sim bug] raised in a scope that is not there");
                this.future.set(None);
                this.alarm.stop();
                let expired = this.scope.expired();
                drop(this.scope.leave(false));
                let ours = expired
                    && uncancel(this.entered)
                        <= this.entered.map_or(0, |entered| entered.cancelling);
                if ours {
                    caught();
                    return Poll::Ready(Err(Elapsed::new()));
                }
                context::with(State::raise);
                Poll::Pending
            }
        }
    }
}

fn enter(
    state: &mut State,
    scope: &mut ScopeHandle,
    alarm: &mut Alarm,
    deadline: Deadline,
) -> Entered {
    let key = scope.enter(state);
    let deadline = match deadline {
        Deadline::In(ticks) => state.now.saturating_add(ticks),
        Deadline::At(deadline) => deadline,
    };
    alarm.run = state.run;
    if let Some(key) = key {
        if deadline <= state.now {
            state.push_call(Call::Timeout(key));
        } else {
            alarm.timer = Some(state.set_timer(deadline, TimerThen::Timeout(key)));
        }
    }
    let task = state.current;
    let cancelling = task.and_then(|task| state.task(task)).map_or(0, |task| task.cancelling);
    Entered { task, cancelling }
}

/// Takes back the request that the deadline made; says how many are left.
fn uncancel(entered: &Option<Entered>) -> u32 {
    let task = entered.and_then(|entered| entered.task);
    context::with(|state| task.map_or(0, |task| state.uncancel(task))).unwrap_or(0)
}
