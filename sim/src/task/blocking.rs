//! A simulated thread pool, for what would block the loop.

use core::fmt;
use core::future::Future;
use core::panic::Location;
use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use crate::clock::{TimerId, ticks};
use crate::id::TaskId;
use crate::kernel::State;
use crate::kernel::context::{self, Caught};
use crate::kernel::object::Tag;
use crate::kernel::parking::{Reason, lock, wait_on};
use crate::kernel::task::{Callback, Unobserved, UnobservedKind};
use crate::kernel::wait::{Left, Parked, TimerAction, TimerThen, WaitRef, complete};
use crate::trace::Op;

/// How many workers the pool behind [`run_blocking`] has.
const DEFAULT_WORKERS: usize = 4;

/// Runs a blocking job in the run's thread pool, which has 4 workers: asyncio's `to_thread`.
///
/// The job begins when a worker is free, first come, first served, and takes `cost` of virtual
/// time, in which the loop goes on; then `job` is called, and its value given to whoever awaits
/// this. Use [`busy`](crate::busy) for what a program does *without* a pool.
///
/// The job is handed in when this is first polled.
///
/// # Cancel safety
///
/// A job that has begun cannot be stopped: when this is dropped, it runs to its end and its value
/// is dropped. One that has not begun is dropped at once. A job that is under way when the run
/// ends is not waited for.
///
/// # Panics
///
/// With the job's panic, if it panics; where nobody awaits it any more, that fails the run. And
/// when polled outside a simulation.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// # sim::Sim::new().run(|| async {
/// let hash = sim::run_blocking(Duration::from_secs(3), || 0xfeed);
/// let heartbeat = async {
///     sim::sleep(Duration::from_secs(1)).await;
///     sim::now().as_secs()
/// };
/// assert_eq!(futures::join!(hash, heartbeat), (0xfeed, 1)); // the loop goes on
/// assert_eq!(sim::now().as_secs(), 3);
/// # }).unwrap();
/// ```
#[track_caller]
pub fn run_blocking<T, F>(cost: Duration, job: F) -> RunBlocking<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    RunBlocking::new(None, cost, job)
}

/// A simulated thread pool of one's own: asyncio's `run_in_executor`.
///
/// Clones share the workers.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// # sim::Sim::new().run(|| async {
/// let pool = sim::task::BlockingPool::new(2);
/// let job = |seconds| {
///     let pool = pool.clone();
///     async move {
///         pool.run(Duration::from_secs(seconds), || ()).await;
///         sim::now().as_secs()
///     }
/// };
/// assert_eq!(futures::join!(job(3), job(1), job(1)), (3, 1, 2));
/// # }).unwrap();
/// ```
#[derive(Clone)]
pub struct BlockingPool {
    shared: Arc<Pool>,
}

impl BlockingPool {
    /// Makes a pool.
    ///
    /// # Panics
    ///
    /// If `workers` is 0.
    #[must_use]
    #[track_caller]
    pub fn new(workers: usize) -> Self {
        assert!(workers > 0, "a blocking pool needs at least one worker");
        let schedule = Schedule {
            run: 0,
            workers,
            next: 0,
            jobs: VecDeque::new(),
            tag: Tag::new("BlockingPool"),
        };
        Self { shared: Arc::new(Pool { schedule: Mutex::new(schedule) }) }
    }

    /// Names it, for reports.
    #[must_use]
    pub fn named(self, name: impl AsRef<str>) -> Self {
        lock(&self.shared.schedule).tag.set_name(name.as_ref());
        self
    }

    /// Runs a blocking job in this pool; see [`run_blocking`].
    #[track_caller]
    pub fn run<T, F>(&self, cost: Duration, job: F) -> RunBlocking<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        RunBlocking::new(Some(Arc::clone(&self.shared)), cost, job)
    }
}

impl fmt::Debug for BlockingPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let workers = lock(&self.shared.schedule).workers;
        f.debug_struct("BlockingPool").field("workers", &workers).finish_non_exhaustive()
    }
}

struct Pool {
    schedule: Mutex<Schedule>,
}

/// Which job runs when.
///
/// Costs are known beforehand, and so is each job's beginning and end from the moment it is handed
/// in. It must be: threads go on while a task keeps the loop busy, so that a job may begin and end
/// before the loop hears of the one before it.
struct Schedule {
    run: u64,
    workers: usize,
    next: u64,
    /// The jobs whose end the loop has not heard of, in the order of handing in.
    jobs: VecDeque<Entry>,
    tag: Tag,
}

