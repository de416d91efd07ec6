//! Searches with the published shuttle crate's schedulers.

use core::sync::atomic::{AtomicU64, Ordering};
use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::process::{Command, Stdio};
use std::sync::Arc;

use shuttle::scheduler::{PctScheduler, RandomScheduler, Scheduler, UrwRandomScheduler};
use shuttle::{Config, FailurePersistence, MaxSteps, Runner};

use crate::programs::Program;
use crate::shuttle_worlds::{Native, Yielding};
use crate::trial::{Form, STEPS, Trial};

/// The names of shuttle's schedulers here.
pub(crate) const PEERS: [&str; 3] = ["shuttle-random", "shuttle-pct:3", "shuttle-urw"];

/// Makes the trials in a process of their own: shuttle tells of each failure on standard error,
/// whatever its settings say.
pub(crate) fn trials_apart(
    program: &Program,
    form: Form,
    policy: &str,
    trials: u64,
    budget: u64,
) -> io::Result<Vec<Trial>> {
    let output = Command::new(std::env::current_exe()?)
        .args(["--program", program.name, "--form", form.name(), "--policy", policy])
        .args(["--trials", &trials.to_string(), "--budget", &budget.to_string(), INSIDE])
        .stderr(Stdio::null())
        .output()?;
    let runs: Vec<Option<u64>> = serde_json::from_slice(&output.stdout)?;
    Ok(runs.into_iter().map(|runs| Trial { runs, ..Trial::default() }).collect())
}

/// The flag that such a process is told by; it prints what each trial took.
pub(crate) const INSIDE: &str = "--inside";

/// Searches with one of shuttle's schedulers.
pub(crate) fn peer_trial(
    program: &Program,
    form: Form,
    policy: &str,
    seed: u64,
    budget: u64,
) -> Trial {
    let budget = budget as usize;
    match policy {
        "shuttle-random" => shuttle(program, form, RandomScheduler::new_from_seed(seed, budget)),
        "shuttle-pct:3" => shuttle(program, form, PctScheduler::new_from_seed(seed, 3, budget)),
        _ => shuttle(program, form, UrwRandomScheduler::new_from_seed(seed, budget)),
    }
}

fn shuttle(program: &Program, form: Form, scheduler: impl Scheduler + 'static) -> Trial {
    let mut config = Config::new();
    config.failure_persistence = FailurePersistence::None;
    config.max_steps = MaxSteps::ContinueAfter(STEPS);
    config.silence_warnings = true;
    let runs = Arc::new(AtomicU64::new(0));
    let body = {
        let (program, runs) = (program.clone(), Arc::clone(&runs));
        move || {
            runs.fetch_add(1, Ordering::Relaxed);
            shuttle::future::block_on(match form {
                Form::Tracked => program.shuttle(Native),
                Form::Plain => program.shuttle_plain(Yielding),
            });
        }
    };
    let result = panic::catch_unwind(AssertUnwindSafe(|| {
        Runner::new(scheduler, config).run(body);
    }));
    let runs = result.is_err().then(|| runs.load(Ordering::Relaxed));
    Trial { runs, ..Trial::default() }
}
