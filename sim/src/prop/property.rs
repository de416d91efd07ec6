//! A property of an async program, checked for many inputs and many schedules of each.

use core::cell::Cell;
use core::fmt;
use core::future::Future;
use core::panic::Location;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, TestError, TestRunner, contextualize_config};

use super::inputs::Inputs;
use super::joint::Joint;
use super::shrink::Limits;
use super::tester::Tester;
use super::verdict::Verdict;
use crate::explore::Found;
use crate::run::Sim;

/// A property of an async program: how many inputs are tried, how many schedules of each, and what
/// may be spent on shrinking. [`property!`](crate::property!) makes and checks one.
///
/// # Examples
///
/// ```
/// use std::{cell::Cell, rc::Rc};
/// use proptest::collection::vec;
/// use sim::prop::Property;
///
/// async fn bank(deposits: Vec<u32>) {
///     let balance = Rc::new(Cell::new(0));
///     let tasks = deposits.iter().map(|amount| {
///         let (balance, amount) = (Rc::clone(&balance), *amount);
///         sim::spawn(async move {
///             let seen = balance.get();
///             sim::yield_now().await; // somebody else may run here
///             balance.set(seen + amount);
///         })
///     });
///     for task in tasks.collect::<Vec<_>>() {
///         task.await.unwrap();
///     }
///     assert_eq!(balance.get(), deposits.iter().sum(), "money was lost");
/// }
///
/// let property = Property::new("bank").inputs(&["deposits"]);
/// let error = property.run((vec(1u32..50, 1..8),), |(deposits,)| bank(deposits)).unwrap_err();
/// assert_eq!(error.input().unwrap().0, [1, 1]);
/// println!("{error}"); // the report
/// ```
#[derive(Clone)]
#[must_use = "a property is not checked before `run` or `check`"]
pub struct Property {
    pub(super) what: String,
    pub(super) inputs: &'static [&'static str],
    pub(super) config: Config,
    pub(super) schedules: u64,
    pub(super) shrink_runs: u64,
    pub(super) settings: Arc<dyn Fn(Sim) -> Sim + Send + Sync>,
}

impl fmt::Debug for Property {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Property")
            .field("what", &self.what)
            .field("cases", &self.config.cases)
            .field("schedules", &self.schedules)
            .finish_non_exhaustive()
    }
}

/// What a property that held has shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// Inputs that were tried, regressions among them.
    pub cases: u64,
    /// Runs that were made.
    pub runs: u64,
    /// Inputs that the program rejected.
    pub rejected: u64,
}

/// Why a property does not hold, or could not be checked.
///
/// `Display` and `Debug` give the report a person reads.
#[non_exhaustive]
pub enum PropertyError<V> {
    /// A case failed; it was shrunk.
    Falsified {
        /// The smallest input found.
        input: V,
        /// The failure, and the smallest schedule found.
        found: Box<Found>,
        /// Runs made to shrink both.
        runs: u64,
    },
    /// No verdict: too many inputs were rejected, for instance.
    Aborted {
        /// Why.
        reason: String,
    },
}

impl<V> PropertyError<V> {
    /// The smallest input that fails.
    #[must_use]
    pub fn input(&self) -> Option<&V> {
        match self {
            PropertyError::Falsified { input, .. } => Some(input),
            PropertyError::Aborted { .. } => None,
        }
    }

    /// The failure, and the smallest schedule found.
    #[must_use]
    pub fn found(&self) -> Option<&Found> {
        match self {
            PropertyError::Falsified { found, .. } => Some(found),
            PropertyError::Aborted { .. } => None,
        }
    }
}

impl<V> fmt::Display for PropertyError<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PropertyError::Falsified { found, .. } => found.fmt(f),
            PropertyError::Aborted { reason } => f.write_str(reason),
        }
    }
}

impl<V> fmt::Debug for PropertyError<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<V> core::error::Error for PropertyError<V> {}

impl Property {
    /// Cases tried where nothing else is said.
    pub const DEFAULT_CASES: u32 = 64;
    /// Schedules tried of each case where nothing else is said.
    pub const DEFAULT_SCHEDULES: u64 = 32;
    /// Runs spent on shrinking where nothing else is said.
    pub const DEFAULT_SHRINK_RUNS: u64 = 10_000;

