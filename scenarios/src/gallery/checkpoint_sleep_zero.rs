//! Tutorial 003, tip 2: `sleep(0)` as the checkpoint.

use core::time::Duration;

use super::starvation::{Checkpoints, cancel_after_2s};
use crate::scenario::{Ends, Moment, Random, Scenario, Variant, broken, ms};

pub(super) const SCENARIO: Scenario = Scenario {
    id: "checkpoint-sleep-zero",
    title: "sleep(0) as a checkpoint",
    tutorial: "003 Important!, tip 2",
    teaches: "`sleep(0)` gives one turn away: two more stretches run past a deadline.",
    claim: Some("`asyncio.sleep(0)` … allows the event loop to process other tasks immediately."),
    why: "A timer that has come due is queued behind the loop's own next turn, and the wakeup that \
          it causes takes one turn more. So the task is cancelled only if 97 stretches reach 2s, c \
          >= 2.061856us, where pauses of 0.01s need 1.020202us. Shorter stretches lessen both.",
    variants: &[
        Variant {
            name: "bad",
            shows: "3us a turn: main is two stretches late",
            program: || Box::pin(late(ms(30), 10_000, ms(0))),
            output: &[
                "2.07s the timer is 0.07s late",
                "2.07s cancel() = true",
                "2.07s Task cancelled",
            ],
            ends: broken("longer than a stretch of 0.03s"),
            random: Random::SameEnd,
        },
        Variant {
            name: "fixed",
            shows: "sleep(0.001): late by what is left of one",
            program: || Box::pin(late(ms(30), 10_000, ms(1))),
            output: &[
                "2.014s the timer is 0.014s late",
                "2.014s cancel() = true",
                "2.014s Task cancelled",
            ],
            ends: Ends::Passes,
            random: Random::Same,
        },
        Variant {
            name: "shorter",
            shows: "sleep(0) ten times as often: 0.007s late",
            program: || Box::pin(unjudged(ms(3), 1_000)),
            output: &[
                "2.007s the timer is 0.007s late",
                "2.007s cancel() = true",
                "2.007s Task cancelled",
            ],
            ends: Ends::Passes,
            random: Random::SameEnd,
        },
        Variant {
            name: "below",
            shows: "2.061855us a turn: never cancelled",
            program: || Box::pin(unjudged(Duration::from_nanos(20_618_556), 10_000)),
            output: &[
                "2.061853538s the timer is 0.061853538s late",
                "2.061853538s cancel() = false",
                "2.061853538s Task completed",
            ],
            ends: Ends::Passes,
            random: Random::SameEnd,
        },
        Variant {
            name: "at",
            shows: "2.061856us a turn: cancelled",
            program: || Box::pin(unjudged(Duration::from_nanos(20_618_557), 10_000)),
            output: &[
                "2.041237143s the timer is 0.041237143s late",
                "2.041237143s cancel() = true",
                "2.041237143s Task cancelled",
            ],
            ends: Ends::Passes,
            random: Random::SameEnd,
        },
    ],
};

/// The sample with another checkpoint, and what `every` turns cost.
async fn sample(stretch: Duration, every: u64, pause: Duration) -> Duration {
    cancel_after_2s(Checkpoints { every, stretch, pause }.run()).await
}

/// `sleep(0)`, however late main is.
async fn unjudged(stretch: Duration, every: u64) {
    sample(stretch, every, Duration::ZERO).await;
}

async fn late(stretch: Duration, every: u64, pause: Duration) {
    let late = sample(stretch, every, pause).await;
    assert!(
        late <= stretch,
        "the timer was {} late, longer than a stretch of {}",
        Moment(late),
        Moment(stretch)
    );
}
