//! RFF: priorities as in POS, bent by wishes about which write each read sees.
//!
//! Wolff, Shi, Duck, Mathur, Roychoudhury, «Greybox fuzzing for concurrency testing», ASPLOS 2024.
//! Needs the pending operations with stable sites, and the reads-from pairs of earlier runs. It
//! has no bound, and since it learns from run to run its runs are no independent samples.
//!
//! Departures: «reads the initial value» is one of the writes a read may be asked to see; pairs are
//! not weighted by a race predictor; a pair whose write came and went is awaited again.

use std::collections::BTreeMap;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;

use super::priorities::Priorities;
use crate::decision::{Candidate, Choose, DecisionPoint, Names, Needs, Operation, same_place};
use crate::seed;
use crate::trace::Place;

/// A wish: that a read sees a write, or that it does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Constraint {
    pub(crate) key: u64,
    pub(crate) read: Place,
    /// None: the initial value.
    pub(crate) write: Option<Place>,
    pub(crate) positive: bool,
}

/// Compares two writes; none: the initial value.
fn same_write(a: Option<Place>, b: Option<Place>) -> bool {
    match (a, b) {
        (None, None) => true,
        (Some(a), Some(b)) => same_place(a, b),
        _ => false,
    }
}

#[derive(Debug)]
pub(super) struct Rff {
    rng: ChaCha8Rng,
    priorities: Priorities,
    // Those not satisfied yet.
    constraints: Vec<Constraint>,
    last_write: BTreeMap<u64, Place>,
}

/// How much a candidate is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Band {
    Avoid,
    Normal,
    Take,
}

impl Rff {
    pub(super) fn new(rng: ChaCha8Rng, constraints: Vec<Constraint>) -> Self {
        Self { rng, priorities: Priorities::default(), constraints, last_write: BTreeMap::new() }
    }

    fn band(&self, operation: &Operation) -> Band {
        let mut band = Band::Normal;
        if operation.object.is_none() {
            return band;
        }
        for constraint in self.constraints.iter().filter(|wish| wish.key == operation.key) {
            match self.wish(constraint, operation) {
                // To spoil one wish is worse than to miss another.
                Band::Avoid => return Band::Avoid,
                other => band = band.max(other),
            }
        }
        band
    }

    /// What one wish says about an operation on its object.
    fn wish(&self, constraint: &Constraint, operation: &Operation) -> Band {
        let seen = self.last_write.get(&constraint.key).copied();
        let is_seen = same_write(constraint.write, seen);
        let is_read = operation.reads() && same_place(constraint.read, operation.place);
        let is_write = operation.writes();
        let is_that_write =
            is_write && constraint.write.is_some_and(|write| same_place(write, operation.place));
        match (constraint.positive, is_seen) {
            (true, true) if is_read => Band::Take,
            (true, true) if is_write => Band::Avoid,
            (true, false) if is_read => Band::Avoid,
            (true, false) if is_that_write => Band::Take,
            (false, true) if is_read => Band::Avoid,
            (false, true) if is_write && !is_that_write => Band::Take,
            (false, false) if is_read => Band::Take,
            (false, false) if is_that_write => Band::Avoid,
            _ => Band::Normal,
        }
    }
}

impl Choose for Rff {
    fn choose(&mut self, point: &DecisionPoint<'_>) -> u32 {
        if !point.kind.picks_a_task() {
            return seed::below(&mut self.rng, point.candidates);
        }
        let tasks = point.tasks;
        let bands: Vec<Band> = tasks.iter().map(|task| self.band(&task.operation)).collect();
        let best = bands.iter().max().copied().unwrap_or(Band::Normal);
        let mut at = bands.iter();
        let may = |_: &Candidate| at.next() == Some(&best);
        let picked = self.priorities.highest(tasks, &mut self.rng, may).unwrap_or(0);
        self.priorities.forget_racing(tasks, &tasks[picked].operation);
        picked as u32
    }

    fn needs(&self) -> Needs {
        Needs::Tasks
    }

    fn ran(&mut self, ran: &Candidate, _names: &dyn Names) {
        self.priorities.forget(ran.task);
        let operation = &ran.operation;
        if operation.object.is_none() {
            return;
        }
        if operation.reads() {
            let seen = self.last_write.get(&operation.key).copied();
            self.constraints.retain(|wish| {
                let fulfilled = wish.key == operation.key
                    && same_place(wish.read, operation.place)
                    && same_write(wish.write, seen) == wish.positive;
                !fulfilled
            });
        }
        if operation.writes() {
            self.last_write.insert(operation.key, operation.place);
        }
    }
}

