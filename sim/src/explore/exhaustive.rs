//! Every schedule there is: depth-first over the choices.
//!
//! Strict, nothing is left out: each step may touch state that nobody declared, so two schedules
//! are only equal where all their choices are. That is complete, and only for small programs; a
//! size is estimated first.

use core::cell::RefCell;
use std::rc::Rc;

use rand_chacha::ChaCha8Rng;

use super::program::Program;
use crate::decision::{Choose, DecisionPoint};
use crate::run::Failure;
use crate::seed::{self, Purpose};

/// What an exhaustive search has come to.
#[derive(Debug, Default)]
pub(crate) struct Exhausted {
    pub(crate) runs: u64,
    pub(crate) complete: bool,
    /// Knuth's estimate of the number of schedules, and its standard deviation.
    pub(crate) estimate: (f64, f64),
    /// The failing schedule, as the pick of each of its choices.
    pub(crate) failure: Option<(Vec<u32>, Failure)>,
}

/// Follows a path of picks, then takes candidate 0, and notes how wide each choice was.
#[derive(Debug)]
pub(crate) struct Path {
    picks: Vec<u32>,
    widths: Rc<RefCell<Vec<u32>>>,
    at: usize,
    // Beyond the path: at random instead of candidate 0.
    random: Option<ChaCha8Rng>,
}

impl Path {
    pub(crate) fn new(picks: Vec<u32>) -> (Self, Rc<RefCell<Vec<u32>>>) {
        let widths = Rc::new(RefCell::new(Vec::new()));
        (Self { picks, widths: Rc::clone(&widths), at: 0, random: None }, widths)
    }
}

impl Choose for Path {
    fn choose(&mut self, point: &DecisionPoint<'_>) -> u32 {
        self.widths.borrow_mut().push(point.candidates);
        let at = self.at;
        self.at += 1;
        match (self.picks.get(at), &mut self.random) {
            (Some(picked), _) => *picked,
            (None, Some(rng)) => seed::below(rng, point.candidates),
            (None, None) => 0,
        }
    }
}

/// Runs of random walks to estimate a size.
const PROBES: u64 = 100;

/// Estimates how many schedules there are: Knuth, «Estimating the efficiency of backtrack
/// programs», 1975.
pub(crate) fn estimate(program: &Program, seed: u64) -> (f64, f64) {
    let mut sizes = Vec::new();
    for probe in 0..PROBES {
        let (mut path, widths) = Path::new(Vec::new());
        path.random = Some(seed::stream(seed.wrapping_add(probe), Purpose::Search));
        program.run(seed, false, path);
        sizes.push(widths.borrow().iter().map(|width| f64::from(*width)).product::<f64>());
    }
    let count = sizes.len() as f64;
    let mean = sizes.iter().sum::<f64>() / count;
    let variance = sizes.iter().map(|size| (size - mean).powi(2)).sum::<f64>() / (count - 1.0);
    // Of the mean, not of one probe.
    (mean, (variance / count).sqrt())
}

/// Runs every schedule, in the order of the picks, up to `most` runs or until told to stop.
pub(crate) fn search(
    program: &Program,
    seed: u64,
    most: u64,
    shard: (u64, u64),
    stop: &dyn Fn() -> bool,
) -> Exhausted {
    let mut found = Exhausted { estimate: estimate(program, seed), ..Exhausted::default() };
    let mut picks: Vec<u32> = Vec::new();
    if shard.1 > 1 {
        let (path, widths) = Path::new(Vec::new());
        program.run(seed, false, path);
        let first = widths.borrow().first().copied().unwrap_or(1);
        if shard.0 >= u64::from(first) {
            found.complete = true;
            return found;
        }
        picks.push(shard.0 as u32);
    }
    loop {
        if found.runs == most || stop() {
            return found;
        }
        let (path, widths) = Path::new(picks.clone());
        let ended = program.run(seed, false, path);
        found.runs += 1;
        let widths = widths.take();
        picks.resize(widths.len(), 0);
        if let Some(failure) = ended.failure {
            found.failure = Some((picks, failure));
            return found;
        }
        // The next path: the last choice that has a candidate left moves on.
        loop {
            let Some(picked) = picks.pop() else {
                found.complete = true;
                return found;
            };
            let depth = picks.len();
            // The first choice is divided among the shards.
            let step = if depth == 0 { shard.1 as u32 } else { 1 };
            if picked + step < widths[depth] {
                picks.push(picked + step);
                break;
            }
        }
    }
}
