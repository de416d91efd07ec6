//! What `#[sim::test]` does when the test is run.
//!
//! In this order: what the environment says; `SIM_REPLAY`, and nothing else; the regression file;
//! the schedule that is pinned; the search. What fails is the panic of the test, once: the report
//! is its payload, and its place is the test.

use core::fmt::Debug;
use core::future::Future;
use core::time::Duration;
use std::path::PathBuf;

use super::environment::{Chooser, Environment, Verbosity, chooser};
use super::explorer::{Explore, explore};
use super::regressions::Regressions;
use super::replay::{Fit, Replay};
use super::report::{Claim, Report};
use super::token::Token;
use super::watchdog::Watchdog;
use crate::policy::Policy;
use crate::run::{Failure, Leaks, Sim};

/// How many schedules an exhaustive or bounded search makes at most where nothing is said.
const DEFAULT_MAX_SCHEDULES: u64 = 100_000;

/// What a test returns: `()`, or a `Result` whose error fails it.
#[diagnostic::on_unimplemented(
    message = "a `#[sim::test]` cannot return `{Self}`",
    label = "return `()`, or a `Result<(), E>` with `E: Debug`"
)]
pub trait Judged {
    /// What went wrong.
    fn error(self) -> Option<String>;
}

impl Judged for () {
    fn error(self) -> Option<String> {
        None
    }
}

impl<E: Debug> Judged for Result<(), E> {
    fn error(self) -> Option<String> {
        self.err().map(|error| format!("the test returned an error: {error:?}"))
    }
}

/// Fails the run where the test returned an error.
#[doc(hidden)]
#[track_caller]
pub fn judge(returned: impl Judged) {
    if let Some(error) = returned.error() {
        panic!("{error}");
    }
}

/// What is searched.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Search {
    /// One run.
    Once,
    Campaign(u64),
    Exhaustive,
    Bounded(usize),
}

/// A test, with what its attribute says.
#[doc(hidden)]
#[derive(Debug)]
pub struct Test {
    /// As the harness lists it: its path without the crate.
    what: String,
    package: &'static str,
    regressions: Option<PathBuf>,
    search: Search,
    seed: u64,
    policy: Option<&'static str>,
    most: u64,
    pin: Option<&'static str>,
    budget: Option<Duration>,
    threads: usize,
    shrink: u64,
    max_steps: Option<u64>,
    max_time: Option<Duration>,
    leaks: Leaks,
    watchdog: Option<Duration>,
    must_reach: Vec<String>,
    to_panic: bool,
}

// Named as the attribute names its settings.
#[doc(hidden)]
impl Test {
    #[must_use]
    pub fn new(
        module: &'static str,
        name: &'static str,
        package: &'static str,
        folder: &'static str,
    ) -> Self {
        let (krate, inside) = module.split_once("::").unwrap_or((module, ""));
        let what = match inside {
            "" => name.to_owned(),
            inside => format!("{inside}::{name}"),
        };
        // Where the tests were built elsewhere, there is nowhere to keep anything.
        let folder = PathBuf::from(folder);
        let regressions = folder.is_dir().then(|| Regressions::path_of(folder, krate));
        Self {
            what,
            package,
            regressions,
            search: Search::Once,
            seed: 0,
            policy: None,
            most: DEFAULT_MAX_SCHEDULES,
            pin: None,
            budget: None,
            threads: 1,
            shrink: Explore::DEFAULT_REPLAYS,
            max_steps: None,
            max_time: None,
            leaks: Leaks::default(),
            watchdog: Some(Watchdog::DEFAULT_LIMIT),
            must_reach: Vec::new(),
            to_panic: false,
        }
    }

    #[must_use]
    pub fn seeds(mut self, seeds: u64) -> Self {
        self.search = Search::Campaign(seeds);
        self
    }

    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    #[must_use]
    pub fn policy(mut self, policy: &'static str) -> Self {
        self.policy = Some(policy);
        self
    }

