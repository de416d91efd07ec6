//! Running futures concurrently, for all their values or the first error.

use core::fmt::Debug;
use core::future::Future;
use core::panic::Location;
use core::pin::Pin;
use core::task::{Context, Poll, ready};

use super::gate::Gate;
use super::gathering::{Gathered, Gathering, Progress, result_of};
use super::watched::{is_err, never_err};
use super::{GatherError, TaskError};
use crate::task::{JoinError, JoinHandle, spawn_at, try_spawn_at};

/// Starts each future as a task, and waits for all values or the first error: `asyncio.gather`.
///
/// The tasks are started by this call, in the order of the arguments; the values come in that
/// order too. The first child that fails (an `Err`, a panic, or a cancellation by somebody else)
/// ends the wait; its siblings *run on*, and their later errors are silent. If all is done already
/// the await does not suspend. Futures of different types fit after boxing them, or as handles:
/// [`gather_tasks`].
///
/// [`return_exceptions`](Gather::return_exceptions) waits for all and gives errors as values.
///
/// # Cancel safety
///
/// A request to cancel goes on to every child, and the await goes on until one has ended (all,
/// with `return_exceptions`); then the request goes on outward. A dropped gather detaches its
/// tasks.
///
/// # Errors
///
/// [`GatherError`]: the first failure, in order of completion.
///
/// # Panics
///
/// Outside a simulation.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// # sim::Sim::new().run(|| async {
/// async fn fetch(id: u64) -> Result<u64, String> {
///     sim::sleep(Duration::from_secs(4 - id)).await;
///     if id == 0 { Err("no such id".to_owned()) } else { Ok(id * 10) }
/// }
/// assert_eq!(sim::gather([1, 2, 3].map(fetch)).await.unwrap(), [10, 20, 30]);
/// assert_eq!(sim::now(), Duration::from_secs(3));
///
/// let error = sim::gather([1, 0].map(fetch)).await.unwrap_err();
/// assert_eq!((error.index, error.to_string()), (1, "gathered task t5 (argument 1): no such id".to_owned()));
/// # }).unwrap();
/// ```
#[track_caller]
pub fn gather<I, F, T, E>(futures: I) -> Gather<T, E>
where
    I: IntoIterator<Item = F>,
    F: Future<Output = Result<T, E>> + 'static,
    T: 'static,
    E: Debug + 'static,
{
    let place = Location::caller();
    let gate = Gate::new();
    let mut handles = Vec::new();
    for future in futures {
        handles.push(JoinHandle::new(try_spawn_at("gather", gate.queue(future, place), place)));
    }
    Gather { gathering: Gathering::new(handles, is_err::<T, E>, Some(gate), place) }
}

/// Waits for tasks that run already, as [`gather`] does for those it starts.
///
/// Give a task once: of two clones of a handle only the first gets the value.
///
/// # Errors
///
/// As [`gather`].
///
/// # Examples
///
/// ```
/// # sim::Sim::new().run(|| async {
/// let read = sim::try_spawn(async { Ok::<_, &str>(1) });
/// let write = sim::try_spawn(async { sim::yield_now().await; Err("disk full") });
/// let error = sim::gather_tasks([read, write]).await.unwrap_err();
/// assert_eq!(error.error.failed(), Some(&"disk full"));
/// # }).unwrap();
/// ```
#[track_caller]
pub fn gather_tasks<T: 'static, E: 'static>(
    tasks: impl IntoIterator<Item = JoinHandle<Result<T, E>>>,
) -> Gather<T, E> {
    let handles = tasks.into_iter().collect();
    Gather { gathering: Gathering::new(handles, is_err::<T, E>, None, Location::caller()) }
}

