//! The benchmark's programs are what the published tables say.

mod programs;
#[cfg(feature = "peers")]
mod shuttle_worlds;
mod sim_worlds;
mod world;

use std::collections::BTreeSet;

use programs::Program;
use sim::{FailureKind, Policy, Sim};
use sim_worlds::{Plain, Tracked};

/// The table's programs, with the fewest deviations from first-in-first-out that show the bug.
const TABLE: [(&str, usize); 39] = [
    ("reorder_3", 1),
    ("reorder_4", 1),
    ("reorder_5", 1),
    ("reorder_10", 1),
    ("reorder_20", 1),
    ("reorder_50", 1),
    ("reorder_100", 1),
    ("twostage", 1),
    ("twostage_20", 1),
    ("twostage_50", 1),
    ("twostage_100", 1),
    ("wronglock_3", 1),
    ("wronglock", 1),
    ("account", 1),
    ("bluetooth", 2),
    ("carter01", 1),
    ("token_ring", 1),
    ("lazy01", 0),
    ("deadlock01", 1),
    ("stack", 1),
    ("queue", 2),
    ("circular_buffer", 2),
    ("boundedBuffer", 1),
    ("stringbuffer", 3),
    ("WSQ", 1),
    ("IWSQ", 1),
    ("IWSQ_state", 1),
    ("StateWSQ", 1),
    ("CVE-2009-3547", 1),
    ("CVE-2013-1792", 2),
    ("CVE-2015-7550", 1),
    ("CVE-2016-1972", 1),
    ("CVE-2016-1973", 1),
    ("CVE-2016-7911", 1),
    ("CVE-2016-9806", 1),
    ("CVE-2017-6346", 1),
    ("CVE-2017-15265", 1),
    ("uneven_25", 1),
    ("noise_8x20", 1),
];

/// Those that a random walk does not find in a few hundred runs.
const RARE: [&str; 12] = [
    // The lock is fair: producers and consumers mostly take turns, as they do not with pthread's.
    "boundedBuffer",
    "reorder_5",
    "reorder_10",
    "reorder_20",
    "reorder_50",
    "reorder_100",
    "twostage_20",
    "twostage_50",
    "twostage_100",
    "uneven_25",
    "noise_8x20",
    "SafeStack",
];

const TRACKED: Tracked = Tracked { spawn_point: true, padded: false };

#[test]
fn they_are_those_of_the_table() {
    let programs = programs::all();
    let names: Vec<&str> = programs.iter().map(|program| program.name).collect();
    let expected: Vec<&str> = TABLE.iter().map(|(name, _)| *name).chain(["SafeStack"]).collect();
    assert_eq!(names, expected);
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
}

#[test]
fn first_in_first_out_hides_all_bugs_but_one() {
    for program in programs::all() {
        for spawn_point in [true, false] {
            let tracked = Tracked { spawn_point, padded: false };
            let failed = Sim::new().run(|| program.tracked(tracked)).is_err();
            assert_eq!(failed, program.name == "lazy01", "{}", program.name);
        }
    }
}

fn random_failure(program: &Program, plain: bool) -> Option<FailureKind> {
    (0..2_000).find_map(|seed| {
        let sim = Sim::new().seed(seed).policy(Policy::Random).trace(false).max_steps(20_000);
        let outcome = match plain {
            false => sim.run(|| program.tracked(TRACKED)),
            true => sim.run(|| program.plain(Plain { spawn_point: true })),
        };
        outcome.err().map(|failure| failure.kind().clone())
    })
}

#[test]
fn a_random_walk_finds_those_that_are_not_rare() {
    for program in programs::all() {
        if RARE.contains(&program.name) {
            continue;
        }
        for plain in [false, true] {
            let kind = random_failure(&program, plain);
            let deadlocks = matches!(program.name, "carter01" | "deadlock01");
            let expected = match kind {
                Some(FailureKind::Deadlock { .. }) => deadlocks,
                Some(FailureKind::Panic { .. }) => !deadlocks,
                _ => false,
            };
            assert!(expected, "{}, plain: {plain}: {kind:?}", program.name);
        }
    }
}

#[test]
fn the_bounded_search_finds_them_within_the_tables_deviations() {
    for (name, deviations) in TABLE {
        // A sweep over hundreds of tasks' switches is the benchmark's business.
        if name.ends_with("_100") || name.ends_with("_50") {
            continue;
        }
        let program = programs::all().into_iter().find(|program| program.name == name).unwrap();
        let search = sim::explore(move || program.tracked(TRACKED));
        let report = search.runs(20_000).max_deviations(deviations).run();
        let found = report.failure().unwrap_or_else(|| panic!("{name}: {report}"));
        // Fewer where a fair lock makes tasks take turns.
        assert!(found.deviations() <= deviations, "{name}: {}", found.deviations());
    }
}

#[cfg(feature = "peers")]
#[test]
fn they_fail_under_shuttle_too() {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use shuttle_worlds::{Native, Yielding};

    for name in ["stringbuffer", "twostage", "deadlock01", "boundedBuffer", "WSQ"] {
        let program = programs::all().into_iter().find(|program| program.name == name).unwrap();
        for yielding in [false, true] {
            let program = program.clone();
            let body = move || {
                shuttle::future::block_on(match yielding {
                    false => program.shuttle(Native),
                    true => program.shuttle_plain(Yielding),
                });
            };
            let run = AssertUnwindSafe(|| shuttle::check_random(body, 5_000));
            let failed = catch_unwind(run).is_err();
            assert!(failed, "{name}, yielding: {yielding}");
        }
    }
}