    #[must_use]
    pub fn exhaustive(mut self) -> Self {
        self.search = Search::Exhaustive;
        self
    }

    #[must_use]
    pub fn max_deviations(mut self, most: u64) -> Self {
        self.search = Search::Bounded(usize::try_from(most).unwrap_or(usize::MAX));
        self
    }

    #[must_use]
    pub fn max_schedules(mut self, most: u64) -> Self {
        self.most = most;
        self
    }

    #[must_use]
    pub fn replay(mut self, token: &'static str) -> Self {
        self.pin = Some(token);
        self
    }

    #[must_use]
    pub fn budget(mut self, budget: Duration) -> Self {
        self.budget = Some(budget);
        self
    }

    #[must_use]
    pub fn threads(mut self, threads: u64) -> Self {
        self.threads = usize::try_from(threads).unwrap_or(usize::MAX);
        self
    }

    #[must_use]
    pub fn shrink(mut self, replays: u64) -> Self {
        self.shrink = replays;
        self
    }

    #[must_use]
    pub fn max_steps(mut self, steps: u64) -> Self {
        self.max_steps = Some(steps);
        self
    }

    #[must_use]
    pub fn max_time(mut self, time: Duration) -> Self {
        self.max_time = Some(time);
        self
    }

    #[must_use]
    pub fn leaks(mut self, leaks: &'static str) -> Self {
        self.leaks = match leaks {
            "fail" => Leaks::Fail,
            "allow" => Leaks::Allow,
            _ => Leaks::Cancel,
        };
        self
    }

    #[must_use]
    pub fn watchdog(mut self, limit: Option<Duration>) -> Self {
        self.watchdog = limit;
        self
    }

    #[must_use]
    pub fn must_reach(mut self, names: &'static str) -> Self {
        self.must_reach = names.split(',').map(|name| name.trim().to_owned()).collect();
        self
    }

    /// The failure is what the test is for: it is no regression.
    #[must_use]
    pub fn to_panic(mut self) -> Self {
        self.to_panic = true;
        self
    }

    #[track_caller]
    pub fn run<F, Fut>(self, program: F)
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future + 'static,
        Fut::Output: 'static,
    {
        // Decided in a function that is not generic; the panic is the test's own.
        if let Err(text) = self.judge(explore(program)) {
            panic!("{text}");
        }
    }
}

impl Test {
    fn judge(mut self, explore: Explore) -> Result<(), String> {
        let environment = Environment::read().map_err(|error| format!("sim: {error}"))?;
        let pin = self.pin.map(str::parse::<Token>).transpose();
        let pin = pin.map_err(|error| format!("sim: {}: `replay`: {error}", self.what))?;
        self.apply(&environment);
        let who = self.chooser(&environment)?;
        let explore = self.set_up(explore, &environment);

        if let Some(token) = &environment.replay {
            if token.what().is_empty() || token.what() == self.what {
                return self.replay_only(&explore, token, &environment);
            }
            say(&format!("sim: {} ignores SIM_REPLAY, which is of {:?}", self.what, token.what()));
        }
        if let Some(path) = &self.regressions {
            let kept = Regressions::load(path).map_err(|error| format!("sim: {error}"))?;
            for entry in kept.of(&self.what) {
                let replay = explore.replay(entry.token());
                let at = format!("kept in {}:{}", shown(path), entry.line());
                self.judge_replay(replay, &at, &environment)?;
            }
        }
        if let Some(token) = &pin {
            self.judge_replay(explore.replay(token), "pinned by `replay`", &environment)?;
            if self.search == Search::Once && self.policy.is_none() {
                return Ok(());
            }
        }
        let report = self.search(explore, who, &environment).run();
        self.judge_report(report, &environment)
    }

