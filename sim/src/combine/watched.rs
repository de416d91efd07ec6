//! What combinators need to know of the tasks they watch.

use core::any::Any;

use crate::kernel::State;
use crate::kernel::context;
use crate::kernel::task::{Completion, TaskRef};

/// Tells whether a task's output counts as an error; runs no code of the user's.
pub(super) type IsErr = fn(&dyn Any) -> bool;

pub(super) fn is_err<T: 'static, E: 'static>(output: &dyn Any) -> bool {
    matches!(output.downcast_ref::<Result<T, E>>(), Some(Err(_)))
}

/// For outputs that are plain values.
pub(super) fn never_err(_output: &dyn Any) -> bool {
    false
}

/// How a task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    Value,
    Failed,
    Cancelled,
    Panicked,
    /// The value is gone.
    Lost,
}

impl Ended {
    pub(super) fn of(state: &State, task: TaskRef, is_err: IsErr) -> Self {
        match state.task(task).and_then(|slot| slot.completion.as_ref()) {
            Some(Completion::Value(value)) if is_err(&**value) => Ended::Failed,
            Some(Completion::Value(_)) => Ended::Value,
            Some(Completion::Cancelled) => Ended::Cancelled,
            Some(Completion::Panicked { .. }) => Ended::Panicked,
            Some(Completion::Taken) | None => Ended::Lost,
        }
    }
}

/// Keeps a task's slot from being given to another task, as a handle does.
#[derive(Debug)]
pub(super) struct Hold {
    task: TaskRef,
    run: u64,
}

impl Hold {
    pub(super) fn new(task: TaskRef, run: u64) -> Self {
        context::with(|state| {
            if state.run == run {
                state.add_handle(task);
            }
        });
        Self { task, run }
    }

    pub(super) fn task(&self) -> TaskRef {
        self.task
    }

    pub(super) fn run(&self) -> u64 {
        self.run
    }

    /// Whether the task has ended; one of another run has.
    pub(super) fn is_done(&self, state: &State) -> bool {
        self.run != state.run || state.is_done(self.task)
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let (task, run) = (self.task, self.run);
        drop(context::with(|state| (state.run == run).then(|| state.drop_handle(task))));
    }
}
