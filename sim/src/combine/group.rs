//! Tasks that end with the block that started them.

use core::fmt::{self, Debug};
use core::future::Future;
use core::panic::Location;
use core::pin::Pin;
use core::task::{Context, Poll};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pin_project_lite::pin_project;

use super::watched::{Ended, is_err};
use super::{GroupClosed, GroupError, TaskError};
use crate::id::TaskId;
use crate::kernel::State;
use crate::kernel::cancel;
use crate::kernel::context::{self, drop_quietly};
use crate::kernel::scope::{ScopeHandle, ScopeKey, Scoped};
use crate::kernel::task::{Callback, TaskRef, Watcher};
use crate::kernel::wait::{self, Parked, Target, WaitRef, WaitState};
use crate::task::{JoinHandle, try_spawn_at};
use crate::trace::{Cause, Op};

/// Starts tasks inside a [`scope`](TaskGroup::scope), which ends when they all have: asyncio's
/// `TaskGroup`.
///
/// Clones name the same group, so that a child can start more children.
pub struct TaskGroup<E> {
    shared: Arc<Shared<E>>,
}

impl<E> Clone for TaskGroup<E> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<E> Debug for TaskGroup<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = self.shared.lock();
        f.debug_struct("TaskGroup")
            .field("tasks", &inner.members.len())
            .field("errors", &inner.failed.len())
            .field("aborting", &inner.aborting)
            .finish_non_exhaustive()
    }
}

struct Shared<E> {
    inner: Mutex<Inner<E>>,
}

struct Inner<E> {
    /// The task whose block this is, and the scope around it.
    parent: Option<(TaskRef, ScopeKey)>,
    /// The body has ended.
    exiting: bool,
    /// The children were asked to cancel themselves.
    aborting: bool,
    /// The parent was asked to, because a child had failed.
    parent_cancel_requested: bool,
    /// The block is gone, having waited or not.
    closed: bool,
    next: usize,
    /// The children that have not ended, in the order of starting.
    members: BTreeMap<usize, Box<dyn Member<E>>>,
    /// Those that have failed, in the order of failing.
    failed: Vec<Box<dyn Member<E>>>,
    /// asyncio's `_on_completed_fut`.
    completed: Option<WaitRef>,
}

/// A child, whatever its value.
trait Member<E>: Send + Sync {
    fn task(&self) -> TaskRef;
    fn ended(&self, state: &State) -> Ended;
    fn error(&self) -> Option<TaskError<E>>;
}

impl<T: 'static, E: 'static> Member<E> for JoinHandle<Result<T, E>> {
    fn task(&self) -> TaskRef {
        self.task_ref()
    }

    fn ended(&self, state: &State) -> Ended {
        Ended::of(state, self.task_ref(), is_err::<T, E>)
    }

    fn error(&self) -> Option<TaskError<E>> {
        TaskError::flatten(self.take_result()?).err()
    }
}

impl<E> Shared<E> {
    fn lock(&self) -> MutexGuard<'_, Inner<E>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<E> Inner<E> {
    /// Begins to abort; returns who is to be asked, in the order of starting.
    #[must_use]
    fn abort(&mut self) -> Vec<TaskRef> {
        self.aborting = true;
        self.members.values().map(|member| member.task()).collect()
    }
}

fn cancel_all(tasks: Vec<TaskRef>) {
    for task in tasks {
        cancel::request(task, None, Cause::Group);
    }
}

/// asyncio's `_on_task_done`.
impl<E: 'static> Callback for Shared<E> {
    fn call(&self, tag: usize) {
        let mut inner = self.lock();
        let Some(member) = inner.members.remove(&tag) else { return };
        let completed = if inner.members.is_empty() { inner.completed.take() } else { None };
        drop(inner);
        if let Some(completed) = completed {
            wait::complete(completed);
        }
        let ended = context::with(|state| member.ended(state)).unwrap_or(Ended::Lost);
        if !matches!(ended, Ended::Failed | Ended::Panicked) {
            drop_quietly(member);
            return;
        }
        let mut inner = self.lock();
        let parent = inner.parent.filter(|_| !inner.closed);
        let Some((parent, scope)) = parent else {
            drop(inner);
            // Nobody will hear of the error from here: it counts as one that nobody saw.
            drop_quietly(member);
            return;
        };
        if ended == Ended::Failed {
            // The group has seen it. A panic is a bug, and stays loud until its error is taken.
            context::with(|state| state.observe(member.task()));
        }
        inner.failed.push(member);
        if inner.aborting || inner.parent_cancel_requested {
            return;
        }
        let tasks = inner.abort();
        inner.parent_cancel_requested = true;
        drop(inner);
        cancel_all(tasks);
        cancel::request(parent, Some(scope), Cause::Group);
    }
}

