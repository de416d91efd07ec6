//! What a run's program says of its own coverage: marks, and whether the run counts.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How often a `sometimes!` was come by, and how often its condition held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) reached: u64,
    pub(crate) held: u64,
}

/// What a run, or many, have said.
#[derive(Clone, Debug, Default)]
pub(crate) struct Said {
    pub(crate) marks: BTreeMap<&'static str, Mark>,
    /// An assumption did not hold: the run is not one of those that were meant.
    pub(crate) discarded: bool,
}

/// Where a run writes it for whoever began it.
#[derive(Debug, Default)]
pub(crate) struct Marks(Mutex<Said>);

impl Marks {
    pub(crate) fn lock(&self) -> MutexGuard<'_, Said> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