/// Starts each future as a task and waits for all values: [`gather`] for outputs that are no
/// `Result`.
///
/// # Errors
///
/// [`JoinError`] of the first child that panicked or was cancelled by somebody else.
///
/// # Panics
///
/// Outside a simulation.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// # sim::Sim::new().run(|| async {
/// let naps = [3, 1, 2].map(|s| sim::sleep_with(Duration::from_secs(s), s));
/// assert_eq!(sim::gather_values(naps).await.unwrap(), [3, 1, 2]);
/// # }).unwrap();
/// ```
#[track_caller]
pub fn gather_values<I, F>(futures: I) -> GatherValues<F::Output>
where
    I: IntoIterator<Item = F>,
    F: Future + 'static,
    F::Output: 'static,
{
    let place = Location::caller();
    let gate = Gate::new();
    let mut handles = Vec::new();
    for future in futures {
        handles.push(JoinHandle::new(spawn_at("gather_values", gate.queue(future, place), place)));
    }
    GatherValues { gathering: Gathering::new(handles, never_err, Some(gate), place) }
}

/// Waits for tasks that run already, whose outputs are no `Result`s; see [`gather_values`].
///
/// # Errors
///
/// As [`gather_values`].
///
/// # Examples
///
/// ```
/// # sim::Sim::new().run(|| async {
/// let tasks = [sim::spawn(async { 1 }), sim::spawn(async { 2 })];
/// assert_eq!(sim::gather_value_tasks(tasks).await.unwrap(), [1, 2]);
/// # }).unwrap();
/// ```
#[track_caller]
pub fn gather_value_tasks<T: 'static>(
    tasks: impl IntoIterator<Item = JoinHandle<T>>,
) -> GatherValues<T> {
    let handles = tasks.into_iter().collect();
    GatherValues { gathering: Gathering::new(handles, never_err, None, Location::caller()) }
}

/// The settings that both gathers have; `return_exceptions` comes last.
macro_rules! settings {
    () => {
        /// Lets at most `limit` of the futures begin at a time, in the order of the arguments: a
        /// semaphore around each. 0 counts as 1.
        ///
        /// Tasks that were handed over as handles run already, and are not counted.
        ///
        /// # Examples
        ///
        /// ```
        /// use std::time::Duration;
        ///
        /// # sim::Sim::new().run(|| async {
        /// let jobs = (0..5).map(|_| sim::sleep(Duration::from_secs(1)));
        /// sim::gather_values(jobs).limit(2).await.unwrap();
        /// assert_eq!(sim::now(), Duration::from_secs(3));
        /// # }).unwrap();
        /// ```
        pub fn limit(self, limit: usize) -> Self {
            self.gathering.limit(limit);
            self
        }

        /// A handle that tells, at any time, how many of the tasks have ended.
        ///
        /// # Examples
        ///
        /// ```
        /// # sim::Sim::new().run(|| async {
        /// let all = sim::gather_values([1, 2].map(|n| async move { n }));
        /// let progress = all.progress();
        /// assert_eq!((progress.done(), progress.total()), (0, 2));
        /// all.await.unwrap();
        /// assert_eq!((progress.done(), progress.total()), (2, 2));
        /// # }).unwrap();
        /// ```
        #[must_use]
        pub fn progress(&self) -> Progress {
            self.gathering.progress()
        }

        /// Calls `on_progress(done, total)` whenever one of the tasks has ended.
        ///
        /// It is called from the loop, in no task's name. A panic in it goes on in the task that
        /// awaits the gather.
        ///
        /// # Examples
        ///
        /// ```
        /// let outcome = sim::Sim::new().run(|| async {
        ///     sim::gather_values([1, 2].map(|n| async move { n }))
        ///         .on_progress(|done, total| sim::note!("{done} of {total}"))
        ///         .await
        /// })?;
        /// outcome.trace().assert_order(["1 of 2", "2 of 2"]);
        /// # Ok::<(), sim::Failure>(())
        /// ```
        pub fn on_progress(self, on_progress: impl FnMut(usize, usize) + Send + 'static) -> Self {
            self.gathering.on_progress(Box::new(on_progress));
            self
        }
    };
}

/// The future of [`gather`] and [`gather_tasks`].
#[derive(Debug)]
#[must_use = "the tasks run, but nobody waits for them unless you `.await` this"]
pub struct Gather<T, E> {
    gathering: Gathering<Result<T, E>>,
}

impl<T: 'static, E: 'static> Gather<T, E> {
    settings!();

