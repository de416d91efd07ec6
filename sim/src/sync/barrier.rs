//! A place where tasks wait for each other.

use core::fmt;
use core::future::Future;
use core::panic::Location;
use core::pin::Pin;
use core::task::{Context, Poll};
use std::sync::Mutex as StdMutex;

use super::condition::{Condition, ConditionGuard, ConditionLock, Waiting};
use super::open;
use crate::kernel::State;
use crate::kernel::context;
use crate::kernel::wait::await_place;
use crate::trace::Place;

/// Lets so many tasks wait until all of them are there: `asyncio.Barrier`.
///
/// The last to arrive goes on at once, and the others when they have had the barrier's lock, one
/// after the other. Who arrives before all have left waits for the next round.
///
/// # Who waits, who holds
///
/// Whoever awaits [`wait`](Self::wait) waits for more tasks to arrive, or for those of the round
/// before to leave; nobody holds a barrier. Its lock is held for parts of a step only.
///
/// # Cancel safety
///
/// A `wait` that is cancelled or dropped leaves the barrier, which then needs one more to arrive.
///
/// # Examples
///
/// ```
/// use std::{rc::Rc, time::Duration};
/// use sim::sync::Barrier;
///
/// # sim::Sim::new().run(|| async {
/// let barrier = Rc::new(Barrier::new(3).named("start"));
/// let tasks: Vec<_> = (1..=3)
///     .map(|seconds| {
///         let barrier = Rc::clone(&barrier);
///         sim::spawn(async move {
///             sim::sleep(Duration::from_secs(seconds)).await;
///             barrier.wait().await.unwrap().index()
///         })
///     })
///     .collect();
/// for (arrived, task) in tasks.into_iter().enumerate() {
///     assert_eq!(task.await.unwrap(), arrived);
/// }
/// assert_eq!(sim::now(), Duration::from_secs(3));
/// # }).unwrap();
/// ```
pub struct Barrier {
    condition: Condition,
    state: StdMutex<BarrierState>,
    parties: usize,
}

#[derive(Clone, Copy, Debug)]
struct BarrierState {
    phase: Phase,
    /// How many are in the barrier.
    count: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// More are to arrive.
    Filling,
    /// All have arrived, and leave.
    Draining,
    /// Those inside are to leave with an error.
    Resetting,
    /// Nobody can use it.
    Broken,
}

impl Barrier {
    /// Makes a barrier for so many tasks; 0 is treated as 1.
    #[must_use]
    pub fn new(parties: usize) -> Self {
        Self {
            condition: Condition::of_kind("Barrier", "BarrierLock", ()),
            state: StdMutex::new(BarrierState { phase: Phase::Filling, count: 0 }),
            parties: parties.max(1),
        }
    }

    /// Names the barrier, for reports.
    #[must_use]
    pub fn named(mut self, name: impl AsRef<str>) -> Self {
        self.condition = self.condition.named(name);
        self
    }

    /// Waits until all have arrived. The last to arrive does not suspend.
    ///
    /// # Cancel safety
    ///
    /// Leaves the barrier.
    ///
    /// # Errors
    ///
    /// [`BrokenBarrier`] if somebody [resets](Self::reset) or [aborts](Self::abort) it meanwhile,
    /// or has aborted it.
    ///
    /// # Panics
    ///
    /// When polled outside a simulation.
    #[track_caller]
    pub fn wait(&self) -> BarrierWait<'_> {
        let made_at = Location::caller();
        let lock = self.condition.lock_at(made_at);
        BarrierWait { barrier: self, stage: Stage::Locking(lock), index: None, made_at }
    }

    /// Makes the barrier as new. Those inside leave with [`BrokenBarrier`].
    ///
    /// # Cancel safety
    ///
    /// Nothing has been done, or all.
    ///
    /// # Panics
    ///
    /// When polled outside a simulation.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::rc::Rc;
    /// use sim::sync::Barrier;
    ///
    /// # sim::Sim::new().run(|| async {
    /// let barrier = Rc::new(Barrier::new(2));
    /// let waiter = sim::spawn({
    ///     let barrier = Rc::clone(&barrier);
    ///     async move { barrier.wait().await }
    /// });
    /// sim::yield_now().await;
    /// barrier.reset().await;
    /// assert!(waiter.await.unwrap().is_err());
    /// assert!(!barrier.is_broken());
    /// # }).unwrap();
    /// ```
    #[track_caller]
    pub fn reset(&self) -> BarrierChange<'_> {
        let lock = self.condition.lock_at(Location::caller());
        BarrierChange { barrier: self, lock, to: Phase::Resetting }
    }

    /// Breaks the barrier. Those inside leave with [`BrokenBarrier`], and so does everybody who
    /// comes, until it is [reset](Self::reset).
    ///
    /// # Cancel safety
    ///
    /// Nothing has been done, or all.
    ///
    /// # Panics
    ///
    /// When polled outside a simulation.
    #[track_caller]
    pub fn abort(&self) -> BarrierChange<'_> {
        let lock = self.condition.lock_at(Location::caller());
        BarrierChange { barrier: self, lock, to: Phase::Broken }
    }

    /// For how many tasks the barrier is.
    #[must_use]
    pub fn parties(&self) -> usize {
        self.parties
    }

    /// How many have arrived and wait for more.
    #[must_use]
    pub fn n_waiting(&self) -> usize {
        let state = self.look();
        if state.phase == Phase::Filling { state.count } else { 0 }
    }

    /// Whether somebody aborted the barrier.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.look().phase == Phase::Broken
    }

    fn look(&self) -> BarrierState {
        *open(&self.state)
    }

    /// Takes one out who had arrived; the last wakes those who wait for the next round.
    fn leave(&self) {
        let last = {
            let mut state = open(&self.state);
            state.count = state.count.saturating_sub(1);
            if state.count == 0 && matches!(state.phase, Phase::Resetting | Phase::Draining) {
                state.phase = Phase::Filling;
            }
            state.count == 0
        };
        if last {
            self.notify_all();
        }
    }

    fn notify_all(&self) {
        self.condition.notify(usize::MAX);
    }
}

