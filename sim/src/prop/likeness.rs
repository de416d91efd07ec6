//! When the failures of two inputs are the same one.

use crate::run::{Failure, FailureKind};

/// What a failure has to keep while its input shrinks: its kind and its place.
///
/// Names of tasks do not count: those that the program did not name change with the input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Likeness {
    rule: &'static str,
    places: Vec<String>,
}

impl Likeness {
    pub(super) fn of(failure: &Failure) -> Self {
        let mut places = match failure.kind() {
            FailureKind::Panic { place, .. } => vec![place.clone()],
            // At which awaits: of those that wait for each other if there is a ring, else of all.
            FailureKind::Deadlock { cycle } => {
                let blocked = failure.blocked().iter();
                let meant = blocked.filter(|wait| cycle.is_empty() || cycle.contains(&wait.task));
                meant.filter_map(|wait| wait.place).map(ToString::to_string).collect()
            }
            _ => Vec::new(),
        };
        places.sort();
        places.dedup();
        Self { rule: failure.rule().id, places }
    }
}
