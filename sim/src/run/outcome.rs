//! What a run gives that did not fail.

use core::time::Duration;

use crate::decision::DecisionLog;
use crate::trace::{TaskInfo, Trace};

/// A run that did not fail: the program's value, and what is known about how it came about.
#[derive(Debug)]
pub struct Outcome<T> {
    pub(crate) value: T,
    pub(crate) seed: u64,
    pub(crate) steps: u64,
    pub(crate) now: u64,
    pub(crate) digest: u64,
    pub(crate) decisions: DecisionLog,
    pub(crate) trace: Trace,
    pub(crate) leaked: Vec<TaskInfo>,
}

impl<T> Outcome<T> {
    /// What the program returned.
    pub fn value(&self) -> &T {
        &self.value
    }

    /// Gives up the rest.
    pub fn into_value(self) -> T {
        self.value
    }

    /// The seed of the run.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// How many steps the run took.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// The virtual time at the end.
    pub fn elapsed(&self) -> Duration {
        Duration::from_nanos(self.now)
    }

    /// The digest of everything that happened: equal runs have equal digests.
    pub fn digest(&self) -> u64 {
        self.digest
    }

    /// The choices that were made; [`Sim::replay`](crate::Sim::replay) makes them again.
    pub fn decisions(&self) -> &DecisionLog {
        &self.decisions
    }

    /// The records of the run; empty where the trace was off.
    pub fn trace(&self) -> &Trace {
        &self.trace
    }

    /// The tasks that were pending when the root had ended.
    pub fn leaked(&self) -> &[TaskInfo] {
        &self.leaked
    }
}
