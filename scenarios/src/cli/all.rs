//! The main job: every variant, first-in-first-out and under random schedules, in one table.

use std::time::Instant;

use serde_json::json;
use sim::Policy;
use sim::explore::Watchdog;

use super::explore::bar;
use super::list::chapter;
use super::run::nanos;
use super::runner::{self, COMMAND, Runner};
use super::style::{BAD, FAINT, GOOD, HEAD, STRONG, pad, paint, thousands, wrap};
use super::{AS_EXPECTED, Answer, INTERRUPTED, UNEXPECTED, Usage, interrupt};
use crate::gallery::SCENARIOS;
use crate::judge::{self, Schedule, Verdict};
use crate::scenario::{Scenario, Variant};

/// Random schedules for each variant where none are asked for.
pub(super) const SEEDS: u64 = 32;

/// One variant and what became of it.
struct Row {
    scenario: &'static Scenario,
    variant: &'static Variant,
    verdict: Verdict,
}

pub(super) fn all(seeds: u64, json: bool, watchdog: Option<Watchdog>) -> Result<Answer, Usage> {
    interrupt::listen();
    #[expect(clippy::disallowed_methods, reason = "says how long a person waited")]
    let begun = Instant::now();
    let variants: usize = SCENARIOS.iter().map(|scenario| scenario.variants.len()).sum();
    let bar = bar(variants as u64, "scenarios");
    let mut rows = Vec::new();
    'all: for scenario in SCENARIOS {
        for variant in scenario.variants {
            bar.set_message(format!("{} {}", scenario.id, variant.name));
            let verdict = examine(scenario, variant, seeds, watchdog);
            rows.push(Row { scenario, variant, verdict });
            bar.inc(1);
            if interrupt::pressed() {
                break 'all;
            }
        }
    }
    bar.finish_and_clear();
    let interrupted = interrupt::pressed();
    let runs = rows.iter().map(|row| row.verdict.runs).sum();
    let summary = Summary {
        variants: rows.len(),
        missing: variants - rows.len(),
        runs,
        unexpected: rows.iter().filter(|row| !row.verdict.is_as_documented()).count(),
        seeds,
        elapsed_ms: begun.elapsed().as_millis(),
        interrupted,
    };
    let text =
        if json { as_lines(&rows, &summary) } else { as_text(&rows, &summary, super::width()) };
    let status = match (interrupted, summary.unexpected) {
        (true, _) => INTERRUPTED,
        (false, 0) => AS_EXPECTED,
        (false, _) => UNEXPECTED,
    };
    Ok(Answer { text, status })
}

fn examine(
    scenario: &'static Scenario,
    variant: &'static Variant,
    seeds: u64,
    watchdog: Option<Watchdog>,
) -> Verdict {
    let mut verdict = Verdict::new(variant);
    let mut fifo = Runner::new(scenario, variant, Policy::Fifo, watchdog);
    verdict.add(variant, &fifo.run(0));
    drop(fifo);
    let mut random = Runner::new(scenario, variant, Policy::Random, watchdog);
    for seed in 0..seeds {
        if interrupt::pressed() {
            return verdict;
        }
        verdict.add(variant, &random.run(seed));
    }
    if seeds >= SEEDS {
        verdict.close();
    }
    verdict
}

struct Summary {
    variants: usize,
    missing: usize,
    runs: usize,
    unexpected: usize,
    seeds: u64,
    elapsed_ms: u128,
    interrupted: bool,
}

fn as_lines(rows: &[Row], summary: &Summary) -> String {
    let mut text = String::new();
    for Row { scenario, variant, verdict } in rows {
        let shown = verdict.shown.as_ref();
        let schedule = shown.map_or(Schedule::FIFO, |shown| shown.schedule);
        let line = json!({
            "v": 1,
            "type": "verdict",
            "id": scenario.id,
            "variant": variant.name,
            "teaches": scenario.teaches,
            "expected": variant.shows,
            "ends": variant.ends.to_string(),
            "runs": verdict.runs,
            "failed": verdict.failed,
            "as_documented": verdict.is_as_documented(),
            "differs": verdict.differs.as_ref().map(|(_, how)| how),
            "policy": schedule.policy.name(),
            "seed": schedule.seed,
            "failure": shown.and_then(|shown| shown.failure.as_deref()),
            "virtual_ns": shown.map(|shown| nanos(shown.elapsed)),
            "replay": format!("{COMMAND} {}", runner::replay(scenario, variant, schedule)),
        });
        text.push_str(&format!("{line}\n"));
    }
    let line = json!({
        "v": 1,
        "type": "summary",
        "scenarios": SCENARIOS.len(),
        "variants": summary.variants,
        "runs": summary.runs,
        "seeds": summary.seeds,
        "unexpected": summary.unexpected,
        "interrupted": summary.interrupted,
        "elapsed_ms": u64::try_from(summary.elapsed_ms).unwrap_or(u64::MAX),
    });
    text.push_str(&format!("{line}\n"));
    text
}

/// The columns of the table, for a width of the terminal.
struct Columns {
    variant: usize,
    expected: usize,
    seen: usize,
    seed: usize,
    /// Whether the command has a column of its own, rather than a line.
    wide: bool,
}

impl Columns {
    fn of(rows: &[Row], width: usize) -> Self {
        let longest = |f: fn(&Row) -> usize| rows.iter().map(f).max().unwrap_or(0);
        let variant = longest(|row| row.variant.name.len());
        let shows = longest(|row| row.variant.shows.len());
        let seen = longest(|row| seen(&row.verdict).len());
        let seed = longest(|row| seed(&row.verdict).len()).max("seed".len());
        let command = longest(|row| command(row).len());
        // The mark, and two blanks between columns.
        let rest = width.saturating_sub(4 + variant + 2 + 2 + seen + 2 + seed);
        let wide = rest.saturating_sub(command + 2) >= 30;
        let room = if wide { rest - command - 2 } else { rest };
        Self { variant, expected: room.clamp(20, shows.max(20)), seen, seed, wide }
    }
}

