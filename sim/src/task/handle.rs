//! Handles of tasks, and how a task that gave no value ended.

use core::any::Any;
use core::fmt;
use core::future::{Future, IntoFuture};
use core::marker::PhantomData;
use core::panic::Location;
use core::pin::Pin;
use core::task::{Context, Poll};

use crate::id::TaskId;
use crate::kernel::State;
use crate::kernel::cancel;
use crate::kernel::context::{self, PanicSite};
use crate::kernel::task::{Completion, PanicPayload, Stage, TaskRef, Watcher};
use crate::kernel::wait::{Left, Parked, Target, WaitState};
use crate::trace::{Cause, Op, Place};

/// A task, to await, ask, cancel or abort.
///
/// `handle.await` gives `Result<T, JoinError>`. It takes the value: of several clones, the first
/// to finish awaiting gets it. Where `T: Clone`, `(&handle).await` leaves the value where it is,
/// and so works any number of times. A dropped handle detaches its task.
///
/// # Cancel safety
///
/// A dropped `await` changes nothing. A request to [`cancel`](Self::cancel) a task that awaits
/// another one is passed on to that one, as in asyncio; [`shield`](crate::shield) stops it there.
pub struct JoinHandle<T> {
    task: TaskRef,
    run: u64,
    parked: Parked,
    output: PhantomData<fn() -> T>,
}

/// A task whose output does not matter here: to ask, cancel or abort.
#[derive(Clone, PartialEq, Eq)]
pub struct AbortHandle {
    task: TaskRef,
    run: u64,
}

/// Says why a task gave no value.
#[derive(Clone)]
pub struct JoinError {
    task: TaskId,
    name: String,
    reason: Reason,
}

#[derive(Clone)]
enum Reason {
    Cancelled,
    Panicked(Box<PanicSite>, PanicPayload),
    Taken,
    RunEnded,
}

impl JoinError {
    /// Whether the task was cancelled or aborted.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        matches!(self.reason, Reason::Cancelled)
    }

    /// Whether the task panicked.
    #[must_use]
    pub fn is_panic(&self) -> bool {
        matches!(self.reason, Reason::Panicked(..))
    }

    /// The message of the panic, if it was one.
    #[must_use]
    pub fn panic_message(&self) -> Option<&str> {
        match &self.reason {
            Reason::Panicked(site, _) => Some(&site.message),
            _ => None,
        }
    }

    /// What the task panicked with.
    ///
    /// # Errors
    ///
    /// Gives the error back if the task did not panic, or somebody has taken the payload.
    pub fn try_into_panic(self) -> Result<Box<dyn Any + Send>, JoinError> {
        let payload = match &self.reason {
            Reason::Panicked(_, payload) => {
                payload.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take()
            }
            _ => None,
        };
        payload.ok_or(self)
    }

    /// What the task panicked with.
    ///
    /// # Panics
    ///
    /// If the task did not panic, or somebody has taken the payload.
    #[must_use]
    #[track_caller]
    pub fn into_panic(self) -> Box<dyn Any + Send> {
        match self.try_into_panic() {
            Ok(payload) => payload,
            Err(error) => panic!("`into_panic` of a JoinError that holds no panic: {error}"),
        }
    }

    /// The task.
    #[must_use]
    pub fn id(&self) -> TaskId {
        self.task
    }
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "task `{}` ", self.name)?;
        match &self.reason {
            Reason::Cancelled => f.write_str("was cancelled"),
            Reason::Panicked(site, _) => write!(f, "panicked: {} ({})", site.message, site.place),
            Reason::Taken => f.write_str("has ended, and its value was taken"),
            Reason::RunEnded => f.write_str("belongs to a run that has ended"),
        }
    }
}

impl fmt::Debug for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JoinError({self})")
    }
}

impl core::error::Error for JoinError {}

impl<T> JoinHandle<T> {
    #[track_caller]
    pub(crate) fn new((task, run): (TaskRef, u64)) -> Self {
        Self { task, run, parked: Parked::made_at(Location::caller()), output: PhantomData }
    }

    pub(crate) fn task_ref(&self) -> TaskRef {
        self.task
    }

    /// The run the task belongs to.
    pub(crate) fn run(&self) -> u64 {
        self.run
    }

    /// Shows `place` as the place of the await, where the handle is awaited by library code.
    pub(crate) fn awaited_at(mut self, place: crate::trace::Place) -> Self {
        self.parked = Parked::made_at(place);
        self
    }

