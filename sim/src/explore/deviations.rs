//! Schedules as what departs from first-in-first-out, by names that outlive an edit.

use core::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::labels::{ChoiceKey, ChoiceName, Labels};
use crate::decision::{Candidate, Choose, DecisionPoint, Names, Needs};
use crate::id::TaskId;
use crate::trace::Event;

/// A choice other than candidate 0, by name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct NamedDeviation {
    pub(crate) key: ChoiceKey,
    pub(crate) choice: ChoiceName,
}

/// What was written down of a run.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    /// Its deviations, in order.
    pub(crate) deviations: Vec<NamedDeviation>,
    /// How many of the deviations asked for were made; of how many.
    pub(crate) applied: usize,
    pub(crate) asked: usize,
}

/// Makes another chooser's choices, and writes down by what names those that deviate are known.
#[derive(Debug)]
pub(crate) struct Writer {
    chooser: Box<dyn Choose>,
    needs: Needs,
    labels: Labels,
    notes: Rc<RefCell<Notes>>,
}

/// A chooser that writes down its deviations, and where it does.
pub(crate) fn writer(chooser: Box<dyn Choose>) -> (Writer, Rc<RefCell<Notes>>) {
    let notes = Rc::new(RefCell::new(Notes::default()));
    let needs = chooser.needs();
    (Writer { chooser, needs, labels: Labels::default(), notes: Rc::clone(&notes) }, notes)
}

impl Choose for Writer {
    fn choose(&mut self, point: &DecisionPoint<'_>) -> u32 {
        let picked = if self.needs == Needs::Nothing { 0 } else { self.chooser.choose(point) };
        let picked = if picked < point.candidates { picked } else { 0 };
        let key = self.labels.key(point);
        let mut notes = self.notes.borrow_mut();
        if picked != 0 {
            let choice = self.labels.choice(point, picked);
            notes.deviations.push(NamedDeviation { key, choice });
        }
        picked
    }

    fn needs(&self) -> Needs {
        Needs::Events
    }

    fn ran(&mut self, ran: &Candidate, names: &dyn Names) {
        self.labels.ran(ran, names);
        self.chooser.ran(ran, names);
    }

    fn spawned(&mut self, parent: u64, child: TaskId, signature: u64) {
        self.labels.spawned(parent, child, signature);
        self.chooser.spawned(parent, child, signature);
    }

    fn observe(&mut self, task: TaskId, event: &Event, names: &dyn Names) {
        self.labels.observe(event, names);
        self.chooser.observe(task, event, names);
    }
}

/// First-in-first-out but for some deviations; those whose place does not come, or whose task is
/// not ready there, are passed over.
#[derive(Debug)]
pub(crate) struct Deviating {
    labels: Labels,
    wanted: BTreeMap<ChoiceKey, ChoiceName>,
    notes: Rc<RefCell<Notes>>,
    // Where all that might have been done instead is written down.
    alternatives: Option<Rc<RefCell<Vec<NamedDeviation>>>>,
}

/// A chooser that deviates where it can, and what came of it.
pub(crate) fn deviating(deviations: &[NamedDeviation]) -> (Deviating, Rc<RefCell<Notes>>) {
    let notes = Notes { asked: deviations.len(), ..Notes::default() };
    let notes = Rc::new(RefCell::new(notes));
    let wanted =
        deviations.iter().map(|deviation| (deviation.key.clone(), deviation.choice.clone()));
    let chooser = Deviating {
        labels: Labels::default(),
        wanted: wanted.collect(),
        notes: Rc::clone(&notes),
        alternatives: None,
    };
    (chooser, notes)
}

/// The same, and what else might have been done at each choice at which it does not deviate.
pub(crate) fn alternatives_to(
    deviations: &[NamedDeviation],
) -> (Deviating, Rc<RefCell<Vec<NamedDeviation>>>) {
    let (mut chooser, _) = deviating(deviations);
    let found = Rc::default();
    chooser.alternatives = Some(Rc::clone(&found));
    (chooser, found)
}

/// Most alternatives written down: nobody tries more one by one.
const MOST_ALTERNATIVES: usize = 100_000;

impl Deviating {
    fn write_down(&mut self, key: &ChoiceKey, point: &DecisionPoint<'_>) {
        let Some(found) = &self.alternatives else { return };
        let mut found = found.borrow_mut();
        for picked in 1..point.candidates {
            if found.len() < MOST_ALTERNATIVES {
                let choice = self.labels.choice(point, picked);
                found.push(NamedDeviation { key: key.clone(), choice });
            }
        }
    }
}

impl Choose for Deviating {
    fn choose(&mut self, point: &DecisionPoint<'_>) -> u32 {
        let key = self.labels.key(point);
        let Some(choice) = self.wanted.get(&key) else {
            self.write_down(&key, point);
            return 0;
        };
        let Some(picked) = self.labels.find(point, choice) else { return 0 };
        let mut notes = self.notes.borrow_mut();
        notes.applied += 1;
        if picked != 0 {
            notes.deviations.push(NamedDeviation { key, choice: choice.clone() });
        }
        picked
    }

    fn needs(&self) -> Needs {
        // Writing down every candidate needs them all, each time.
        if self.alternatives.is_some() { Needs::Events } else { Needs::Followed }
    }

    fn ran(&mut self, ran: &Candidate, names: &dyn Names) {
        self.labels.ran(ran, names);
    }

    fn spawned(&mut self, parent: u64, child: TaskId, signature: u64) {
        self.labels.spawned(parent, child, signature);
    }

    fn observe(&mut self, _task: TaskId, event: &Event, names: &dyn Names) {
        self.labels.observe(event, names);
    }
}
