//! A random walk: needs only the number of candidates, has no useful bound.

use rand_chacha::ChaCha8Rng;

use crate::decision::{Choose, DecisionPoint};
use crate::seed;

#[derive(Debug)]
pub(super) struct Random {
    rng: ChaCha8Rng,
}

impl Random {
    pub(super) fn new(rng: ChaCha8Rng) -> Self {
        Self { rng }
    }
}

impl Choose for Random {
    fn choose(&mut self, point: &DecisionPoint<'_>) -> u32 {
        seed::below(&mut self.rng, point.candidates)
    }
}
