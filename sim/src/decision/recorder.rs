//! Records the answers of whoever chooses, or gives those of an earlier run.

use super::{Choose, DecisionLog, Deviation, Divergence, First, Kind, Needs};
use crate::trace::Digest;

/// A choice as it is recorded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    pub(crate) kind: Kind,
    pub(crate) candidates: u32,
    pub(crate) step: u64,
}

/// Who chooses, and what was chosen.
#[derive(Debug)]
pub(crate) struct Decisions {
    chooser: Box<dyn Choose>,
    // What the chooser asks for; less where a record is replayed.
    needs: Needs,
    log: DecisionLog,
    // The log that is replayed and the index of its next deviation.
    replay: Option<(DecisionLog, usize)>,
    divergence: Option<Divergence>,
}

impl Decisions {
    pub(crate) fn new(chooser: Box<dyn Choose>, replay: Option<DecisionLog>) -> Self {
        Self {
            needs: if replay.is_some() { Needs::Count } else { chooser.needs() },
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
        let fifo = self.is_fifo();
        self.log.decisions += u64::from(fifo);
        fifo
    }

    /// Whether every choice is candidate 0.
    #[inline(always)]
    pub(crate) fn is_fifo(&self) -> bool {
        self.needs == Needs::Nothing
    }

    /// Whether the chooser is told what is run.
    #[inline(always)]
    pub(crate) fn wants_tasks(&self) -> bool {
        self.needs >= Needs::Followed
    }

    /// Whether the chooser is given the candidates, asked or not.
    pub(crate) fn wants_candidates(&self) -> bool {
        self.needs >= Needs::Tasks
    }

    /// Whether the chooser is told about all that happens.
    #[inline(always)]
    pub(crate) fn wants_events(&self) -> bool {
        matches!(self.needs, Needs::Followed | Needs::Events)
    }

    /// Lends the chooser, so that it can be asked while it looks at the run.
    #[inline]
    pub(crate) fn lend(&mut self) -> Box<dyn Choose> {
        // A box of nothing: no allocation.
        core::mem::replace(&mut self.chooser, Box::new(First))
    }

    /// Takes the chooser back.
    #[inline]
    pub(crate) fn give_back(&mut self, chooser: Box<dyn Choose>) {
        self.chooser = chooser;
    }

    /// What the replayed record picked here; none where nothing is replayed.
    #[inline]
    pub(crate) fn replayed(&mut self, asked: Asked, digest: Digest) -> Option<u32> {
        let (log, next) = self.replay.as_mut()?;
        let Some(recorded) = log.deviations.get(*next) else { return Some(0) };
        if recorded.decision != self.log.decisions {
            return Some(0);
        }
        *next += 1;
        if self.divergence.is_none() {
            self.divergence = mismatch(recorded, asked, digest.value() as u32);
        }
        Some(recorded.picked.min(asked.candidates - 1))
    }

    /// Records what was picked; what is out of range counts as candidate 0.
    #[inline]
    pub(crate) fn record(&mut self, asked: Asked, digest: Digest, picked: u32) -> u32 {
        let decision = self.log.decisions;
        self.log.decisions += 1;
        if picked == 0 || picked >= asked.candidates {
            return 0;
        }
        if self.log.deviations.len() < DecisionLog::MAX_DEVIATIONS {
            self.log.deviations.push(Deviation {
                decision,
                step: asked.step,
                kind: asked.kind,
                candidates: asked.candidates,
                picked,
                digest: digest.value() as u32,
            });
        } else {
            self.log.truncated = true;
        }
        picked
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

fn mismatch(recorded: &Deviation, asked: Asked, digest: u32) -> Option<Divergence> {
    let message = if recorded.kind != asked.kind {
        format!("a choice of {} was recorded, a choice of {} came", recorded.kind, asked.kind)
    } else if recorded.candidates != asked.candidates {
        format!(
            "{} candidates were recorded for the choice of {}, there are {}",
            recorded.candidates, asked.kind, asked.candidates
        )
    } else if recorded.digest != digest {
        format!(
            "the choice of {} fits, but what happened before it differs \
             (digest {:08x} recorded, {digest:08x} now)",
            asked.kind, recorded.digest
        )
    } else {
        return None;
    };
    Some(Divergence { step: recorded.step, message })
}