    fn with<R>(&self, f: impl FnOnce(&mut State) -> R) -> Option<R> {
        with_run(self.run, f)
    }

    /// Names the task, for reports, tables and tokens.
    pub fn named(self, name: impl AsRef<str>) -> Self {
        self.with(|state| state.name_task(self.task, name.as_ref()));
        self
    }

    /// The task's number.
    #[must_use]
    pub fn id(&self) -> TaskId {
        self.task.id
    }

    /// The task's label.
    #[must_use]
    pub fn name(&self) -> String {
        self.abort_handle().name()
    }

    /// Asks the task to cancel itself: asyncio's `Task.cancel`. False if it has ended.
    ///
    /// `Cancelled` is raised at the await where the task is suspended, and unwinds outward until
    /// a [`catch_cancel`](crate::catch_cancel) stops it; where the task awaits another task, the
    /// request is passed on to that one. A request made before the first step ends the task
    /// without running any of it.
    pub fn cancel(&self) -> bool {
        self.abort_handle().cancel()
    }

    /// Ends the task at its await when the loop gets to it: tokio's `abort`. Destructors run,
    /// and nothing can refuse.
    pub fn abort(&self) {
        self.abort_handle().abort();
    }

    /// Whether the task has ended.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.abort_handle().is_finished()
    }

    /// How many requests to cancel the task has had, less those taken back: asyncio's
    /// `Task.cancelling`.
    #[must_use]
    pub fn cancelling(&self) -> u32 {
        self.abort_handle().cancelling()
    }

    /// Takes a request to cancel back, once it is dealt with: asyncio's `Task.uncancel`. Returns
    /// how many are left; at 0, a request that was not raised yet is dropped.
    pub fn uncancel(&self) -> u32 {
        self.abort_handle().uncancel()
    }

    /// A handle that does not know the type of the output.
    #[must_use]
    pub fn abort_handle(&self) -> AbortHandle {
        AbortHandle { task: self.task, run: self.run }
    }
}

impl<T: 'static> JoinHandle<T> {
    /// Takes the result of a task that has ended; `None` while it has not.
    #[must_use]
    pub fn take_result(&self) -> Option<Result<T, JoinError>> {
        match self.with(|state| take_completion(state, self.task)) {
            None => Some(Err(self.run_ended())),
            Some(None) => None,
            Some(Some((name, completion))) => Some(self.resolve(name, completion)),
        }
    }

    /// Looks at the result of a task that has ended; `None` while it has not.
    #[must_use]
    pub fn try_result(&self) -> Option<Result<T, JoinError>>
    where
        T: Clone,
    {
        let (name, completion) = match self.with(|state| take_completion(state, self.task)) {
            None => return Some(Err(self.run_ended())),
            Some(None) => return None,
            Some(Some(taken)) => taken,
        };
        // `clone` is the user's code: it runs while the kernel is free.
        let (kept, result) = match completion {
            Completion::Value(value) => match value.downcast::<T>() {
                Ok(value) => {
                    let copy = T::clone(&value);
                    (Completion::Value(value), Ok(copy))
                }
                Err(_) => unreachable!("[sim bug] a task's output has another type"),
            },
            Completion::Cancelled => {
                (Completion::Cancelled, Err(self.error(name, Reason::Cancelled)))
            }
            Completion::Panicked { site, payload } => {
                let error = self.error(name, Reason::Panicked(site.clone(), payload.clone()));
                (Completion::Panicked { site, payload }, Err(error))
            }
            Completion::Taken => (Completion::Taken, Err(self.error(name, Reason::Taken))),
        };
        self.with(|state| {
            if let Some(slot) = state.task_mut(self.task) {
                slot.completion = Some(kept);
            }
        });
        Some(result)
    }

    /// Awaits the task as asyncio's `await task` does: its cancellation becomes one's own, and its
    /// panic goes on here.
    ///
    /// # Panics
    ///
    /// With the task's panic, if it panicked.
    ///
    /// # Examples
    ///
    /// ```
    /// # sim::Sim::new().run(|| async {
    /// let inner = sim::spawn(async { 7 });
    /// let outer = sim::spawn(async { inner.propagate().await + 1 });
    /// assert_eq!(outer.await.unwrap(), 8);
    /// # }).unwrap();
    /// ```
    #[track_caller]
    pub fn propagate(self) -> Propagate<T> {
        Propagate { handle: self }
    }

    fn run_ended(&self) -> JoinError {
        self.error(crate::kernel::default_label(self.task.id), Reason::RunEnded)
    }

    fn error(&self, name: String, reason: Reason) -> JoinError {
        JoinError { task: self.task.id, name, reason }
    }

    fn resolve(&self, name: String, completion: Completion) -> Result<T, JoinError> {
        match completion {
            Completion::Value(value) => match value.downcast::<T>() {
                Ok(value) => Ok(*value),
                Err(_) => unreachable!("[sim bug] a task's output has another type"),
            },
            Completion::Cancelled => Err(self.error(name, Reason::Cancelled)),
            Completion::Panicked { site, payload } => {
                Err(self.error(name, Reason::Panicked(site, payload)))
            }
            Completion::Taken => Err(self.error(name, Reason::Taken)),
        }
    }

    /// Waits for the end; `Ready(true)` if a request was passed on through here.
    #[track_caller]
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        let polled_at = Location::caller();
        let polled = context::expect("JoinHandle", |state| {
            if state.run != self.run {
                return Poll::Ready(None);
            }
            self.poll_parked(state, cx, polled_at).map(|()| self.parked.leave(state))
        });
        polled.map(|left| left.is_some_and(|left| left.forwarded))
    }

    /// Waits for the end; once it is `Ready`, the caller leaves the wait.
    #[inline]
    fn poll_parked(&mut self, state: &mut State, cx: &Context<'_>, polled_at: Place) -> Poll<()> {
        let (task, parked) = (self.task, &mut self.parked);
        if state.is_done(task) {
            return Poll::Ready(());
        }
        if !parked.is_parked() {
            let wait = parked.park(state, cx, Op::Join, None, Target::Task(task), polled_at);
            state.watch(task, Watcher::Wait(wait));
            return Poll::Pending;
        }
        match parked.repoll(state, cx) {
            WaitState::Waiting | WaitState::Cancelled => Poll::Pending,
            WaitState::Done => Poll::Ready(()),
        }
    }
}

