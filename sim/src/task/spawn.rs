//! Starting tasks.

use core::any::Any;
use core::fmt::Debug;
use core::future::Future;
use core::panic::Location;

use super::{AbortHandle, JoinHandle};
use crate::kernel::cancel;
use crate::kernel::context;
use crate::kernel::task::{Fallible, TaskRef, erase};
use crate::kernel::turn::Phase;
use crate::trace::Place;

/// Starts a task: asyncio's `create_task`, with tokio's name.
///
/// The task's first step is queued behind what is ready; nothing of it runs before the spawning
/// task gives up control. A dropped handle detaches the task. Neither the future nor its output
/// need be `Send`.
///
/// # Panics
///
/// Outside a simulation.
///
/// # Examples
///
/// ```
/// # sim::Sim::new().run(|| async {
/// let task = sim::spawn(async { 6 * 7 }).named("answer");
/// assert_eq!(task.await.unwrap(), 42);
/// # }).unwrap();
/// ```
#[track_caller]
pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + 'static,
    F::Output: 'static,
{
    JoinHandle::new(spawn_at("spawn", future, Location::caller()))
}

/// Starts a task whose error counts: an `Err` that nobody looks at fails the run.
///
/// # Panics
///
/// Outside a simulation.
///
/// # Examples
///
/// ```
/// use sim::{FailureKind, Sim};
///
/// let failure = Sim::new()
///     .run(|| async {
///         drop(sim::try_spawn(async { Err::<(), _>("disk full") }));
///         sim::yield_now().await;
///     })
///     .unwrap_err();
/// assert!(matches!(failure.kind(), FailureKind::UnobservedError { .. }));
/// ```
#[track_caller]
pub fn try_spawn<F, T, E>(future: F) -> JoinHandle<Result<T, E>>
where
    F: Future<Output = Result<T, E>> + 'static,
    T: 'static,
    E: Debug + 'static,
{
    JoinHandle::new(try_spawn_at("try_spawn", future, Location::caller()))
}

/// Names the running task, to cancel or abort it from elsewhere; `None` outside a step.
///
/// # Examples
///
/// ```
/// # sim::Sim::new().run(|| async {
/// assert_eq!(sim::task::current().unwrap().name(), "main");
/// # }).unwrap();
/// ```
#[must_use]
pub fn current() -> Option<AbortHandle> {
    context::with(|state| state.current.map(|task| (task, state.run)))
        .flatten()
        .map(|(task, run)| AbortHandle::new(task, run))
}

#[track_caller]
pub(crate) fn spawn_at<F>(what: &str, future: F, place: Place) -> (TaskRef, u64)
where
    F: Future + 'static,
    F::Output: 'static,
{
    let future = erase(future);
    let (task, closing) = context::expect(what, |state| {
        let task = state.spawn(future, place);
        ((task, state.run), state.phase == Phase::Closing)
    });
    if closing {
        // Spawned by a destructor while the run is being taken down: it will never run.
        cancel::abort(task.0);
    }
    task
}

#[track_caller]
pub(crate) fn try_spawn_at<F, T, E>(what: &str, future: F, place: Place) -> (TaskRef, u64)
where
    F: Future<Output = Result<T, E>> + 'static,
    T: 'static,
    E: Debug + 'static,
{
    let task = spawn_at(what, future, place);
    context::with(|state| {
        if let Some(slot) = state.task_mut(task.0) {
            slot.fallible =
                Some(Fallible { is_err: is_err::<T, E>, describe: describe_error::<T, E> });
        }
    });
    task
}

fn is_err<T: 'static, E: 'static>(output: &dyn Any) -> bool {
    matches!(output.downcast_ref::<Result<T, E>>(), Some(Err(_)))
}

fn describe_error<T: 'static, E: Debug + 'static>(output: &dyn Any) -> Option<String> {
    match output.downcast_ref::<Result<T, E>>() {
        Some(Err(error)) => Some(format!("{error:?}")),
        Some(Ok(_)) | None => None,
    }
}
