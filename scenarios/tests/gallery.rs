//! Every scenario does what is written beside it.

use std::collections::BTreeSet;

use scenarios::gallery::SCENARIOS;
use scenarios::judge::{self, Schedule, Verdict};
use scenarios::scenario::{Ends, Random, Scenario, Variant};

fn variants() -> impl Iterator<Item = (&'static Scenario, &'static Variant)> {
    SCENARIOS
        .iter()
        .flat_map(|scenario| scenario.variants.iter().map(move |variant| (scenario, variant)))
}

#[test]
fn every_variant_is_as_documented_in_fifo_and_under_64_seeds() {
    let mut wrong = Vec::new();
    for (scenario, variant) in variants() {
        let mut verdict = Verdict::new(variant);
        verdict.add(variant, &judge::run(variant, Schedule::FIFO));
        for seed in 0..64 {
            verdict.add(variant, &judge::run(variant, Schedule::random(seed)));
        }
        verdict.close();
        if let Some((schedule, how)) = verdict.differs {
            wrong.push(format!("{} ({}), {schedule}: {how}", scenario.id, variant.name));
        }
    }
    assert!(wrong.is_empty(), "not as documented:\n{}", wrong.join("\n"));
}

#[test]
fn a_recorded_seed_shows_the_failure() {
    for (scenario, variant) in variants() {
        let Random::Either { fails, seed } = variant.random else { continue };
        let seen = judge::run(variant, Schedule::random(seed));
        let saw = seen.failure_line();
        assert!(fails.fits(&seen), "{} ({}), seed {seed}: {saw:?}", scenario.id, variant.name);
        assert_ne!(fails, Ends::Passes);
    }
}

#[test]
fn a_variant_that_may_go_either_way_goes_both() {
    for (scenario, variant) in variants() {
        let Random::Either { .. } = variant.random else { continue };
        let failed = |seed: &u64| judge::run(variant, Schedule::random(*seed)).failure.is_some();
        let failures = (0..64).filter(failed).count();
        assert!((1..64).contains(&failures), "{} ({})", scenario.id, variant.name);
    }
}

#[test]
fn equal_schedules_give_equal_runs() {
    for (scenario, variant) in variants() {
        for schedule in [Schedule::FIFO, Schedule::random(7)] {
            let (first, second) = (judge::run(variant, schedule), judge::run(variant, schedule));
            assert_eq!(first.digest, second.digest, "{} ({})", scenario.id, variant.name);
            assert_eq!(first.output, second.output);
        }
    }
}

#[test]
fn names_are_plain_and_texts_fit() {
    let plain = |name: &str| {
        name.starts_with(|first: char| first.is_ascii_lowercase())
            && name
                .chars()
                .all(|each| each.is_ascii_lowercase() || each.is_ascii_digit() || each == '-')
    };
    let mut ids = BTreeSet::new();
    for scenario in SCENARIOS {
        let id = scenario.id;
        assert!(plain(id), "{id} is not in kebab-case");
        assert!(ids.insert(id), "{id} is there twice");
        assert!(scenario.teaches.len() <= 80, "{id}: `teaches` does not fit on a line");
        assert!(scenario.teaches.ends_with('.') && scenario.why.ends_with(['.', ')']), "{id}");
        let mut names = BTreeSet::new();
        for variant in scenario.variants {
            assert!(plain(variant.name) && names.insert(variant.name), "{id} ({})", variant.name);
            assert!(variant.name.len() <= 12, "{id} ({})", variant.name);
            assert!(variant.shows.len() <= 46, "{id} ({}): `shows` is too long", variant.name);
        }
        assert!(!names.is_empty(), "{id}");
    }
    for named in ["starvation", "cancel-at-sleep", "gather-failures"] {
        let scenario = SCENARIOS.iter().find(|scenario| scenario.id == named).expect(named);
        assert!(
            scenario.variant("bad").is_some() && scenario.variant("fixed").is_some(),
            "{named}"
        );
    }
}

#[test]
fn every_file_of_the_gallery_is_in_the_table() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/gallery");
    for file in std::fs::read_dir(folder).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        let id = name.trim_end_matches(".rs").replace('_', "-");
        let known = ["mod", "hang"].contains(&id.as_str());
        assert!(known || SCENARIOS.iter().any(|scenario| scenario.id == id), "{name}");
    }
}
