//! When two failures are the same one.

use crate::run::{Failure, FailureKind};

/// What a failure has to keep while it is shrunk: its kind and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    rule: &'static str,
    place: String,
}

impl Identity {
    pub(crate) fn of(failure: &Failure) -> Self {
        let place = match failure.kind() {
            FailureKind::Panic { place, .. } => place.clone(),
            FailureKind::UnobservedError { message, .. } => message.clone(),
            // Which tasks: those that wait for each other if there is a ring, else all.
            FailureKind::Deadlock { cycle } => {
                let waiting: Vec<_> = failure.blocked().iter().map(|wait| wait.task).collect();
                let mut names: Vec<String> = if cycle.is_empty() { &waiting } else { cycle }
                    .iter()
                    .map(|task| failure.task_name(*task))
                    .collect();
                names.sort();
                names.join(" ")
            }
            FailureKind::Leak { tasks } => {
                let mut names: Vec<String> =
                    tasks.iter().map(|task| failure.task_name(*task)).collect();
                names.sort();
                names.join(" ")
            }
            _ => String::new(),
        };
        Self { rule: failure.rule().id, place }
    }
}
