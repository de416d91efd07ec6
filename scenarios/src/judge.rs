//! One run of a variant, and whether a variant's runs are as documented.

use core::time::Duration;

use sim::trace::Trace;
use sim::{Failure, Policy, Sim};

use crate::scenario::{Ends, Moment, Random, Variant};

/// The steps that a program of the gallery may take: one that needs more turns in a circle.
pub const MAX_STEPS: u64 = 20_000;

/// Which run: the policy and the seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// Who makes the choices.
    pub policy: Policy,
    /// The seed of the choices, and of `sim::rng()`.
    pub seed: u64,
}

impl Schedule {
    /// First in, first out.
    pub const FIFO: Schedule = Schedule { policy: Policy::Fifo, seed: 0 };

    /// A random walk.
    #[must_use]
    pub const fn random(seed: u64) -> Self {
        Self { policy: Policy::Random, seed }
    }

    /// The settings of the run.
    pub fn sim(self) -> Sim {
        Sim::new().seed(self.seed).policy(self.policy).max_steps(MAX_STEPS)
    }

    /// What to put on a command line to get this run again.
    #[must_use]
    pub fn flags(self) -> String {
        match self.policy {
            Policy::Fifo if self.seed == 0 => String::new(),
            Policy::Random => format!(" --seed {}", self.seed),
            policy => format!(" --policy {policy} --seed {}", self.seed),
        }
    }
}

impl core::fmt::Display for Schedule {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self.policy {
            Policy::Fifo => f.pad("fifo"),
            _ => f.pad(&format!("seed {}", self.seed)),
        }
    }
}

/// The schedule that shows what a variant is there to show.
#[must_use]
pub fn recorded(variant: &Variant) -> Schedule {
    match variant.random {
        Random::Either { seed, .. } if variant.ends == Ends::Passes => Schedule::random(seed),
        _ => Schedule::FIFO,
    }
}

/// What one run gave.
#[derive(Debug)]
pub struct Seen {
    /// Which run.
    pub schedule: Schedule,
    /// The program's lines.
    pub output: Vec<Line>,
    /// How it ended.
    pub failure: Option<Failure>,
    /// How many steps it took.
    pub steps: u64,
    /// The virtual time at its end.
    pub elapsed: Duration,
    /// The digest of everything that happened.
    pub digest: u64,
    /// How many of its choices were not first-in-first-out's.
    pub deviations: usize,
    /// All that was recorded.
    pub trace: Trace,
}

/// A line that a program printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The virtual time.
    pub at: Duration,
    /// The task's name.
    pub task: String,
    /// The text.
    pub text: String,
}

impl core::fmt::Display for Line {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{} {}", Moment(self.at), self.text)
    }
}

impl Seen {
    /// What went wrong, in a line: `SIM011 panic: the timer is late`.
    #[must_use]
    pub fn failure_line(&self) -> Option<String> {
        self.failure.as_ref().map(describe)
    }
}

/// What a failure says, in a line.
fn describe(failure: &Failure) -> String {
    use sim::FailureKind as Kind;
    let name = |task: &sim::TaskId| failure.task_name(*task);
    let names = |tasks: &[sim::TaskId]| tasks.iter().map(name).collect::<Vec<_>>().join(", ");
    let detail = match failure.kind() {
        Kind::Panic { message, .. } => message.clone(),
        Kind::UnobservedError { task, message } => format!("{}: {message}", name(task)),
        Kind::Deadlock { cycle } if cycle.is_empty() => {
            let mut tasks: Vec<_> = failure.blocked().iter().map(|blocked| blocked.task).collect();
            tasks.dedup();
            format!("{} can never run again", names(&tasks))
        }
        Kind::Deadlock { cycle } => format!("{} wait for each other", names(cycle)),
        Kind::Livelock { cycle } if cycle.is_empty() => "no end in sight".to_owned(),
        Kind::Livelock { cycle } => format!("{} turns in a circle", names(cycle)),
        Kind::Spinning { task, place, .. } => {
            format!("{} goes round in one step, at {place}", name(task))
        }
        Kind::TimeLimit { next } => format!("the next thing happens at {}", Moment(*next)),
        Kind::Leak { tasks } => names(tasks),
        Kind::OutsideWake { task } => name(task),
        Kind::Diverged(divergence) => divergence.to_string(),
        _ => String::new(),
    };
    let rule = failure.rule();
    let detail = detail.split_whitespace().collect::<Vec<_>>().join(" ");
    let colon = if detail.is_empty() { "" } else { ": " };
    format!("{} {}{colon}{detail}", rule.id, rule.name)
}

