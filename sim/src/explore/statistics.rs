//! What may be said after a campaign that found nothing.
//!
//! Only per sampler whose runs are independent, and only about that sampler: never a share of all
//! interleavings.

use std::collections::BTreeMap;

/// What the independent runs of one policy saw.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sampler {
    pub(crate) runs: u64,
    // By class of equal partial orders, how many runs were of it.
    pub(crate) classes: BTreeMap<u64, u64>,
}

impl Sampler {
    pub(crate) fn add(&mut self, class: u64) {
        self.runs += 1;
        *self.classes.entry(class).or_insert(0) += 1;
    }

    /// How many runs there were.
    #[must_use]
    pub fn runs(&self) -> u64 {
        self.runs
    }

    /// How many classes of schedules they fell into.
    #[must_use]
    pub fn classes(&self) -> u64 {
        self.classes.len() as u64
    }

    /// The chance that one more run is of a class not seen yet: Good and Turing's estimate
    /// (classes seen once, in all runs), and its upper bound at 95 % (McAllester, Schapire 2000).
    #[must_use]
    pub fn chance_of_new(&self) -> Option<(f64, f64)> {
        if self.runs == 0 {
            return None;
        }
        let once = self.classes.values().filter(|count| **count == 1).count() as f64;
        let runs = self.runs as f64;
        let estimate = once / runs;
        let bound = estimate
            + (2.0 * core::f64::consts::SQRT_2 + 3.0_f64.sqrt())
                * ((3.0_f64 / 0.05).ln() / runs).sqrt();
        Some((estimate, bound.min(1.0)))
    }

    /// Below this lies the chance of a failure in a run of this sampler, at 95 %, given that none
    /// failed: the rule of three.
    #[must_use]
    pub fn failure_rate_below(&self) -> Option<f64> {
        (self.runs > 0).then(|| (3.0 / self.runs as f64).min(1.0))
    }

    /// Classes there are at least, by Chao's estimate; it depends on the sampler.
    #[must_use]
    pub fn classes_at_least(&self) -> f64 {
        let count = |times| self.classes.values().filter(|count| **count == times).count() as f64;
        let (once, twice) = (count(1), count(2));
        self.classes.len() as f64 + once * (once - 1.0).max(0.0) / (2.0 * (twice + 1.0))
    }
}