    /// What the environment says goes before what the attribute says.
    fn apply(&mut self, environment: &Environment) {
        if let Some(runs) = environment.runs
            && matches!(self.search, Search::Once | Search::Campaign(_))
        {
            self.search = Search::Campaign(runs);
        }
        self.seed = environment.seed.unwrap_or(self.seed);
        self.threads = environment.threads.unwrap_or(self.threads);
        self.shrink = environment.shrink.unwrap_or(self.shrink);
        self.max_steps = environment.max_steps.or(self.max_steps);
        self.watchdog = environment.watchdog.unwrap_or(self.watchdog);
        if let Some(budget) = environment.budget {
            self.budget = Some(budget);
            if let Search::Campaign(runs) = &mut self.search {
                *runs = u64::MAX;
            }
        }
    }

    fn chooser(&self, environment: &Environment) -> Result<Option<Chooser>, String> {
        if environment.chooser.is_some() {
            return Ok(environment.chooser);
        }
        let named = self.policy.map(chooser).transpose();
        named.map_err(|error| format!("sim: {}: `policy`: {error}", self.what))
    }

    fn set_up(&self, explore: Explore, environment: &Environment) -> Explore {
        let (max_steps, max_time, leaks) = (self.max_steps, self.max_time, self.leaks);
        let settings = move |sim: Sim| {
            let sim = sim.leaks(leaks).max_steps(max_steps.unwrap_or(Sim::DEFAULT_MAX_STEPS));
            sim.max_time(max_time.unwrap_or(Sim::DEFAULT_MAX_TIME))
        };
        let mut explore = explore
            .what(&self.what)
            .seed(self.seed)
            .threads(self.threads)
            .shrink_replays(self.shrink)
            .must_reach(self.must_reach.iter().cloned())
            .settings(settings);
        if let Some(limit) = self.watchdog {
            explore = explore.watchdog(limit);
        }
        if environment.check_determinism {
            explore = explore.check_determinism();
        }
        explore
    }

    fn search(&self, explore: Explore, who: Option<Chooser>, env: &Environment) -> Explore {
        let (part, of) = env.shard.unwrap_or((0, 1));
        let explore = match self.budget {
            Some(budget) if self.search != Search::Once => explore.budget(budget),
            _ => explore,
        };
        match (self.search, who) {
            // One run is not divided: each shard makes it.
            (Search::Once, Some(Chooser::Policy(policy))) => explore.runs(1).policy(policy),
            (Search::Once, _) => explore.runs(1).policy(Policy::Fifo),
            (Search::Campaign(runs), who) => {
                let explore = explore.runs(runs).shard(part, of);
                match who {
                    Some(Chooser::Policy(policy)) => explore.policy(policy),
                    _ => explore,
                }
            }
            (Search::Exhaustive, _) => explore.exhaustive().runs(self.most).shard(part, of),
            (Search::Bounded(most), _) => {
                explore.max_deviations(most).runs(self.most).shard(part, of)
            }
        }
    }

    /// `SIM_REPLAY`: it has to fail again.
    fn replay_only(
        &self,
        explore: &Explore,
        token: &Token,
        env: &Environment,
    ) -> Result<(), String> {
        let replay = explore.replay(token);
        if replay.failure().is_some() {
            return self.judge_replay(replay, "SIM_REPLAY", env);
        }
        let why = match replay.fit() {
            Fit::Exact => "it is the recorded run, and that does not fail".to_owned(),
            Fit::Drifted { applied, of } => format!(
                "{applied} of {of} deviations had a place: the program has changed, or is fixed"
            ),
        };
        Err(format!(
            "sim: DIVERGED {}: the schedule of SIM_REPLAY does not fail\n  {why}\n  token  {token}",
            self.what
        ))
    }

    fn judge_replay(&self, mut replay: Replay, at: &str, env: &Environment) -> Result<(), String> {
        let token = replay.token().clone().of(&self.what);
        replay.tell(vec![self.command(&token)], vec![at.to_owned()]);
        match replay.failure() {
            Some(failure) => Err(text(failure, env)),
            None => Ok(()),
        }
    }

