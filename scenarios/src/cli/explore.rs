//! `explore`: many seeds, and what fails among them.

use std::collections::{BTreeMap, BTreeSet};

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use sim::explore::Watchdog;

use super::args::Many;
use super::run::as_json;
use super::runner::{self, COMMAND, Runner};
use super::style::{BAD, FAINT, GOOD, STRONG, pad, paint, paragraph, thousands};
use super::{AS_EXPECTED, Answer, INTERRUPTED, UNEXPECTED, Usage, interrupt, target};
use crate::judge::Seen;
use crate::scenario::{Moment, Scenario, Variant};

/// What the runs gave so far.
#[derive(Default)]
struct Findings {
    runs: usize,
    failed: usize,
    digests: BTreeSet<u64>,
    /// By what the failure says: how often, and the easiest to follow.
    failures: BTreeMap<String, (usize, Seen)>,
}

impl Findings {
    fn add(&mut self, seen: Seen) {
        self.runs += 1;
        self.digests.insert(seen.digest);
        let Some(line) = seen.failure_line() else { return };
        self.failed += 1;
        match self.failures.get_mut(&line) {
            None => {
                self.failures.insert(line, (1, seen));
            }
            Some((count, best)) => {
                *count += 1;
                if ease(&seen) < ease(best) {
                    *best = seen;
                }
            }
        }
    }

    /// The failures, the most frequent first.
    fn sorted(&self) -> Vec<(&String, &(usize, Seen))> {
        let mut sorted: Vec<_> = self.failures.iter().collect();
        sorted.sort_by_key(|(_, (count, _))| core::cmp::Reverse(*count));
        sorted
    }
}

/// How hard a run is to follow: its choices against first-in-first-out, then its length.
fn ease(seen: &Seen) -> (usize, u64) {
    (seen.deviations, seen.steps)
}

pub(super) fn explore(args: &Many, watchdog: Option<Watchdog>) -> Result<Answer, Usage> {
    let (scenario, variant) = target::resolve(&args.what)?;
    if args.seeds == 0 {
        return Err(Usage("`--seeds 0` would run nothing".to_owned()));
    }
    let Some(end) = args.seed.checked_add(args.seeds) else {
        return Err(Usage("`--seed` plus `--seeds` goes beyond the last seed".to_owned()));
    };
    interrupt::listen();
    let bar = bar(args.seeds, scenario.id);
    let mut runner = Runner::new(scenario, variant, args.policy, watchdog);
    let mut findings = Findings::default();
    for seed in args.seed..end {
        if interrupt::pressed() {
            break;
        }
        findings.add(runner.run(seed));
        bar.inc(1);
        if seed.is_multiple_of(64) {
            bar.set_message(format!("{} failed", thousands(findings.failed)));
        }
    }
    bar.finish_and_clear();
    let interrupted = interrupt::pressed();
    let text = if args.json {
        as_lines(args, scenario, variant, &findings, interrupted)
    } else {
        as_text(args, scenario, variant, &findings, interrupted)
    };
    let status = match (interrupted, findings.failed) {
        (true, _) => INTERRUPTED,
        (false, 0) => AS_EXPECTED,
        (false, _) => UNEXPECTED,
    };
    Ok(Answer { text, status })
}

/// A bar on stderr: nothing where that is no terminal.
pub(super) fn bar(length: u64, what: &'static str) -> ProgressBar {
    let style = ProgressStyle::with_template("{prefix} {bar:30} {human_pos}/{human_len} {msg}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(length).with_style(style).with_prefix(what)
}

fn as_lines(
    args: &Many,
    scenario: &Scenario,
    variant: &Variant,
    findings: &Findings,
    interrupted: bool,
) -> String {
    let mut text = String::new();
    for (_, (count, best)) in findings.sorted() {
        let mut line = as_json(scenario, variant, best);
        line["type"] = json!("failure");
        line["count"] = json!(count);
        line["deviations"] = json!(best.deviations);
        text.push_str(&format!("{line}\n"));
    }
    let summary = json!({
        "v": 1,
        "type": "summary",
        "id": scenario.id,
        "variant": variant.name,
        "policy": args.policy.name(),
        "runs": findings.runs,
        "distinct": findings.digests.len(),
        "failed": findings.failed,
        "interrupted": interrupted,
    });
    text.push_str(&format!("{summary}\n"));
    text
}

fn as_text(
    args: &Many,
    scenario: &Scenario,
    variant: &Variant,
    findings: &Findings,
    interrupted: bool,
) -> String {
    let name = paint(STRONG, format!("{} ({})", scenario.id, variant.name));
    let what = paint(FAINT, format!("{} · {}", scenario.tutorial, args.policy));
    let mut text = format!("{name}  {what}\n\n");
    let failed = match findings.failed {
        0 => paint(GOOD, "none failed"),
        count => paint(BAD, format!("{} failed", thousands(count))),
    };
    let early = if interrupted { ", then interrupted" } else { "" };
    text.push_str(&format!(
        "  {} runs{early}: {failed}, {} different\n",
        thousands(findings.runs),
        thousands(findings.digests.len())
    ));
    const SHOWN: usize = 8;
    let sorted = findings.sorted();
    for (line, (count, best)) in sorted.iter().take(SHOWN) {
        text.push('\n');
        paragraph(&mut text, &format!("{}x", thousands(*count)), line, super::width());
        let (deviations, end) = (best.deviations, Moment(best.elapsed));
        let simplest = format!(
            "{}: {deviations} {} against fifo, {} steps, ends at {end}",
            best.schedule,
            if deviations == 1 { "choice" } else { "choices" },
            best.steps
        );
        text.push_str(&format!("  {}{simplest}\n", paint(FAINT, pad("simplest", 10))));
        let again = runner::replay(scenario, variant, best.schedule);
        text.push_str(&format!("  {}{COMMAND} {again}\n", paint(FAINT, pad("replay", 10))));
    }
    if sorted.len() > SHOWN {
        text.push_str(&format!("\n  and {} more kinds of failure\n", sorted.len() - SHOWN));
    }
    text
}
