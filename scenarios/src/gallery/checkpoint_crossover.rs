//! Tutorial 003, the second sample: whether the task is cancelled depends on the machine.

use core::time::Duration;

use super::starvation::{Checkpoints, cancel_after_2s};
use crate::scenario::{Ends, Random, Scenario, Variant, broken, ms, s};

pub(super) const SCENARIO: Scenario = Scenario {
    id: "checkpoint-crossover",
    title: "Cancelled on a slow machine only",
    tutorial: "003 Important!, sample 2",
    teaches: "Whether the fixed sample is cancelled depends on what a turn costs.",
    claim: Some(
        "When the main coroutine cancels the task after 2 seconds, … the task is cancelled.",
    ),
    why: "The 99 checkpoints sleep for 0.99s in all. The deadline comes before the last of them only \
          if 99 * (10,000 c + 0.01s) >= 2s, that is, if a turn costs c >= 1.020202us. From \
          1.010001us up to there the loop takes longer than 2s and is not cancelled: its last 9,999 \
          turns have no checkpoint.",
    variants: &[
        Variant {
            name: "quick",
            shows: "0.5us a turn: done at 1.49s, never cancelled",
            program: || Box::pin(quick()),
            output: &["2s the timer is 0s late", "2s cancel() = false", "2s Task completed"],
            ends: Ends::Passes,
            random: Random::Same,
        },
        Variant {
            name: "bad",
            shows: "1.020202us: beyond 2s and not cancelled",
            program: || Box::pin(bad()),
            output: &[
                "2.010200979s the timer is 0.010200979s late",
                "2.010200979s cancel() = false",
                "2.010200979s Task completed",
            ],
            ends: broken("it ran beyond 2s and was not cancelled"),
            random: Random::Same,
        },
        Variant {
            name: "fixed",
            shows: "a tenth of a picosecond more: cancelled",
            program: || Box::pin(fixed()),
            output: &["2s the timer is 0s late", "2s cancel() = true", "2s Task cancelled"],
            ends: Ends::Passes,
            random: Random::Same,
        },
    ],
};

/// The sample, with the cost of 10,000 turns.
async fn sample(stretch: Duration) {
    cancel_after_2s(Checkpoints { every: 10_000, stretch, pause: ms(10) }.run()).await;
}

async fn quick() {
    sample(ms(5)).await;
}

async fn bad() {
    sample(Duration::from_nanos(10_202_020)).await;
    assert!(sim::now() <= s(2), "it ran beyond 2s and was not cancelled");
}

async fn fixed() {
    sample(Duration::from_nanos(10_202_021)).await;
    assert_eq!(sim::now(), s(2));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_cancelled(every: u64, stretch_ns: u64, pause: Duration) -> bool {
        let stretch = Duration::from_nanos(stretch_ns);
        let outcome =
            sim::Sim::new()
                .trace(true)
                .run(|| async move {
                    cancel_after_2s(Checkpoints { every, stretch, pause }.run()).await
                })
                .unwrap();
        outcome.trace().notes().any(|(_, _, text)| text == "Task cancelled")
    }

    /// The least cost of a stretch at which the task is cancelled: found by bisection.
    fn crossover(every: u64, pause: Duration) -> u64 {
        let (mut low, mut high) = (0, 1_000_000_000);
        while low < high {
            let middle = (low + high) / 2;
            if is_cancelled(every, middle, pause) { high = middle } else { low = middle + 1 }
        }
        low
    }

    #[test]
    fn the_crossover_is_where_arithmetic_puts_it() {
        // n checkpoints of (stretch + pause) reach 2 s: the least whole number of nanoseconds.
        let exact = |n: u64, pause_ns: u64| 2_000_000_000_u64.div_ceil(n).saturating_sub(pause_ns);
        assert_eq!(crossover(10_000, ms(10)), exact(99, 10_000_000)); // c = 1.020202 us
        assert_eq!(crossover(10_000, ms(10)), 10_202_021);
        assert_eq!(crossover(10_000, ms(1)), exact(99, 1_000_000)); // c = 1.920202 us
        assert_eq!(crossover(100_000, ms(10)), exact(9, 10_000_000)); // c = 2.122222 us
        assert_eq!(crossover(1_000, ms(10)), 0, "999 pauses alone are longer than 2 s");
        // `sleep(0)`: two more stretches run after the deadline.
        assert_eq!(crossover(10_000, Duration::ZERO), exact(97, 0)); // c = 2.061856 us
        assert_eq!(crossover(1_000, Duration::ZERO), exact(997, 0)); // c = 2.006018 us
    }
}
