//! Geometric means, and whether the project's gates hold.

use std::io::{self, Write};

use crate::peers::PEERS;
use crate::report::Row;
use crate::trial::{Form, Trial};

/// The means that single programs are to stay below.
const TARGETS: [(&str, f64); 11] = [
    ("reorder_3", 15.0),
    ("reorder_5", 20.0),
    ("reorder_10", 30.0),
    ("reorder_50", 60.0),
    ("reorder_100", 150.0),
    ("twostage_20", 25.0),
    ("twostage_50", 80.0),
    ("twostage_100", 2_500.0),
    ("bluetooth", 25.0),
    ("stringbuffer", 15.0),
    ("CVE-2013-1792", 30.0),
];

/// Whether a program counts in the means: the two largest have figures of their own.
fn counts(row: &Row) -> bool {
    !matches!(row.program, "twostage_100" | "SafeStack")
}

/// The geometric mean of the rows' runs.
fn mean(rows: &[&Row]) -> Option<f64> {
    let logs: Vec<f64> =
        rows.iter().filter(|row| counts(row)).map(|row| row.mean_runs().ln()).collect();
    (!logs.is_empty()).then(|| (logs.iter().sum::<f64>() / logs.len() as f64).exp())
}

pub(crate) fn write(output: &mut impl Write, rows: &[Row]) -> io::Result<()> {
    let mut seen = Vec::new();
    writeln!(output, "\ngeometric means, without twostage_100 and SafeStack")?;
    for row in rows {
        let group = (row.form, row.spawn_point, row.policy.as_str());
        if seen.contains(&group) {
            continue;
        }
        seen.push(group);
        let rows = select(rows, group.0, group.1, group.2);
        let counted: Vec<_> = rows.iter().filter(|row| counts(row)).collect();
        let (Some(mean), Some(worst)) =
            (mean(&rows), counted.iter().max_by(|a, b| a.mean_runs().total_cmp(&b.mean_runs())))
        else {
            continue;
        };
        let always = counted.iter().filter(|row| row.found() == row.trials.len()).count();
        writeln!(
            output,
            "{:<7} spawn-point {:<3} {:<15} {mean:>9.1}   {always} of {} always found, worst {} {:.1}",
            group.0.name(),
            if group.1 { "yes" } else { "no" },
            group.2,
            counted.len(),
            worst.program,
            worst.mean_runs(),
        )?;
    }
    for spawn_point in [true, false] {
        tracked(output, &select(rows, Form::Tracked, spawn_point, "campaign"), spawn_point)?;
        plain(output, rows, spawn_point)?;
    }
    Ok(())
}

fn select<'a>(rows: &'a [Row], form: Form, spawn_point: bool, policy: &str) -> Vec<&'a Row> {
    let same =
        |row: &&Row| row.form == form && row.spawn_point == spawn_point && row.policy == policy;
    rows.iter().filter(same).collect()
}

/// Says of one gate what was measured, and whether it holds.
fn gate(output: &mut impl Write, what: &str, measured: f64, at_most: f64) -> io::Result<()> {
    let verdict = if measured <= at_most { "holds" } else { "DOES NOT HOLD" };
    writeln!(output, "  {what:<48} {measured:>9.1} of at most {at_most:>6.1}  {verdict}")
}

fn tracked(output: &mut impl Write, rows: &[&Row], spawn_point: bool) -> io::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let spawning = if spawn_point { "spawning a schedule point" } else { "spawning none" };
    writeln!(output, "\ngates: campaign, tracked, {spawning}; {} programs", rows.len())?;
    let missed = rows.iter().filter(|row| row.program != "SafeStack");
    let missed = missed.filter(|row| row.found() < row.trials.len()).count();
    gate(output, "programs missed in a trial, SafeStack apart", missed as f64, 0.0)?;
    if let Some(mean) = mean(rows) {
        gate(output, "geometric mean of runs", mean, 8.0)?;
    }
    let worst = rows.iter().filter(|row| counts(row)).map(|row| row.mean_runs());
    gate(output, "worst mean, twostage_100 apart", worst.fold(0.0, f64::max), 100.0)?;
    for (name, at_most) in TARGETS {
        if let Some(row) = rows.iter().find(|row| row.program == name) {
            gate(output, name, row.mean_runs(), at_most)?;
        }
    }
    if let Some(row) = rows.iter().find(|row| row.program == "SafeStack") {
        let unseen = if row.found() > 0 { 0.0 } else { 1.0 };
        gate(output, "SafeStack never found in ten times the budget", unseen, 0.0)?;
    }
    shrunk(output, rows)
}

fn shrunk(output: &mut impl Write, rows: &[&Row]) -> io::Result<()> {
    let trials = || rows.iter().flat_map(|row| &row.trials);
    let median = |pick: fn(&Trial) -> Option<f64>| {
        let mut values: Vec<f64> = trials().filter_map(pick).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied()
    };
    if let Some(deviations) = median(|trial| trial.deviations.map(|n| n as f64)) {
        gate(output, "median deviations of the shrunk schedule", deviations, 2.0)?;
    }
    if let Some(replays) = median(|trial| trial.replays.map(|n| n as f64)) {
        gate(output, "median replays to shrink it", replays, 40.0)?;
    }
    let holds: Vec<bool> = trials().filter_map(|trial| trial.holds).collect();
    if !holds.is_empty() {
        let lost = holds.iter().filter(|holds| !**holds).count() as f64;
        let percent = 100.0 * lost / holds.len() as f64;
        gate(output, "percent of tokens lost by one more await a task", percent, 1.0)?;
    }
    Ok(())
}

fn plain(output: &mut impl Write, rows: &[Row], spawn_point: bool) -> io::Result<()> {
    let own = mean(&select(rows, Form::Plain, spawn_point, "campaign"));
    let peers = PEERS.iter().filter_map(|peer| mean(&select(rows, Form::Plain, true, peer)));
    let (Some(own), Some(best)) = (own, peers.min_by(f64::total_cmp)) else { return Ok(()) };
    let spawning = if spawn_point { "spawning yields" } else { "spawning does not yield" };
    writeln!(output, "\ngates: campaign, plain, {spawning}")?;
    gate(output, "geometric mean, beside shuttle's best scheduler", own, best)
}