/// Takes how a task ended out of its slot, leaving what later askers may still see.
fn take_completion(state: &mut State, task: TaskRef) -> Option<(String, Completion)> {
    let Some(slot) = state.task(task) else {
        return Some((crate::kernel::default_label(task.id), Completion::Taken));
    };
    if slot.stage != Stage::Done {
        return None;
    }
    // A label is only wanted where there is an error to show it in.
    let name = match &slot.completion {
        Some(Completion::Value(_)) => String::new(),
        _ => state.label_of(task),
    };
    let slot = state.task_mut(task)?;
    slot.observed = true;
    let kept = match &slot.completion {
        Some(Completion::Value(_) | Completion::Taken) | None => Completion::Taken,
        Some(Completion::Cancelled) => Completion::Cancelled,
        Some(Completion::Panicked { site, payload }) => {
            Completion::Panicked { site: site.clone(), payload: payload.clone() }
        }
    };
    let completion = slot.completion.replace(kept).unwrap_or(Completion::Taken);
    Some((name, completion))
}

fn with_run<R>(run: u64, f: impl FnOnce(&mut State) -> R) -> Option<R> {
    context::with(|state| (state.run == run).then(|| f(state))).flatten()
}

/// How a poll of a handle came out.
enum Joined {
    /// The task has ended: with a value, or else in a way that is looked up.
    Ended(Option<Left>, Option<Box<dyn Any>>),
    RunEnded,
    Pending,
}

impl<T: 'static> Future for JoinHandle<T> {
    type Output = Result<T, JoinError>;

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let polled_at = Location::caller();
        let this = &mut *self;
        let joined = context::expect("JoinHandle", |state| {
            if state.run != this.run {
                return Joined::RunEnded;
            }
            if this.poll_parked(state, cx, polled_at).is_pending() {
                return Joined::Pending;
            }
            let left = this.parked.leave(state);
            Joined::Ended(left, state.take_value(this.task))
        });
        let forwarded = match joined {
            Joined::Pending => return Poll::Pending,
            Joined::Ended(_, Some(value)) => match value.downcast::<T>() {
                Ok(value) => return Poll::Ready(Ok(*value)),
                Err(_) => unreachable!("[sim bug] a task's output has another type"),
            },
            Joined::Ended(left, None) => left.is_some_and(|left| left.forwarded),
            Joined::RunEnded => false,
        };
        let result = match self.take_result() {
            Some(result) => result,
            None => unreachable!("[sim bug] a task that has ended gives no result"),
        };
        if forwarded && result.as_ref().is_err_and(JoinError::is_cancelled) {
            // The request came through here: it goes on outward from here.
            context::with(State::raise);
            return Poll::Pending;
        }
        Poll::Ready(result)
    }
}