/// Runs a variant once.
#[must_use]
pub fn run(variant: &Variant, schedule: Schedule) -> Seen {
    run_with(variant, schedule, schedule.sim())
}

/// Runs a variant once with settings of one's own.
#[must_use]
pub fn run_with(variant: &Variant, schedule: Schedule, sim: Sim) -> Seen {
    match sim.run(variant.program) {
        Ok(outcome) => Seen {
            schedule,
            output: lines(outcome.trace()),
            failure: None,
            steps: outcome.steps(),
            elapsed: outcome.elapsed(),
            digest: outcome.digest(),
            deviations: outcome.decisions().deviations().len(),
            trace: outcome.trace().clone(),
        },
        Err(failure) => Seen {
            schedule,
            output: lines(failure.trace()),
            steps: failure.step(),
            elapsed: failure.elapsed(),
            digest: failure.digest(),
            deviations: failure.decisions().deviations().len(),
            trace: failure.trace().clone(),
            failure: Some(failure),
        },
    }
}

fn lines(trace: &Trace) -> Vec<Line> {
    let line = |(now, task, text): (u64, sim::TaskId, &str)| Line {
        at: Duration::from_nanos(now),
        task: trace.task_name(task).to_owned(),
        text: text.to_owned(),
    };
    trace.notes().map(line).collect()
}

impl Ends {
    /// Whether a run ended so.
    #[must_use]
    pub fn fits(self, seen: &Seen) -> bool {
        match self {
            Ends::Passes => seen.failure.is_none(),
            Ends::Fails { rule, says } => seen.failure.as_ref().is_some_and(|failure| {
                failure.rule().id == rule && describe(failure).contains(says)
            }),
        }
    }
}

impl core::fmt::Display for Ends {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Ends::Passes => f.write_str("passes"),
            Ends::Fails { rule, says: "" } => write!(f, "fails ({rule})"),
            Ends::Fails { rule, says } => write!(f, "fails ({rule}: {says})"),
        }
    }
}

/// Says how one run differs from what is documented; `None` where it does not.
#[must_use]
pub fn differs(variant: &Variant, seen: &Seen) -> Option<String> {
    let fifo = seen.schedule.policy == Policy::Fifo;
    let ended = || seen.failure_line().unwrap_or_else(|| "passed".to_owned());
    match variant.random {
        Random::Either { fails: other, .. } if !fifo => {
            let known = other.fits(seen) || variant.ends.fits(seen) || seen.failure.is_none();
            return (!known).then(|| format!("expected: passes, or {other}; saw: {}", ended()));
        }
        _ if !variant.ends.fits(seen) => {
            return Some(format!("expected: {}; saw: {}", variant.ends, ended()));
        }
        Random::SameEnd if !fifo => return None,
        _ => {}
    }
    let mut expected = variant.output.iter();
    let mut found = seen.output.iter();
    for number in 1.. {
        match (expected.next(), found.next()) {
            (None, None) => return None,
            (Some(expected), None) => {
                return Some(format!("line {number}: expected {:?}, saw no more", tidy(expected)));
            }
            (None, Some(found)) => {
                return Some(format!(
                    "line {number}: expected no more, saw {:?}",
                    found.to_string()
                ));
            }
            (Some(expected), Some(found)) if tidy(expected) != found.to_string() => {
                let (expected, found) = (tidy(expected), found.to_string());
                return Some(format!("line {number}: expected {expected:?}, saw {found:?}"));
            }
            _ => {}
        }
    }
    None
}

/// A documented line without the blanks that align its text.
fn tidy(line: &str) -> String {
    match line.split_once(' ') {
        Some((time, text)) => format!("{time} {}", text.trim_start()),
        None => line.to_owned(),
    }
}

/// All runs of a variant that the main job made, in short.
#[derive(Debug, Default)]
pub struct Verdict {
    /// How many runs.
    pub runs: usize,
    /// How many of them failed.
    pub failed: usize,
    /// The run that shows what the variant is there to show, and how it ended.
    pub shown: Option<Shown>,
    /// The first run that was not as documented, and how it differed.
    pub differs: Option<(Schedule, String)>,
    wants_failure: bool,
}

/// The run that stands for a variant.
#[derive(Clone, Debug)]
pub struct Shown {
    /// Which run.
    pub schedule: Schedule,
    /// The failure, in a line.
    pub failure: Option<String>,
    /// The virtual time at its end.
    pub elapsed: Duration,
}

