//! Shrinking: from a failing schedule to the fewest deviations from first-in-first-out.
//!
//! 1. The run is written down as named deviations.
//! 2. Its causal slice is run in the plainest order; most deviations go with that one replay.
//! 3. A detour over several tasks is cut short: the first deviation goes at once where the last of
//!    them went.
//! 4. Delta debugging drops what is not needed; after each success the deviations are written down
//!    anew, since those that no longer do anything have gone.
//! 5. What is left is compared with every schedule of fewer deviations, within the budget: only
//!    then is it called minimal.
//!
//! The failure keeps its kind and place throughout; each candidate is a run of the program, and
//! nothing is claimed that was not run.

use core::cell::RefCell;
use std::rc::Rc;

use super::causal::{InOrder, tracing};
use super::deviations::{NamedDeviation, Notes, alternatives_to, deviating, writer};
use super::identity::Identity;
use super::program::{Ended, Program};
use crate::decision::Choose;
use crate::id::TaskId;
use crate::run::{Failure, FailureKind};

/// A failure with the smallest schedule found that shows it.
#[derive(Debug)]
pub(crate) struct Shrunk {
    pub(crate) failure: Failure,
    pub(crate) deviations: Vec<NamedDeviation>,
    /// How many deviations the run that was found had.
    pub(crate) from: usize,
    pub(crate) replays: u64,
    /// Every schedule with fewer deviations was run, and did not show the failure.
    pub(crate) minimal: bool,
}

/// Runs and keeps the books.
struct Shrinker<'a> {
    program: &'a Program,
    seed: u64,
    identity: Identity,
    left: u64,
    // A livelock's run is as long as the limit: what counts then is how far all of them go.
    steps_left: u64,
    replays: u64,
    stop: &'a dyn Fn() -> bool,
}

/// A run that still shows the failure.
struct Shown {
    deviations: Vec<NamedDeviation>,
    failure: Failure,
}

impl Shrinker<'_> {
    fn is_spent(&self) -> bool {
        self.left == 0 || self.steps_left == 0 || (self.stop)()
    }

    /// Runs; some where the failure is still shown.
    fn run(&mut self, chooser: impl Choose + 'static, notes: &Rc<RefCell<Notes>>) -> Option<Shown> {
        self.left = self.left.saturating_sub(1);
        self.replays += 1;
        let Ended { failure, steps, .. } = self.program.run(self.seed, false, chooser);
        self.steps_left = self.steps_left.saturating_sub(steps);
        let failure = failure.filter(|failure| Identity::of(failure) == self.identity)?;
        let notes = notes.take();
        Some(Shown { deviations: notes.deviations, failure })
    }

    fn try_deviations(&mut self, deviations: &[NamedDeviation]) -> Option<Shown> {
        let (chooser, notes) = deviating(deviations);
        self.run(chooser, &notes)
    }

    /// Replaces several deviations in a row by one, from the place of the first to the choice of
    /// the last; the longest detours first, `most` of them at most.
    fn cut_detours(&mut self, mut best: Shown, most: u32) -> Shown {
        let mut left = most;
        'again: loop {
            let len = best.deviations.len();
            for span in (2..=len).rev() {
                for start in 0..=len - span {
                    if left == 0 || self.is_spent() {
                        return best;
                    }
                    left -= 1;
                    let end = start + span;
                    let mut shorter = best.deviations[..=start].to_vec();
                    shorter[start].choice = best.deviations[end - 1].choice.clone();
                    shorter.extend_from_slice(&best.deviations[end..]);
                    if let Some(shown) =
                        self.try_deviations(&shorter).filter(|shown| shown.deviations.len() < len)
                    {
                        best = shown;
                        continue 'again;
                    }
                }
            }
            return best;
        }
    }

    /// Delta debugging (Zeller, Hildebrandt 2002), over the deviations of the run as it is.
    fn ddmin(&mut self, mut best: Shown) -> Shown {
        let mut parts = 2;
        while !best.deviations.is_empty() && !self.is_spent() {
            let len = best.deviations.len();
            parts = parts.min(len);
            let chunk = len.div_ceil(parts);
            let mut smaller = None;
            for start in (0..len).step_by(chunk) {
                if self.is_spent() {
                    break;
                }
                let rest: Vec<_> = best.deviations[..start]
                    .iter()
                    .chain(&best.deviations[(start + chunk).min(len)..])
                    .cloned()
                    .collect();
                smaller = self.try_deviations(&rest).filter(|shown| shown.deviations.len() < len);
                if smaller.is_some() {
                    break;
                }
            }
            match smaller {
                Some(shown) => {
                    best = shown;
                    parts = parts.saturating_sub(1).max(2);
                }
                None if chunk == 1 => break,
                None => parts = (parts * 2).min(len),
            }
        }
        best
    }
}

