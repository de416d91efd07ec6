//! Why a child gave no value.

use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};

use crate::id::TaskId;
use crate::kernel::State;
use crate::kernel::context;
use crate::task::JoinError;

/// Says why a task whose output is a `Result` gave no `Ok`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum TaskError<E> {
    /// It returned this `Err`.
    Failed(E),
    /// It was cancelled or aborted.
    Cancelled(JoinError),
    /// It panicked.
    Panicked(JoinError),
    /// Its value went to somebody else, or its run has ended.
    Lost(JoinError),
}

impl<E> TaskError<E> {
    /// The `Err` that the task returned, if it did.
    #[must_use]
    pub fn failed(&self) -> Option<&E> {
        match self {
            TaskError::Failed(error) => Some(error),
            _ => None,
        }
    }

    /// The `Err` that the task returned.
    ///
    /// # Errors
    ///
    /// Gives the error back if the task ended otherwise.
    pub fn into_failed(self) -> Result<E, Self> {
        match self {
            TaskError::Failed(error) => Ok(error),
            other => Err(other),
        }
    }

    /// Whether the task was cancelled or aborted.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        matches!(self, TaskError::Cancelled(_))
    }

    /// Whether the task panicked.
    #[must_use]
    pub fn is_panic(&self) -> bool {
        matches!(self, TaskError::Panicked(_))
    }

    /// Goes on as asyncio does where it raises the child's exception: the `Err` comes out, a
    /// cancellation becomes one's own, and a panic goes on here.
    ///
    /// # Panics
    ///
    /// With the task's panic, if it panicked; and if the task's value was lost.
    ///
    /// # Examples
    ///
    /// ```
    /// # sim::Sim::new().run(|| async {
    /// let outer = sim::spawn(async {
    ///     let child = sim::try_spawn(std::future::pending::<Result<(), &str>>());
    ///     child.cancel();
    ///     let error = sim::gather_tasks([child]).await.unwrap_err();
    ///     error.error.propagate().await // does not come back
    /// });
    /// assert!(outer.await.unwrap_err().is_cancelled());
    /// # }).unwrap();
    /// ```
    pub fn propagate(self) -> PropagateError<E> {
        PropagateError { error: Some(self) }
    }

    /// What a task's end comes to: its `Ok`, or why there is none.
    pub(super) fn flatten<T>(result: Result<Result<T, E>, JoinError>) -> Result<T, Self> {
        match result {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(TaskError::Failed(error)),
            Err(error) => Err(error.into()),
        }
    }
}

impl<E> From<JoinError> for TaskError<E> {
    fn from(error: JoinError) -> Self {
        if error.is_cancelled() {
            TaskError::Cancelled(error)
        } else if error.is_panic() {
            TaskError::Panicked(error)
        } else {
            TaskError::Lost(error)
        }
    }
}

impl<E: fmt::Display> fmt::Display for TaskError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TaskError::Failed(error) => error.fmt(f),
            TaskError::Cancelled(error) | TaskError::Panicked(error) | TaskError::Lost(error) => {
                error.fmt(f)
            }
        }
    }
}

impl<E: core::error::Error + 'static> core::error::Error for TaskError<E> {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            TaskError::Failed(error) => error.source(),
            TaskError::Cancelled(_) | TaskError::Panicked(_) | TaskError::Lost(_) => None,
        }
    }
}

/// The future of [`TaskError::propagate`].
#[derive(Debug)]
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct PropagateError<E> {
    error: Option<TaskError<E>>,
}

// The error is not pinned.
impl<E> Unpin for PropagateError<E> {}

impl<E> Future for PropagateError<E> {
    type Output = E;

    fn poll(mut self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<E> {
        match self.error.take() {
            Some(TaskError::Failed(error)) => Poll::Ready(error),
            Some(TaskError::Cancelled(error)) => {
                // Kept, so that a poll that comes nevertheless raises again.
                self.error = Some(TaskError::Cancelled(error));
                context::expect("TaskError::propagate", State::raise);
                Poll::Pending
            }
            Some(TaskError::Panicked(error) | TaskError::Lost(error)) => {
                match error.try_into_panic() {
                    Ok(payload) => std::panic::resume_unwind(payload),
                    Err(error) => panic!("{error}"),
                }
            }
            None => panic!("`TaskError::propagate` was polled after it ended"),
        }
    }
}

/// Says which child of a [`gather`](crate::gather()) failed first, and how.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct GatherError<E> {
    /// The child's place among the arguments.
    pub index: usize,
    /// The child.
    pub task: TaskId,
    /// How it ended.
    pub error: TaskError<E>,
}

impl<E> GatherError<E> {
    pub(super) fn new(index: usize, task: TaskId, error: TaskError<E>) -> Self {
        Self { index, task, error }
    }
}

impl<E: fmt::Display> fmt::Display for GatherError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "gathered task {} (argument {}): {}", self.task, self.index, self.error)
    }
}

impl<E: core::error::Error + 'static> core::error::Error for GatherError<E> {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        core::error::Error::source(&self.error)
    }
}

/// The errors of a [`TaskGroup`](crate::TaskGroup): of its children in the order in which they
/// failed, then of its body. Python's `ExceptionGroup`.
///
/// Never empty. A child that was cancelled counts as no error.
#[derive(Clone, Debug)]
pub struct GroupError<E> {
    errors: Vec<(Option<TaskId>, TaskError<E>)>,
}

impl<E> GroupError<E> {
    pub(super) fn new(errors: Vec<(Option<TaskId>, TaskError<E>)>) -> Self {
        Self { errors }
    }

    /// The errors, in order.
    pub fn errors(&self) -> impl ExactSizeIterator<Item = &TaskError<E>> {
        self.errors.iter().map(|(_, error)| error)
    }

    /// Which child each error came from; `None` for the body.
    pub fn tasks(&self) -> impl ExactSizeIterator<Item = Option<TaskId>> {
        self.errors.iter().map(|(task, _)| *task)
    }

    /// The errors, in order.
    #[must_use]
    pub fn into_errors(self) -> Vec<TaskError<E>> {
        self.errors.into_iter().map(|(_, error)| error).collect()
    }

    /// The `Err`s that children and body returned, in order; panics are left out.
    pub fn failed(&self) -> impl Iterator<Item = &E> {
        self.errors().filter_map(TaskError::failed)
    }
}

impl<E: fmt::Display> fmt::Display for GroupError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.errors.len() == 1 { "" } else { "s" };
        write!(f, "{} error{plural} in a task group: ", self.errors.len())?;
        for (index, error) in self.errors().enumerate() {
            if index > 0 {
                f.write_str("; ")?;
            }
            write!(f, "{error}")?;
        }
        Ok(())
    }
}

impl<E: fmt::Debug + fmt::Display> core::error::Error for GroupError<E> {}

/// Says that a [`TaskGroup`](crate::TaskGroup) takes no more tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GroupClosed {
    /// A child or the body has failed, or the group was cancelled: it is ending its tasks.
    ShuttingDown,
    /// The block has ended.
    Finished,
}

impl fmt::Display for GroupClosed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            GroupClosed::ShuttingDown => "the task group is shutting down",
            GroupClosed::Finished => "the task group has finished",
        })
    }
}

impl core::error::Error for GroupClosed {}
