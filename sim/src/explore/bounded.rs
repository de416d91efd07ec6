//! Deviation bounding: every schedule with one deviation from first-in-first-out, then with two, …
//!
//! A superset of delay bounding (Emmi, Qadeer, Rakamarić, POPL 2011) and of preemption bounding
//! (Musuvathi, Qadeer, PLDI 2007): a deviation is any choice other than candidate 0. Most bugs
//! that depend on the schedule need one. What it found is minimal in deviations, and what it
//! finished is a claim.
//!
//! In a campaign, runs whose partial order was seen before are not extended, so that there the
//! claim stands for one deviation only; alone it extends every run.

use std::collections::{BTreeSet, VecDeque};

use crate::decision::{Choose, DecisionPoint, Needs};
use crate::policy::Observation;

/// A choice of one run, by number: which candidate of which decision.
pub(crate) type Pick = (u64, u32);

/// Makes choices by number, else candidate 0.
#[derive(Debug)]
pub(crate) struct AtDecisions {
    picks: Vec<Pick>,
    next: usize,
    decision: u64,
}

impl AtDecisions {
    pub(crate) fn new(picks: Vec<Pick>) -> Self {
        Self { picks, next: 0, decision: 0 }
    }
}

impl Choose for AtDecisions {
    fn choose(&mut self, _point: &DecisionPoint<'_>) -> u32 {
        let decision = self.decision;
        self.decision += 1;
        match self.picks.get(self.next) {
            Some((at, picked)) if *at == decision => {
                self.next += 1;
                *picked
            }
            _ => 0,
        }
    }

    fn needs(&self) -> Needs {
        Needs::Count
    }
}

/// What is still to be run.
#[derive(Debug)]
pub(crate) struct Frontier {
    queue: VecDeque<Vec<Pick>>,
    /// Queued or being run, by the number of deviations.
    pending: Vec<u64>,
    most: usize,
    prune: bool,
    seen: BTreeSet<u64>,
    /// The least number of deviations of a schedule that was left out.
    left_out: Option<usize>,
    /// Only those whose number in the queue's order has this residue belong to this shard.
    shard: (u64, u64),
    numbered: u64,
}

/// Most schedules queued at a time.
const MOST_QUEUED: usize = 200_000;

impl Frontier {
    pub(crate) fn new(most: usize, prune: bool, shard: (u64, u64)) -> Self {
        Self {
            queue: VecDeque::from([Vec::new()]),
            pending: vec![1],
            most,
            prune,
            seen: BTreeSet::new(),
            left_out: None,
            shard,
            numbered: 0,
        }
    }

    /// The next schedule to run.
    pub(crate) fn next(&mut self) -> Option<Vec<Pick>> {
        self.queue.pop_front()
    }

    /// Takes note of a run, and queues what follows from it.
    pub(crate) fn learn(&mut self, picks: &[Pick], seen: &Observation) {
        let level = picks.len();
        self.pending[level] -= 1;
        let next = level + 1;
        if next > self.most {
            return;
        }
        if self.pending.len() == next {
            self.pending.push(0);
        }
        let is_new = self.seen.insert(seen.class);
        if self.prune && level > 0 && !is_new {
            self.left_out = Some(self.left_out.map_or(next, |least| least.min(next)));
            return;
        }
        let from = picks.last().map_or(0, |(decision, _)| decision + 1);
        let mut found = Vec::new();
        for (decision, taken) in seen.taken.iter().enumerate().skip(from as usize) {
            for picked in 1..taken.candidates {
                let races = picked > 63 || taken.racing & (1 | 1 << picked) != 0;
                found.push((!races, (decision as u64, picked)));
            }
        }
        // Those that matter first.
        found.sort_by_key(|(harmless, _)| *harmless);
        for (_, pick) in found {
            let number = self.numbered;
            self.numbered += 1;
            // A shard owns its residues of the first level, and what follows from them.
            if level == 0 && number % self.shard.1 != self.shard.0 {
                continue;
            }
            if self.queue.len() == MOST_QUEUED {
                self.left_out = Some(self.left_out.map_or(next, |least| least.min(next)));
                break;
            }
            let mut schedule = Vec::with_capacity(next);
            schedule.extend_from_slice(picks);
            schedule.push(pick);
            self.queue.push_back(schedule);
            self.pending[next] += 1;
        }
    }

    /// All schedules with at most this many deviations were run (of this shard's part).
    pub(crate) fn complete(&self) -> Option<usize> {
        let mut complete = None;
        for level in 0..=self.most {
            let finished = match self.pending.get(level) {
                Some(pending) => *pending == 0,
                // No run of the level before has an alternative left.
                None => true,
            };
            if !finished || self.left_out.is_some_and(|least| least <= level) {
                break;
            }
            complete = Some(level);
            if self.pending.len() <= level {
                // Nothing deviates more than this.
                return Some(self.most);
            }
        }
        complete
    }
}