    /// Waits for all, and gives errors, cancellations and panics as values.
    ///
    /// # Examples
    ///
    /// ```
    /// # sim::Sim::new().run(|| async {
    /// let jobs = [1, 2].map(|n| async move { if n == 1 { Err("odd") } else { Ok(n) } });
    /// let results = sim::gather(jobs).return_exceptions().await;
    /// assert_eq!(results[0].as_ref().unwrap_err().failed(), Some(&"odd"));
    /// assert_eq!(results[1].as_ref().unwrap(), &2);
    /// # }).unwrap();
    /// ```
    pub fn return_exceptions(self) -> GatherResults<T, E> {
        self.gathering.want_all();
        GatherResults { gathering: self.gathering }
    }
}

impl<T: 'static, E: 'static> Future for Gather<T, E> {
    type Output = Result<Vec<T>, GatherError<E>>;

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(match ready!(self.gathering.poll(cx)) {
            Gathered::Failed(index, task, result) => {
                let error = match TaskError::flatten(result) {
                    Err(error) => error,
                    Ok(_) => unreachable!("[sim bug] a task that failed gives a value"),
                };
                Err(GatherError::new(index, task.id, error))
            }
            Gathered::All(handles) => handles
                .into_iter()
                .enumerate()
                .map(|(index, handle)| {
                    TaskError::flatten(result_of(&handle))
                        .map_err(|error| GatherError::new(index, handle.id(), error))
                })
                .collect(),
        })
    }
}

/// The future of [`Gather::return_exceptions`].
#[derive(Debug)]
#[must_use = "the tasks run, but nobody waits for them unless you `.await` this"]
pub struct GatherResults<T, E> {
    gathering: Gathering<Result<T, E>>,
}

impl<T: 'static, E: 'static> Future for GatherResults<T, E> {
    type Output = Vec<Result<T, TaskError<E>>>;

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match ready!(self.gathering.poll(cx)) {
            Gathered::Failed(..) => unreachable!("[sim bug] waited for the first failure only"),
            Gathered::All(handles) => Poll::Ready(
                handles.iter().map(|handle| TaskError::flatten(result_of(handle))).collect(),
            ),
        }
    }
}

/// The future of [`gather_values`] and [`gather_value_tasks`].
#[derive(Debug)]
#[must_use = "the tasks run, but nobody waits for them unless you `.await` this"]
pub struct GatherValues<T> {
    gathering: Gathering<T>,
}

impl<T: 'static> GatherValues<T> {
    settings!();

    /// Waits for all, and gives cancellations and panics as values.
    ///
    /// # Examples
    ///
    /// ```
    /// # sim::Sim::new().run(|| async {
    /// let results = sim::gather_values([1, 2].map(|n| async move { n })).return_exceptions().await;
    /// assert_eq!(results.into_iter().map(Result::unwrap).sum::<i32>(), 3);
    /// # }).unwrap();
    /// ```
    pub fn return_exceptions(self) -> GatherValueResults<T> {
        self.gathering.want_all();
        GatherValueResults { gathering: self.gathering }
    }
}

impl<T: 'static> Future for GatherValues<T> {
    type Output = Result<Vec<T>, JoinError>;

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(match ready!(self.gathering.poll(cx)) {
            Gathered::Failed(_, _, Err(error)) => Err(error),
            Gathered::Failed(_, _, Ok(_)) => {
                unreachable!("[sim bug] a task that failed gives a value")
            }
            Gathered::All(handles) => handles.iter().map(result_of).collect(),
        })
    }
}

/// The future of [`GatherValues::return_exceptions`].
#[derive(Debug)]
#[must_use = "the tasks run, but nobody waits for them unless you `.await` this"]
pub struct GatherValueResults<T> {
    gathering: Gathering<T>,
}

impl<T: 'static> Future for GatherValueResults<T> {
    type Output = Vec<Result<T, JoinError>>;

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match ready!(self.gathering.poll(cx)) {
            Gathered::Failed(..) => unreachable!("[sim bug] waited for the first failure only"),
            Gathered::All(handles) => Poll::Ready(handles.iter().map(result_of).collect()),
        }
    }
}
