//! `explore`: many runs of one program, and the smallest schedule that breaks it.

use std::sync::Arc;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use sim::explore::{Claim, Explore, Found, Report, Watchdog};

use super::args::{Many, Search};
use super::runner::COMMAND;
use super::style::{BAD, FAINT, GOOD, STRONG, paint, thousands};
use super::{AS_EXPECTED, Answer, INTERRUPTED, UNEXPECTED, Usage, interrupt, target};
use crate::judge::MAX_STEPS;
use crate::scenario::{Scenario, Variant};

pub(super) fn explore(args: &Many, watchdog: Option<Watchdog>) -> Result<Answer, Usage> {
    let (scenario, variant) = target::resolve(&args.what)?;
    if args.seeds == 0 {
        return Err(Usage("`--seeds 0` would run nothing".to_owned()));
    }
    if args.seed.checked_add(args.seeds).is_none() {
        return Err(Usage("`--seed` plus `--seeds` goes beyond the last seed".to_owned()));
    }
    interrupt::listen();
    let bar = Arc::new(bar(args.seeds, scenario.id));
    let told = Arc::clone(&bar);
    let report = settings(args, begin(scenario, variant, watchdog))
        .stop_when(interrupt::pressed)
        .on_progress(move |progress| {
            told.set_position(progress.runs);
            let classes = thousands(usize::try_from(progress.classes).unwrap_or(usize::MAX));
            told.set_message(format!("{classes} different, {} failed", progress.failures));
        })
        .run();
    bar.finish_and_clear();
    let interrupted = interrupt::pressed();
    let done = Done { args, scenario, variant, report: &report, interrupted };
    let text = if args.json { done.as_lines() } else { done.as_text() };
    let status = match (interrupted, report.failure()) {
        (true, _) => INTERRUPTED,
        (false, None) => AS_EXPECTED,
        (false, Some(_)) => UNEXPECTED,
    };
    Ok(Answer { text, status })
}

/// A campaign of one program, as this command line sets it up.
pub(super) fn begin(scenario: &Scenario, variant: &Variant, watchdog: Option<Watchdog>) -> Explore {
    let explore = sim::explore(variant.program)
        .what(format!("{}/{}", scenario.id, variant.name))
        .settings(|sim| sim.max_steps(MAX_STEPS));
    match watchdog {
        Some(watchdog) => explore.watchdog(watchdog.limit()),
        None => explore,
    }
}

fn settings(args: &Many, explore: Explore) -> Explore {
    let mut explore = explore.seed(args.seed).runs(args.seeds).threads(usize::from(args.jobs));
    if let Some(budget) = args.budget {
        explore = explore.budget(budget);
    }
    if let Some((part, of)) = args.shard {
        explore = explore.shard(part, of);
    }
    if args.keep_going {
        explore = explore.keep_going();
    }
    match args.policy {
        Search::Campaign => explore,
        Search::Bounded(most) => explore.max_deviations(most),
        Search::Exhaustive => explore.exhaustive(),
        Search::Policy(policy) => explore.policy(policy),
    }
}

/// A bar on stderr: nothing where that is no terminal.
pub(super) fn bar(length: u64, what: &'static str) -> ProgressBar {
    let style = ProgressStyle::with_template("{prefix} {bar:30} {human_pos}/{human_len} {msg}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(length).with_style(style).with_prefix(what)
}

/// A failure that was found, as a JSON object.
pub(super) fn failure_as_json(scenario: &Scenario, variant: &Variant, found: &Found) -> Value {
    let failure = found.failure();
    json!({
        "v": 1,
        "type": "failure",
        "id": scenario.id,
        "variant": variant.name,
        "token": found.token().to_string(),
        "rule": failure.rule().id,
        "name": failure.rule().name,
        "deviations": found.deviations(),
        "found_with": found.found_with(),
        "replays": found.replays(),
        "minimal": found.is_minimal(),
        "reproduced": found.is_reproduced(),
        "schedule": found.token().describe().collect::<Vec<_>>(),
        "steps": failure.step(),
        "virtual_ns": super::run::nanos(failure.elapsed()),
        "report": found.to_string(),
        "replay": format!("{COMMAND} replay '{}'", found.token()),
    })
}

/// A failure that was found, for a reader.
pub(super) fn failure_as_text(text: &mut String, found: &Found) {
    for line in found.to_string().lines() {
        text.push_str(format!("  {line}").trim_end());
        text.push('\n');
    }
    let again = format!("{COMMAND} replay '{}'", found.token());
    text.push_str(&format!("\n  {}   {again}\n", paint(FAINT, "again")));
}

/// A campaign that is over.
struct Done<'a> {
    args: &'a Many,
    scenario: &'a Scenario,
    variant: &'a Variant,
    report: &'a Report,
    interrupted: bool,
}

impl Done<'_> {
    fn as_lines(&self) -> String {
        let Self { args, scenario, variant, report, interrupted } = self;
        let mut text = String::new();
        if let Some(found) = report.failure() {
            text.push_str(&format!("{}\n", failure_as_json(scenario, variant, found)));
        }
        let claim = match report.claim() {
            Some(Claim::Complete) => json!("complete"),
            Some(Claim::Deviations { most, all }) => json!({ "deviations": most, "all": all }),
            _ => Value::Null,
        };
        let summary = json!({
            "v": 1,
            "type": "summary",
            "id": scenario.id,
            "variant": variant.name,
            "policy": args.policy.to_string(),
            "runs": report.runs(),
            "distinct": report.classes(),
            "failed": report.failures(),
            "claim": claim,
            "interrupted": interrupted,
        });
        text.push_str(&format!("{summary}\n"));
        text
    }

    fn as_text(&self) -> String {
        let Self { args, scenario, variant, report, interrupted } = self;
        let name = paint(STRONG, format!("{} ({})", scenario.id, variant.name));
        let what = paint(FAINT, format!("{} · {}", scenario.tutorial, args.policy));
        let mut text = format!("{name}  {what}\n\n");
        let runs = thousands(usize::try_from(report.runs()).unwrap_or(usize::MAX));
        let early = if *interrupted { ", then interrupted" } else { "" };
        let failed = match report.failures() {
            0 => paint(GOOD, "none failed"),
            count => paint(BAD, format!("{count} failed")),
        };
        let s = if report.runs() == 1 { "" } else { "s" };
        text.push_str(&format!("  {runs} run{s}{early}: {failed}\n"));
        match report.failure() {
            Some(found) => {
                text.push('\n');
                failure_as_text(&mut text, found);
            }
            None => text.push_str(&format!("  {}\n", paint(FAINT, report))),
        }
        text
    }
}
