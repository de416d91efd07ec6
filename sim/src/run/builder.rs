//! The settings of a run.

use core::future::Future;
use core::panic::Location;
use core::time::Duration;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use super::{Failure, Outcome, Run};
use crate::clock::ticks;
use crate::decision::{Choose, DecisionLog, Decisions, First};
use crate::kernel::Limits;
use crate::kernel::marks::Marks;
use crate::policy::Policy;

/// Says what becomes of tasks that are pending when the root has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Leaks {
    /// They are asked to cancel themselves and awaited, as `asyncio.run` does.
    #[default]
    Cancel,
    /// They are dropped where they stand, as tokio does.
    Allow,
    /// They fail the run.
    Fail,
}

/// Builds a run: a program, a seed, a policy and limits.
///
/// A run is a function of these: equal settings give equal runs, to the last record, on every
/// platform.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use sim::Sim;
///
/// let outcome = Sim::new().run(|| async {
///     sim::sleep(Duration::from_secs(3_600)).await;
///     sim::now()
/// })?;
/// assert_eq!(*outcome.value(), Duration::from_secs(3_600)); // and no hour has passed
/// # Ok::<(), sim::Failure>(())
/// ```
#[derive(Debug)]
#[must_use = "a simulation does nothing until `run` or `start` is called"]
pub struct Sim {
    pub(super) seed: u64,
    pub(super) policy: Policy,
    pub(super) chooser: Option<Box<dyn Choose>>,
    pub(super) replay: Option<DecisionLog>,
    pub(super) limits: Limits,
    pub(super) leaks: Leaks,
    pub(super) trace: bool,
    pub(super) heartbeat: Option<Arc<AtomicU64>>,
    pub(super) marks: Option<Arc<Marks>>,
}

impl Default for Sim {
    fn default() -> Self {
        Self::new()
    }
}

impl Sim {
    /// The step limit where none is set.
    pub const DEFAULT_MAX_STEPS: u64 = 1_000_000;
    /// The limit of virtual time where none is set: 30 days.
    pub const DEFAULT_MAX_TIME: Duration = Duration::from_secs(30 * 24 * 60 * 60);

    /// Begins with seed 0, first-in-first-out, the default limits, and the trace on.
    pub fn new() -> Self {
        Self {
            seed: 0,
            policy: Policy::Fifo,
            chooser: None,
            replay: None,
            limits: Limits {
                steps: Self::DEFAULT_MAX_STEPS,
                time: ticks(Self::DEFAULT_MAX_TIME),
                cost_per_step: 0,
            },
            leaks: Leaks::Cancel,
            trace: true,
            heartbeat: None,
            marks: None,
        }
    }

    /// Sets the seed: of the policy's choices, and of [`rng`](crate::rng()).
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Sets who makes the choices.
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// Lets something of your own make the choices.
    pub fn chooser(mut self, chooser: impl Choose + 'static) -> Self {
        self.chooser = Some(Box::new(chooser));
        self
    }

    /// Makes the choices of a recorded run again, and fails where they do not fit.
    ///
    /// The seed still counts for [`rng`](crate::rng()): set it to the recorded run's.
    pub fn replay(mut self, log: DecisionLog) -> Self {
        self.replay = Some(log);
        self
    }

    /// Sets how many steps the run may take; reaching the limit is a livelock.
    pub fn max_steps(mut self, steps: u64) -> Self {
        self.limits.steps = steps;
        self
    }

    /// Sets how far the virtual clock may go.
    pub fn max_time(mut self, time: Duration) -> Self {
        self.limits.time = ticks(time);
        self
    }

    /// Sets how much virtual time each step takes; 0 by default.
    ///
    /// With a cost, a loop that polls for something with [`yield_now`](crate::yield_now()) moves
    /// the clock, as it would on a real machine.
    pub fn cost_per_step(mut self, cost: Duration) -> Self {
        self.limits.cost_per_step = ticks(cost);
        self
    }

    /// Sets what becomes of tasks that are pending when the root has ended.
    pub fn leaks(mut self, leaks: Leaks) -> Self {
        self.leaks = leaks;
        self
    }

    /// Sets whether records are kept; the digest is the same either way.
    pub fn trace(mut self, trace: bool) -> Self {
        self.trace = trace;
        self
    }

    /// Hands over an atomic into which the number of the current step is stored, for a watchdog
    /// on another thread.
    pub fn heartbeat(mut self, steps: Arc<AtomicU64>) -> Self {
        self.heartbeat = Some(steps);
        self
    }

    /// Hands over where the program's marks go.
    pub(crate) fn marks(mut self, marks: Arc<Marks>) -> Self {
        self.marks = Some(marks);
        self
    }

    /// Runs a program to its end.
    ///
    /// # Errors
    ///
    /// What counts as a failure: a panic, a deadlock, a livelock, an error nobody looked at, a
    /// limit reached, a leaked task where that is asked for, a replay that does not fit.
    #[track_caller]
    pub fn run<F, Fut>(self, program: F) -> Result<Outcome<Fut::Output>, Failure>
    where
        F: FnOnce() -> Fut,
        Fut: Future + 'static,
        Fut::Output: 'static,
    {
        self.start(program).finish()
    }

    /// Begins a run that is driven from outside.
    #[track_caller]
    pub fn start<F, Fut>(self, program: F) -> Run<Fut::Output>
    where
        F: FnOnce() -> Fut,
        Fut: Future + 'static,
        Fut::Output: 'static,
    {
        let place = Location::caller();
        let chooser = self.chooser.unwrap_or_else(|| self.policy.chooser(self.seed));
        let decisions = match self.replay {
            Some(log) => Decisions::new(Box::new(First), Some(log)),
            None => Decisions::new(chooser, None),
        };
        Run::begin(
            program,
            place,
            super::driver::Settings {
                seed: self.seed,
                policy: self.policy,
                limits: self.limits,
                decisions,
                leaks: self.leaks,
                trace: self.trace,
                heartbeat: self.heartbeat,
                marks: self.marks,
            },
        )
    }
}
