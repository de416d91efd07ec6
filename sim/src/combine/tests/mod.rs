//! The rows of the asyncio reference, by their labels: G (gather), W (wait, as_completed),
//! X (wait_for), K (task groups). Expected orders are what CPython 3.13 gives.

mod as_completed;
mod gather;
mod group;
mod join;
mod join_set;
mod wait;
mod wait_for;

use core::future::Future;
use core::time::Duration;

use crate::{JoinHandle, Sim, spawn, yield_now};

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Runs a program that does not fail; gives its notes as `seconds text`, one a line.
#[track_caller]
fn notes<F, Fut>(program: F) -> String
where
    F: FnOnce() -> Fut,
    Fut: Future<Output = ()> + 'static,
{
    let outcome = match Sim::new().run(program) {
        Ok(outcome) => outcome,
        Err(failure) => panic!("{:?}", failure.kind()),
    };
    let lines: Vec<String> = outcome
        .trace()
        .notes()
        .map(|(now, _, text)| format!("{} {text}", now as f64 / 1e9))
        .collect();
    lines.join("\n")
}

/// Runs a program of which every event is at time 0; gives its notes with `|` between passes.
#[track_caller]
fn passes<F, Fut>(program: F) -> String
where
    F: FnOnce() -> Fut + 'static,
    Fut: Future<Output = ()> + 'static,
{
    let text = notes(|| async {
        // Its turn comes first in each pass: what others do stands behind its mark.
        let _marks = spawn(async {
            for _ in 0..12 {
                crate::note!("|");
                yield_now().await;
            }
        });
        yield_now().await;
        program().await;
    });
    let words: Vec<&str> = text.lines().map(|line| line.trim_start_matches("0 ")).collect();
    let line = words.join(" ");
    line.strip_prefix("| ").unwrap_or(&line).trim_end_matches([' ', '|']).to_owned()
}

/// A task that notes its name when it ends, after some turns.
fn after_turns(turns: usize, name: &'static str) -> JoinHandle<&'static str> {
    spawn(async move {
        for _ in 0..turns {
            yield_now().await;
        }
        crate::note!("{name}");
        name
    })
}

/// Sleeps, notes its name, and gives it.
async fn nap(seconds: u64, name: &'static str) -> Result<&'static str, &'static str> {
    crate::sleep(secs(seconds)).await;
    crate::note!("{name}");
    Ok(name)
}

/// Sleeps, notes its name, and fails with it.
async fn fail(seconds: u64, name: &'static str) -> Result<&'static str, &'static str> {
    crate::sleep(secs(seconds)).await;
    crate::note!("{name} fails");
    Err(name)
}

/// Never ends by itself; cleans up for some time when it is cancelled.
async fn slow_to_die(seconds: u64, name: &'static str) -> Result<&'static str, &'static str> {
    let Err(cancelled) = crate::catch_cancel(core::future::pending::<()>()).await else {
        unreachable!()
    };
    crate::note!("{name} cancelled");
    crate::sleep(secs(seconds)).await;
    crate::note!("{name} cleaned");
    match cancelled.resume().await {}
}
