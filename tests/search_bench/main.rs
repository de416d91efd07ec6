//! How soon each way of searching finds each program's bug, beside the published shuttle crate.
//!
//! `cargo run --release -p tests --features peers --bin search-bench [-- --json] [--trials 20]
//! [--program NAME] [--policy P] [--form tracked|plain] [--spawn-point yes|no] [--budget 10000]`
//!
//! Each trial has seeds of its own. Runs are counted up to the first that fails, a miss counting
//! the whole budget; `SafeStack` has ten times the budget in the default campaign. Under shuttle
//! spawning is always a schedule point, so its rows are made once, and say so.

mod options;
mod peers;
mod programs;
mod report;
mod shuttle_worlds;
mod sim_worlds;
mod summary;
mod trial;
mod world;

use std::io::{self, Write};
use std::process::ExitCode;

use options::Options;
use peers::PEERS;
use report::Row;

fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(message) => {
            let _ = writeln!(io::stderr(), "search-bench: {message}");
            return ExitCode::from(2);
        }
    };
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn run(options: &Options) -> io::Result<()> {
    let mut output = io::stdout().lock();
    if options.inside {
        let (program, form, policy) =
            (&options.programs[0], options.forms[0], &options.policies[0]);
        let trial = |seed| peers::peer_trial(program, form, policy, seed, options.budget).runs;
        let runs: Vec<Option<u64>> = (0..options.trials).map(trial).collect();
        return writeln!(output, "{}", serde_json::json!(runs));
    }
    if !options.json {
        writeln!(output, "{}", report::HEADING)?;
    }
    let mut rows = Vec::new();
    for program in &options.programs {
        for &form in &options.forms {
            for &spawn_point in &options.spawn_points {
                for policy in &options.policies {
                    let peer = PEERS.contains(&policy.as_str());
                    if peer && spawn_point != options.spawn_points[0] {
                        continue;
                    }
                    let spawn_point = spawn_point || peer;
                    let row = Row::measure(program, form, spawn_point, policy, options)?;
                    if options.json {
                        writeln!(output, "{}", row.json())?;
                    } else {
                        writeln!(output, "{row}")?;
                    }
                    output.flush()?;
                    rows.push(row);
                }
            }
        }
    }
    if !options.json {
        summary::write(&mut output, &rows)?;
    }
    Ok(())
}