/// What is learned from run to run: which reads saw which writes.
#[derive(Clone, Debug, Default)]
pub(super) struct Corpus {
    /// The sites of each object, and all pairs of them, in order of first sight.
    sites: Vec<Sites>,
    pool: Vec<(u64, Place, Option<Place>)>,
    entries: Vec<Entry>,
    /// How often a run had this set of pairs.
    seen: BTreeMap<u64, u64>,
}

#[derive(Clone, Debug)]
struct Sites {
    key: u64,
    reads: Vec<Place>,
    writes: Vec<Place>,
}

#[derive(Clone, Debug)]
struct Entry {
    constraints: Vec<Constraint>,
    set: u64,
}

/// Bounds on what is kept: enough for hours, and flat memory.
const MAX_POOL: usize = 4_096;
const MAX_ENTRIES: usize = 4_096;

impl Corpus {
    /// Learns which pairs a run had; keeps its wishes where they led to something new.
    pub(super) fn learn(&mut self, ran: &[super::Ran], constraints: &[Constraint]) {
        let mut last_write: BTreeMap<u64, Place> = BTreeMap::new();
        let mut pairs = Vec::new();
        for ran in ran.iter().filter(|ran| ran.operation.object.is_some()) {
            let operation = &ran.operation;
            self.add_site(operation);
            if operation.reads() {
                let write = last_write.get(&operation.key).copied();
                pairs.push((operation.key, operation.place, write));
            }
            if operation.writes() {
                last_write.insert(operation.key, operation.place);
            }
        }
        let mut numbers: Vec<usize> =
            pairs.iter().filter_map(|pair| self.number_of(pair)).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let set = numbers.iter().fold(1, |set, number| seed::mix(set, *number as u64));
        let count = self.seen.entry(set).or_insert(0);
        *count += 1;
        if *count == 1 && self.entries.len() < MAX_ENTRIES {
            self.entries.push(Entry { constraints: constraints.to_vec(), set });
        }
    }

    fn number_of(&self, pair: &(u64, Place, Option<Place>)) -> Option<usize> {
        self.pool.iter().position(|(key, read, write)| {
            *key == pair.0 && same_place(read, pair.1) && same_write(*write, pair.2)
        })
    }

    fn add_site(&mut self, operation: &Operation) {
        let known = self.sites.iter().position(|sites| sites.key == operation.key);
        let known = known.unwrap_or_else(|| {
            self.sites.push(Sites { key: operation.key, reads: Vec::new(), writes: Vec::new() });
            self.sites.len() - 1
        });
        let sites = &mut self.sites[known];
        let (key, place) = (operation.key, operation.place);
        let is_new = |places: &[Place]| !places.iter().any(|known| same_place(known, place));
        let mut fresh = Vec::new();
        if operation.reads() && is_new(&sites.reads) {
            sites.reads.push(place);
            fresh.push((key, place, None));
            fresh.extend(sites.writes.iter().map(|write| (key, place, Some(*write))));
        }
        if operation.writes() && is_new(&sites.writes) {
            sites.writes.push(place);
            fresh.extend(sites.reads.iter().map(|read| (key, *read, Some(place))));
        }
        let room = MAX_POOL.saturating_sub(self.pool.len());
        self.pool.extend(fresh.into_iter().take(room));
    }

    /// Draws an entry, rare ones more often, and changes it.
    pub(super) fn mutated(&self, rng: &mut ChaCha8Rng) -> Vec<Constraint> {
        if self.pool.is_empty() {
            return Vec::new();
        }
        let weights = self.entries.iter().map(|entry| {
            let count = self.seen.get(&entry.set).copied().unwrap_or(1).max(1);
            (1 << 16) / count
        });
        let mut constraints = super::urw::weighted(rng, weights)
            .map(|entry| self.entries[entry].constraints.clone())
            .unwrap_or_default();
        // At least one change, each further one half as likely.
        for _ in 0..=rng.next_u32().trailing_zeros().min(3) {
            self.mutate(&mut constraints, rng);
        }
        constraints
    }

    fn mutate(&self, constraints: &mut Vec<Constraint>, rng: &mut ChaCha8Rng) {
        let draw = |rng: &mut ChaCha8Rng| {
            let (key, read, write) = self.pool[seed::below(rng, self.pool.len() as u32) as usize];
            Constraint { key, read, write, positive: seed::below(rng, 4) > 0 }
        };
        match (seed::below(rng, 4), constraints.len() as u32) {
            // To insert, where there is nothing to change.
            (0, _) | (_, 0) => constraints.push(draw(rng)),
            (1, count) => constraints[seed::below(rng, count) as usize] = draw(rng),
            (2, count) => {
                let negated = &mut constraints[seed::below(rng, count) as usize];
                negated.positive = !negated.positive;
            }
            (_, count) => {
                constraints.swap_remove(seed::below(rng, count) as usize);
            }
        }
    }
}
