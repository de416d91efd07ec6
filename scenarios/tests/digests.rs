//! The digests of the gallery, committed: every build on every platform has to give them.
//!
//! Each stands in `golden/digests.txt`, a line each: scenario, variant, policy, seed, digest.
//! `SIM_UPDATE=1` rewrites the file. A digest that changes says that something happens otherwise
//! than before, or that an event is written otherwise: look which before you commit it.

use std::path::Path;

use scenarios::gallery::SCENARIOS;
use scenarios::judge::{self, Schedule};

/// First-in-first-out, and two seeds of the random walk.
const SCHEDULES: [Schedule; 3] = [Schedule::FIFO, Schedule::random(0), Schedule::random(1)];

const UPDATE: &str = "if that is on purpose: SIM_UPDATE=1 cargo test -p scenarios --test digests, and look at the diff";

fn digests() -> Vec<String> {
    let variants = SCENARIOS
        .iter()
        .flat_map(|scenario| scenario.variants.iter().map(move |variant| (scenario.id, variant)));
    variants
        .flat_map(|(id, variant)| {
            SCHEDULES.map(|schedule| {
                let Schedule { policy, seed } = schedule;
                let digest = judge::run(variant, schedule).digest;
                format!("{id} {} {policy} {seed} {digest:016x}", variant.name)
            })
        })
        .collect()
}

#[test]
fn builds_and_platforms_do_not_matter() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/digests.txt");
    let found = digests();
    if std::env::var_os("SIM_UPDATE").is_some() {
        std::fs::write(&path, found.join("\n") + "\n").unwrap();
        return;
    }
    let committed = std::fs::read_to_string(&path).unwrap();
    // By lines: a checkout may end them in its platform's way.
    let committed: Vec<&str> = committed.lines().collect();
    let differs = committed.iter().zip(&found).find(|(committed, found)| *committed != found);
    if let Some((committed, found)) = differs {
        panic!(
            "the first digest that differs\n  committed: {committed}\n      found: {found}\n{UPDATE}"
        );
    }
    let (committed, found) = (committed.len(), found.len());
    assert_eq!(committed, found, "so many digests are committed, and so many were found; {UPDATE}");
}

#[test]
fn no_place_enters_a_digest() {
    // What a program prints does: its lines may not name a file, which each platform spells its way.
    let variants = SCENARIOS.iter().flat_map(|scenario| scenario.variants);
    for line in variants.flat_map(|variant| judge::run(variant, Schedule::FIFO).output) {
        assert!(!line.text.contains(".rs:"), "{line}");
    }
}
