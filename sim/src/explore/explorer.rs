//! The settings of a campaign.

use core::future::Future;
use core::time::Duration;
use std::sync::Arc;
use std::time::Instant;

use super::campaign::{self, Tally, Until};
use super::deviations::deviating;
use super::exhaustive;
use super::found::Found;
use super::plan::{Planner, Search};
use super::program::Program;
use super::replay::{Replay, replayed};
use super::report::{Claim, Progress, Report};
use super::shrink;
use super::token::Token;
use crate::decision::Choose;
use crate::policy::Policy;
use crate::run::{Failure, Sim};

/// Begins a campaign: many runs of a program, to find a schedule that breaks it.
///
/// # Examples
///
/// ```
/// use std::{cell::Cell, rc::Rc};
///
/// async fn deposits() {
///     let balance = Rc::new(Cell::new(0));
///     let deposit = |amount| {
///         let balance = Rc::clone(&balance);
///         sim::spawn(async move {
///             let seen = balance.get();
///             if seen > 0 {
///                 sim::yield_now().await; // somebody else may run here
///             }
///             balance.set(seen + amount);
///         })
///     };
///     let (a, b, c) = (deposit(1), deposit(2), deposit(3));
///     let _ = (a.await, b.await, c.await);
///     assert_eq!(balance.get(), 6, "money was lost");
/// }
///
/// let report = sim::explore(deposits).runs(1_000).run();
/// let found = report.failure().expect("a schedule that loses money");
/// println!("{found}");
/// let again = sim::explore::replay(deposits, found.token());
/// assert!(again.failure().is_some());
/// ```
pub fn explore<F, Fut>(program: F) -> Explore
where
    F: Fn() -> Fut + Send + Sync + 'static,
    Fut: Future + 'static,
    Fut::Output: 'static,
{
    Explore::of(Program::new(program))
}

type OnProgress = dyn Fn(&Progress) + Send + Sync;

type StopWhen = dyn Fn() -> bool + Send + Sync;

/// A campaign that has not begun; see [`explore`].
#[must_use = "a campaign does nothing before `run`"]
pub struct Explore {
    program: Program,
    what: String,
    search: Search,
    exhaustive: bool,
    seed: u64,
    runs: u64,
    budget: Option<Duration>,
    threads: usize,
    shard: (u64, u64),
    keep_going: bool,
    replays: u64,
    must_reach: Vec<String>,
    watchdog: Option<Duration>,
    progress: Option<Arc<OnProgress>>,
    stop: Option<Arc<StopWhen>>,
}

impl core::fmt::Debug for Explore {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Explore")
            .field("what", &self.what)
            .field("search", &self.search)
            .field("seed", &self.seed)
            .field("runs", &self.runs)
            .finish_non_exhaustive()
    }
}

impl Explore {
    /// A campaign of a program that is set up.
    pub(crate) fn of(program: Program) -> Self {
        Self {
            program,
            what: String::new(),
            search: Search::Portfolio,
            exhaustive: false,
            seed: 0,
            runs: Explore::DEFAULT_RUNS,
            budget: None,
            threads: 1,
            shard: (0, 1),
            keep_going: false,
            replays: Explore::DEFAULT_REPLAYS,
            must_reach: Vec::new(),
            watchdog: None,
            progress: None,
            stop: None,
        }
    }

    /// Runs made where nothing else is said.
    pub const DEFAULT_RUNS: u64 = 1_000;
    /// Replays spent on shrinking a failure where nothing else is said.
    pub const DEFAULT_REPLAYS: u64 = 500;

    /// Says what is run, for the token and the report.
    pub fn what(mut self, what: impl AsRef<str>) -> Self {
        what.as_ref().clone_into(&mut self.what);
        self
    }

    /// Sets the seed: that of the first run, the next one's being one more.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Sets the seeds: how many runs there are, and the seed of the first.
    pub fn seeds(self, seeds: core::ops::Range<u64>) -> Self {
        let runs = seeds.end.saturating_sub(seeds.start);
        self.seed(seeds.start).runs(runs)
    }

    /// Sets how many runs are made at most.
    pub fn runs(mut self, runs: u64) -> Self {
        self.runs = runs;
        self
    }

    /// Sets for how long runs are made, in real time; the number of runs is then no longer the
    /// same each time, though each run is. The limit on runs stands beside it.
    pub fn budget(mut self, budget: Duration) -> Self {
        self.budget = Some(budget);
        self
    }

