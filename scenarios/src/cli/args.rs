//! What can be typed.

use clap::{Args, Parser, Subcommand, ValueEnum};
use sim::Policy;

/// The pitfalls of asyncio, as programs that run on a virtual clock.
///
/// Without a command: runs every scenario, bad and fixed, first-in-first-out and under random
/// schedules, and judges each against what is documented.
#[derive(Debug, Parser)]
#[command(
    name = "scenarios",
    version,
    max_term_width = 100,
    disable_help_subcommand = true,
    after_help = "A TARGET is the id of a scenario (`scenarios list` shows them); a VARIANT is bad, \
                  fixed or what the list names.\n\
                  Status: 0 as expected, 1 not, 2 bad input, 124 a poll that never returns, \
                  130 Ctrl-C.\n\
                  SIM_WATCHDOG: how long one poll may take in real time (10s, 500ms, off)."
)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Option<Command>,
    #[command(flatten)]
    pub(super) all: All,
    /// When to use colors
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value_t = Color::Auto)]
    pub(super) color: Color,
}

/// Options of the main job.
#[derive(Debug, Args)]
pub(super) struct All {
    /// How many random schedules to run each variant under [default: 32]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(super) seeds: Option<u64>,
    /// Print JSON, one object a line
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List the scenarios
    List {
        /// Print a JSON array
        #[arg(long)]
        json: bool,
    },
    /// Run one schedule, and judge it against what is documented
    Run(Once),
    /// Run many schedules, and report those that fail (status 1)
    Explore(Many),
    /// Run one schedule again; status 1 if it fails
    Replay(Once),
    /// Print everything that happens in one schedule
    Trace(Once),
}

/// Options of the commands that make one run.
#[derive(Debug, Args)]
pub(super) struct Once {
    #[command(flatten)]
    pub(super) what: What,
    /// The seed of the schedule; its policy is then random [default: what shows the bug]
    #[arg(long, value_name = "N", value_parser = seed, allow_negative_numbers = true)]
    pub(super) seed: Option<u64>,
    /// Who makes the choices: fifo or random
    #[arg(long, value_name = "P", value_parser = policy)]
    pub(super) policy: Option<Policy>,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// Options of the commands that make many runs.
#[derive(Debug, Args)]
pub(super) struct Many {
    #[command(flatten)]
    pub(super) what: What,
    /// How many seeds
    #[arg(long, value_name = "N", default_value_t = 256, allow_negative_numbers = true)]
    pub(super) seeds: u64,
    /// The first seed
    #[arg(long, value_name = "N", value_parser = seed, default_value = "0", allow_negative_numbers = true)]
    pub(super) seed: u64,
    /// Who makes the choices: fifo or random
    #[arg(long, value_name = "P", value_parser = policy, default_value = "random")]
    pub(super) policy: Policy,
    /// Print JSON, one object a line
    #[arg(long)]
    pub(super) json: bool,
}

/// Which program.
#[derive(Debug, Args)]
pub(super) struct What {
    /// The id of a scenario
    pub(super) target: String,
    /// Which of its programs [default: the first]
    pub(super) variant: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Color {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

fn seed(text: &str) -> Result<u64, String> {
    let digits = text.strip_prefix("0x");
    let number = match digits {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => text.parse(),
    };
    number.map_err(|_| "a seed is a whole number below 2^64, or 0x and hex digits".to_owned())
}

fn policy(text: &str) -> Result<Policy, String> {
    text.parse().map_err(|error: sim::UnknownPolicy| error.to_string())
}
