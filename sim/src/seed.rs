//! Streams of random words, one for each purpose, all from the one seed of a run.
//!
//! Each purpose has a ChaCha stream of its own, so that a draw by the program never shifts the
//! schedule and the other way round.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// What a stream of random words is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Choices of the scheduling policy.
    Schedule = 1,
    /// Values the program asks for through `sim::rng()`.
    Program = 2,
    /// What a search draws between runs.
    Search = 3,
    /// Picks that keep an unfair policy from starving a task.
    Fairness = 4,
}

/// Opens the stream of `seed` for `purpose`.
pub(crate) fn stream(seed: u64, purpose: Purpose) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(purpose as u64);
    rng
}

/// Maps one raw word to a number below `bound`, by multiply and shift.
///
/// It takes exactly one word whatever the bound, so that streams stay aligned between versions;
/// the bias is below `bound / 2^32`.
pub(crate) fn below(rng: &mut ChaCha8Rng, bound: u32) -> u32 {
    ((u64::from(rng.next_u32()) * u64::from(bound)) >> 32) as u32
}

/// Mixes two words into one; equal words give equal words, on every platform.
pub(crate) fn mix(a: u64, b: u64) -> u64 {
    let mut word = (a.rotate_left(29) ^ b).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    word = (word ^ (word >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    word ^ (word >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_of_one_seed_differ_and_repeat() {
        let word = |seed, purpose| stream(seed, purpose).next_u64();
        assert_eq!(word(7, Purpose::Schedule), word(7, Purpose::Schedule));
        assert_ne!(word(7, Purpose::Schedule), word(7, Purpose::Program));
        assert_ne!(word(7, Purpose::Schedule), word(8, Purpose::Schedule));
    }

    #[test]
    fn below_reaches_every_value_and_no_other() {
        let mut rng = stream(1, Purpose::Schedule);
        let mut seen = [false; 6];
        for _ in 0..200 {
            seen[below(&mut rng, 6) as usize] = true;
        }
        assert_eq!(seen, [true; 6]);
    }
}