impl Verdict {
    /// Begins with no runs.
    #[must_use]
    pub fn new(variant: &Variant) -> Self {
        Self { wants_failure: fails_somewhere(variant), ..Self::default() }
    }

    /// Takes one run into account.
    pub fn add(&mut self, variant: &Variant, seen: &Seen) {
        self.runs += 1;
        self.failed += usize::from(seen.failure.is_some());
        let better = self.shown.as_ref().is_none_or(|shown| {
            self.wants_failure && shown.failure.is_none() && seen.failure.is_some()
        });
        if better {
            self.shown = Some(Shown {
                schedule: seen.schedule,
                failure: seen.failure_line(),
                elapsed: seen.elapsed,
            });
        }
        if self.differs.is_none() {
            self.differs = differs(variant, seen).map(|how| (seen.schedule, how));
        }
    }

    /// Ends the account: a failure that was promised and never came counts as a difference.
    pub fn close(&mut self) {
        if self.wants_failure && self.failed == 0 && self.differs.is_none() && self.runs > 0 {
            let how = format!("expected: some schedule fails; saw: none of {} does", self.runs);
            self.differs = Some((Schedule::FIFO, how));
        }
    }

    /// Whether everything was as documented.
    #[must_use]
    pub fn is_as_documented(&self) -> bool {
        self.differs.is_none() && self.runs > 0
    }
}

/// Whether some run of the variant is to fail.
#[must_use]
pub fn fails_somewhere(variant: &Variant) -> bool {
    variant.ends != Ends::Passes || matches!(variant.random, Random::Either { .. })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{broken, s};

    const RIGHT: Variant = Variant {
        name: "bad",
        shows: "late",
        program: || {
            Box::pin(async {
                sim::println!("begin");
                sim::sleep(s(1)).await;
                sim::println!("end");
                panic!("too late");
            })
        },
        output: &["0s  begin", "1s  end"],
        ends: broken("late"),
        random: Random::Same,
    };

    fn difference(variant: &Variant) -> String {
        differs(variant, &run(variant, Schedule::FIFO)).unwrap_or_default()
    }

    #[test]
    fn what_is_documented_does_not_differ() {
        assert_eq!(difference(&RIGHT), "");
        assert_eq!(differs(&RIGHT, &run(&RIGHT, Schedule::random(3))), None);
    }

    #[test]
    fn every_difference_is_named() {
        let output = |output| difference(&Variant { output, ..RIGHT });
        assert_eq!(output(&["0s begin"]), "line 2: expected no more, saw \"1s end\"");
        assert_eq!(output(&["0s begin", "2s end"]), "line 2: expected \"2s end\", saw \"1s end\"");
        let more = output(&["0s begin", "1s end", "1s more"]);
        assert_eq!(more, "line 3: expected \"1s more\", saw no more");
        let passes = difference(&Variant { ends: Ends::Passes, ..RIGHT });
        assert_eq!(passes, "expected: passes; saw: SIM011 panic: too late");
        let other = difference(&Variant { ends: broken("early"), ..RIGHT });
        assert_eq!(other, "expected: fails (SIM011: early); saw: SIM011 panic: too late");
    }

    #[test]
    fn a_failure_that_never_comes_is_a_difference() {
        let never = Variant {
            program: || Box::pin(async {}),
            output: &[],
            ends: Ends::Passes,
            random: Random::Either { fails: broken("late"), seed: 0 },
            ..RIGHT
        };
        let mut verdict = Verdict::new(&never);
        verdict.add(&never, &run(&never, Schedule::FIFO));
        assert!(verdict.is_as_documented());
        verdict.close();
        assert!(!verdict.is_as_documented());
    }

    #[test]
    fn the_run_shown_is_one_that_fails() {
        let some = Variant {
            program: || {
                Box::pin(async {
                    let other = sim::spawn(async {});
                    sim::yield_now().await;
                    assert!(other.is_finished(), "late");
                })
            },
            output: &[],
            ends: Ends::Passes,
            random: Random::Either { fails: broken("late"), seed: 0 },
            ..RIGHT
        };
        let mut verdict = Verdict::new(&some);
        verdict.add(&some, &run(&some, Schedule::FIFO));
        for seed in 0..32 {
            verdict.add(&some, &run(&some, Schedule::random(seed)));
        }
        let shown = verdict.shown.clone().unwrap();
        assert!(shown.failure.is_some() && shown.schedule.policy == Policy::Random);
        assert!(verdict.failed > 0 && verdict.failed < 33 && verdict.is_as_documented());
    }
}