    fn judge_report(&self, mut report: Report, env: &Environment) -> Result<(), String> {
        if let Verbosity::Json(folder) = &env.verbosity {
            self.write_json(&report, folder.as_ref())?;
        }
        let Some(found) = &mut report.found else {
            if let Some(complaint) = report.complaint() {
                return Err(complaint);
            }
            self.judge_claim(&report, env)?;
            say(&format!("sim: {report}"));
            return Ok(());
        };
        if found.is_reproduced() {
            let token = found.token().clone();
            let mut pin = vec![format!("#[sim::test(replay = \"{token}\")]")];
            pin.extend(self.keep(&token, found.failure(), env));
            found.tell(vec![self.command(&token)], pin);
        }
        Err(text(found.failure(), env))
    }

    /// A search that was to be complete has to be; unless the environment's budget ended it.
    fn judge_claim(&self, report: &Report, env: &Environment) -> Result<(), String> {
        let complete = match (self.search, report.claim()) {
            (Search::Exhaustive, claim) => matches!(claim, Some(Claim::Complete)),
            (Search::Bounded(_), claim) => {
                matches!(claim, Some(Claim::Deviations { all: true, .. }))
            }
            _ => true,
        };
        if complete || (env.budget.is_some() && report.runs() < self.most) {
            return Ok(());
        }
        Err(format!(
            "sim: INCOMPLETE {report}\n  raise `max_schedules`, or make the program smaller"
        ))
    }

    /// Adds a failure to the regression file, and says where.
    fn keep(&self, token: &Token, failure: &Failure, env: &Environment) -> Option<String> {
        let path = self.regressions.as_ref()?;
        if env.no_persist || self.to_panic || self.search == Search::Once {
            return None;
        }
        let short = failure.short();
        let mut lines = short.lines();
        let headline = lines.next().unwrap_or_default();
        // The message says more than the headline, where there is one.
        let what = lines.find(|line| !line.trim_start().starts_with("run ")).unwrap_or(headline);
        Some(match Regressions::add(path, &self.what, token, what.trim()) {
            Ok(_) => format!("kept in {}", shown(path)),
            Err(error) => format!("not kept: {error}"),
        })
    }

    fn command(&self, token: &Token) -> String {
        format!("SIM_REPLAY='{token}' cargo test -p {} {} -- --exact", self.package, self.what)
    }

    fn write_json(&self, report: &Report, folder: Option<&PathBuf>) -> Result<(), String> {
        let json = report.to_json();
        let Some(folder) = folder else {
            say_data(&json);
            return Ok(());
        };
        let name: String = format!("{}-{}", self.package, self.what)
            .chars()
            .map(|c| if c.is_alphanumeric() || c == '_' || c == '-' { c } else { '.' })
            .collect();
        let (part, of) = report.shard;
        let path = folder.join(format!("{name}.{}-of-{of}.json", part + 1));
        std::fs::create_dir_all(folder)
            .and_then(|()| std::fs::write(&path, format!("{json}\n")))
            .map_err(|error| format!("sim: SIM_REPORT: {}: {error}", path.display()))
    }
}

fn text(failure: &Failure, environment: &Environment) -> String {
    match environment.verbosity {
        Verbosity::Short => failure.short(),
        _ => failure.to_string(),
    }
}

/// A regression file as one would name it in the package.
fn shown(path: &std::path::Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    format!("tests/regressions/{name}")
}

/// Tells something to whoever looks at the output of a test: the harness shows it where the test
/// fails, or is asked to.
#[expect(clippy::print_stderr, reason = "a test's output is the harness's to show")]
fn say(text: &str) {
    eprintln!("{text}");
}

#[expect(clippy::print_stdout, reason = "a test's output is the harness's to show")]
fn say_data(text: &str) {
    // On a line of its own, whatever the harness has begun.
    println!("\n{text}");
}
