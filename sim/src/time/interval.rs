//! Ticks at a steady pace.

use core::future::Future;
use core::panic::Location;
use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;

use crate::clock::{TimerId, ticks};
use crate::kernel::context;
use crate::kernel::parking::{Reason, wait_on};
use crate::kernel::wait::{Parked, TimerThen};
use crate::trace::{Op, Place};

/// Ticks now, and then every `period`: tokio's `interval`.
///
/// # Panics
///
/// If `period` is zero, and outside a simulation.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// # sim::Sim::new().run(|| async {
/// let mut interval = sim::time::interval(Duration::from_secs(2));
/// assert_eq!(interval.tick().await.as_secs(), 0); // the first comes at once
/// assert_eq!(interval.tick().await.as_secs(), 2);
/// assert_eq!(interval.tick().await.as_secs(), 4);
/// # }).unwrap();
/// ```
#[track_caller]
pub fn interval(period: Duration) -> Interval {
    assert!(!period.is_zero(), "an interval's period must not be zero");
    Interval::new(context::expect("interval", |state| state.now), ticks(period))
}

/// Ticks when the clock shows `start`, and then every `period`.
///
/// # Panics
///
/// If `period` is zero.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// # sim::Sim::new().run(|| async {
/// let start = sim::now() + Duration::from_secs(5);
/// let mut interval = sim::time::interval_at(start, Duration::from_secs(2));
/// assert_eq!(interval.tick().await.as_secs(), 5);
/// assert_eq!(interval.tick().await.as_secs(), 7);
/// # }).unwrap();
/// ```
#[track_caller]
pub fn interval_at(start: Duration, period: Duration) -> Interval {
    assert!(!period.is_zero(), "an interval's period must not be zero");
    Interval::new(ticks(start), ticks(period))
}

/// What an interval does about ticks that it missed, because nobody awaited them in time.
///
/// A tick counts as missed when it is taken more than 5 ms late, as with tokio.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MissedTickBehavior {
    /// Ticks as fast as it can until it has caught up.
    #[default]
    Burst,
    /// Goes on from now: the next tick comes one period later.
    Delay,
    /// Leaves out what was missed: the next tick comes at the next multiple of the period.
    Skip,
}

/// How late a tick may be taken without counting as missed: tokio's tolerance.
const TOLERANCE: u64 = 5_000_000;

impl MissedTickBehavior {
    fn next(self, due: u64, now: u64, period: u64) -> u64 {
        match self {
            MissedTickBehavior::Burst => due.saturating_add(period),
            MissedTickBehavior::Delay => now.saturating_add(period),
            MissedTickBehavior::Skip => now.saturating_add(period - (now - due) % period),
        }
    }
}

/// Ticks at a steady pace; see [`interval`].
#[derive(Debug)]
pub struct Interval {
    due: u64,
    period: u64,
    missed: MissedTickBehavior,
    alarm: Alarm,
}

/// The wait for the next tick.
#[derive(Debug)]
struct Alarm {
    parked: Parked,
    timer: Option<TimerId>,
}

