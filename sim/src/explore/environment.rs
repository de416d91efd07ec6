//! What the environment asks of every `#[sim::test]`.
//!
//! | variable | takes | does |
//! |---|---|---|
//! | `SIM_REPLAY` | a token | runs that schedule only, in the test that the token names, and fails unless it fails again; other tests say that they ignore it |
//! | `SIM_SEED` | a number, `0x` for hexadecimal | the seed of the first run |
//! | `SIM_SEEDS` | `N` or `A..B` | how many runs; a test of one run becomes a campaign |
//! | `SIM_BUDGET` | `30s`, `500ms`, `5m` | for how long a campaign makes runs, in real time; its limit on runs is lifted, and ending early fails nothing |
//! | `SIM_SHARD` | `M/N`, M from 1 | makes one part of each campaign: see [`shards`](super::shards) |
//! | `SIM_POLICY` | a policy, or `campaign` | who chooses; an exhaustive or bounded search stays one |
//! | `SIM_MAX_STEPS` | a number | how many steps a run may take |
//! | `SIM_WATCHDOG` | `10s`, `off` | how long one poll may take in real time |
//! | `SIM_THREADS` | a number | how many threads make the runs |
//! | `SIM_SHRINK` | a number | how many replays are spent on shrinking a failure |
//! | `SIM_CHECK_DETERMINISM` | `1`, `0` | makes each run twice and compares them |
//! | `SIM_NO_PERSIST` | `1`, `0` | adds nothing to a regression file |
//! | `SIM_REPORT` | `full`, `short`, `json`, `json:DIR` | how much a failure tells; a JSON line on standard output, or a JSON file for each test |
//!
//! They go before what a test's attribute says, and that before the defaults. A bad value, or a
//! variable whose name begins with `SIM_` and is not known, fails the test: a typing error would
//! go unnoticed otherwise. `SIM_UPDATE`, `SIM_PYTHON` and `SIM_CONFORMANCE_…` belong to other
//! tools, and are left to them.
//!
//! Nothing else of the library reads the environment.

use core::fmt;
use core::time::Duration;
use std::path::PathBuf;

use super::token::Token;
use crate::policy::Policy;

/// How much a failing test tells, and where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Verbosity {
    #[default]
    Full,
    /// Without details and table.
    Short,
    /// And a line of JSON, on standard output or in a file in this folder.
    Json(Option<PathBuf>),
}

/// Who is to choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Chooser {
    Campaign,
    Policy(Policy),
}

/// What the environment asks for.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Environment {
    pub(crate) replay: Option<Token>,
    pub(crate) seed: Option<u64>,
    pub(crate) runs: Option<u64>,
    pub(crate) budget: Option<Duration>,
    /// Which part, from 0, and of how many.
    pub(crate) shard: Option<(u64, u64)>,
    pub(crate) chooser: Option<Chooser>,
    pub(crate) max_steps: Option<u64>,
    /// The inner one is absent for `off`.
    pub(crate) watchdog: Option<Option<Duration>>,
    pub(crate) threads: Option<usize>,
    pub(crate) shrink: Option<u64>,
    pub(crate) check_determinism: bool,
    pub(crate) no_persist: bool,
    pub(crate) verbosity: Verbosity,
}

/// Says what is wrong with a variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EnvironmentError(String);

impl fmt::Display for EnvironmentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Each variable, and what it takes.
const KNOWN: &[(&str, &str)] = &[
    ("SIM_REPLAY", "a token, as a failing test prints it: `sim1:…`"),
    ("SIM_SEED", "a number, in decimal or as 0x2a"),
    ("SIM_SEEDS", "a number of runs above 0, or a range of seeds: `256` or `1000..1256`"),
    ("SIM_BUDGET", "a duration: `30s`, `500ms`, `5m`"),
    ("SIM_SHARD", "`M/N`, M from 1 to N: `1/4`"),
    ("SIM_POLICY", "a policy"),
    ("SIM_MAX_STEPS", "a number above 0"),
    ("SIM_WATCHDOG", "a duration (`10s`, `500ms`) or `off`"),
    ("SIM_THREADS", "a number above 0"),
    ("SIM_SHRINK", "a number"),
    ("SIM_CHECK_DETERMINISM", "`1` or `0`"),
    ("SIM_NO_PERSIST", "`1` or `0`"),
    ("SIM_REPORT", "`full`, `short`, `json` or `json:FOLDER`"),
];

