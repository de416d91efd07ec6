//! Two processes that each make a part of one campaign, and one summary of both.

use sim::explore::shards::merge;

use super::child::run;

fn shards(case: &str, of: u32, more: &[(&str, &str)]) -> Vec<String> {
    let shard = |part: u32| {
        let shard = format!("{part}/{of}");
        let mut variables = vec![("SIM_SHARD", shard.as_str()), ("SIM_REPORT", "json")];
        variables.extend(more);
        run(case, &variables).text
    };
    (1..=of).map(shard).collect()
}

#[test]
fn shards_find_together_what_the_whole_finds() {
    let alone = run("fails_for_one_seed", &[]);
    alone.fails_with("unlucky");
    let both = shards("fails_for_one_seed", 2, &[]);
    assert!(both.iter().any(|text| text.contains("unlucky")));
    let summary = merge(&both).unwrap();
    assert!(!summary.is_ok());
    let [test] = summary.tests() else { panic!("{summary}") };
    // The one that the whole campaign comes by first, under the same token.
    assert_eq!(test.token(), Some(alone.token()), "{summary}");
    assert!(summary.to_string().starts_with("sim: FAILED fails_for_one_seed"), "{summary}");
    assert_eq!(merge(both.iter().rev()).unwrap(), summary, "whatever the order");
}

#[test]
fn the_runs_of_passing_shards_add_up() {
    let three = shards("passes", 3, &[]);
    let summary = merge(&three).unwrap();
    assert!(summary.is_ok(), "{summary}");
    assert_eq!(summary.tests()[0].runs(), 40);
    let two = merge(&three[..2]).unwrap();
    assert_eq!((two.is_ok(), two.tests()[0].missing()), (false, vec![3]));
    assert!(two.to_string().contains("sim: MISSING passes: no report of shard 3"), "{two}");
    assert!(!merge([""]).unwrap().is_ok(), "nothing is not well");
}

#[test]
fn a_single_run_counts_once() {
    let summary = merge(shards("runs_once", 2, &[])).unwrap();
    assert_eq!(summary.tests()[0].runs(), 1);
}

#[test]
fn reports_that_do_not_belong_together_are_refused() {
    let first = shards("passes", 2, &[]);
    let other = shards("passes", 3, &[]);
    let seeded = shards("passes", 2, &[("SIM_SEED", "9")]);
    for (wrong, why) in [
        ([first[0].clone(), other[1].clone()], "is shard 2 of 3"),
        ([first[0].clone(), seeded[1].clone()], "with seed 9"),
        ([first[0].clone(), first[1].replace("\"runs\":20", "\"runs\":x")], "text 2, line "),
        ([first[0].clone(), first[0].replace("\"runs\":20", "\"runs\":19")], "two different"),
    ] {
        let error = merge(wrong).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
}

#[test]
fn reports_are_files_where_a_folder_is_named() {
    let folder = std::env::temp_dir().join(format!("sim-sharding-{}", std::process::id()));
    let report = format!("json:{}", folder.display());
    run("passes", &[("SIM_REPORT", &report), ("SIM_SHARD", "2/2")]).passes_with("ok: 20 runs");
    let text = std::fs::read_to_string(folder.join("tests-passes.2-of-2.json")).unwrap();
    assert_eq!(merge([text]).unwrap().tests()[0].missing(), [1]);
    std::fs::remove_dir_all(folder).unwrap();
}