impl<E: Debug + 'static> TaskGroup<E> {
    /// Runs a block that ends when its tasks have ended: `async with TaskGroup()`.
    ///
    /// When a child fails (an `Err` or a panic), the other children and the block are asked to
    /// cancel themselves, and are waited for; so are the children when the block gives an `Err`,
    /// or when a request to cancel arrives from outside. A child that is cancelled alone is
    /// ignored. A child's `Ok` is there for whoever awaits its handle; an `Err` goes to the group,
    /// unless somebody has taken it before.
    ///
    /// A request to cancel goes on outward once the children have ended, unless there are errors:
    /// those come first, and the task's next await gets the request.
    ///
    /// # Cancel safety
    ///
    /// A request is raised in the block, or ends the wait for the children; either way they are
    /// cancelled and waited for. A block that is dropped (by `abort`, `select!` or a panic) aborts
    /// its tasks and waits for nothing.
    ///
    /// # Errors
    ///
    /// [`GroupError`]: the errors of the children in the order in which they failed, then the
    /// block's.
    ///
    /// # Panics
    ///
    /// When polled outside a simulation.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use sim::TaskGroup;
    ///
    /// # sim::Sim::new().run(|| async {
    /// let result = TaskGroup::scope(|group| async move {
    ///     let _sibling = group.spawn(async {
    ///         sim::sleep(Duration::from_secs(60)).await; // cancelled after one second
    ///         Ok(())
    ///     });
    ///     let _failing = group.spawn(async {
    ///         sim::sleep(Duration::from_secs(1)).await;
    ///         Err::<(), _>("disk full")
    ///     });
    ///     Ok(())
    /// });
    /// let error = result.await.unwrap_err();
    /// assert_eq!(error.failed().collect::<Vec<_>>(), [&"disk full"]);
    /// assert_eq!(sim::now(), Duration::from_secs(1));
    /// # }).unwrap();
    /// ```
    #[track_caller]
    pub fn scope<F, Fut, V>(body: F) -> GroupScope<F, Fut, V, E>
    where
        F: FnOnce(TaskGroup<E>) -> Fut,
        Fut: Future<Output = Result<V, E>>,
    {
        let inner = Inner {
            parent: None,
            exiting: false,
            aborting: false,
            parent_cancel_requested: false,
            closed: false,
            next: 0,
            members: BTreeMap::new(),
            failed: Vec::new(),
            completed: None,
        };
        let shared = Arc::new(Shared { inner: Mutex::new(inner) });
        GroupScope {
            body: Some(body),
            future: None,
            exit: Exit { shared: Arc::clone(&shared), parked: Parked::made_at(Location::caller()) },
            scope: ScopeHandle::new(),
            closing: Closing(shared),
            stage: Stage::New,
            outcome: None,
            propagates: false,
        }
    }

    /// Starts a task in the group: `TaskGroup.create_task`.
    ///
    /// In a group that is shutting down, or has ended, the future is dropped, and the handle is
    /// that of a task that was cancelled before it began; [`try_spawn`](Self::try_spawn) says so.
    /// A dropped handle changes nothing: the group waits for the task.
    #[track_caller]
    pub fn spawn<F, T>(&self, future: F) -> JoinHandle<Result<T, E>>
    where
        F: Future<Output = Result<T, E>> + 'static,
        T: 'static,
    {
        match self.try_spawn(future) {
            Ok(handle) => handle,
            Err(_closed) => {
                let never = core::future::pending::<Result<T, E>>();
                let handle =
                    JoinHandle::new(try_spawn_at("TaskGroup::spawn", never, Location::caller()));
                handle.abort();
                handle
            }
        }
    }

    /// Starts a task in the group, if it still takes any.
    ///
    /// # Errors
    ///
    /// [`GroupClosed`] in a group that is shutting down or has ended, where Python raises
    /// `RuntimeError`; the future is dropped.
    ///
    /// # Examples
    ///
    /// ```
    /// use sim::{GroupClosed, TaskGroup};
    ///
    /// # sim::Sim::new().run(|| async {
    /// let group = TaskGroup::<&str>::scope(|group| async move { Ok(group) }).await.unwrap();
    /// assert_eq!(group.try_spawn(async { Ok(()) }).unwrap_err(), GroupClosed::Finished);
    /// # }).unwrap();
    /// ```
    #[track_caller]
    pub fn try_spawn<F, T>(&self, future: F) -> Result<JoinHandle<Result<T, E>>, GroupClosed>
    where
        F: Future<Output = Result<T, E>> + 'static,
        T: 'static,
    {
        let inner = self.shared.lock();
        let closed = if inner.closed || (inner.exiting && inner.members.is_empty()) {
            Some(GroupClosed::Finished)
        } else if inner.aborting {
            Some(GroupClosed::ShuttingDown)
        } else {
            None
        };
        drop(inner);
        if let Some(closed) = closed {
            return Err(closed);
        }
        let handle = JoinHandle::new(try_spawn_at("TaskGroup::spawn", future, Location::caller()));
        let member: Box<dyn Member<E>> = Box::new(handle.clone());
        let mut inner = self.shared.lock();
        let tag = inner.next;
        inner.next += 1;
        inner.members.insert(tag, member);
        drop(inner);
        let callback = Arc::clone(&self.shared);
        context::with(|state| state.watch(handle.task_ref(), Watcher::Callback(callback, tag)));
        Ok(handle)
    }
}