impl fmt::Debug for Barrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.look();
        f.debug_struct("Barrier")
            .field("name", &self.condition.name())
            .field("phase", &state.phase)
            .field("count", &state.count)
            .field("parties", &self.parties)
            .finish()
    }
}

/// Says that all were there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BarrierWaitResult {
    index: usize,
    leader: bool,
}

impl BarrierWaitResult {
    /// How many had arrived before.
    #[must_use]
    pub fn index(&self) -> usize {
        self.index
    }

    /// Whether this was the last to arrive, as it is for one in each round.
    #[must_use]
    pub fn is_leader(&self) -> bool {
        self.leader
    }
}

/// Says that a barrier was reset or aborted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BrokenBarrier(());

impl fmt::Display for BrokenBarrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the barrier was reset or aborted")
    }
}

impl core::error::Error for BrokenBarrier {}

/// The future of [`Barrier::wait`].
#[derive(Debug)]
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct BarrierWait<'a> {
    barrier: &'a Barrier,
    stage: Stage<'a>,
    /// Which one this is to arrive, while it is counted.
    index: Option<usize>,
    made_at: Place,
}

#[derive(Debug)]
enum Stage<'a> {
    Locking(ConditionLock<'a, ()>),
    Looking(ConditionGuard<'a, ()>),
    Waiting(Waiting<'a, ()>),
    /// A request was raised, and goes on outward from here.
    Raising,
    Over,
}

impl BarrierWait<'_> {
    /// Looks what there is to do with the lock held: `None` to wait on.
    fn look(&mut self) -> Option<Result<BarrierWaitResult, BrokenBarrier>> {
        let barrier = self.barrier;
        let broken = || Err(BrokenBarrier(()));
        let Some(index) = self.index else {
            let all_there = {
                let mut state = open(&barrier.state);
                match state.phase {
                    Phase::Draining | Phase::Resetting => return None,
                    Phase::Broken => return Some(broken()),
                    Phase::Filling => {}
                }
                self.index = Some(state.count);
                state.count += 1;
                if state.count < barrier.parties {
                    return None;
                }
                state.phase = Phase::Draining;
                BarrierWaitResult { index: state.count - 1, leader: true }
            };
            barrier.notify_all();
            return Some(Ok(all_there));
        };
        match barrier.look().phase {
            Phase::Filling => None,
            Phase::Draining => Some(Ok(BarrierWaitResult { index, leader: false })),
            Phase::Resetting | Phase::Broken => Some(broken()),
        }
    }

    /// Takes back the arrival, if there was one.
    fn leave(&mut self) {
        if self.index.take().is_some() {
            self.barrier.leave();
        }
    }
}

impl Future for BarrierWait<'_> {
    type Output = Result<BarrierWaitResult, BrokenBarrier>;

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let polled_at = Location::caller();
        let this = &mut *self;
        loop {
            match &mut this.stage {
                Stage::Locking(lock) => match Pin::new(lock).poll(cx) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(guard) => this.stage = Stage::Looking(guard),
                },
                Stage::Looking(_) => {
                    let done = this.look();
                    let Stage::Looking(guard) = core::mem::replace(&mut this.stage, Stage::Over)
                    else {
                        continue;
                    };
                    match done {
                        Some(result) => {
                            // With the lock held.
                            this.leave();
                            drop(guard);
                            return Poll::Ready(result);
                        }
                        None => {
                            let place = await_place(polled_at, this.made_at);
                            this.stage = Stage::Waiting(Waiting::new(guard, place));
                        }
                    }
                }
                Stage::Waiting(waiting) => match waiting.poll(cx, polled_at) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready((guard, false)) => this.stage = Stage::Looking(guard),
                    Poll::Ready((guard, true)) => {
                        this.stage = Stage::Raising;
                        this.leave();
                        drop(guard);
                    }
                },
                Stage::Raising => {
                    context::with(State::raise);
                    return Poll::Pending;
                }
                Stage::Over => panic!("`Barrier::wait` was polled after it ended"),
            }
        }
    }
}

impl Drop for BarrierWait<'_> {
    fn drop(&mut self) {
        // The lock is not held then: nobody works on the count between two steps of its holder.
        self.stage = Stage::Over;
        self.leave();
    }
}

/// The future of [`Barrier::reset`] and [`Barrier::abort`].
#[derive(Debug)]
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct BarrierChange<'a> {
    barrier: &'a Barrier,
    lock: ConditionLock<'a, ()>,
    to: Phase,
}

impl Future for BarrierChange<'_> {
    type Output = ();

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let guard = match Pin::new(&mut self.lock).poll(cx) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(guard) => guard,
        };
        {
            let mut state = open(&self.barrier.state);
            state.phase = match self.to {
                Phase::Resetting if state.count == 0 => Phase::Filling,
                to => to,
            };
        }
        self.barrier.notify_all();
        drop(guard);
        Poll::Ready(())
    }
}
