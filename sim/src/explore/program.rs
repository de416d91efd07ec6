//! A program that can be run again and again, and how each of its runs is set up.

use core::fmt;
use core::future::Future;
use core::time::Duration;
use std::sync::{Arc, Mutex, PoisonError};

use super::bounded::{AtDecisions, Pick};
use super::marks::Board;
use super::watchdog::{self, Watch, Watchdog};
use super::watched::{self, Picks};
use crate::decision::{Choose, DecisionLog};
use crate::kernel::marks::Marks;
use crate::run::{Failure, FailureKind, Sim};

/// What is left of a run.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) failure: Option<Failure>,
    pub(crate) digest: u64,
    pub(crate) steps: u64,
    decisions: Option<DecisionLog>,
}

type Starter = dyn Fn(Sim) -> Ended + Send + Sync;

type Settings = dyn Fn(Sim) -> Sim + Send + Sync;

type Describe = dyn Fn(u64, u64, Vec<Pick>) -> String + Send + Sync;

/// A program, behind one call.
#[derive(Clone)]
pub(crate) struct Program {
    start: Arc<Starter>,
    settings: Arc<Settings>,
    describe: Arc<Describe>,
    board: Arc<Board>,
    checked: bool,
    kennel: Option<Arc<Kennel>>,
}

/// The watches of the threads that run the program, while they are not in use.
struct Kennel {
    watchdog: Watchdog,
    what: String,
    watches: Mutex<Vec<(Watch, Arc<Picks>)>>,
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Program").finish_non_exhaustive()
    }
}

impl Program {
    pub(crate) fn new<F, Fut>(program: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future + 'static,
        Fut::Output: 'static,
    {
        let program = Arc::new(program);
        let again = Arc::clone(&program);
        let start = move |sim: Sim| match sim.run(&*program) {
            Ok(outcome) => Ended {
                digest: outcome.digest,
                steps: outcome.steps,
                decisions: Some(outcome.decisions),
                failure: None,
            },
            Err(failure) => Ended {
                digest: failure.digest(),
                steps: failure.step(),
                decisions: None,
                failure: Some(failure),
            },
        };
        let describe = move |seed, step, picks| {
            let program = Arc::clone(&again);
            let chooser = || Box::new(AtDecisions::new(picks)) as Box<dyn Choose>;
            watchdog::describe_by(chooser, seed, step, move || program())
        };
        Self {
            start: Arc::new(start),
            settings: Arc::new(|sim| sim),
            describe: Arc::new(describe),
            board: Arc::default(),
            checked: false,
            kennel: None,
        }
    }

    pub(crate) fn set(&mut self, settings: impl Fn(Sim) -> Sim + Send + Sync + 'static) {
        let before = Arc::clone(&self.settings);
        self.settings = Arc::new(move |sim| settings(before(sim)));
    }

    /// Makes each run twice, and fails where the second is not the first.
    pub(crate) fn check_determinism(&mut self) {
        self.checked = true;
    }

    /// Ends the process where a poll takes longer than `limit`.
    pub(crate) fn watch(&mut self, limit: Duration, what: &str) {
        self.kennel = Some(Arc::new(Kennel {
            watchdog: Watchdog::new(limit),
            what: what.to_owned(),
            watches: Mutex::default(),
        }));
    }

    /// What the runs so far have said.
    pub(crate) fn board(&self) -> &Board {
        &self.board
    }

    /// Makes one run.
    pub(crate) fn run(&self, seed: u64, trace: bool, chooser: impl Choose + 'static) -> Ended {
        let marks = Arc::new(Marks::default());
        let sim = self.sim(seed, trace).marks(Arc::clone(&marks));
        let mut ended = match &self.kennel {
            None => (self.start)(sim.chooser(chooser)),
            Some(kennel) => {
                let (mut watch, picks) = self.watching(kennel);
                let heartbeat = watch.begin(seed);
                let chooser = watched::recording(chooser, Arc::clone(&picks));
                let ended = (self.start)(sim.heartbeat(heartbeat).chooser(chooser));
                watch.end();
                kennel.lock().push((watch, picks));
                ended
            }
        };
        if self.checked {
            self.check(seed, trace, &mut ended);
        }
        let said = core::mem::take(&mut *marks.lock());
        if said.discarded {
            ended.failure = None;
        }
        self.board.add(&said);
        ended
    }

    fn sim(&self, seed: u64, trace: bool) -> Sim {
        let sim = (self.settings)(Sim::new().trace(false));
        let sim = if trace { sim.trace(true) } else { sim };
        sim.seed(seed)
    }

    fn watching(&self, kennel: &Arc<Kennel>) -> (Watch, Arc<Picks>) {
        if let Some((watch, picks)) = kennel.lock().pop() {
            picks.clear();
            return (watch, picks);
        }
        let picks: Arc<Picks> = Arc::default();
        let (made, describe, what) =
            (Arc::clone(&picks), Arc::clone(&self.describe), kennel.what.clone());
        let watch = kennel.watchdog.watch(move |seed, step| {
            let of = if what.is_empty() { String::new() } else { format!("{what}: ") };
            format!("{of}{}", describe(seed, step, made.taken()))
        });
        (watch, picks)
    }

    /// Makes a run again from its record; what differs is a failure.
    fn check(&self, seed: u64, trace: bool, ended: &mut Ended) {
        let decisions = match (&mut ended.decisions, &ended.failure) {
            (Some(decisions), _) => core::mem::take(decisions),
            (None, Some(failure)) => failure.decisions().clone(),
            (None, None) => return,
        };
        let marks = Arc::new(Marks::default());
        let again = (self.start)(self.sim(seed, trace).marks(marks).replay(decisions));
        if again.digest == ended.digest {
            return;
        }
        let Some(mut failure) = again.failure else { return };
        if let Some(divergence) = failure.divergence().cloned() {
            failure.0.kind = FailureKind::Diverged(divergence);
        }
        ended.failure = Some(failure);
    }
}

impl Kennel {
    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<(Watch, Arc<Picks>)>> {
        self.watches.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