    /// Begins: a name for the report, the default numbers, and no file of regressions.
    pub fn new(what: impl AsRef<str>) -> Self {
        let config = Config { failure_persistence: None, ..Config::default() };
        Self {
            what: what.as_ref().to_owned(),
            inputs: &[],
            config: Config { cases: Self::DEFAULT_CASES, ..config },
            schedules: Self::DEFAULT_SCHEDULES,
            shrink_runs: Self::DEFAULT_SHRINK_RUNS,
            settings: Arc::new(|sim| sim),
        }
    }

    /// Names the inputs, for the report.
    pub fn inputs(mut self, names: &'static [&'static str]) -> Self {
        self.inputs = names;
        self
    }

    /// Sets how many inputs are tried.
    pub fn cases(mut self, cases: u32) -> Self {
        self.config.cases = cases;
        self
    }

    /// Sets how many schedules of each input are tried: first-in-first-out, then the default
    /// [campaign](crate::explore())'s.
    pub fn schedules(mut self, schedules: u64) -> Self {
        self.schedules = schedules.max(1);
        self
    }

    /// Sets how many runs are spent on shrinking.
    pub fn shrink_runs(mut self, runs: u64) -> Self {
        self.shrink_runs = runs;
        self
    }

    /// Sets proptest's configuration: cases, rejections, seed, regressions, limits on shrinking.
    pub fn proptest(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Keeps and replays regressions where this configuration says; the rest stays.
    #[doc(hidden)]
    pub fn persisted_as(mut self, config: Config) -> Self {
        self.config = Config { cases: self.config.cases, ..config };
        self
    }

    /// Lets proptest's environment variables override what was set, as they do in `proptest!`.
    pub(super) fn contextualized(mut self) -> Self {
        self.config = contextualize_config(self.config);
        self
    }

    /// Sets up each run: limits, leaks, cost per step. Seed, chooser and replay are not its to set.
    pub fn settings(mut self, settings: impl Fn(Sim) -> Sim + Send + Sync + 'static) -> Self {
        let before = Arc::clone(&self.settings);
        self.settings = Arc::new(move |sim| settings(before(sim)));
        self
    }

    /// Checks the property.
    ///
    /// # Errors
    ///
    /// Where it does not hold, with the smallest input and schedule found; and where proptest gives
    /// up, because too many inputs were rejected for instance.
    #[track_caller]
    pub fn run<S, F, Fut>(self, strategy: S, program: F) -> Result<Held, PropertyError<S::Value>>
    where
        S: Strategy,
        S::Value: Inputs,
        F: Fn(S::Value) -> Fut + Send + Sync + 'static,
        Fut: Future + 'static,
        Fut::Output: Verdict,
    {
        let place = Location::caller();
        let mut config = self.config.clone();
        proptest::sugar::force_no_fork(&mut config);
        let tester = Rc::new(Tester {
            program: Arc::new(program),
            property: self,
            rejected: Arc::default(),
            place,
        });
        let limits = Limits {
            inputs: u64::from(config.max_shrink_iters),
            runs: tester.property.shrink_runs,
            time: (config.max_shrink_time > 0)
                .then(|| Duration::from_millis(config.max_shrink_time.into())),
        };
        let shrinker = Rc::clone(&tester);
        let joint = Joint {
            strategy,
            names: tester.property.inputs,
            shrink: Rc::new(move |tree, trial| shrinker.shrink(tree, trial, limits)),
        };
        let counts = Cell::new(Held { cases: 0, runs: 0, rejected: 0 });
        let persisted = config.failure_persistence.is_some();
        let mut runner = TestRunner::new(config);
        let result = runner.run(&joint, |trial| tester.test(&trial, &counts));
        match result {
            Ok(()) => Ok(counts.get()),
            Err(TestError::Fail(reason, trial)) => {
                Err(tester.falsified(&trial, &reason, counts.get(), persisted))
            }
            Err(TestError::Abort(reason)) => Err(PropertyError::Aborted {
                reason: format!("sim: ABORTED {}: {reason}\n{runner}", tester.property.what),
            }),
        }
    }

    /// Checks the property, and panics where it does not hold.
    ///
    /// # Panics
    ///
    /// With the report of [`run`](Property::run)'s error.
    #[track_caller]
    pub fn check<S, F, Fut>(self, strategy: S, program: F)
    where
        S: Strategy,
        S::Value: Inputs,
        F: Fn(S::Value) -> Fut + Send + Sync + 'static,
        Fut: Future + 'static,
        Fut::Output: Verdict,
    {
        if let Err(error) = self.run(strategy, program) {
            panic!("{error}");
        }
    }
}