impl Alarm {
    /// Ends the wait, and drops its timer.
    fn stop(&mut self) {
        if !self.parked.is_parked() {
            return;
        }
        let Self { parked, timer } = self;
        let timer = timer.take();
        // Not even looked for where another run has begun since.
        let dropped = context::with(|state| {
            let left = parked.leave(state)?;
            Some((left, timer.and_then(|timer| state.drop_timer(timer))))
        });
        drop(dropped);
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Interval {
    #[track_caller]
    fn new(due: u64, period: u64) -> Self {
        let alarm = Alarm { parked: Parked::new(), timer: None };
        Self { due, period, missed: MissedTickBehavior::Burst, alarm }
    }

    /// Waits for the next tick; gives the instant at which it was due.
    ///
    /// # Cancel safety
    ///
    /// When dropped before it is done, no tick was taken.
    ///
    /// # Panics
    ///
    /// When polled outside a simulation.
    #[track_caller]
    pub fn tick(&mut self) -> Tick<'_> {
        // The place to report is where this tick was asked for.
        self.alarm.stop();
        self.alarm.parked = Parked::new();
        Tick { interval: self }
    }

    /// Waits for the next tick, poll by poll.
    #[track_caller]
    pub fn poll_tick(&mut self, cx: &mut Context<'_>) -> Poll<Duration> {
        self.poll_at(cx, Location::caller())
    }

    #[track_caller]
    fn poll_at(&mut self, cx: &Context<'_>, place: Place) -> Poll<Duration> {
        let reason = Reason { what: "time::interval", op: Op::Sleep, place };
        let due = self.due;
        let Alarm { parked, timer } = &mut self.alarm;
        let (now, leftovers) = context::expect(reason.what, |state| {
            if due <= state.now {
                return (Some(state.now), None);
            }
            let parking = wait_on(parked, state, cx, None, reason);
            let mut stale = None;
            if parking.fresh {
                let set = state.set_timer(due, TimerThen::Complete(parking.wait));
                stale = timer.replace(set).and_then(|timer| state.drop_timer(timer));
            }
            (None, Some((parking.left, stale)))
        });
        drop(leftovers);
        let Some(now) = now else { return Poll::Pending };
        self.alarm.stop();
        self.due = if now - due > TOLERANCE {
            self.missed.next(due, now, self.period)
        } else {
            due.saturating_add(self.period)
        };
        Poll::Ready(Duration::from_nanos(due))
    }

    /// Starts anew: the next tick comes one period from now.
    ///
    /// # Panics
    ///
    /// Outside a simulation.
    #[track_caller]
    pub fn reset(&mut self) {
        let now = context::expect("time::Interval::reset", |state| state.now);
        self.reset_to(now.saturating_add(self.period));
    }

    /// Starts anew: the next tick comes now.
    ///
    /// # Panics
    ///
    /// Outside a simulation.
    #[track_caller]
    pub fn reset_immediately(&mut self) {
        self.reset_after(Duration::ZERO);
    }

    /// Starts anew: the next tick comes after some time.
    ///
    /// # Panics
    ///
    /// Outside a simulation.
    #[track_caller]
    pub fn reset_after(&mut self, after: Duration) {
        let now = context::expect("time::Interval::reset_after", |state| state.now);
        self.reset_to(now.saturating_add(ticks(after)));
    }

    /// Starts anew: the next tick comes when the clock shows `deadline`.
    pub fn reset_at(&mut self, deadline: Duration) {
        self.reset_to(ticks(deadline));
    }

    fn reset_to(&mut self, due: u64) {
        self.alarm.stop();
        self.due = due;
    }

    /// The time between two ticks.
    #[must_use]
    pub fn period(&self) -> Duration {
        Duration::from_nanos(self.period)
    }

    /// What the interval does about ticks that it missed.
    #[must_use]
    pub fn missed_tick_behavior(&self) -> MissedTickBehavior {
        self.missed
    }

    /// Sets what the interval does about ticks that it missed.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use sim::time::MissedTickBehavior;
    ///
    /// # sim::Sim::new().run(|| async {
    /// let mut interval = sim::time::interval(Duration::from_secs(1));
    /// interval.set_missed_tick_behavior(MissedTickBehavior::Skip);
    /// interval.tick().await;
    /// sim::busy(Duration::from_millis(2_500));
    /// assert_eq!(interval.tick().await.as_secs(), 1); // late
    /// assert_eq!(interval.tick().await.as_secs(), 3); // the one at 2 s was left out
    /// # }).unwrap();
    /// ```
    pub fn set_missed_tick_behavior(&mut self, behavior: MissedTickBehavior) {
        self.missed = behavior;
    }
}

/// The future of [`Interval::tick`].
#[derive(Debug)]
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Tick<'a> {
    interval: &'a mut Interval,
}

impl Future for Tick<'_> {
    type Output = Duration;

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Duration> {
        let place = Location::caller();
        self.interval.poll_at(cx, place)
    }
}

impl Drop for Tick<'_> {
    fn drop(&mut self) {
        self.interval.alarm.stop();
    }
}

#[cfg(test)]
#[path = "interval_tests.rs"]
mod tests;
