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
}

/// A chooser that deviates where it can, and what came of it.
pub(crate) fn deviating(deviations: &[NamedDeviation]) -> (Deviating, Rc<RefCell<Notes>>) {
    let notes = Notes { asked: deviations.len(), ..Notes::default() };
    let notes = Rc::new(RefCell::new(notes));
    let wanted =
        deviations.iter().map(|deviation| (deviation.key.clone(), deviation.choice.clone()));
    let chooser =
        Deviating { labels: Labels::default(), wanted: wanted.collect(), notes: Rc::clone(&notes) };
    (chooser, notes)
}

impl Choose for Deviating {
    fn choose(&mut self, point: &DecisionPoint<'_>) -> u32 {
        let key = self.labels.key(point);
        let mut notes = self.notes.borrow_mut();
        let Some(choice) = self.wanted.get(&key) else { return 0 };
        let Some(picked) = self.labels.find(point, choice) else { return 0 };
        notes.applied += 1;
        if picked != 0 {
            notes.deviations.push(NamedDeviation { key, choice: choice.clone() });
        }
        picked
    }

    fn needs(&self) -> Needs {
        Needs::Followed
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

/// Goes first-in-first-out but for some deviations, and writes down all that it might have done
/// instead.
#[derive(Debug)]
pub(crate) struct Alternatives {
    labels: Labels,
    wanted: BTreeMap<ChoiceKey, ChoiceName>,
    found: Rc<RefCell<Vec<NamedDeviation>>>,
}

/// A chooser that writes down the alternatives to first-in-first-out, and where it does.
pub(crate) fn alternatives() -> (Alternatives, Rc<RefCell<Vec<NamedDeviation>>>) {
    alternatives_to(&[])
}

/// The same, to a schedule that has deviations already.
pub(crate) fn alternatives_to(
    deviations: &[NamedDeviation],
) -> (Alternatives, Rc<RefCell<Vec<NamedDeviation>>>) {
    let found = Rc::new(RefCell::new(Vec::new()));
    let wanted =
        deviations.iter().map(|deviation| (deviation.key.clone(), deviation.choice.clone()));
    let (labels, wanted) = (Labels::default(), wanted.collect());
    (Alternatives { labels, wanted, found: Rc::clone(&found) }, found)
}

/// Most alternatives written down: nobody tries more one by one.
const MOST_ALTERNATIVES: usize = 100_000;

impl Choose for Alternatives {
    fn choose(&mut self, point: &DecisionPoint<'_>) -> u32 {
        let key = self.labels.key(point);
        if let Some(choice) = self.wanted.get(&key) {
            return self.labels.find(point, choice).unwrap_or(0);
        }
        let mut found = self.found.borrow_mut();
        for picked in 1..point.candidates {
            if found.len() < MOST_ALTERNATIVES {
                let choice = self.labels.choice(point, picked);
                found.push(NamedDeviation { key: key.clone(), choice });
            }
        }
        0
    }

    fn needs(&self) -> Needs {
        Needs::Events
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
