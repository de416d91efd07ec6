//! One search for one program's bug, by one policy of `sim`.

use sim::explore::{Explore, Found, Report};
use sim::{FailureKind, Policy};

use crate::programs::Program;
use crate::sim_worlds::{Plain, Tracked};

/// How long a run may get: some policies are unfair, and some programs spin. It is many times what
/// the longest program takes otherwise.
pub(crate) const STEPS: usize = 200_000;

/// Whether the program tells what it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Tracked,
    Plain,
}

impl Form {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Form::Tracked => "tracked",
            Form::Plain => "plain",
        }
    }
}

/// What a search has come to.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Trial {
    /// Runs up to the first that failed, unless none did.
    pub(crate) runs: Option<u64>,
    /// The smallest schedule's deviations from first-in-first-out.
    pub(crate) deviations: Option<usize>,
    /// The replays that shrinking took.
    pub(crate) replays: Option<u64>,
    /// Whether the token still shows the failure where each task has one await more.
    pub(crate) holds: Option<bool>,
}

/// The names of the policies, the default campaign first.
pub(crate) const POLICIES: [&str; 9] =
    ["campaign", "random", "pct:3", "pos", "pos-nr", "urw", "surw", "rff", "idb"];

/// What is searched, and how.
struct Search<'a> {
    program: &'a Program,
    form: Form,
    spawn_point: bool,
    /// One policy for all runs, rather than the campaign.
    policy: Option<Policy>,
    bounded: bool,
}

/// Searches with one of `sim`'s policies; `None` if there is none of that name.
pub(crate) fn sim_trial(
    program: &Program,
    form: Form,
    spawn_point: bool,
    policy: &str,
    seed: u64,
    budget: u64,
) -> Option<Trial> {
    let bounded = policy == "idb";
    let policy = match policy {
        "campaign" | "idb" => None,
        name => Some(name.parse::<Policy>().ok()?),
    };
    let search = Search { program, form, spawn_point, policy, bounded };
    // A campaign's runs have successive seeds: trials are to have none in common.
    let seed = seed * 1_000_003;
    let mut runs = 0;
    while runs < budget {
        let (from, left) = (seed + runs, budget - runs);
        let report = search.run(from, left, 0);
        runs += report.runs();
        let Some(found) = report.failure() else { break };
        // A run that got too long is not the bug that is looked for: the search begins anew.
        if matches!(found.failure().kind(), FailureKind::Livelock { .. }) {
            continue;
        }
        // The same again, and this time the failure is shrunk.
        let report = search.run(from, left, Explore::DEFAULT_REPLAYS);
        let found = report.failure().expect("a campaign is a function of its seed");
        return Some(Trial {
            runs: Some(runs),
            deviations: Some(found.deviations()),
            replays: Some(found.replays()),
            holds: (form == Form::Tracked).then(|| holds(program, spawn_point, found)),
        });
    }
    Some(Trial::default())
}

impl Search<'_> {
    fn run(&self, seed: u64, budget: u64, replays: u64) -> Report {
        let (program, form, spawn_point) = (self.program.clone(), self.form, self.spawn_point);
        let search = sim::explore(move || match form {
            Form::Tracked => program.tracked(Tracked { spawn_point, padded: false }),
            Form::Plain => program.plain(Plain { spawn_point }),
        });
        let search = search.seed(seed).runs(budget).shrink_replays(replays);
        let search = search.settings(|sim| sim.max_steps(STEPS as u64));
        match self.policy {
            Some(policy) => search.policy(policy).run(),
            None if self.bounded => search.max_deviations(3).run(),
            None => search.run(),
        }
    }
}

fn holds(program: &Program, spawn_point: bool, found: &Found) -> bool {
    let program = program.clone();
    let padded = move || program.tracked(Tracked { spawn_point, padded: true });
    sim::explore::replay(padded, found.token()).failure().is_some()
}