/// How many steps all replays together may take, but for the first and the last.
const MOST_STEPS: u64 = 2_000_000;

/// Detours that are cut before and after delta debugging.
const FEW: u32 = 6;
const MANY: u32 = 30;

/// What may be spent, and what is known already.
#[derive(Clone, Copy)]
pub(crate) struct Limits<'a> {
    pub(crate) replays: u64,
    /// All schedules with at most this many deviations are known not to fail, with this seed.
    pub(crate) passed: Option<usize>,
    pub(crate) stop: &'a dyn Fn() -> bool,
}

/// Shrinks the failure of the run that `chooser` makes. None where the run does not fail again:
/// then something in the program is not under control.
pub(crate) fn shrink(
    program: &Program,
    seed: u64,
    failure: &Failure,
    chooser: Box<dyn Choose>,
    limits: Limits<'_>,
) -> Option<Shrunk> {
    let mut shrinker = Shrinker {
        program,
        seed,
        identity: Identity::of(failure),
        left: limits.replays,
        steps_left: MOST_STEPS,
        replays: 0,
        stop: limits.stop,
    };
    let (chooser, notes) = writer(chooser);
    let (chooser, causes) = tracing(chooser);
    let first = shrinker.run(chooser, &notes)?;
    let from = first.deviations.len();
    let mut best = first;
    if !best.deviations.is_empty() && !shrinker.is_spent() {
        let slice = causes.borrow().slice(&involved(&best.failure));
        if let Some(slice) = slice {
            let (chooser, notes) = writer(Box::new(InOrder::new(slice)));
            if let Some(plain) = shrinker.run(chooser, &notes)
                && plain.deviations.len() <= best.deviations.len()
            {
                best = plain;
            }
        }
        best = shrinker.cut_detours(best, FEW);
        best = shrinker.ddmin(best);
        if best.deviations.len() > 1 {
            best = shrinker.cut_detours(best, MANY);
        }
    }
    let mut minimal = best.deviations.is_empty();
    if !minimal && !shrinker.is_spent() {
        (best, minimal) = search_below(&mut shrinker, best, limits.passed);
    }
    Some(Shrunk {
        failure: best.failure,
        deviations: best.deviations,
        from,
        replays: shrinker.replays,
        minimal,
    })
}

/// The tasks whose last events are the failure; none: all of them.
fn involved(failure: &Failure) -> Vec<TaskId> {
    match failure.kind() {
        FailureKind::Panic { task, .. } => vec![*task],
        _ => Vec::new(),
    }
}

/// Looks for the failure among schedules of fewer deviations than the best one has, fewest first.
fn search_below(shrinker: &mut Shrinker<'_>, best: Shown, passed: Option<usize>) -> (Shown, bool) {
    let most = best.deviations.len() - 1;
    let mut known = passed.map_or(0, |passed| passed + 1);
    if known == 0 {
        // First-in-first-out itself.
        match shrinker.try_deviations(&[]) {
            Some(shown) => return (shown, true),
            None => known = 1,
        }
    }
    // One deviation: each alternative of each choice of the first-in-first-out run.
    if known == 1 && most >= 1 {
        let (chooser, singles) = alternatives_to(&[]);
        shrinker.left = shrinker.left.saturating_sub(1);
        shrinker.replays += 1;
        shrinker.program.run(shrinker.seed, false, chooser);
        let mut singles = singles.take();
        // Those most like what is known to fail go first: often the same, of another task.
        singles.sort_by_cached_key(|single| unlikeness(single, &best.deviations));
        for single in singles {
            if shrinker.is_spent() {
                return (best, false);
            }
            if let Some(shown) = shrinker.try_deviations(core::slice::from_ref(&single)) {
                return (shown, true);
            }
        }
        known = 2;
    }
    (best, known > most)
}

/// How little a deviation has in common with any of those known to fail together.
fn unlikeness(single: &NamedDeviation, known: &[NamedDeviation]) -> u8 {
    let likeness = known.iter().map(|known| {
        let does = known.key.label == single.key.label && known.key.nth == single.key.nth;
        4 * u8::from(known.choice == single.choice)
            + 2 * u8::from(does)
            + u8::from(known.key.task == single.key.task)
    });
    7 - likeness.max().unwrap_or(0)
}