fn seen(verdict: &Verdict) -> String {
    let Verdict { runs, failed, .. } = verdict;
    match failed {
        0 => format!("{runs}/{runs} pass"),
        _ => format!("{failed}/{runs} fail"),
    }
}

fn seed(verdict: &Verdict) -> String {
    match verdict.shown.as_ref().map(|shown| shown.schedule) {
        None => String::new(),
        Some(Schedule { policy: Policy::Fifo, .. }) => "fifo".to_owned(),
        Some(Schedule { seed, .. }) => seed.to_string(),
    }
}

fn command(row: &Row) -> String {
    let schedule = row.verdict.shown.as_ref().map_or(Schedule::FIFO, |shown| shown.schedule);
    runner::replay(row.scenario, row.variant, schedule)
}

fn as_text(rows: &[Row], summary: &Summary, width: usize) -> String {
    let columns = Columns::of(rows, width);
    let mut text = String::new();
    let mut last: Option<&Scenario> = None;
    header(&mut text, &columns);
    for row in rows {
        if last.is_none_or(|last| chapter(last.tutorial) != chapter(row.scenario.tutorial)) {
            text.push_str(&format!("\n{}\n", paint(HEAD, chapter(row.scenario.tutorial))));
        }
        if last.is_none_or(|last| last.id != row.scenario.id) {
            let id = row.scenario.id;
            text.push('\n');
            let indent = id.len() + 3;
            for (number, line) in
                wrap(row.scenario.teaches, width.saturating_sub(indent)).iter().enumerate()
            {
                let name = if number == 0 { paint(STRONG, id) } else { " ".repeat(id.len()) };
                text.push_str(&format!("{name}   {line}\n"));
            }
        }
        variant(&mut text, row, &columns, width);
        last = Some(row.scenario);
    }
    text.push('\n');
    text.push_str(&closing(summary));
    text
}

/// Whether a command gets a line of its own: where something fails, or else at the scenario's
/// first variant. In the wide table every variant has one.
fn worth_a_command(row: &Row) -> bool {
    let failed = row.verdict.shown.as_ref().is_some_and(|shown| shown.failure.is_some());
    let calm = row.scenario.variants.iter().all(|variant| !judge::fails_somewhere(variant));
    let first = row.scenario.variants[0].name == row.variant.name;
    failed || !row.verdict.is_as_documented() || (calm && first)
}

fn header(text: &mut String, columns: &Columns) {
    let line = format!(
        "    {}  {}  {}  {}",
        pad("variant", columns.variant),
        pad("expected", columns.expected),
        pad("seen", columns.seen),
        pad("seed", columns.seed),
    );
    let replay = if columns.wide { format!("  {COMMAND}") } else { String::new() };
    text.push_str(&format!("{}\n", paint(FAINT, format!("{line}{replay}").trim_end())));
}

fn variant(text: &mut String, row: &Row, columns: &Columns, width: usize) {
    let good = row.verdict.is_as_documented();
    let (mark, style) = if good { ("✓", GOOD) } else { ("✗", BAD) };
    let command = command(row);
    for (number, expected) in wrap(row.variant.shows, columns.expected).iter().enumerate() {
        let first = number == 0;
        let only = |cell: String| if first { cell } else { String::new() };
        let mut line = format!(
            "  {} {}  {}  {}  {}",
            if first { paint(style, mark) } else { " ".to_owned() },
            pad(&only(row.variant.name.to_owned()), columns.variant),
            pad(expected, columns.expected),
            paint(
                if good { anstyle::Style::new() } else { BAD },
                pad(&only(seen(&row.verdict)), columns.seen)
            ),
            pad(&only(seed(&row.verdict)), columns.seed),
        );
        if columns.wide && first {
            line.push_str(&format!("  {}", paint(FAINT, &command)));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    if !columns.wide && worth_a_command(row) {
        text.push_str(&format!("    {}\n", paint(FAINT, format!("$ {COMMAND} {command}"))));
    }
    if let Some((schedule, how)) = &row.verdict.differs {
        for line in wrap(&format!("{schedule}: {how}"), width.saturating_sub(4)) {
            text.push_str(&format!("    {}\n", paint(BAD, line)));
        }
    }
}

fn closing(summary: &Summary) -> String {
    let Summary { variants, missing, runs, unexpected, elapsed_ms, .. } = summary;
    let verdict = match unexpected {
        0 => paint(GOOD, format!("all {variants} variants as documented")),
        1 => paint(BAD, format!("1 of {variants} variants not as documented")),
        _ => paint(BAD, format!("{unexpected} of {variants} variants not as documented")),
    };
    let early = match (summary.interrupted, missing) {
        (false, _) => String::new(),
        (true, missing) => paint(BAD, format!("; interrupted, {missing} were not run")),
    };
    let seconds = format!("{}.{:01} s", elapsed_ms / 1_000, elapsed_ms % 1_000 / 100);
    let schedules = match summary.seeds {
        0 => "each first-in-first-out".to_owned(),
        seeds => format!("each first-in-first-out and under seeds 0 to {}", seeds - 1),
    };
    let legend = "✓: as documented. What breaks its text's promise is documented to fail.";
    format!(
        "{verdict}{early}: {} runs in {seconds}\n{}\n",
        thousands(*runs),
        paint(FAINT, format!("{schedules}\n{legend}"))
    )
}