/// Awaits a task without taking its value.
#[derive(Debug)]
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Join<T>(JoinHandle<T>);

impl<T: Clone + 'static> Future for Join<T> {
    type Output = Result<T, JoinError>;

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let forwarded = match self.0.poll_end(cx) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(forwarded) => forwarded,
        };
        let result = match self.0.try_result() {
            Some(result) => result,
            None => unreachable!("[sim bug] a task that has ended gives no result"),
        };
        if forwarded && result.as_ref().is_err_and(JoinError::is_cancelled) {
            context::with(State::raise);
            return Poll::Pending;
        }
        Poll::Ready(result)
    }
}

impl<T: Clone + 'static> IntoFuture for &JoinHandle<T> {
    type Output = Result<T, JoinError>;
    type IntoFuture = Join<T>;

    #[track_caller]
    fn into_future(self) -> Join<T> {
        let mut handle = self.clone();
        handle.parked = Parked::made_at(Location::caller());
        Join(handle)
    }
}

impl<T> Clone for JoinHandle<T> {
    fn clone(&self) -> Self {
        self.with(|state| state.add_handle(self.task));
        Self {
            task: self.task,
            run: self.run,
            parked: Parked::made_at(self.parked.place()),
            output: PhantomData,
        }
    }
}

impl<T> Drop for JoinHandle<T> {
    fn drop(&mut self) {
        let (task, parked) = (self.task, &mut self.parked);
        let rest = with_run(self.run, |state| {
            let left = parked.leave(state);
            let completion = state.drop_handle(task);
            // One check for both, since mostly there is neither.
            (left.is_some() || completion.is_some()).then_some((left, completion))
        });
        drop(rest);
    }
}

impl<T> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinHandle").field("task", &self.task.id).finish_non_exhaustive()
    }
}

/// The future of [`JoinHandle::propagate`].
#[derive(Debug)]
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Propagate<T> {
    handle: JoinHandle<T>,
}

impl<T: 'static> Future for Propagate<T> {
    type Output = T;

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        match Pin::new(&mut self.handle).poll(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ok(value)) => Poll::Ready(value),
            Poll::Ready(Err(error)) if error.is_cancelled() => {
                context::with(State::raise);
                Poll::Pending
            }
            Poll::Ready(Err(error)) => match error.try_into_panic() {
                Ok(payload) => std::panic::resume_unwind(payload),
                Err(error) => panic!("{error}"),
            },
        }
    }
}

impl AbortHandle {
    pub(crate) fn new(task: TaskRef, run: u64) -> Self {
        Self { task, run }
    }

    pub(crate) fn task_ref(&self) -> TaskRef {
        self.task
    }

    /// The run the task belongs to.
    pub(crate) fn run(&self) -> u64 {
        self.run
    }

    fn with<R>(&self, f: impl FnOnce(&mut State) -> R) -> Option<R> {
        with_run(self.run, f)
    }

    /// The task's number.
    #[must_use]
    pub fn id(&self) -> TaskId {
        self.task.id
    }

    /// The task's label.
    #[must_use]
    pub fn name(&self) -> String {
        self.with(|state| state.label_of(self.task))
            .unwrap_or_else(|| crate::kernel::default_label(self.task.id))
    }

    /// Asks the task to cancel itself; see [`JoinHandle::cancel`].
    pub fn cancel(&self) -> bool {
        if self.with(|_| ()).is_none() {
            return false;
        }
        let live = cancel::request(self.task, None, Cause::Asked);
        if !live {
            cancel::note_too_late(self.task, false);
        }
        live
    }

    /// Ends the task at its await; see [`JoinHandle::abort`].
    pub fn abort(&self) {
        if self.with(|_| ()).is_some() && !cancel::abort(self.task) {
            cancel::note_too_late(self.task, true);
        }
    }

    /// Whether the task has ended.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.with(|state| state.is_done(self.task)).unwrap_or(true)
    }

    /// See [`JoinHandle::cancelling`].
    #[must_use]
    pub fn cancelling(&self) -> u32 {
        self.with(|state| state.task(self.task).map_or(0, |slot| slot.cancelling)).unwrap_or(0)
    }

    /// See [`JoinHandle::uncancel`].
    pub fn uncancel(&self) -> u32 {
        self.with(|state| state.uncancel(self.task)).unwrap_or(0)
    }
}

impl fmt::Debug for AbortHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AbortHandle").field("task", &self.task.id).finish_non_exhaustive()
    }
}
