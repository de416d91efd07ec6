//! The choices of a run under way, so that a poll that never returns can be named by making them
//! again on another thread.

use std::sync::Arc;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::bounded::Pick;
use crate::decision::{Candidate, Choose, DecisionPoint, Names, Needs};
use crate::id::TaskId;
use crate::trace::Event;

/// The picks of a run that were not candidate 0, each with its number among the choices.
#[derive(Debug, Default)]
pub(crate) struct Picks(Mutex<Vec<Pick>>);

impl Picks {
    fn lock(&self) -> MutexGuard<'_, Vec<Pick>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn clear(&self) {
        self.lock().clear();
    }

    pub(crate) fn taken(&self) -> Vec<Pick> {
        self.lock().clone()
    }
}

/// Makes another chooser's choices, and keeps them where another thread can see them.
#[derive(Debug)]
pub(crate) struct Recording<C> {
    chooser: C,
    picks: Arc<Picks>,
    choices: u64,
}

pub(crate) fn recording<C: Choose>(chooser: C, picks: Arc<Picks>) -> Recording<C> {
    Recording { chooser, picks, choices: 0 }
}

impl<C: Choose> Choose for Recording<C> {
    fn choose(&mut self, point: &DecisionPoint<'_>) -> u32 {
        let picked = self.chooser.choose(point);
        if picked != 0 {
            self.picks.lock().push((self.choices, picked));
        }
        self.choices += 1;
        picked
    }

    fn needs(&self) -> Needs {
        self.chooser.needs()
    }

    fn ran(&mut self, ran: &Candidate, names: &dyn Names) {
        self.chooser.ran(ran, names);
    }

    fn spawned(&mut self, parent: u64, child: TaskId, signature: u64) {
        self.chooser.spawned(parent, child, signature);
    }

    fn observe(&mut self, task: TaskId, event: &Event, names: &dyn Names) {
        self.chooser.observe(task, event, names);
    }
}
