//! Randomness for the program, from the run's seed.

use core::convert::Infallible;

use rand::rand_core::{Rng, TryRng};

use crate::kernel::context;

/// Gives a generator whose words depend on the run's seed alone.
///
/// It has a stream of its own: a draw never shifts the schedule. Every handle draws from the same
/// stream. The words are ChaCha's, equal on every platform; `rand`'s distributions over them may
/// change between versions of that crate.
///
/// # Panics
///
/// A draw outside a simulation.
///
/// # Examples
///
/// ```
/// use rand::RngExt;
///
/// let roll = |seed| sim::Sim::new().seed(seed).run(|| async { sim::rng().random_range(1..=6) });
/// assert_eq!(roll(7)?.value(), roll(7)?.value());
/// # Ok::<(), sim::Failure>(())
/// ```
#[must_use]
pub fn rng() -> SimRng {
    SimRng { _private: () }
}

/// The generator of [`rng`].
#[derive(Clone, Copy, Debug)]
pub struct SimRng {
    _private: (),
}

impl TryRng for SimRng {
    type Error = Infallible;

    #[track_caller]
    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(context::expect("rng", |state| {
            let word = state.program_rng().next_u32();
            state.digest.mix(u64::from(word));
            word
        }))
    }

    #[track_caller]
    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(context::expect("rng", |state| {
            let word = state.program_rng().next_u64();
            state.digest.mix(word);
            word
        }))
    }

    #[track_caller]
    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        context::expect("rng", |state| state.program_rng().fill_bytes(bytes));
        Ok(())
    }
}