impl<E> TaskGroup<E> {
    /// How many tasks of the group have not ended.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shared.lock().members.len()
    }

    /// Whether all tasks of the group have ended.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Waits until no child is left.
struct Exit<E> {
    shared: Arc<Shared<E>>,
    parked: Parked,
}

impl<E> Future for Exit<E> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let ready = context::expect("TaskGroup", |state| {
            if this.parked.is_parked() {
                return match this.parked.repoll(state, cx) {
                    WaitState::Done => Some(this.parked.leave(state)),
                    WaitState::Waiting | WaitState::Cancelled => None,
                };
            }
            let mut inner = this.shared.lock();
            if inner.members.is_empty() {
                return Some(None);
            }
            let place = this.parked.place();
            let wait = this.parked.park(state, cx, Op::Group, None, Target::Here, place);
            inner.completed = Some(wait);
            None
        });
        match ready {
            Some(_left) => Poll::Ready(()),
            None => Poll::Pending,
        }
    }
}

/// Ends the group with its block: what then still runs is aborted.
struct Closing<E>(Arc<Shared<E>>);

impl<E> Drop for Closing<E> {
    fn drop(&mut self) {
        let mut inner = self.0.lock();
        inner.closed = true;
        inner.exiting = true;
        let tasks = inner.abort();
        let failed = core::mem::take(&mut inner.failed);
        drop(inner);
        drop(failed);
        for task in tasks {
            cancel::abort(task);
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    New,
    Body,
    Exit,
    /// A request goes on outward.
    Raising,
    Over,
}

pin_project! {
    /// The future of [`TaskGroup::scope`].
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    pub struct GroupScope<F, Fut, V, E> {
        body: Option<F>,
        // Dropped before the scope: what is suspended inside leaves first.
        #[pin]
        future: Option<Fut>,
        exit: Exit<E>,
        scope: ScopeHandle,
        closing: Closing<E>,
        stage: Stage,
        // What the body gave, unless a request ended it.
        outcome: Option<Result<V, E>>,
        // asyncio's `propagate_cancellation_error`.
        propagates: bool,
    }
}

impl<F, Fut, V, E> Debug for GroupScope<F, Fut, V, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GroupScope").field("stage", &self.stage).finish_non_exhaustive()
    }
}

