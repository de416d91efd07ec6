//! Ends a process whose program never comes back from a poll.
//!
//! Budgets of steps and of virtual time are checked between polls: a loop without an await, a
//! blocking call or a lock of `std` inside a poll is out of their reach. One thread a process
//! looks at the real clock for all of them. It reads no environment: whoever arms it decides.

#![expect(clippy::disallowed_methods, reason = "a watchdog looks at the real clock")]

use core::fmt;
use core::future::Future;
use core::time::Duration;
use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, Once, PoisonError, mpsc};
use std::time::Instant;

use crate::decision::{Candidate, Choose, DecisionPoint, Kind, Names, Needs};
use crate::id::TaskId;
use crate::policy::Policy;
use crate::run::{Progress, Sim};
use crate::trace::Event;

/// The status with which a process ends whose program hangs: `timeout(1)`'s.
pub const EXIT_STATUS: i32 = 124;

/// Says how long one poll may take in real time, and watches over runs.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use sim::{Policy, Sim};
/// use sim::explore::{Watchdog, watchdog};
///
/// async fn program() {
///     sim::sleep(Duration::from_secs(1)).await;
/// }
///
/// let mut watch = Watchdog::new(Duration::from_secs(10)).watch(|seed, step| {
///     watchdog::describe(Policy::Random, seed, step, program)
/// });
/// for seed in 0..100 {
///     let heartbeat = watch.begin(seed);
///     Sim::new().seed(seed).policy(Policy::Random).heartbeat(heartbeat).run(program)?;
///     watch.end();
/// }
/// # Ok::<(), sim::Failure>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Watchdog {
    limit: Duration,
}

impl Watchdog {
    /// The limit where none is set.
    pub const DEFAULT_LIMIT: Duration = Duration::from_secs(10);

    /// Ends the process when one poll takes longer than `limit`.
    #[must_use]
    pub fn new(limit: Duration) -> Self {
        Self { limit }
    }

    /// How long one poll may take.
    #[must_use]
    pub fn limit(self) -> Duration {
        self.limit
    }

    /// Watches over the runs of one program, one at a time: each thread that runs has its own.
    ///
    /// `describe` is called with the seed and the step that hangs, on a thread of its own, to say
    /// what that step is; [`describe`] does it by running up to it once more.
    pub fn watch(self, describe: impl Fn(u64, u64) -> String + Send + Sync + 'static) -> Watch {
        let watched = Arc::new(Watched {
            limit: self.limit,
            run: AtomicU64::new(0),
            seed: AtomicU64::new(0),
            step: Arc::new(AtomicU64::new(0)),
            describe: Box::new(describe),
        });
        static START: Once = Once::new();
        START.call_once(|| {
            // A process that cannot start a thread is one without a watchdog.
            let _ = std::thread::Builder::new().name("sim-watchdog".to_owned()).spawn(patrol);
        });
        KENNEL.lock().push(Seen { watched: watched.clone(), last: (0, 0), since: Instant::now() });
        KENNEL.changed.notify_one();
        Watch { watched, runs: 0 }
    }
}

impl Default for Watchdog {
    fn default() -> Self {
        Self::new(Self::DEFAULT_LIMIT)
    }
}

/// Watches over runs until it is dropped.
#[must_use = "dropping this ends the watch"]
pub struct Watch {
    watched: Arc<Watched>,
    runs: u64,
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("runs", &self.runs).finish_non_exhaustive()
    }
}

impl Watch {
    /// Begins to watch a run; its [`Sim`] takes what this gives as its
    /// [`heartbeat`](Sim::heartbeat).
    pub fn begin(&mut self, seed: u64) -> Arc<AtomicU64> {
        self.runs += 1;
        self.watched.seed.store(seed, Ordering::Relaxed);
        self.watched.step.store(0, Ordering::Relaxed);
        self.watched.run.store(self.runs, Ordering::Release);
        self.watched.step.clone()
    }

    /// Ends the watch over a run: the time until the next one begins does not count.
    pub fn end(&mut self) {
        self.watched.run.store(0, Ordering::Release);
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        KENNEL.lock().retain(|seen| !Arc::ptr_eq(&seen.watched, &self.watched));
    }
}

struct Watched {
    limit: Duration,
    // The number of the run, from 1; 0 between runs.
    run: AtomicU64,
    seed: AtomicU64,
    step: Arc<AtomicU64>,
    describe: Box<dyn Fn(u64, u64) -> String + Send + Sync>,
}

/// One watch, and where its run was when it was last seen to move.
struct Seen {
    watched: Arc<Watched>,
    last: (u64, u64),
    since: Instant,
}

struct Kennel {
    watches: Mutex<Vec<Seen>>,
    changed: Condvar,
}

