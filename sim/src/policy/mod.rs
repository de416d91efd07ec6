//! Who chooses: the scheduling policies.
//!
//! Each is one file: what it needs, its bound, its source and where it departs from it.
//!
//! Invariant: a policy sees decision points, never a task.

mod fair;
mod knowledge;
mod observation;
mod order;
mod pct;
mod pos;
mod priorities;
mod random;
mod rff;
mod surw;
mod urw;

use core::fmt;
use core::str::FromStr;

use crate::decision::{Choose, First};
use crate::seed::{self, Purpose};

use fair::Fair;
pub(crate) use knowledge::Knowledge;
pub(crate) use observation::{Observation, Ran, shared};
pub(crate) use rff::Constraint;

/// Says who makes the choices of a run.
///
/// A policy is one run's; a [campaign](crate::explore()) lets several take turns. Those that learn
/// ([`Pct`](Policy::Pct), [`Urw`](Policy::Urw), [`Surw`](Policy::Surw), [`Rff`](Policy::Rff)) know
/// nothing in a run of their own, and there do what they do with an unknown program.
///
/// | name | needs | guarantee (each under its paper's assumptions) |
/// |---|---|---|
/// | `fifo` | nothing | what asyncio does |
/// | `lifo` | count | none; the newest first |
/// | `reverse` | tasks | none; the task spawned last first |
/// | `random` | count | none of use: a task of n steps outruns another one with chance 2^-n |
/// | `pct:d` | tasks, a profile | a bug of depth d in a run with chance ≥ 1/(n·k^(d-1)) |
/// | `fair-pct` | tasks, a profile | the same within its prefix, and no task starves |
/// | `pos`, `pos-nr` | tasks | better than a random walk |
/// | `urw` | tasks, a profile | uniform over interleavings, where counts are exact and nothing blocks |
/// | `surw` | tasks, a profile | uniform over the interleavings of one object's operations |
/// | `rff` | tasks, a profile, feedback | none |
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Policy {
    /// Always the head of the queue, the earliest timer, the first branch: what asyncio does.
    #[default]
    Fifo,
    /// The newest candidate, always.
    Lifo,
    /// The task spawned last, always.
    Reverse,
    /// Uniformly among the candidates, at every choice (a random walk).
    Random,
    /// Priorities with a few random change points: Burckhardt et al., «A randomized scheduler
    /// with probabilistic guarantees of finding bugs», 2010. The number is the depth, ≥ 1.
    Pct(u32),
    /// PCT of depth 3 for as many decisions as the longest known run has (10,000 at most), then a
    /// random walk, so that no task starves.
    FairPct,
    /// Partial order sampling: Yuan, Yang, Gu, «Partial order aware concurrency sampling», 2018.
    Pos,
    /// The same, running first what touches nothing shared.
    PosNonRacing,
    /// Uniform random walk: weights by how much each task has still to do.
    Urw,
    /// Selectively uniform random walk: Zhao et al., 2025; one object a run, chosen uniformly.
    Surw,
    /// Reads-from fuzzing: Wolff et al., «Greybox fuzzing for concurrency testing», 2024.
    Rff,
}

impl Policy {
    /// Every policy, in the order in which help lists them.
    pub const ALL: [Policy; 11] = [
        Policy::Fifo,
        Policy::Lifo,
        Policy::Reverse,
        Policy::Random,
        Policy::Pct(3),
        Policy::FairPct,
        Policy::Pos,
        Policy::PosNonRacing,
        Policy::Urw,
        Policy::Surw,
        Policy::Rff,
    ];

    /// Returns the name used on command lines and in reports; without a depth.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Policy::Fifo => "fifo",
            Policy::Lifo => "lifo",
            Policy::Reverse => "reverse",
            Policy::Random => "random",
            Policy::Pct(_) => "pct",
            Policy::FairPct => "fair-pct",
            Policy::Pos => "pos",
            Policy::PosNonRacing => "pos-nr",
            Policy::Urw => "urw",
            Policy::Surw => "surw",
            Policy::Rff => "rff",
        }
    }

    /// Builds what makes the choices of the run with this seed, about a program of which nothing
    /// is known.
    pub(crate) fn chooser(self, seed: u64) -> Box<dyn Choose> {
        self.informed(seed, &Knowledge::default())
    }

    /// Builds what makes the choices of the run with this seed.
    pub(crate) fn informed(self, seed: u64, knowledge: &Knowledge) -> Box<dyn Choose> {
        let rng = seed::stream(seed, Purpose::Schedule);
        let fair = || seed::stream(seed, Purpose::Fairness);
        match self {
            Policy::Fifo => Box::new(First),
            Policy::Lifo => Box::new(Fair::new(order::Newest, fair())),
            Policy::Reverse => Box::new(Fair::new(order::Youngest, fair())),
            Policy::Random => Box::new(random::Random::new(rng)),
            Policy::Pct(depth) => Box::new(Fair::new(pct::Pct::new(rng, depth, knowledge), fair())),
            Policy::FairPct => Box::new(pct::Prefix::new(pct::Pct::new(rng, 3, knowledge), fair())),
            Policy::Pos => Box::new(Fair::new(pos::Pos::new(rng, false), fair())),
            Policy::PosNonRacing => Box::new(Fair::new(pos::Pos::new(rng, true), fair())),
            Policy::Urw => Box::new(urw::Urw::new(rng, knowledge)),
            Policy::Surw => Box::new(Fair::new(surw::Surw::new(rng, knowledge), fair())),
            Policy::Rff => Box::new(Fair::new(rff::Rff::new(rng, knowledge.mutated(seed)), fair())),
        }
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Policy::Pct(depth) => write!(f, "pct:{depth}"),
            policy => f.write_str(policy.name()),
        }
    }
}

impl FromStr for Policy {
    type Err = UnknownPolicy;

    fn from_str(name: &str) -> Result<Self, UnknownPolicy> {
        let unknown = || UnknownPolicy { name: name.to_owned() };
        if let Some(depth) = name.strip_prefix("pct:") {
            return match depth.parse() {
                Ok(depth) if depth > 0 => Ok(Policy::Pct(depth)),
                _ => Err(unknown()),
            };
        }
        Policy::ALL.into_iter().find(|policy| policy.name() == name).ok_or_else(unknown)
    }
}

/// Says that no policy has the given name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownPolicy {
    name: String,
}

impl fmt::Display for UnknownPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = Policy::ALL.map(Policy::name).join(", ");
        write!(
            f,
            "no policy is called {:?}; there are: {known} (with a depth of at least 1: pct:3)",
            self.name
        )
    }
}

impl core::error::Error for UnknownPolicy {}
