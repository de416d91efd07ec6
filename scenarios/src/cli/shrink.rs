//! `shrink`: from a token to a smaller one.

use sim::explore::Watchdog;

use super::args::{Shrink, What};
use super::explore::{begin, failure_as_json, failure_as_text};
use super::style::{GOOD, paint};
use super::{Answer, DRIFTED, UNEXPECTED, Usage, interrupt, target};

pub(super) fn shrink(args: &Shrink, watchdog: Option<Watchdog>) -> Result<Answer, Usage> {
    let what = What { target: args.token.clone(), variant: None };
    let Some((token, scenario, variant)) = target::token(&what)? else {
        return Err(Usage(format!("{:?} is no token: it begins with `sim1:`", args.token)));
    };
    interrupt::listen();
    let found = begin(scenario, variant, watchdog)
        .shrink_replays(args.max_runs)
        .stop_when(interrupt::pressed)
        .shrink(&token);
    let Some(found) = found else {
        let text = "the token's run passes: the program has changed since\n".to_owned();
        return Ok(Answer { text, status: DRIFTED });
    };
    let text = if args.json {
        format!("{}\n", failure_as_json(scenario, variant, &found))
    } else {
        let (before, after) = (token.deviations(), found.deviations());
        let s = if after == 1 { "" } else { "s" };
        let minimal = if found.is_minimal() { ", and fewer do not show it" } else { "" };
        let mut text = format!(
            "  {}\n\n",
            paint(
                GOOD,
                format!("{before} -> {after} deviation{s}, {} replays{minimal}", found.replays())
            )
        );
        failure_as_text(&mut text, &found);
        text
    };
    Ok(Answer { text, status: UNEXPECTED })
}
