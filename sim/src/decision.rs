//! The one choke point of every choice a run makes.
//!
//! `(point, candidates) → index`: whoever chooses sees the kind of the choice and how many
//! candidates there are, never a task. Candidate 0 is always what asyncio would do, so a schedule
//! is described by its *deviations*, the choices other than 0, and those alone are stored.
//!
//! Invariant: nothing here knows a policy by name; policies implement [`Choose`].

use core::fmt;

use crate::trace::Digest;

/// What is being chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// Which ready task runs next; candidates in the order of the ready queue.
    Task,
    /// Which of the timers due at one instant fires next; candidates in (deadline, creation) order.
    Timer,
    /// Which branch of a `select!` is polled first; candidate 0 is the first as written.
    Select,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Task => "task",
            Kind::Timer => "timer",
            Kind::Select => "select",
        })
    }
}

/// A choice that is to be made.
#[derive(Clone, Copy, Debug)]
pub struct DecisionPoint {
    /// What is being chosen.
    pub kind: Kind,
    /// How many candidates there are; at least 2.
    pub candidates: u32,
    /// How many steps the run has taken.
    pub step: u64,
    /// The virtual time, in nanoseconds.
    pub now: u64,
}

/// Makes the choices of a run.
///
/// Called only where there are at least two candidates. An answer that is out of range counts as
/// candidate 0.
pub trait Choose: fmt::Debug {
    /// Picks the index of a candidate.
    fn choose(&mut self, point: &DecisionPoint) -> u32;

    /// Says whether this always picks candidate 0, so that it need not be asked.
    fn is_fifo(&self) -> bool {
        false
    }
}

/// Picks candidate 0, always: first in, first out.
#[derive(Debug)]
pub(crate) struct First;

impl Choose for First {
    fn choose(&mut self, _point: &DecisionPoint) -> u32 {
        0
    }

    fn is_fifo(&self) -> bool {
        true
    }
}

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

/// Asks the chooser, and records.
#[derive(Debug)]
pub(crate) struct Decisions {
    chooser: Box<dyn Choose>,
    // Invariant: `chooser.is_fifo()`, asked once.
    fifo: bool,
    log: DecisionLog,
    // The log that is replayed and the index of its next deviation.
    replay: Option<(DecisionLog, usize)>,
    divergence: Option<Divergence>,
}

impl Decisions {
    pub(crate) fn new(chooser: Box<dyn Choose>, replay: Option<DecisionLog>) -> Self {
        Self {
            fifo: chooser.is_fifo() && replay.is_none(),
            chooser,
            log: DecisionLog::default(),
            replay: replay.map(|log| (log, 0)),
            divergence: None,
        }
    }

    /// Counts a choice whose answer is known to be candidate 0; false if it has to be asked.
    #[inline(always)]
    pub(crate) fn pass_over(&mut self, candidates: u32) -> bool {
        if candidates < 2 {
            return true;
        }
        self.log.decisions += u64::from(self.fifo);
        self.fifo
    }

    /// Makes one choice; `digest` is the run's so far.
    pub(crate) fn choose(&mut self, point: &DecisionPoint, digest: Digest) -> u32 {
        let index = self.log.decisions;
        self.log.decisions += 1;
        let digest = digest.value() as u32;
        let picked = self.ask(point, index, digest);
        if picked != 0 {
            self.record(Deviation {
                decision: index,
                step: point.step,
                kind: point.kind,
                candidates: point.candidates,
                picked,
                digest,
            });
        }
        picked
    }

    /// Whether every choice is candidate 0.
    pub(crate) fn is_fifo(&self) -> bool {
        self.fifo
    }

    /// Takes a choice made from outside, by a person who steps through a run.
    pub(crate) fn impose(&mut self, point: &DecisionPoint, digest: Digest, picked: u32) {
        if point.candidates < 2 {
            return;
        }
        let index = self.log.decisions;
        self.log.decisions += 1;
        if picked != 0 {
            self.record(Deviation {
                decision: index,
                step: point.step,
                kind: point.kind,
                candidates: point.candidates,
                picked,
                digest: digest.value() as u32,
            });
        }
    }

    fn ask(&mut self, point: &DecisionPoint, index: u64, digest: u32) -> u32 {
        let Some((log, next)) = &mut self.replay else {
            let picked = self.chooser.choose(point);
            return if picked < point.candidates { picked } else { 0 };
        };
        let Some(recorded) = log.deviations.get(*next) else { return 0 };
        if recorded.decision != index {
            return 0;
        }
        *next += 1;
        if self.divergence.is_none() {
            self.divergence = mismatch(recorded, point, digest);
        }
        recorded.picked.min(point.candidates - 1)
    }

    fn record(&mut self, deviation: Deviation) {
        if self.log.deviations.len() < DecisionLog::MAX_DEVIATIONS {
            self.log.deviations.push(deviation);
        } else {
            self.log.truncated = true;
        }
    }

    /// The first point at which a replay was seen to leave its record.
    pub(crate) fn divergence(&self) -> Option<&Divergence> {
        self.divergence.as_ref()
    }

    /// Ends the record, and checks that a replay used all of its own.
    pub(crate) fn finish(&mut self, digest: u64) -> (DecisionLog, Option<Divergence>) {
        let mut log = core::mem::take(&mut self.log);
        log.digest = Some(digest);
        let divergence = self.divergence.take().or_else(|| {
            let (recorded, next) = self.replay.as_ref()?;
            if let Some(unused) = recorded.deviations.get(*next) {
                return Some(Divergence {
                    step: unused.step,
                    message: format!(
                        "decision {} ({}) was recorded, the run ended after {} decisions",
                        unused.decision, unused.kind, log.decisions
                    ),
                });
            }
            let expected = recorded.digest.filter(|expected| *expected != digest)?;
            Some(Divergence {
                step: recorded.deviations.last().map_or(0, |last| last.step),
                message: format!(
                    "every decision fits, but something after this step differs \
                     (digest {expected:016x} recorded, {digest:016x} now); \
                     compare the two traces"
                ),
            })
        });
        (log, divergence)
    }
}

fn mismatch(recorded: &Deviation, point: &DecisionPoint, digest: u32) -> Option<Divergence> {
    let message = if recorded.kind != point.kind {
        format!("a choice of {} was recorded, a choice of {} came", recorded.kind, point.kind)
    } else if recorded.candidates != point.candidates {
        format!(
            "{} candidates were recorded for the choice of {}, there are {}",
            recorded.candidates, point.kind, point.candidates
        )
    } else if recorded.digest != digest {
        format!(
            "the choice of {} fits, but what happened before it differs \
             (digest {:08x} recorded, {digest:08x} now)",
            point.kind, recorded.digest
        )
    } else {
        return None;
    };
    Some(Divergence { step: recorded.step, message })
}
