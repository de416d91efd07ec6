//! What can be typed.

use core::time::Duration;

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
                  Status: 0 as expected, 1 not, 2 bad input, 3 a token that no longer fits, 124 a poll that never returns, \
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
    /// Find a smaller schedule that shows what a token shows
    Shrink(Shrink),
}

/// Options of the commands that make one run.
#[derive(Debug, Args)]
pub(super) struct Once {
    #[command(flatten)]
    pub(super) what: What,
    /// The seed of the schedule; its policy is then random [default: what shows the bug]
    #[arg(long, value_name = "N", value_parser = seed, allow_negative_numbers = true)]
    pub(super) seed: Option<u64>,
    /// Who makes the choices: fifo, lifo, reverse, random, pct:DEPTH, fair-pct, pos, pos-nr, urw,
    /// surw or rff
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
    /// How many runs at most
    #[arg(long, value_name = "N", default_value_t = 1_000, allow_negative_numbers = true)]
    pub(super) seeds: u64,
    /// The first seed
    #[arg(long, value_name = "N", value_parser = seed, default_value = "0", allow_negative_numbers = true)]
    pub(super) seed: u64,
    /// Who searches: campaign, idb[:DEVIATIONS], dfs, or one of the policies of a single run
    #[arg(long, value_name = "P", value_parser = search, default_value = "campaign")]
    pub(super) policy: Search,
    /// How many threads make the runs; the result is the same
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    pub(super) jobs: u16,
    /// For how long runs are made, in real time (30s, 500ms)
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(super) budget: Option<Duration>,
    /// Which part of the runs, of how many, from 1 (2/4)
    #[arg(long, value_name = "M/N", value_parser = shard)]
    pub(super) shard: Option<(u64, u64)>,
    /// Go on after the first failure, and count
    #[arg(long)]
    pub(super) keep_going: bool,
    /// Print JSON, one object a line
    #[arg(long)]
    pub(super) json: bool,
}

/// Options of `shrink`.
#[derive(Debug, Args)]
pub(super) struct Shrink {
    /// A token, as a failure prints it, or a file whose first line has one
    pub(super) token: String,
    /// How many replays at most
    #[arg(long, value_name = "N", default_value_t = 2_000)]
    pub(super) max_runs: u64,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// Who makes the runs of `explore`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Search {
    Campaign,
    Bounded(usize),
    Exhaustive,
    Policy(Policy),
}

impl core::fmt::Display for Search {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Search::Campaign => f.pad("campaign"),
            Search::Bounded(most) => write!(f, "idb:{most}"),
            Search::Exhaustive => f.pad("dfs"),
            Search::Policy(policy) => write!(f, "{policy}"),
        }
    }
}

/// Which program.
#[derive(Debug, Args)]
pub(super) struct What {
    /// The id of a scenario, a token, or a file whose first line has one
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

fn search(text: &str) -> Result<Search, String> {
    match text {
        "campaign" => return Ok(Search::Campaign),
        "dfs" => return Ok(Search::Exhaustive),
        "idb" => return Ok(Search::Bounded(2)),
        _ => {}
    }
    if let Some(most) = text.strip_prefix("idb:") {
        let most = most.parse().map(Search::Bounded);
        return most.map_err(|_| format!("{text:?} has no number of deviations"));
    }
    text.parse().map(Search::Policy).map_err(|error: sim::UnknownPolicy| {
        format!("{error}; to search there are campaign, idb and dfs as well")
    })
}

/// Reads a real time above 0.
pub(super) fn time(text: &str) -> Result<Duration, String> {
    let time = match (text.strip_suffix("ms"), text.strip_suffix('s'), text.strip_suffix('m')) {
        (Some(millis), ..) => millis.parse().ok().map(Duration::from_millis),
        (None, Some(seconds), _) => seconds.parse().ok().map(Duration::from_secs),
        (None, None, Some(minutes)) => {
            let minutes: Option<u64> = minutes.parse().ok();
            minutes.and_then(|minutes| minutes.checked_mul(60)).map(Duration::from_secs)
        }
        (None, None, None) => None,
    };
    time.filter(|time| !time.is_zero()).ok_or_else(|| "it takes `30s`, `500ms` or `2m`".to_owned())
}

fn shard(text: &str) -> Result<(u64, u64), String> {
    let numbers = text.split_once('/').and_then(|(part, of)| {
        let (part, of): (u64, u64) = (part.parse().ok()?, of.parse().ok()?);
        (part >= 1 && part <= of).then(|| (part - 1, of))
    });
    numbers.ok_or_else(|| "it takes `m/n`, m from 1 to n".to_owned())
}
