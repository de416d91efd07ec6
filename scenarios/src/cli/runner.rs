//! Runs that a watchdog watches.

use sim::Policy;
use sim::explore::{Watch, Watchdog, watchdog};

use super::Usage;
use super::args::time;
use crate::judge::{self, Schedule, Seen};
use crate::scenario::{Scenario, Variant};

/// What a command is typed behind.
pub(super) const COMMAND: &str = "cargo run -rqp scenarios --";

/// The command that shows a run again, without [`COMMAND`].
pub(super) fn replay(scenario: &Scenario, variant: &Variant, schedule: Schedule) -> String {
    let plain = schedule == Schedule::FIFO && judge::recorded(variant) != Schedule::FIFO;
    let flags = if plain { " --policy fifo".to_owned() } else { schedule.flags() };
    format!("replay {} {}{flags}", scenario.id, variant.name)
}

/// The watchdog that `SIM_WATCHDOG` asks for; `None` where it says `off`.
pub(super) fn watchdog() -> Result<Option<Watchdog>, Usage> {
    let Some(text) = std::env::var_os("SIM_WATCHDOG") else {
        return Ok(Some(Watchdog::default()));
    };
    let text = text.to_string_lossy();
    if text == "off" {
        return Ok(None);
    }
    match time(&text) {
        Ok(limit) => Ok(Some(Watchdog::new(limit))),
        Err(takes) => Err(Usage(format!("SIM_WATCHDOG is {text:?}; {takes}, or `off`"))),
    }
}

/// Runs one variant under one policy.
pub(super) struct Runner {
    variant: &'static Variant,
    policy: Policy,
    watch: Option<Watch>,
}

impl Runner {
    pub(super) fn new(
        scenario: &'static Scenario,
        variant: &'static Variant,
        policy: Policy,
        watchdog: Option<Watchdog>,
    ) -> Self {
        let watch = watchdog.map(|watchdog| {
            watchdog.watch(move |seed, step| {
                let task = watchdog::describe(policy, seed, step, variant.program);
                let again = replay(scenario, variant, Schedule { policy, seed });
                format!(
                    "{} ({}): {task}\nreplay  SIM_WATCHDOG=off {COMMAND} {again}",
                    scenario.id, variant.name
                )
            })
        });
        Self { variant, policy, watch }
    }

    pub(super) fn run(&mut self, seed: u64) -> Seen {
        let schedule = Schedule { policy: self.policy, seed };
        let mut sim = schedule.sim();
        if let Some(watch) = &mut self.watch {
            sim = sim.heartbeat(watch.begin(seed));
        }
        let seen = judge::run_with(self.variant, schedule, sim);
        if let Some(watch) = &mut self.watch {
            watch.end();
        }
        seen
    }
}
