//! What `sim` costs beside tokio's paused current-thread runtime, measured in one run.
//!
//! Three workloads, each with each system's own primitives, their rounds interleaved: on a shared
//! machine only the ratios mean something. Decisions and digests are on; the trace is off, as in a
//! campaign.
//!
//! `cargo run --release -p tests --features peers --bin peer-bench [-- --json] [--rounds N]`

#![expect(clippy::disallowed_methods, reason = "a benchmark reads the real clock")]

use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sim::{Policy, Sim};

const YIELDING_TASKS: u32 = 100;
const YIELDS: u32 = 100_000;
const SPAWNS: u32 = 200_000;
const RUNS: u32 = 20_000;

/// A system under measurement: its name, and nanoseconds a unit of each workload.
struct System {
    name: &'static str,
    yields: fn() -> f64,
    spawns: fn() -> f64,
    runs: fn() -> f64,
}

const SYSTEMS: [System; 3] = [
    System {
        name: "sim-fifo",
        yields: || sim_yields(Policy::Fifo),
        spawns: || sim_spawns(Policy::Fifo),
        runs: || sim_runs(Policy::Fifo),
    },
    System {
        name: "sim-random",
        yields: || sim_yields(Policy::Random),
        spawns: || sim_spawns(Policy::Random),
        runs: || sim_runs(Policy::Random),
    },
    System { name: "tokio", yields: tokio_yields, spawns: tokio_spawns, runs: tokio_runs },
];

/// A workload: its name, what one unit is, and how a system runs it.
type Workload = (&'static str, &'static str, fn(&System) -> f64);

const WORKLOADS: [Workload; 3] = [
    ("w1", "ns a yield, 100 tasks", |system| (system.yields)()),
    ("w2", "ns to spawn and join", |system| (system.spawns)()),
    ("w5", "ns a whole small run", |system| (system.runs)()),
];

fn main() -> ExitCode {
    let mut json = false;
    let mut rounds = 15_usize;
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let value = match argument.as_str() {
            "--json" => {
                json = true;
                continue;
            }
            "--rounds" => arguments.next().and_then(|value| value.parse().ok()).filter(|n| *n > 0),
            _ => None,
        };
        let Some(value) = value else {
            let _ = writeln!(io::stderr(), "peer-bench: usage: peer-bench [--json] [--rounds N]");
            return ExitCode::from(2);
        };
        rounds = value;
    }
    match report(json, rounds) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn report(json: bool, rounds: usize) -> io::Result<()> {
    let mut output = io::stdout().lock();
    for (name, unit, measure) in WORKLOADS {
        let mut figures: Vec<Vec<f64>> = vec![Vec::new(); SYSTEMS.len()];
        for _ in 0..rounds {
            for (system, figures) in SYSTEMS.iter().zip(&mut figures) {
                figures.push(measure(system));
            }
        }
        let medians: Vec<f64> = figures.into_iter().map(median).collect();
        for (system, median) in SYSTEMS.iter().zip(&medians) {
            let to_sim = median / medians[0];
            if json {
                let line = serde_json::json!({
                    "workload": name, "system": system.name, "median": median, "unit": unit,
                    "ratio_to_sim": to_sim,
                });
                writeln!(output, "{line}")?;
            } else {
                let to_tokio = median / medians[SYSTEMS.len() - 1];
                let system = system.name;
                writeln!(
                    output,
                    "{name}  {system:<10} {median:>9.1} {unit:<22} {to_tokio:>5.2} x tokio"
                )?;
            }
        }
    }
    Ok(())
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

fn time_each(units: u32, work: impl FnOnce()) -> f64 {
    let begun = Instant::now();
    work();
    begun.elapsed().as_nanos() as f64 / f64::from(units)
}

fn sim(policy: Policy, seed: u64) -> Sim {
    Sim::new().policy(policy).seed(seed).trace(false).max_steps(u64::MAX)
}

fn tokio() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("tokio builds a runtime")
}

fn sim_yields(policy: Policy) -> f64 {
    time_each(YIELDING_TASKS * YIELDS, || {
        let program = || async {
            let task = |_| {
                sim::spawn(async {
                    for _ in 0..YIELDS {
                        sim::yield_now().await;
                    }
                })
            };
            let tasks: Vec<_> = (0..YIELDING_TASKS).map(task).collect();
            for task in tasks {
                task.await.expect("a task that yields ends");
            }
        };
        sim(policy, 1).run(program).expect("the workload does not fail");
    })
}

fn tokio_yields() -> f64 {
    time_each(YIELDING_TASKS * YIELDS, || {
        tokio().block_on(async {
            let task = |_| {
                tokio::spawn(async {
                    for _ in 0..YIELDS {
                        tokio::task::yield_now().await;
                    }
                })
            };
            let tasks: Vec<_> = (0..YIELDING_TASKS).map(task).collect();
            for task in tasks {
                task.await.expect("a task that yields ends");
            }
        });
    })
}

fn sim_spawns(policy: Policy) -> f64 {
    time_each(SPAWNS, || {
        let program = || async {
            for _ in 0..SPAWNS {
                sim::spawn(async {}).await.expect("an empty task ends");
            }
        };
        sim(policy, 1).run(program).expect("the workload does not fail");
    })
}

fn tokio_spawns() -> f64 {
    time_each(SPAWNS, || {
        tokio().block_on(async {
            for _ in 0..SPAWNS {
                tokio::spawn(async {}).await.expect("an empty task ends");
            }
        });
    })
}

/// Three tasks, each three times: sleep, lock, yield under the lock, unlock, yield.
fn delay(task: u64, turn: u64) -> Duration {
    Duration::from_millis(1 + (task * 7 + turn * 3) % 5)
}

fn sim_runs(policy: Policy) -> f64 {
    time_each(RUNS, || {
        for seed in 0..u64::from(RUNS) {
            let program = || async {
                let lock = Arc::new(sim::sync::Mutex::new(0_u64));
                let tasks = [0, 1, 2].map(|task| {
                    let lock = lock.clone();
                    sim::spawn(async move {
                        for turn in 0..3 {
                            sim::sleep(delay(task, turn)).await;
                            let mut guard = lock.lock().await;
                            sim::yield_now().await;
                            *guard += 1;
                            drop(guard);
                            sim::yield_now().await;
                        }
                    })
                });
                for task in tasks {
                    task.await.expect("a worker ends");
                }
            };
            sim(policy, seed).run(program).expect("the workload does not fail");
        }
    })
}

fn tokio_runs() -> f64 {
    time_each(RUNS, || {
        for _ in 0..RUNS {
            tokio().block_on(async {
                let lock = Arc::new(tokio::sync::Mutex::new(0_u64));
                let tasks = [0, 1, 2].map(|task| {
                    let lock = lock.clone();
                    tokio::spawn(async move {
                        for turn in 0..3 {
                            tokio::time::sleep(delay(task, turn)).await;
                            let mut guard = lock.lock().await;
                            tokio::task::yield_now().await;
                            *guard += 1;
                            drop(guard);
                            tokio::task::yield_now().await;
                        }
                    })
                });
                for task in tasks {
                    task.await.expect("a worker ends");
                }
            });
        }
    })
}
