//! `trace`: everything that happens in one schedule.

use serde_json::{Value, json};
use sim::explore::Watchdog;
use sim::report;
use sim::trace::Record;

use super::args::Once;
use super::run::{as_json, heading, schedule};
use super::runner::Runner;
use super::style::{BAD, paint};
use super::{AS_EXPECTED, Answer, Usage, target};
use crate::judge::Seen;

pub(super) fn trace(args: &Once, watchdog: Option<Watchdog>) -> Result<Answer, Usage> {
    if target::token(&args.what)?.is_some() {
        // A failure's report has its table; so has a run that passes.
        return super::run::replay(args, watchdog);
    }
    let (scenario, variant) = target::resolve(&args.what)?;
    let schedule = schedule(args, variant);
    let seen = Runner::new(scenario, variant, schedule.policy, watchdog).run(schedule.seed);
    let text = if args.json {
        let mut all = as_json(scenario, variant, &seen);
        all["type"] = json!("trace");
        all["omitted"] = json!(seen.trace.omitted());
        all["records"] = records(&seen);
        format!("{all}\n")
    } else {
        let mut text = heading(scenario, variant, seen.schedule);
        text.push_str(&format!("\n{}", report::table(&seen.trace)));
        if let Some(failure) = seen.failure_line() {
            text.push_str(&format!("\n{}\n", paint(BAD, format!("failed: {failure}"))));
        }
        text
    };
    Ok(Answer { text, status: AS_EXPECTED })
}

fn records(seen: &Seen) -> Value {
    let record = |record: &Record| {
        json!({
            "step": record.step,
            "now_ns": record.now,
            "task": seen.trace.task_name(record.task),
            "event": format!("{:?}", record.event),
        })
    };
    seen.trace.records().map(record).collect()
}
