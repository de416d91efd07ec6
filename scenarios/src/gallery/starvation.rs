//! Tutorial 003: a loop without checkpoints, and one with them.

use core::time::Duration;

use sim::catch_cancel;

use crate::scenario::{Ends, Moment, Random, Scenario, Variant, broken, ms, s};

pub(super) const SCENARIO: Scenario = Scenario {
    id: "starvation",
    title: "Starvation",
    tutorial: "003 Important!, both samples",
    teaches: "A loop that never awaits makes every timer late, and cancel() with them.",
    claim: Some("The event loop doesn't get a chance to process the cancellation."),
    why: "It is worse: cancel() is not even called before the loop has ended, because main's timer \
          cannot fire. Then it returns False, and \"Task cancelled\" is never printed. With a \
          checkpoint after every 10,000 turns main waits for one stretch at most. A turn costs 5us \
          here.",
    variants: &[
        Variant {
            name: "bad",
            shows: "timer due at 2s is 2.999995s late",
            program: || Box::pin(bad()),
            output: &[
                "4.999995s the timer is 2.999995s late",
                "4.999995s cancel() = false",
                "4.999995s Task completed",
            ],
            ends: broken("the timer was 2.999995s late"),
            random: Random::Same,
        },
        Variant {
            name: "fixed",
            shows: "0.03s late, and the task is cancelled",
            program: || Box::pin(fixed()),
            output: &[
                "2.03s the timer is 0.03s late",
                "2.03s cancel() = true",
                "2.03s Task cancelled",
            ],
            ends: Ends::Passes,
            random: Random::Same,
        },
    ],
};

/// The turns of the sample's `range(1, 1_000_000)`: one fewer than it says.
pub(super) const TURNS: u64 = 999_999;

/// The sample's loop, with a checkpoint after every stretch of turns.
#[derive(Clone, Copy, Debug)]
pub(super) struct Checkpoints {
    /// How many turns a stretch has.
    pub(super) every: u64,
    /// What a stretch costs. A turn's cost need not be whole nanoseconds.
    pub(super) stretch: Duration,
    /// How long the checkpoint sleeps.
    pub(super) pause: Duration,
}

impl Checkpoints {
    /// Runs the loop.
    pub(super) async fn run(self) -> &'static str {
        for _ in 0..TURNS / self.every {
            sim::busy(self.stretch);
            sim::sleep(self.pause).await;
        }
        let rest =
            u128::from(TURNS % self.every) * self.stretch.as_nanos() / u128::from(self.every);
        sim::busy(Duration::from_nanos(u64::try_from(rest).unwrap_or(u64::MAX)));
        "Task completed"
    }
}

/// The sample's `main`: cancels the work after two seconds. Gives the lateness of the timer.
pub(super) async fn cancel_after_2s(
    work: impl Future<Output = &'static str> + 'static,
) -> Duration {
    let task = sim::spawn(work).named("worker");
    sim::sleep(s(2)).await;
    let late = sim::now() - s(2);
    sim::println!("the timer is {} late", Moment(late));
    sim::println!("cancel() = {}", task.cancel());
    match catch_cancel(task.propagate()).await {
        Ok(done) => sim::println!("{done}"),
        Err(_cancelled) => sim::println!("Task cancelled"),
    }
    late
}

const COST_OF_A_TURN: Duration = Duration::from_micros(5);

async fn bad() {
    let late = cancel_after_2s(async {
        sim::busy(COST_OF_A_TURN * u32::try_from(TURNS).unwrap_or(u32::MAX));
        "Task completed"
    })
    .await;
    assert!(late <= ms(50), "the timer was {} late", Moment(late));
}

async fn fixed() {
    let stretch = COST_OF_A_TURN * 10_000;
    let work = Checkpoints { every: 10_000, stretch, pause: ms(10) };
    let late = cancel_after_2s(work.run()).await;
    assert!(late <= stretch, "the timer was {} late", Moment(late));
}
