//! `run` and `replay`: one schedule, line by line.

use serde_json::{Value, json};
use sim::Policy;
use sim::explore::{Fit, Token, Watchdog};

use super::args::Once;
use super::explore::begin;
use super::runner::{self, COMMAND, Runner};
use super::style::{BAD, FAINT, GOOD, STRONG, pad, paint, paragraph};
use super::{AS_EXPECTED, Answer, DRIFTED, UNEXPECTED, Usage, target};
use crate::judge::{self, Schedule, Seen};
use crate::scenario::{Moment, Scenario, Variant};

/// Which schedule was asked for: by default the one that shows what the variant is there to show.
pub(super) fn schedule(args: &Once, variant: &Variant) -> Schedule {
    match (args.policy, args.seed) {
        (None, None) => judge::recorded(variant),
        (None, Some(seed)) => Schedule::random(seed),
        (Some(policy), seed) => Schedule { policy, seed: seed.unwrap_or(0) },
    }
}

pub(super) fn run(args: &Once, watchdog: Option<Watchdog>) -> Result<Answer, Usage> {
    let (scenario, variant) = target::resolve(&args.what)?;
    let schedule = schedule(args, variant);
    let seen = Runner::new(scenario, variant, schedule.policy, watchdog).run(schedule.seed);
    let differs = judge::differs(variant, &seen);
    let text = if args.json {
        let mut line = as_json(scenario, variant, &seen);
        line["expected"] = json!(variant.shows);
        line["as_documented"] = json!(differs.is_none());
        line["differs"] = json!(differs);
        format!("{line}\n")
    } else {
        as_text(scenario, variant, &seen, Some(&differs))
    };
    Ok(Answer { text, status: if differs.is_none() { AS_EXPECTED } else { UNEXPECTED } })
}

pub(super) fn replay(args: &Once, watchdog: Option<Watchdog>) -> Result<Answer, Usage> {
    if let Some((token, scenario, variant)) = target::token(&args.what)? {
        return replay_token(args, &token, scenario, variant, watchdog);
    }
    let (scenario, variant) = target::resolve(&args.what)?;
    let schedule = schedule(args, variant);
    let seen = Runner::new(scenario, variant, schedule.policy, watchdog).run(schedule.seed);
    let text = if args.json {
        format!("{}\n", as_json(scenario, variant, &seen))
    } else {
        as_text(scenario, variant, &seen, None)
    };
    Ok(Answer { text, status: if seen.failure.is_none() { AS_EXPECTED } else { UNEXPECTED } })
}

/// Makes a token's run again.
fn replay_token(
    args: &Once,
    token: &Token,
    scenario: &Scenario,
    variant: &Variant,
    watchdog: Option<Watchdog>,
) -> Result<Answer, Usage> {
    if args.seed.is_some() || args.policy.is_some() {
        return Err(Usage("a token has its seed and its schedule in it".to_owned()));
    }
    let replay = begin(scenario, variant, watchdog).replay(token);
    let exact = replay.fit() == Fit::Exact;
    let text = if args.json {
        let line = json!({
            "v": 1,
            "type": "replay",
            "id": scenario.id,
            "variant": variant.name,
            "token": token.to_string(),
            "outcome": if replay.failure().is_none() { "passed" } else { "failed" },
            "rule": replay.failure().map(|failure| failure.rule().id),
            "fit": if exact { "exact" } else { "drifted" },
            "report": replay.to_string(),
        });
        format!("{line}\n")
    } else {
        format!("{}\n", replay.to_string().trim_end())
    };
    let status = match (replay.failure(), exact) {
        (Some(_), _) => UNEXPECTED,
        (None, true) => AS_EXPECTED,
        (None, false) => DRIFTED,
    };
    Ok(Answer { text, status })
}

