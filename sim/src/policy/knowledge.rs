//! What policies have learned of a program from its earlier runs.

use std::collections::BTreeMap;

use super::observation::Observation;
use super::rff::{Constraint, Corpus};
use crate::seed::{self, Purpose};

/// What is known of a program. It grows run by run, in the order of their indices.
#[derive(Clone, Debug, Default)]
pub(crate) struct Knowledge {
    decisions: u64,
    /// By task signature: operations of its own, and its parent.
    steps: BTreeMap<u64, u64>,
    parents: BTreeMap<u64, u64>,
    /// In order of first sight.
    objects: Vec<Object>,
    declared: u64,
    undeclared: u64,
    corpus: Corpus,
}

#[derive(Clone, Debug)]
struct Object {
    key: u64,
    uses: BTreeMap<u64, u64>,
    written: bool,
}

/// Most objects whose uses are counted.
const MOST_OBJECTS: usize = 4_096;

impl Knowledge {
    /// Learns from a run; `constraints` are what it was to do, where it was [`Rff`]'s.
    ///
    /// [`Rff`]: super::Policy::Rff
    pub(crate) fn learn(&mut self, seen: &Observation, constraints: &[Constraint]) {
        self.decisions = self.decisions.max(seen.decisions);
        self.declared += seen.declared;
        self.undeclared += seen.undeclared;
        for (parent, child) in &seen.spawned {
            self.parents.entry(*child).or_insert(*parent);
        }
        let mut steps: BTreeMap<u64, u64> = BTreeMap::new();
        let mut uses: BTreeMap<(u64, u64), u64> = BTreeMap::new();
        let mut order = Vec::new();
        for ran in &seen.ran {
            *steps.entry(ran.signature).or_insert(0) += 1;
            if ran.operation.object.is_some() {
                let key = ran.operation.key;
                let count = uses.entry((key, ran.signature)).or_insert(0);
                *count += 1;
                if *count == 1 {
                    order.push((key, ran.signature));
                }
                if let Some(object) = self.object(key) {
                    object.written |= ran.operation.writes();
                }
            }
        }
        // What was counted first stands: later runs were steered.
        for (signature, count) in steps {
            self.steps.entry(signature).or_insert(count);
        }
        for (key, signature) in order {
            let count = uses[&(key, signature)];
            if let Some(object) = self.object(key) {
                object.uses.entry(signature).or_insert(count);
            }
        }
        self.corpus.learn(&seen.ran, constraints);
    }

    fn object(&mut self, key: u64) -> Option<&mut Object> {
        let known = self.objects.iter().position(|object| object.key == key);
        if known.is_none() && self.objects.len() < MOST_OBJECTS {
            self.objects.push(Object { key, uses: BTreeMap::new(), written: false });
        }
        match known {
            Some(known) => self.objects.get_mut(known),
            None => self.objects.last_mut().filter(|object| object.key == key),
        }
    }

    /// The most decisions among tasks that a run had.
    pub(super) fn decisions(&self) -> u64 {
        self.decisions
    }

    /// By signature, how many operations a task and its descendants do.
    pub(super) fn steps_by_task(&self) -> BTreeMap<u64, u64> {
        self.with_descendants(&self.steps)
    }

    /// The objects that at least two tasks use and one changes.
    pub(super) fn contended(&self) -> Vec<u64> {
        let contended =
            self.objects.iter().filter(|object| object.written && object.uses.len() > 1);
        contended.map(|object| object.key).collect()
    }

    /// By signature, how many operations on an object a task and its descendants do.
    pub(super) fn uses_by_task(&self, key: u64) -> BTreeMap<u64, u64> {
        let object = self.objects.iter().find(|object| object.key == key);
        object.map(|object| self.with_descendants(&object.uses)).unwrap_or_default()
    }

    fn with_descendants(&self, own: &BTreeMap<u64, u64>) -> BTreeMap<u64, u64> {
        let mut total = own.clone();
        for (signature, count) in own {
            let mut at = *signature;
            // A ring would be a collision of signatures.
            for _ in 0..1_000 {
                let Some(parent) = self.parents.get(&at).filter(|parent| **parent != at) else {
                    break;
                };
                *total.entry(*parent).or_insert(0) += count;
                at = *parent;
            }
        }
        total
    }

    /// Whether most operations said nothing about what they touch.
    pub(crate) fn is_mostly_undeclared(&self) -> bool {
        self.undeclared > self.declared
    }

    /// Wishes for the next run of [`Rff`](super::Policy::Rff).
    pub(crate) fn mutated(&self, seed: u64) -> Vec<Constraint> {
        self.corpus.mutated(&mut seed::stream(seed, Purpose::Search))
    }
}
