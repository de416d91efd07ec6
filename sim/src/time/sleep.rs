//! Sleeping.

use core::future::Future;
use core::panic::Location;
use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;

use pin_project_lite::pin_project;

use crate::clock::{TimerId, ticks};
use crate::kernel::context;
use crate::kernel::wait::{Parked, Target, TimerThen, WaitState};
use crate::task::{YieldNow, yield_now};
use crate::trace::{Op, Place};

/// Waits until some virtual time has passed: `asyncio.sleep`.
///
/// The time counts from the first poll. A duration of zero is [`yield_now`]: one turn for every
/// other ready task. The task resumes one pass after the timer fires, behind what was ready.
///
/// # Cancel safety
///
/// A dropped sleep drops its timer: a clock that nobody waits for does not move.
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
/// sim::sleep(Duration::from_secs(2)).await;
/// assert_eq!(sim::now(), Duration::from_secs(2));
/// # }).unwrap();
/// ```
#[track_caller]
pub fn sleep(duration: Duration) -> Sleep {
    Sleep { stage: Stage::New(Until::In(ticks(duration))), parked: Parked::new() }
}

/// Waits until the clock shows `deadline`; a deadline that has passed is [`yield_now`].
///
/// # Cancel safety
///
/// As [`sleep`].
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
/// let start = sim::now();
/// sim::sleep_until(start + Duration::from_secs(2)).await;
/// assert_eq!(sim::now(), start + Duration::from_secs(2));
/// # }).unwrap();
/// ```
#[track_caller]
pub fn sleep_until(deadline: Duration) -> Sleep {
    Sleep { stage: Stage::New(Until::At(ticks(deadline))), parked: Parked::new() }
}

/// Sleeps, then gives a value: `asyncio.sleep(delay, result)`, handy for faking a slow answer.
///
/// # Cancel safety
///
/// As [`sleep`]; the value is dropped with it.
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
/// let answer = sim::sleep_with(Duration::from_secs(1), "pong").await;
/// assert_eq!((answer, sim::now().as_secs()), ("pong", 1));
/// # }).unwrap();
/// ```
#[track_caller]
pub fn sleep_with<T>(duration: Duration, value: T) -> SleepWith<T> {
    SleepWith { sleep: sleep(duration), value: Some(value) }
}

/// The future of [`sleep`] and [`sleep_until`].
#[derive(Debug)]
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Sleep {
    stage: Stage,
    parked: Parked,
}

#[derive(Clone, Copy, Debug)]
enum Until {
    In(u64),
    At(u64),
}

#[derive(Debug)]
enum Stage {
    New(Until),
    Yielding(YieldNow),
    Waiting { timer: TimerId, deadline: u64 },
    Over,
}

impl Future for Sleep {
    type Output = ();

    #[inline]
    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let polled_at = Location::caller();
        let this = &mut *self;
        let polled = match &mut this.stage {
            Stage::New(until) => {
                let until = *until;
                let parked = &mut this.parked;
                let timer = context::expect("sleep", |state| {
                    let deadline = match until {
                        Until::In(0) => return None,
                        Until::In(ticks) => state.now.saturating_add(ticks),
                        Until::At(deadline) if deadline <= state.now => return None,
                        Until::At(deadline) => deadline,
                    };
                    let wait = parked.park(state, cx, Op::Sleep, None, Target::Here, polled_at);
                    Some((state.set_timer(deadline, TimerThen::Complete(wait)), deadline))
                });
                match timer {
                    Some((timer, deadline)) => {
                        this.stage = Stage::Waiting { timer, deadline };
                        Poll::Pending
                    }
                    None => {
                        let mut turn = yield_now();
                        let polled = Pin::new(&mut turn).poll(cx);
                        this.stage = Stage::Yielding(turn);
                        polled
                    }
                }
            }
            Stage::Yielding(turn) => Pin::new(turn).poll(cx),
            Stage::Waiting { timer, deadline } => {
                let parked = &mut this.parked;
                let left = context::expect("sleep", |state| parked.leave_if_done(state));
                if left.is_some() {
                    Poll::Ready(())
                } else {
                    poll_again(parked, timer, *deadline, cx, polled_at)
                }
            }
            Stage::Over => panic!("`sleep` was polled after it ended"),
        };
        if polled.is_ready() {
            this.stage = Stage::Over;
        }
        polled
    }
}

/// Polls a sleep that is not over: polled by a combinator, or kept outside a scope that unwound.
#[cold]
fn poll_again(
    parked: &mut Parked,
    timer: &mut TimerId,
    deadline: u64,
    cx: &Context<'_>,
    polled_at: Place,
) -> Poll<()> {
    let (left, old) = context::expect("sleep", |state| {
        parked.forget_cancelled(state);
        if parked.is_parked() {
            let done = parked.repoll(state, cx) == WaitState::Done;
            return (done.then(|| parked.leave(state)), None);
        }
        // Kept outside the scope that a request unwound: it sleeps on.
        let old = state.drop_timer(*timer);
        if deadline <= state.now {
            return (Some(None), old);
        }
        let wait = parked.park(state, cx, Op::Sleep, None, Target::Here, polled_at);
        *timer = state.set_timer(deadline, TimerThen::Complete(wait));
        (None, old)
    });
    drop(old);
    if left.is_some() { Poll::Ready(()) } else { Poll::Pending }
}

impl Drop for Sleep {
    #[inline]
    fn drop(&mut self) {
        if let Stage::Waiting { timer, .. } = self.stage {
            leave_early(&mut self.parked, timer);
        }
    }
}

#[cold]
fn leave_early(parked: &mut Parked, timer: TimerId) {
    let dropped = context::with(|state| {
        // Not even looked for where another run has begun since.
        let left = parked.leave(state)?;
        Some((left, state.drop_timer(timer)))
    });
    drop(dropped);
}

pin_project! {
    /// The future of [`sleep_with`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    pub struct SleepWith<T> {
        #[pin]
        sleep: Sleep,
        value: Option<T>,
    }
}

impl<T> Future for SleepWith<T> {
    type Output = T;

    #[track_caller]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let this = self.project();
        match this.sleep.poll(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(()) => {
                Poll::Ready(this.value.take().expect("`sleep_with` was polled after it ended"))
            }
        }
    }
}