impl<F, Fut, V, E> Future for GroupScope<F, Fut, V, E>
where
    F: FnOnce(TaskGroup<E>) -> Fut,
    Fut: Future<Output = Result<V, E>>,
    E: 'static,
{
    type Output = Result<V, GroupError<E>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if *this.stage == Stage::New {
            let (scope, shared) = (&mut *this.scope, &this.exit.shared);
            context::expect("TaskGroup", |state| {
                let key = scope.enter(state);
                shared.lock().parent = state.current.zip(key);
            });
            let body = this.body.take().expect("[sim bug] a group without a body");
            *this.stage = Stage::Body;
            this.future.set(Some(body(TaskGroup { shared: Arc::clone(shared) })));
        }
        if *this.stage == Stage::Body {
            let future =
                this.future.as_mut().as_pin_mut().expect("[sim bug] a group without a future");
            match this.scope.poll_keeping(future, cx) {
                Scoped::Pending => return Poll::Pending,
                Scoped::Ready(result) => *this.outcome = Some(result),
                Scoped::Thrown => *this.propagates = true,
            }
            this.future.set(None);
            *this.stage = Stage::Exit;
            let mut inner = this.exit.shared.lock();
            inner.exiting = true;
            let tasks = if !matches!(this.outcome, Some(Ok(_))) && !inner.aborting {
                inner.abort()
            } else {
                Vec::new()
            };
            drop(inner);
            cancel_all(tasks);
        }
        if *this.stage == Stage::Exit {
            // A wait that is over is polled once more: a request may have come after its end.
            while this.exit.parked.is_parked() || !this.exit.shared.lock().members.is_empty() {
                match this.scope.poll_keeping(Pin::new(&mut *this.exit), cx) {
                    Scoped::Pending => return Poll::Pending,
                    Scoped::Ready(()) => {}
                    Scoped::Thrown => {
                        drop(this.exit.parked.leave_on_drop());
                        let mut inner = this.exit.shared.lock();
                        if !inner.aborting {
                            *this.propagates = true;
                            let tasks = inner.abort();
                            drop(inner);
                            cancel_all(tasks);
                        }
                    }
                }
            }
            return finish(
                this.exit,
                this.scope,
                this.stage,
                this.outcome.take(),
                *this.propagates,
            );
        }
        if *this.stage == Stage::Over {
            panic!("`TaskGroup::scope` was polled after it ended");
        }
        context::with(State::raise);
        Poll::Pending
    }
}

/// The rest of asyncio's `__aexit__`, once no child is left.
fn finish<V, E>(
    exit: &mut Exit<E>,
    scope: &mut ScopeHandle,
    stage: &mut Stage,
    outcome: Option<Result<V, E>>,
    mut propagates: bool,
) -> Poll<Result<V, GroupError<E>>> {
    drop(exit.parked.leave_on_drop());
    let (parent, requested, failed) = {
        let mut inner = exit.shared.lock();
        (inner.parent, inner.parent_cancel_requested, core::mem::take(&mut inner.failed))
    };
    let parent = parent.map(|(task, _)| task);
    let taken_back = requested && uncancel(parent) == 0;
    if taken_back {
        propagates = false;
    }
    drop(scope.leave(!taken_back));
    if propagates && failed.is_empty() {
        *stage = Stage::Raising;
        drop(outcome);
        context::with(State::raise);
        return Poll::Pending;
    }
    let mut errors: Vec<(Option<TaskId>, TaskError<E>)> = failed
        .iter()
        .filter_map(|member| Some((Some(member.task().id), member.error()?)))
        .collect();
    *stage = Stage::Over;
    let value = match outcome {
        Some(Ok(value)) => Some(value),
        Some(Err(error)) => {
            errors.push((None, TaskError::Failed(error)));
            None
        }
        None => None,
    };
    if !errors.is_empty() {
        recancel(parent);
        return Poll::Ready(Err(GroupError::new(errors)));
    }
    match value {
        Some(value) => Poll::Ready(Ok(value)),
        None => unreachable!("[sim bug] a group ended with neither value, error nor request"),
    }
}

fn uncancel(parent: Option<TaskRef>) -> u32 {
    context::with(|state| parent.map_or(0, |task| state.uncancel(task))).unwrap_or(0)
}

/// A request that came from outside is not lost to the errors: the next await gets it.
fn recancel(parent: Option<TaskRef>) {
    let Some(parent) = parent else { return };
    let cancelling =
        context::with(|state| state.task(parent).map_or(0, |slot| slot.cancelling)).unwrap_or(0);
    if cancelling > 0 {
        uncancel(Some(parent));
        cancel::request(parent, None, Cause::Group);
    }
}