struct Entry {
    id: u64,
    worker: usize,
    cost: u64,
    begin: u64,
    end: u64,
    timer: TimerId,
}

impl Schedule {
    /// The worker that is free first, and when, as far as jobs that come before `position` go.
    fn first_free(&self, position: usize, now: u64) -> (usize, u64) {
        let mut free_at = vec![now; self.workers.min(position + 1)];
        for job in self.jobs.iter().take(position) {
            if let Some(at) = free_at.get_mut(job.worker) {
                *at = (*at).max(job.end);
            }
        }
        // The first of several.
        free_at.into_iter().enumerate().min_by_key(|(_, at)| *at).unwrap_or((0, now))
    }

    fn submit(&mut self, state: &mut State, cost: u64, job: Arc<dyn Callback>) -> u64 {
        if self.run != state.run {
            self.run = state.run;
            self.jobs.clear();
        }
        let (worker, begin) = self.first_free(self.jobs.len(), state.now);
        let end = begin.saturating_add(cost);
        let timer = state.set_timer(end, TimerThen::Callback(job, 0));
        let id = self.next;
        self.next += 1;
        self.jobs.push_back(Entry { id, worker, cost, begin, end, timer });
        id
    }

    fn finish(&mut self, id: u64) {
        self.jobs.retain(|job| job.id != id);
    }

    /// Takes a job out that has not begun, so that those behind it may begin earlier.
    fn withdraw(&mut self, state: &mut State, id: u64) -> Option<TimerAction> {
        let position = self
            .jobs
            .iter()
            .position(|job| job.id == id && self.run == state.run && job.begin > state.now)?;
        let withdrawn = self.jobs.remove(position)?;
        let action = state.drop_timer(withdrawn.timer);
        for behind in position..self.jobs.len() {
            let (worker, begin) = self.first_free(behind, state.now);
            let job = &mut self.jobs[behind];
            if job.begin <= state.now || (job.worker, job.begin) == (worker, begin) {
                continue;
            }
            (job.worker, job.begin) = (worker, begin);
            job.end = begin.saturating_add(job.cost);
            if let Some(action) = state.drop_timer(job.timer) {
                job.timer = state.set_timer(job.end, action.then);
            }
        }
        action
    }
}

/// The pool of the current run.
fn default_pool() -> Arc<Pool> {
    let found = context::expect("run_blocking", |state| state.blocking.clone());
    if let Some(pool) = found.and_then(|pool| pool.downcast::<Pool>().ok()) {
        return pool;
    }
    let pool = BlockingPool::new(DEFAULT_WORKERS).shared;
    let kept: Arc<dyn core::any::Any + Send + Sync> = pool.clone();
    context::with(|state| state.blocking = Some(kept));
    pool
}

type Job<T> = Box<dyn FnOnce() -> T + Send>;

/// A job, shared by its timer and by whoever awaits it.
struct Shared<T> {
    pool: Arc<Pool>,
    inner: Mutex<Inner<T>>,
}

struct Inner<T> {
    id: u64,
    submitter: TaskId,
    // Absent once it is called or dropped.
    job: Option<Job<T>>,
    result: Option<Result<T, Caught>>,
    waiter: Option<WaitRef>,
    /// Nobody awaits the value.
    abandoned: bool,
}

impl<T: Send> Callback for Shared<T> {
    fn call(&self, _tag: usize) {
        let (id, job) = {
            let mut inner = lock(&self.inner);
            (inner.id, inner.job.take())
        };
        let Some(job) = job else { return };
        let result = context::enter(|context| context.guard(job));
        lock(&self.pool.schedule).finish(id);
        let (unwanted, submitter, waiter) = {
            let mut inner = lock(&self.inner);
            let unwanted = if inner.abandoned {
                Some(result)
            } else {
                inner.result = Some(result);
                None
            };
            (unwanted, inner.submitter, inner.waiter)
        };
        if let Some(waiter) = waiter {
            complete(waiter);
        }
        match unwanted {
            None => {}
            Some(Ok(value)) => context::enter(|context| {
                if let Err(caught) = context.guard(move || drop(value)) {
                    report(submitter, caught);
                }
            }),
            Some(Err(caught)) => report(submitter, caught),
        }
    }
}

