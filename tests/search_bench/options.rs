//! The command line.

use crate::peers::{INSIDE, PEERS};
use crate::programs::{self, Program};
use crate::trial::{Form, POLICIES};

const USAGE: &str = "usage: search-bench [--json] [--trials 20] [--program NAME] [--policy P] \
                     [--form tracked|plain] [--spawn-point yes|no] [--budget 10000]";

/// What is measured.
pub(crate) struct Options {
    pub(crate) json: bool,
    /// Whether this is a process that `peers` has started.
    pub(crate) inside: bool,
    pub(crate) trials: u64,
    pub(crate) budget: u64,
    pub(crate) programs: Vec<Program>,
    pub(crate) policies: Vec<String>,
    pub(crate) forms: Vec<Form>,
    pub(crate) spawn_points: Vec<bool>,
}

impl Options {
    pub(crate) fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self {
            json: false,
            inside: false,
            trials: 20,
            budget: 10_000,
            programs: Vec::new(),
            policies: Vec::new(),
            forms: Vec::new(),
            spawn_points: Vec::new(),
        };
        while let Some(flag) = arguments.next() {
            if flag == "--json" || flag == INSIDE {
                options.json |= flag == "--json";
                options.inside |= flag == INSIDE;
                continue;
            }
            let value = arguments.next().ok_or_else(|| USAGE.to_owned())?;
            options.set(&flag, value)?;
        }
        options.fill();
        Ok(options)
    }

    fn set(&mut self, flag: &str, value: String) -> Result<(), String> {
        let bad = |what: &str| format!("{flag} {value:?}: {what}");
        let number = || value.parse().ok().filter(|n| *n > 0).ok_or_else(|| bad("not a count"));
        match flag {
            "--trials" => self.trials = number()?,
            "--budget" => self.budget = number()?,
            "--program" => {
                let found = programs::all().into_iter().find(|program| program.name == value);
                self.programs.push(found.ok_or_else(|| bad("no program is called so"))?);
            }
            "--policy" => {
                let known = PEERS.contains(&value.as_str())
                    || POLICIES.contains(&value.as_str())
                    || value.parse::<sim::Policy>().is_ok();
                if !known {
                    return Err(bad(&format!("there are {POLICIES:?} and {PEERS:?}")));
                }
                self.policies.push(value);
            }
            "--form" => self.forms.push(match value.as_str() {
                "tracked" => Form::Tracked,
                "plain" => Form::Plain,
                _ => return Err(bad("tracked or plain")),
            }),
            "--spawn-point" => self.spawn_points.push(match value.as_str() {
                "yes" => true,
                "no" => false,
                _ => return Err(bad("yes or no")),
            }),
            _ => return Err(USAGE.to_owned()),
        }
        Ok(())
    }

    /// Measures everything of which nothing was said.
    fn fill(&mut self) {
        if self.programs.is_empty() {
            self.programs = programs::all();
        }
        if self.policies.is_empty() {
            self.policies = POLICIES.iter().chain(&PEERS).map(|name| (*name).to_owned()).collect();
        }
        if self.forms.is_empty() {
            self.forms = vec![Form::Tracked, Form::Plain];
        }
        if self.spawn_points.is_empty() {
            self.spawn_points = vec![true, false];
        }
    }
}