/// What other tools take.
const FOREIGN: &[&str] = &["SIM_UPDATE", "SIM_PYTHON"];
const FOREIGN_PREFIX: &str = "SIM_CONFORMANCE_";

impl Environment {
    /// Reads the process's environment.
    pub(crate) fn read() -> Result<Self, EnvironmentError> {
        Self::of(std::env::vars_os().map(|(name, value)| {
            (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned())
        }))
    }

    fn of(variables: impl Iterator<Item = (String, String)>) -> Result<Self, EnvironmentError> {
        let mut environment = Self::default();
        let mut ours: Vec<_> = variables.filter(|(name, _)| name.starts_with("SIM_")).collect();
        // One mistake is reported, the same one each time.
        ours.sort();
        for (name, value) in &ours {
            if FOREIGN.contains(&name.as_str()) || name.starts_with(FOREIGN_PREFIX) {
                continue;
            }
            let Some((_, takes)) = KNOWN.iter().find(|(known, _)| known == name) else {
                let known: Vec<&str> = KNOWN.iter().map(|(name, _)| *name).collect();
                return Err(EnvironmentError(format!(
                    "{name}={value:?} is set, and there is no such variable; there are: {}",
                    known.join(", ")
                )));
            };
            environment.set(name, value.trim()).map_err(|why| {
                let why = why.map_or_else(String::new, |why| format!(" ({why})"));
                EnvironmentError(format!("{name} is {value:?}; it takes {takes}{why}"))
            })?;
        }
        let range = ours.iter().find(|(name, value)| name == "SIM_SEEDS" && value.contains(".."));
        if let (Some((_, range)), Some((_, seed))) =
            (range, ours.iter().find(|(name, _)| name == "SIM_SEED"))
        {
            return Err(EnvironmentError(format!(
                "SIM_SEED is {seed:?} and SIM_SEEDS is {range:?}, which says where to begin as well: \
                 set one of them"
            )));
        }
        Ok(environment)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), Option<String>> {
        match name {
            "SIM_REPLAY" => {
                let token = value.parse().map_err(|error| Some(format!("{error}")))?;
                self.replay = Some(token);
            }
            "SIM_SEED" => self.seed = Some(number(value).ok_or(None)?),
            "SIM_SEEDS" => match value.split_once("..") {
                Some((from, to)) => {
                    let (from, to) = number(from).zip(number(to)).ok_or(None)?;
                    self.seed = Some(from);
                    self.runs = Some(to.checked_sub(from).filter(|runs| *runs > 0).ok_or(None)?);
                }
                None => self.runs = Some(above_zero(value)?),
            },
            "SIM_BUDGET" => self.budget = Some(duration(value).ok_or(None)?),
            "SIM_SHARD" => {
                let (part, of) = value.split_once('/').ok_or(None)?;
                let (part, of) = (above_zero(part)?, above_zero(of)?);
                self.shard = Some((part <= of).then_some((part - 1, of)).ok_or(None)?);
            }
            "SIM_POLICY" => self.chooser = Some(chooser(value).map_err(Some)?),
            "SIM_MAX_STEPS" => self.max_steps = Some(above_zero(value)?),
            "SIM_WATCHDOG" if value == "off" => self.watchdog = Some(None),
            "SIM_WATCHDOG" => self.watchdog = Some(Some(duration(value).ok_or(None)?)),
            "SIM_THREADS" => {
                self.threads = Some(usize::try_from(above_zero(value)?).map_err(|_| None)?);
            }
            "SIM_SHRINK" => self.shrink = Some(number(value).ok_or(None)?),
            "SIM_CHECK_DETERMINISM" => self.check_determinism = flag(value).ok_or(None)?,
            "SIM_NO_PERSIST" => self.no_persist = flag(value).ok_or(None)?,
            _ => {
                self.verbosity = match (value, value.strip_prefix("json:")) {
                    ("full", _) => Verbosity::Full,
                    ("short", _) => Verbosity::Short,
                    ("json", _) => Verbosity::Json(None),
                    (_, Some(folder)) if !folder.is_empty() => {
                        Verbosity::Json(Some(PathBuf::from(folder)))
                    }
                    _ => return Err(None),
                };
            }
        }
        Ok(())
    }
}

/// Reads who is to choose.
pub(crate) fn chooser(name: &str) -> Result<Chooser, String> {
    match name {
        "campaign" => Ok(Chooser::Campaign),
        name => name
            .parse()
            .map(Chooser::Policy)
            .map_err(|error| format!("{error}; `campaign` lets several take turns")),
    }
}