impl Kennel {
    fn lock(&self) -> MutexGuard<'_, Vec<Seen>> {
        self.watches.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

static KENNEL: Kennel = Kennel { watches: Mutex::new(Vec::new()), changed: Condvar::new() };

/// The watchdog's thread: looks at every watch several times within its limit.
fn patrol() {
    let mut watches = KENNEL.lock();
    loop {
        let Some(pause) = watches.iter().map(|seen| seen.watched.limit / 8).min() else {
            watches = KENNEL.changed.wait(watches).unwrap_or_else(PoisonError::into_inner);
            continue;
        };
        let pause = pause.clamp(Duration::from_millis(5), Duration::from_secs(1));
        watches =
            KENNEL.changed.wait_timeout(watches, pause).unwrap_or_else(PoisonError::into_inner).0;
        let now = Instant::now();
        for seen in watches.iter_mut() {
            let run = seen.watched.run.load(Ordering::Acquire);
            let place = (run, seen.watched.step.load(Ordering::Relaxed));
            if run == 0 || place != seen.last {
                (seen.last, seen.since) = (place, now);
            } else if now.duration_since(seen.since) >= seen.watched.limit {
                bite(&seen.watched, place.1);
            }
        }
    }
}

/// Says what hangs, and ends the process.
fn bite(watched: &Arc<Watched>, step: u64) -> ! {
    let seed = watched.seed.load(Ordering::Relaxed);
    // On a thread of its own, and not for ever: what is described runs the program once more.
    let (sender, receiver) = mpsc::channel();
    let what = watched.clone();
    let described = std::thread::Builder::new()
        .spawn(move || sender.send((what.describe)(seed, step)))
        .ok()
        .and_then(|_| receiver.recv_timeout(watched.limit.max(Duration::from_secs(2))).ok());
    let mut text = format!(
        "sim: HUNG   seed {seed}: step {step} has not come back for {:?} of real time\n",
        watched.limit
    );
    for line in described.iter().flat_map(|text| text.lines()) {
        text.push_str("  ");
        text.push_str(line);
        text.push('\n');
    }
    text.push_str(
        "  look for a loop without an await, a blocking call or a lock of std inside that poll\n",
    );
    let _ = std::io::stderr().write_all(text.as_bytes());
    std::process::exit(EXIT_STATUS)
}

/// Names the task that takes a step, and the await at which that step resumes it, by running the
/// program up to there once more.
///
/// Empty where the program does not come that far again.
pub fn describe<F, Fut>(policy: Policy, seed: u64, step: u64, program: F) -> String
where
    F: FnOnce() -> Fut + Send + 'static,
    Fut: Future + 'static,
    Fut::Output: 'static,
{
    describe_by(move || policy.chooser(seed), seed, step, program)
}

/// The same, of a run whose choices somebody else makes.
pub(crate) fn describe_by<F, Fut>(
    chooser: impl FnOnce() -> Box<dyn Choose> + Send + 'static,
    seed: u64,
    step: u64,
    program: F,
) -> String
where
    F: FnOnce() -> Fut + Send + 'static,
    Fut: Future + 'static,
    Fut::Output: 'static,
{
    let (sender, receiver) = mpsc::channel();
    // The step is taken on a thread that is given up: it does not come back.
    let again = move || {
        let spy = Spy { inner: chooser(), step, tell: sender.clone() };
        let mut run = Sim::new().seed(seed).chooser(spy).max_steps(u64::MAX).start(program);
        while run.steps() + 1 < step {
            if run.step() == Progress::Ended {
                return;
            }
        }
        let ready = run.ready();
        let awaits = ready
            .iter()
            .map(|task| {
                let last = run.trace().and_then(|trace| {
                    trace.records().filter(|record| record.task == task.id).fold(
                        None,
                        |last, record| match record.event {
                            Event::Block { op, place, .. } => Some((op, place)),
                            _ => last,
                        },
                    )
                });
                let spawned = task.spawned_at;
                match last {
                    Some((op, Some(place))) => {
                        format!("task `{}`, resumed at {place} ({})", task.name, op.name())
                    }
                    Some((op, None)) => {
                        format!(
                            "task `{}`, resumed in {} (spawned at {spawned})",
                            task.name,
                            op.name()
                        )
                    }
                    None => format!("the first step of task `{}`, spawned at {spawned}", task.name),
                }
            })
            .collect();
        let _ = sender.send(Told::Ready(awaits));
        run.step();
    };
    if std::thread::Builder::new().spawn(again).is_err() {
        return String::new();
    }
    let mut ready = Vec::new();
    let mut picked = 0;
    // Once the candidates are known, a pick (there is one only if there are several) comes at
    // once, or not at all.
    let mut patience = Duration::from_secs(60);
    while let Ok(told) = receiver.recv_timeout(patience) {
        patience = Duration::from_millis(100);
        match told {
            Told::Ready(tasks) => ready = tasks,
            Told::Picked(index) => picked = index,
        }
    }
    ready.into_iter().nth(picked).unwrap_or_default()
}

enum Told {
    Ready(Vec<String>),
    Picked(usize),
}

/// Chooses as another does, and tells of the choice that leads into one step.
#[derive(Debug)]
struct Spy {
    inner: Box<dyn Choose>,
    step: u64,
    tell: mpsc::Sender<Told>,
}

impl Choose for Spy {
    fn choose(&mut self, point: &DecisionPoint<'_>) -> u32 {
        let picked = self.inner.choose(point);
        let into_step = point.step + 1 == self.step;
        // At a schedule point candidate 0 is the running task, which does not stand in the queue.
        let before = u32::from(point.kind == Kind::Point);
        if point.kind.picks_a_task() && into_step && (before == 0 || picked > 0) {
            let index = if picked < point.candidates { picked.saturating_sub(before) } else { 0 };
            let _ = self.tell.send(Told::Picked(index as usize));
        }
        picked
    }

