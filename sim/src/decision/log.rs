//! The recorded choices of a run, and where a replay leaves them.

use core::fmt;

use super::Kind;

/// A choice other than candidate 0, with enough beside it to notice that it does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Deviation {
    /// Which decision of the run this is, counted from 0 over all kinds.
    pub decision: u64,
    /// The step during or before which it was taken.
    pub step: u64,
    /// What was chosen.
    pub kind: Kind,
    /// How many candidates there were.
    pub candidates: u32,
    /// Which one was picked; never 0.
    pub picked: u32,
    /// The low half of the run's digest just before the choice: a replay that arrives here by
    /// another way is told from one that does not.
    pub digest: u32,
}

/// The recorded choices of a run: its deviations from first-in-first-out, and how it ended.
///
/// # Examples
///
/// ```
/// use sim::{Policy, Sim};
///
/// let program = || async {
///     let a = sim::spawn(async { sim::note!("a") });
///     let b = sim::spawn(async { sim::note!("b") });
///     let _ = (a.await, b.await);
/// };
/// let first = Sim::new().seed(3).policy(Policy::Random).run(program)?;
/// let again = Sim::new().replay(first.decisions().clone()).run(program)?;
/// assert_eq!(first.digest(), again.digest());
/// # Ok::<(), sim::Failure>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DecisionLog {
    pub(crate) deviations: Vec<Deviation>,
    pub(crate) decisions: u64,
    pub(crate) truncated: bool,
    pub(crate) digest: Option<u64>,
}

impl DecisionLog {
    /// Most deviations kept: past this (about 2.5 MiB) the seed and policy are the record.
    pub const MAX_DEVIATIONS: usize = 65_536;

    /// The choices other than candidate 0, in order.
    #[must_use]
    pub fn deviations(&self) -> &[Deviation] {
        &self.deviations
    }

    /// How many choices the run made, candidate 0 included.
    #[must_use]
    pub fn decisions(&self) -> u64 {
        self.decisions
    }

    /// Says whether the run deviated more often than is stored; such a log cannot be replayed.
    #[must_use]
    pub fn is_truncated(&self) -> bool {
        self.truncated
    }

    /// The digest the recorded run ended with.
    #[must_use]
    pub fn digest(&self) -> Option<u64> {
        self.digest
    }
}

/// Says where a replay left the recorded run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Divergence {
    /// The step of the recorded run at which the difference was noticed.
    pub step: u64,
    /// What was recorded and what was found instead.
    pub message: String,
}

impl fmt::Display for Divergence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the replay diverged at step {}: {}", self.step, self.message)
    }
}