fn number(text: &str) -> Option<u64> {
    let (digits, radix) = match text.strip_prefix("0x") {
        Some(digits) => (digits, 16),
        None => (text, 10),
    };
    u64::from_str_radix(digits, radix).ok().filter(|_| !digits.starts_with('+'))
}

fn above_zero(text: &str) -> Result<u64, Option<String>> {
    number(text).filter(|number| *number > 0).ok_or(None)
}

fn duration(text: &str) -> Option<Duration> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (count, unit) = text.split_at(digits);
    let millis: u64 = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    let millis = count.parse::<u64>().ok()?.checked_mul(millis)?;
    (millis > 0).then(|| Duration::from_millis(millis))
}

fn flag(text: &str) -> Option<bool> {
    match text {
        "1" => Some(true),
        "0" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Environment, String> {
        Environment::of(
            variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        )
        .map_err(|error| error.to_string())
    }

    #[test]
    fn every_variable_is_read() {
        let token = "sim1:bank%3A%3Aheld:2a::00000000";
        let environment = read(&[
            ("SIM_REPLAY", token),
            ("SIM_SEEDS", "1000..1256"),
            ("SIM_BUDGET", "2m"),
            ("SIM_SHARD", "2/3"),
            ("SIM_POLICY", "pct:4"),
            ("SIM_MAX_STEPS", "500"),
            ("SIM_WATCHDOG", "off"),
            ("SIM_THREADS", "2"),
            ("SIM_SHRINK", "0"),
            ("SIM_CHECK_DETERMINISM", "1"),
            ("SIM_NO_PERSIST", "1"),
            ("SIM_REPORT", "json:out"),
            ("PATH", "/bin"),
        ]);
        let expected = Environment {
            replay: Some(token.parse().unwrap()),
            seed: Some(1000),
            runs: Some(256),
            budget: Some(Duration::from_secs(120)),
            shard: Some((1, 3)),
            chooser: Some(Chooser::Policy(Policy::Pct(4))),
            max_steps: Some(500),
            watchdog: Some(None),
            threads: Some(2),
            shrink: Some(0),
            check_determinism: true,
            no_persist: true,
            verbosity: Verbosity::Json(Some(PathBuf::from("out"))),
        };
        assert_eq!(environment, Ok(expected));
        let hexadecimal = read(&[("SIM_SEED", "0x2a"), ("SIM_SEEDS", "9")]).unwrap();
        assert_eq!((hexadecimal.seed, hexadecimal.runs), (Some(42), Some(9)));
    }

    #[test]
    fn a_bad_value_is_named_with_its_variable_and_what_it_takes() {
        for (name, value) in [
            ("SIM_REPLAY", "sim1:"),
            ("SIM_SEED", "-1"),
            ("SIM_SEEDS", "0"),
            ("SIM_SEEDS", "9..9"),
            ("SIM_BUDGET", "30"),
            ("SIM_BUDGET", "0s"),
            ("SIM_SHARD", "0/3"),
            ("SIM_SHARD", "4/3"),
            ("SIM_POLICY", "quickly"),
            ("SIM_MAX_STEPS", "1e6"),
            ("SIM_WATCHDOG", "never"),
            ("SIM_THREADS", "0"),
            ("SIM_SHRINK", ""),
            ("SIM_CHECK_DETERMINISM", "yes"),
            ("SIM_NO_PERSIST", "true"),
            ("SIM_REPORT", "json:"),
        ] {
            let error = read(&[(name, value)]).unwrap_err();
            assert!(error.starts_with(&format!("{name} is {value:?}; it takes ")), "{error}");
        }
    }

    #[test]
    fn an_unknown_variable_is_named_with_those_there_are() {
        let error = read(&[("SIM_SEDS", "5")]).unwrap_err();
        assert!(error.contains("SIM_SEDS=\"5\"") && error.contains("SIM_SEEDS"), "{error}");
        let others = [("SIM_UPDATE", "1"), ("SIM_PYTHON", "x"), ("SIM_CONFORMANCE_SEED", "1")];
        assert_eq!(read(&others), Ok(Environment::default()));
        let twice = read(&[("SIM_SEED", "1"), ("SIM_SEEDS", "2..3")]).unwrap_err();
        assert!(twice.contains("set one of them"), "{twice}");
    }

    #[test]
    fn every_variable_of_the_table_is_documented() {
        let documented = include_str!("environment.rs");
        for (name, _) in KNOWN {
            assert!(documented.contains(&format!("//! | `{name}` |")), "{name}");
        }
    }
}