    fn needs(&self) -> Needs {
        // Where the inner one is first-in-first-out, its picks are told all the same.
        self.inner.needs().max(Needs::Count)
    }

    fn ran(&mut self, ran: &Candidate, names: &dyn Names) {
        self.inner.ran(ran, names);
    }

    fn spawned(&mut self, parent: u64, child: TaskId, signature: u64) {
        self.inner.spawned(parent, child, signature);
    }

    fn observe(&mut self, task: TaskId, event: &Event, names: &dyn Names) {
        self.inner.observe(task, event, names);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn two_tasks() {
        let quiet = crate::spawn(crate::sleep(Duration::from_secs(1))).named("quiet");
        let loud = crate::spawn(async {
            crate::sleep(Duration::from_secs(2)).await;
            crate::note!("here");
        })
        .named("loud");
        let _ = (quiet.await, loud.await);
    }

    #[test]
    fn a_step_is_named_by_its_task_and_its_await() {
        let told = |step| describe(Policy::Fifo, 0, step, two_tasks);
        assert!(told(2).starts_with("the first step of task `quiet`, spawned at "), "{}", told(2));
        let loud = told(6);
        assert!(
            loud.starts_with("task `loud`, resumed at ") && loud.ends_with("(sleep)"),
            "{loud}"
        );
        assert_eq!(told(1_000), "", "the run has no such step");
    }

    #[test]
    fn a_step_is_named_whoever_chooses_it() {
        for policy in Policy::ALL {
            for seed in 0..5 {
                let chosen = |step: u64| {
                    let mut run = Sim::new().seed(seed).policy(policy).start(two_points);
                    for _ in 1..step {
                        run.step();
                    }
                    match run.step() {
                        Progress::Stepped(task) => task.index(),
                        Progress::Ended => usize::MAX,
                    }
                };
                for step in 2..6 {
                    let told = describe(policy, seed, step, two_points);
                    let name = ["main", "one", "two"].get(chosen(step)).copied().unwrap_or("");
                    assert!(told.contains(name), "{policy}, seed {seed}, step {step}: {told}");
                }
            }
        }
    }

    async fn two_points() {
        let points = || async {
            crate::schedule_point().await;
            crate::yield_now().await;
            crate::schedule_point().await;
        };
        let (one, two) = (crate::spawn(points()).named("one"), crate::spawn(points()).named("two"));
        let _ = (one.await, two.await);
    }

    #[test]
    fn where_a_foreign_future_is_awaited_is_not_made_up() {
        let program = || async {
            let (sender, receiver) = futures::channel::oneshot::channel::<()>();
            let waiter = crate::spawn(receiver).named("waiter");
            crate::yield_now().await;
            let _ = sender.send(());
            let _ = waiter.await;
        };
        let waiter = describe(Policy::Fifo, 0, 4, program);
        assert!(
            waiter.starts_with("task `waiter`, resumed in an unknown future (spawned at "),
            "{waiter}"
        );
    }

    #[test]
    fn runs_that_move_are_left_alone() {
        let mut watch = Watchdog::new(Duration::from_millis(80)).watch(|_, _| String::new());
        let begun = Instant::now();
        let mut seed = 0;
        while begun.elapsed() < Duration::from_millis(400) {
            let heartbeat = watch.begin(seed);
            Sim::new().seed(seed).heartbeat(heartbeat).run(two_tasks).unwrap();
            seed += 1;
        }
        watch.end();
        std::thread::sleep(Duration::from_millis(200));
    }
}
