//! What the trials of one program under one policy have come to.

use core::fmt;
use std::io;

use crate::options::Options;
use crate::peers::{self, PEERS};
use crate::programs::Program;
use crate::trial::{self, Form, Trial};

pub(crate) const HEADING: &str = "program          form    spawn-point policy          \
                                  found   mean runs  deviations  replays";

/// The trials of one program under one policy.
pub(crate) struct Row {
    pub(crate) program: &'static str,
    pub(crate) form: Form,
    pub(crate) spawn_point: bool,
    pub(crate) policy: String,
    pub(crate) budget: u64,
    pub(crate) trials: Vec<Trial>,
}

impl Row {
    pub(crate) fn measure(
        program: &Program,
        form: Form,
        spawn_point: bool,
        policy: &str,
        options: &Options,
    ) -> io::Result<Self> {
        let long = program.name == "SafeStack" && policy == "campaign";
        let budget = options.budget * if long { 10 } else { 1 };
        let trials = if PEERS.contains(&policy) {
            peers::trials_apart(program, form, policy, options.trials, budget)?
        } else {
            let one = |seed| trial::sim_trial(program, form, spawn_point, policy, seed, budget);
            let trials: Option<Vec<Trial>> = (0..options.trials).map(one).collect();
            trials.expect("the command line knows the policies")
        };
        let policy = policy.to_owned();
        Ok(Self { program: program.name, form, spawn_point, policy, budget, trials })
    }

    pub(crate) fn found(&self) -> usize {
        self.trials.iter().filter(|trial| trial.runs.is_some()).count()
    }

    /// A miss counts the budget.
    pub(crate) fn mean_runs(&self) -> f64 {
        let runs = |trial: &Trial| trial.runs.unwrap_or(self.budget) as f64;
        self.trials.iter().map(runs).sum::<f64>() / self.trials.len() as f64
    }

    pub(crate) fn mean_deviations(&self) -> Option<f64> {
        mean(self.trials.iter().filter_map(|trial| trial.deviations).map(|n| n as f64))
    }

    pub(crate) fn mean_replays(&self) -> Option<f64> {
        mean(self.trials.iter().filter_map(|trial| trial.replays).map(|n| n as f64))
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::json!({
            "program": self.program,
            "form": self.form.name(),
            "policy": self.policy,
            "spawn_point": self.spawn_point,
            "budget": self.budget,
            "trials": self.trials.len(),
            "found": self.found(),
            "mean_runs": self.mean_runs(),
            "mean_deviations": self.mean_deviations(),
            "mean_replays": self.mean_replays(),
        })
    }
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let values: Vec<f64> = values.collect();
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let or_dash = |value: Option<f64>| value.map_or("-".to_owned(), |n| format!("{n:.1}"));
        write!(
            f,
            "{:<16} {:<7} {:<11} {:<15} {:>2}/{:<2} {:>11.1} {:>11} {:>8}",
            self.program,
            self.form.name(),
            if self.spawn_point { "yes" } else { "no" },
            self.policy,
            self.found(),
            self.trials.len(),
            self.mean_runs(),
            or_dash(self.mean_deviations()),
            or_dash(self.mean_replays()),
        )
    }
}