    /// Sets how many threads make the runs. The result is the same.
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads.max(1);
        self
    }

    /// Makes only the runs of one part of `of`, counted from 0, for a campaign over several
    /// machines: all parts together make the runs that were asked for. What a part claims, it
    /// claims of itself; [`shards::merge`](super::shards::merge) puts the parts together.
    ///
    /// # Panics
    ///
    /// If `part` is not below `of`.
    pub fn shard(mut self, part: u64, of: u64) -> Self {
        assert!(part < of, "shard {part} of {of}: parts are counted from 0");
        self.shard = (part, of);
        self
    }

    /// Lets one policy make all runs, rather than the default campaign.
    pub fn policy(mut self, policy: Policy) -> Self {
        self.search = Search::Policy(policy);
        self
    }

    /// Runs every schedule with at most so many deviations from first-in-first-out.
    pub fn max_deviations(mut self, most: usize) -> Self {
        self.search = Search::Bounded(most);
        self.exhaustive = false;
        self
    }

    /// Runs every schedule there is, within the limit on runs.
    pub fn exhaustive(mut self) -> Self {
        self.exhaustive = true;
        self
    }

    /// Goes on after the first failure, and counts.
    pub fn keep_going(mut self) -> Self {
        self.keep_going = true;
        self
    }

    /// Sets how many replays are spent on shrinking a failure; 0 leaves it as it was found.
    pub fn shrink_replays(mut self, replays: u64) -> Self {
        self.replays = replays;
        self
    }

    /// Makes each run twice, and fails where the second, made from the first one's record, is
    /// another one: something in the program is not under the simulation's control.
    pub fn check_determinism(mut self) -> Self {
        self.program.check_determinism();
        self
    }

    /// Ends the process, with status 124 and a word on the task and its await, where one poll
    /// takes longer than `limit` in real time.
    pub fn watchdog(mut self, limit: Duration) -> Self {
        self.watchdog = Some(limit);
        self
    }

    /// Names marks ([`sometimes!`](crate::sometimes)) that have to hold in some run, or else a
    /// campaign that passes fails; `*` stands for every mark that was executed.
    ///
    /// Neither a campaign that ran out of time nor a shard is judged by its marks:
    /// [`shards::merge`](super::shards::merge) judges all shards together.
    pub fn must_reach<I>(mut self, names: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        self.must_reach.extend(names.into_iter().map(Into::into));
        self
    }

    /// Sets up each run: limits, leaks, cost per step.
    ///
    /// Seed, chooser and replay are the campaign's own.
    pub fn settings(mut self, settings: impl Fn(Sim) -> Sim + Send + Sync + 'static) -> Self {
        self.program.set(settings);
        self
    }

    /// Ends the campaign, and any shrinking, once `stop` says so; it is asked before each run.
    pub fn stop_when(mut self, stop: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        self.stop = Some(Arc::new(stop));
        self
    }

    /// Is told, every few dozen runs, how far the campaign has come.
    pub fn on_progress(mut self, progress: impl Fn(&Progress) + Send + Sync + 'static) -> Self {
        self.progress = Some(Arc::new(progress));
        self
    }

    /// Makes the run of a token instead, with the same settings.
    #[must_use]
    pub fn replay(&self, token: &Token) -> Replay {
        let mut program = self.program.clone();
        if let Some(limit) = self.watchdog {
            program.watch(limit, &self.what);
        }
        replayed(&program, token)
    }

    /// Looks for a smaller schedule that shows what a token shows; none where its run passes.
    #[must_use]
    pub fn shrink(mut self, token: &Token) -> Option<Found> {
        if let Some(limit) = self.watchdog {
            self.program.watch(limit, &self.what);
        }
        let deviations = token.named();
        let chooser = || Box::new(deviating(&deviations).0) as Box<dyn Choose>;
        let ended = self.program.run(token.seed(), false, deviating(&deviations).0);
        let failure = ended.failure?;
        Some(self.shrunk(&failure, &chooser, &[token.seed()], "from a token".to_owned(), None))
    }

    /// Makes the runs, and shrinks the first failure.
    #[must_use]
    pub fn run(mut self) -> Report {
        if let Some(limit) = self.watchdog {
            self.program.watch(limit, &self.what);
        }
        let deadline = self.budget.map(|budget| now() + budget);
        let told = self.stop.clone();
        let stop = move || {
            deadline.is_some_and(|deadline| now() >= deadline)
                || told.as_ref().is_some_and(|told| told())
        };
        if self.exhaustive {
            return self.run_exhaustive(&stop);
        }
        let mut planner = Planner::new(self.search, self.seed, self.shard);
        // A bounded search is divided by its schedules: there the number of runs is a limit.
        let runs = match self.search {
            Search::Bounded(_) => self.runs,
            _ => self.runs.saturating_sub(self.shard.0).div_ceil(self.shard.1),
        };
        let progress = |tally: &Tally| {
            if let Some(progress) = &self.progress {
                progress(&Progress {
                    runs: tally.runs,
                    of: runs,
                    classes: tally.classes.len() as u64,
                    failures: tally.failures,
                });
            }
        };
        let tally = campaign::run(
            &self.program,
            &mut planner,
            &Until {
                runs,
                threads: self.threads,
                keep_going: self.keep_going,
                stop: &stop,
                progress: &progress,
            },
        );
        let passed = tally.passed(&planner);
        let claim = match (&tally.first, passed) {
            (None, Some(most)) => Some(Claim::Deviations {
                most,
                all: tally.exhausted && matches!(self.search, Search::Bounded(_)),
            }),
            _ => None,
        };
        let found = tally.first.as_ref().map(|(plan, failure)| {
            let how = format!("run {} of {} ({})", plan.index + 1, self.runs, plan.member.name());
            // The bounded search's claim is about its own seed.
            let passed = passed.filter(|_| !self.keep_going);
            self.shrunk(failure, &|| plan.chooser().0, &[self.seed, plan.seed], how, passed)
        });
        self.report(tally, runs, found, claim, None)
    }

    fn run_exhaustive(self, stop: &dyn Fn() -> bool) -> Report {
        let searched = exhaustive::search(&self.program, self.seed, self.runs, self.shard, stop);
        let found = searched.failure.as_ref().map(|(picks, failure)| {
            let how = format!("schedule {} of an exhaustive search", searched.runs);
            let chooser = || Box::new(exhaustive::Path::new(picks.clone()).0) as Box<dyn Choose>;
            self.shrunk(failure, &chooser, &[self.seed], how, None)
        });
        let (failed, asked) = (found.is_some(), self.runs);
        let mut report = self.report(
            Tally {
                runs: searched.runs,
                failures: u64::from(failed),
                out_of_time: !searched.complete && !failed,
                ..Tally::default()
            },
            asked,
            found,
            searched.complete.then_some(Claim::Complete),
            Some(searched.estimate),
        );
        report.failing_run = failed.then(|| searched.runs - 1);
        report
    }

    /// What the runs have come to; `asked` of them were asked for.
    fn report(
        self,
        tally: Tally,
        asked: u64,
        found: Option<Found>,
        claim: Option<Claim>,
        estimate: Option<(f64, f64)>,
    ) -> Report {
        let counted = self.program.board().counted();
        Report {
            failing_run: tally.first.as_ref().map(|(plan, _)| plan.index),
            discarded: counted.discarded,
            stood: counted.stood,
            marks: counted.marks.into_iter().map(|(name, mark)| (name.to_owned(), mark)).collect(),
            must_reach: self.must_reach,
            seed: self.seed,
            what: self.what,
            asked,
            runs: tally.runs,
            steps: tally.steps,
            failures: tally.failures,
            classes: tally.classes,
            samplers: tally.samplers,
            declared: tally.declared,
            undeclared: tally.undeclared,
            claim,
            found,
            estimate,
            out_of_time: tally.out_of_time,
            shard: self.shard,
        }
    }

    /// Shrinks a failure: with the first of the seeds that shows it.
    fn shrunk(
        &self,
        failure: &Failure,
        chooser: &dyn Fn() -> Box<dyn Choose>,
        seeds: &[u64],
        how: String,
        passed: Option<usize>,
    ) -> Found {
        let stop = || self.stop.as_ref().is_some_and(|stop| stop());
        for (nth, seed) in seeds.iter().enumerate() {
            let limits = shrink::Limits {
                replays: self.replays,
                passed: passed.filter(|_| nth == 0),
                stop: &stop,
            };
            if let Some(shrunk) = shrink::shrink(&self.program, *seed, failure, chooser(), limits) {
                return Found::new(&self.program, &self.what, *seed, shrunk, how);
            }
        }
        Found::lost(failure.clone(), &self.what, how)
    }
}

/// Reads the real clock: only to end a campaign in time.
#[expect(clippy::disallowed_methods, reason = "a budget is real time; no run depends on it")]
fn now() -> Instant {
    Instant::now()
}
