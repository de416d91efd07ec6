//! Who chooses: the scheduling policies.
//!
//! Invariant: a policy sees decision points, never a task.

use rand_chacha::ChaCha8Rng;

use crate::decision::{Choose, DecisionPoint, First};
use crate::seed::{self, Purpose};

/// Says who makes the choices of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Policy {
    /// Always the head of the queue, the earliest timer, the first branch: what asyncio does.
    #[default]
    Fifo,
    /// Uniformly among the candidates, at every choice (a random walk).
    Random,
}

impl Policy {
    /// Every policy, in the order in which help lists them.
    pub const ALL: [Policy; 2] = [Policy::Fifo, Policy::Random];

    /// Returns the name used on command lines and in tokens.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Policy::Fifo => "fifo",
            Policy::Random => "random",
        }
    }

    /// Builds what makes the choices of the run with this seed.
    pub(crate) fn chooser(self, seed: u64) -> Box<dyn Choose> {
        match self {
            Policy::Fifo => Box::new(First),
            Policy::Random => Box::new(Random { rng: seed::stream(seed, Purpose::Schedule) }),
        }
    }
}

impl core::fmt::Display for Policy {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.name())
    }
}

impl core::str::FromStr for Policy {
    type Err = UnknownPolicy;

    fn from_str(name: &str) -> Result<Self, UnknownPolicy> {
        Policy::ALL
            .into_iter()
            .find(|policy| policy.name() == name)
            .ok_or_else(|| UnknownPolicy { name: name.to_owned() })
    }
}

/// Says that no policy has the given name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownPolicy {
    name: String,
}

impl core::fmt::Display for UnknownPolicy {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let known = Policy::ALL.map(Policy::name).join(", ");
        write!(f, "no policy is called {:?}; there are: {known}", self.name)
    }
}

impl core::error::Error for UnknownPolicy {}

/// A random walk: needs only the number of candidates, has no useful bound.
#[derive(Debug)]
struct Random {
    rng: ChaCha8Rng,
}

impl Choose for Random {
    fn choose(&mut self, point: &DecisionPoint) -> u32 {
        seed::below(&mut self.rng, point.candidates)
    }
}