/// Makes the run fail: a panic that nobody would see is a bug all the same.
fn report(submitter: TaskId, caught: Caught) {
    let (payload, site) = caught.into_parts();
    context::with(|state| {
        let name = format!("blocking job of {}", state.task_label(submitter));
        state.unobserved.push(Unobserved {
            task: submitter,
            name,
            kind: UnobservedKind::Panic(site),
        });
    });
    let _ = context::enter(|context| context.guard(move || drop(payload)));
}

/// The future of [`run_blocking`] and [`BlockingPool::run`].
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct RunBlocking<T: Send + 'static> {
    stage: Stage<T>,
    parked: Parked,
}

enum Stage<T> {
    New { pool: Option<Arc<Pool>>, cost: u64, job: Job<T> },
    Submitted(Arc<Shared<T>>),
    Over,
}

impl<T: Send + 'static> RunBlocking<T> {
    #[track_caller]
    fn new<F>(pool: Option<Arc<Pool>>, cost: Duration, job: F) -> Self
    where
        F: FnOnce() -> T + Send + 'static,
    {
        let stage = Stage::New { pool, cost: ticks(cost), job: Box::new(job) };
        Self { stage, parked: Parked::new() }
    }
}

impl<T: Send + 'static> Unpin for RunBlocking<T> {}

fn submit<T: Send + 'static>(pool: Arc<Pool>, cost: u64, job: Job<T>) -> Arc<Shared<T>> {
    let submitter = context::expect("run_blocking", |state| state.current_task());
    let shared = Arc::new(Shared {
        pool,
        inner: Mutex::new(Inner {
            id: 0,
            submitter,
            job: Some(job),
            result: None,
            waiter: None,
            abandoned: false,
        }),
    });
    let callback: Arc<dyn Callback> = shared.clone();
    let id = {
        let mut schedule = lock(&shared.pool.schedule);
        context::expect("run_blocking", |state| schedule.submit(state, cost, callback))
    };
    lock(&shared.inner).id = id;
    shared
}

impl<T: Send + 'static> Future for RunBlocking<T> {
    type Output = T;

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let reason = Reason { what: "run_blocking", op: Op::Blocking, place: Location::caller() };
        let this = &mut *self;
        let shared = match core::mem::replace(&mut this.stage, Stage::Over) {
            Stage::New { pool, cost, job } => submit(pool.unwrap_or_else(default_pool), cost, job),
            Stage::Submitted(shared) => shared,
            Stage::Over => panic!("`run_blocking` was polled after it ended"),
        };
        let result = lock(&shared.inner).result.take();
        let Some(result) = result else {
            let left = wait(&shared, &mut this.parked, cx, reason);
            drop(left);
            this.stage = Stage::Submitted(shared);
            return Poll::Pending;
        };
        drop(this.parked.leave_on_drop());
        match result {
            Ok(value) => Poll::Ready(value),
            Err(caught) => context::rethrow(caught),
        }
    }
}

#[track_caller]
fn wait<T>(
    shared: &Shared<T>,
    parked: &mut Parked,
    cx: &Context<'_>,
    reason: Reason<'_>,
) -> Option<Left> {
    let mut inner = lock(&shared.inner);
    let schedule = lock(&shared.pool.schedule);
    let parking = context::expect(reason.what, |state| {
        let object = schedule.tag.id(state);
        wait_on(parked, state, cx, Some(object), reason)
    });
    inner.waiter = Some(parking.wait);
    parking.left
}

impl<T: Send + 'static> Drop for RunBlocking<T> {
    fn drop(&mut self) {
        let Stage::Submitted(shared) = core::mem::replace(&mut self.stage, Stage::Over) else {
            return;
        };
        let left = self.parked.leave_on_drop();
        let (id, result) = {
            let mut inner = lock(&shared.inner);
            inner.abandoned = true;
            inner.waiter = None;
            (inner.id, inner.result.take())
        };
        let withdrawn = {
            let mut schedule = lock(&shared.pool.schedule);
            context::with(|state| schedule.withdraw(state, id)).flatten()
        };
        let job = withdrawn.as_ref().and_then(|_| lock(&shared.inner).job.take());
        drop((left, withdrawn));
        drop(job);
        if let Some(Err(caught)) = result {
            let submitter = lock(&shared.inner).submitter;
            report(submitter, caught);
        }
    }
}

impl<T: Send + 'static> fmt::Debug for RunBlocking<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunBlocking").finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "blocking_tests.rs"]
mod tests;