/// A run as a JSON object.
pub(super) fn as_json(scenario: &Scenario, variant: &Variant, seen: &Seen) -> Value {
    let output: Vec<_> = seen
        .output
        .iter()
        .map(|line| json!({ "at_ns": nanos(line.at), "task": line.task, "text": line.text }))
        .collect();
    json!({
        "v": 1,
        "type": "run",
        "id": scenario.id,
        "variant": variant.name,
        "policy": seen.schedule.policy.name(),
        "seed": seen.schedule.seed,
        "outcome": if seen.failure.is_none() { "passed" } else { "failed" },
        "rule": seen.failure.as_ref().map(|failure| failure.rule().id),
        "failure": seen.failure_line(),
        "steps": seen.steps,
        "virtual_ns": nanos(seen.elapsed),
        "digest": format!("{:016x}", seen.digest),
        "output": output,
        "replay": format!("{COMMAND} {}", runner::replay(scenario, variant, seen.schedule)),
    })
}

pub(super) fn nanos(time: core::time::Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// What the run is: `starvation (bad)   003 Important!, both samples   fifo`.
pub(super) fn heading(scenario: &Scenario, variant: &Variant, schedule: Schedule) -> String {
    let name = format!("{} ({})", scenario.id, variant.name);
    let how = match schedule.policy {
        Policy::Fifo => "first in, first out".to_owned(),
        policy => format!("{policy}, seed {}", schedule.seed),
    };
    let rest = paint(FAINT, format!("{} · {how}", scenario.tutorial));
    format!("{}  {rest}\n", paint(STRONG, name))
}

/// A run for a reader; `judged` says how it differs from what is documented, where that counts.
fn as_text(
    scenario: &Scenario,
    variant: &Variant,
    seen: &Seen,
    judged: Option<&Option<String>>,
) -> String {
    let width = super::width();
    let mut text = heading(scenario, variant, seen.schedule);
    text.push('\n');
    let times: Vec<_> = seen.output.iter().map(|line| Moment(line.at).to_string()).collect();
    let end = Moment(seen.elapsed).to_string();
    let time = times.iter().chain([&end]).map(String::len).max().unwrap_or(0);
    let task = seen.output.iter().map(|line| line.task.len()).max().unwrap_or(0).max(4);
    for (line, at) in seen.output.iter().zip(&times) {
        let who = paint(FAINT, pad(&line.task, task));
        text.push_str(&format!("  {at:>time$}  {who}  {}\n", line.text));
    }
    let verdict = match seen.failure_line() {
        Some(failure) => paint(BAD, format!("failed: {failure}")),
        None => paint(GOOD, "passed"),
    };
    text.push_str(&format!("  {end:>time$}  {}  {verdict}\n\n", pad("", task)));
    if let Some(differs) = judged {
        paragraph(&mut text, "expected", variant.shows, width);
        match differs {
            None => paragraph(&mut text, "saw", &paint(GOOD, "that"), width),
            Some(how) => {
                paragraph(&mut text, "saw", &paint(BAD, format!("not that: {how}")), width)
            }
        }
        if let Some(claim) = scenario.claim {
            paragraph(&mut text, "claim", &format!("\u{201c}{claim}\u{201d}"), width);
        }
        paragraph(&mut text, "why", scenario.why, width);
        paragraph(&mut text, "lesson", scenario.teaches, width);
        let others: Vec<_> = scenario
            .variants
            .iter()
            .filter(|other| other.name != variant.name)
            .map(|other| other.name)
            .collect();
        let mut next = Vec::new();
        if !others.is_empty() {
            next.push(format!("run {} {}", scenario.id, others.join(" | ")));
        }
        let flags = if seen.schedule == judge::recorded(variant) {
            String::new()
        } else {
            seen.schedule.flags()
        };
        next.push(format!("trace {} {}{flags}", scenario.id, variant.name));
        for (number, command) in next.iter().enumerate() {
            paragraph(&mut text, if number == 0 { "try" } else { "" }, command, width);
        }
    } else {
        let again = format!("{COMMAND} {}", runner::replay(scenario, variant, seen.schedule));
        text.push_str(&format!("  {}{again}\n", paint(FAINT, pad("replay", 10))));
    }
    text
}
