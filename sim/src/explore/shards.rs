//! One campaign on several machines, and one report of what they found.
//!
//! `SIM_SHARD=2/4` makes the second of four parts of every campaign: of `seeds = 1000` each shard
//! makes 250 runs, with seeds that no other shard has; of an exhaustive or bounded search each
//! owns a part of the schedules. Nothing is shared, so shards need no network, no order and no
//! common disk. A test of one run is made by each of them. What a shard found is a token, and
//! replays without `SIM_SHARD`.
//!
//! `SIM_REPORT=json` adds a line of JSON for each test, `SIM_REPORT=json:DIR` writes a file for
//! each, and [`merge`] makes one [`Summary`] of all of them: which shards are missing, the first
//! failure, the sum of the runs, and the marks that were reached nowhere.
//!
//! # The fields
//!
//! | field | is |
//! |---|---|
//! | `sim` | 1, the version of this format |
//! | `what` | the test |
//! | `seed` | the seed of the first run |
//! | `shard` | `[part, of]`, counted from 1 |
//! | `asked`, `runs`, `steps`, `discarded`, `failures` | numbers; `asked` is of this shard |
//! | `out_of_time` | whether it ended before that |
//! | `classes` | how many distinct partial orders there were |
//! | `class_ids` | which, in hexadecimal, up to 10,000 |
//! | `claim` | `null`, `"complete"`, or `{"deviations":n,"all":true}` |
//! | `marks` | by name, `{"reached":n,"held":n}` |
//! | `must_reach` | the names that were asked for |
//! | `failure` | `null`, or `rule`, `headline`, `run` (its index in the campaign), `token`, `deviations`, `reproduced`, `report` |
//!
//! # GitHub Actions
//!
//! ```yaml
//! jobs:
//!   search:
//!     strategy:
//!       fail-fast: false
//!       matrix: { shard: [1, 2, 3, 4] }
//!     runs-on: ubuntu-latest
//!     env:
//!       SIM_SHARD: ${{ matrix.shard }}/4
//!       SIM_BUDGET: 120s
//!       SIM_REPORT: json:${{ github.workspace }}/target/sim
//!     steps:
//!       - uses: actions/checkout@v4
//!       - run: cargo test --release --locked
//!       - uses: actions/upload-artifact@v4
//!         if: always()
//!         with: { name: "sim-${{ matrix.shard }}", path: target/sim }
//! ```
//!
//! # nextest
//!
//! nextest divides the tests of a suite (`--partition hash:2/4`), and cannot divide one test;
//! `SIM_SHARD` divides each test. Use one or the other, or the product of both:
//!
//! ```sh
//! SIM_SHARD=2/4 SIM_REPORT=json:$PWD/target/sim cargo nextest run --profile nightly --retries 0
//! ```
//!
//! A retry of a deterministic test only hides that it is not: keep retries at 0.
//!
//! # An indexed Kubernetes Job
//!
//! The index is counted from 0, and `SIM_SHARD` from 1:
//!
//! ```yaml
//! apiVersion: batch/v1
//! kind: Job
//! metadata: { name: sim-search }
//! spec:
//!   completionMode: Indexed
//!   completions: 16
//!   parallelism: 16
//!   backoffLimit: 0
//!   template:
//!     spec:
//!       restartPolicy: Never
//!       containers:
//!         - name: search
//!           image: registry.example/tests:latest
//!           command: ["bash", "-c"]
//!           args: ["SIM_SHARD=$((JOB_COMPLETION_INDEX + 1))/16 SIM_REPORT=json:/out cargo test --release"]
//!           volumeMounts: [{ name: out, mountPath: /out }]
//!       volumes: [{ name: out, persistentVolumeClaim: { claimName: sim-out } }]
//! ```

use core::fmt;
use std::collections::{BTreeMap, BTreeSet};

use super::json::Json;
use super::marks;
use super::report::{Claim, Report};
use crate::kernel::marks::Mark;

/// Most classes that a report names.
const MOST_CLASSES: usize = 10_000;

impl Report {
    /// The report as a line of JSON, for [`merge`]; the fields are listed [here](self).
    #[must_use]
    pub fn to_json(&self) -> String {
        let entry = |name: &str, value: Json| (name.to_owned(), value);
        let number = |name: &str, value: u64| (name.to_owned(), Json::Number(value));
        let claim = match self.claim {
            None => Json::Null,
            Some(Claim::Complete) => Json::text("complete"),
            Some(Claim::Deviations { most, all }) => {
                Json::Map(vec![number("deviations", most as u64), entry("all", Json::Bool(all))])
            }
        };
        let marks = self.marks.iter().map(|(name, mark)| {
            let counts = vec![number("reached", mark.reached), number("held", mark.held)];
            (name.clone(), Json::Map(counts))
        });
        let ids = self.classes.keys().take(MOST_CLASSES);
        let failure = self.found.as_ref().map_or(Json::Null, |found| {
            let failure = found.failure();
            let short = failure.short();
            Json::Map(vec![
                entry("rule", Json::text(failure.rule().id)),
                entry("headline", Json::text(short.lines().next().unwrap_or_default())),
                number("run", self.failing_run.unwrap_or(0)),
                entry("token", Json::text(found.token().to_string())),
                number("deviations", found.deviations() as u64),
                entry("reproduced", Json::Bool(found.is_reproduced())),
                entry("report", Json::text(found.to_string())),
            ])
        });
        let shard = vec![Json::Number(self.shard.0 + 1), Json::Number(self.shard.1)];
        Json::Map(vec![
            number("sim", 1),
            entry("what", Json::text(&self.what)),
            number("seed", self.seed),
            entry("shard", Json::List(shard)),
            number("asked", self.asked),
            number("runs", self.runs),
            number("steps", self.steps),
            number("discarded", self.discarded),
            number("failures", self.failures),
            entry("out_of_time", Json::Bool(self.out_of_time)),
            number("classes", self.classes()),
            entry("class_ids", Json::List(ids.map(|id| Json::text(format!("{id:x}"))).collect())),
            entry("claim", claim),
            entry("marks", Json::Map(marks.collect())),
            entry("must_reach", Json::List(self.must_reach.iter().map(Json::text).collect())),
            entry("failure", failure),
        ])
        .to_string()
    }
}

/// What all shards of one campaign have come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merged {
    what: String,
    runs: u64,
    discarded: u64,
    failures: u64,
    classes: BTreeSet<String>,
    // More were seen than are named.
    more_classes: bool,
    of: u64,
    seen: BTreeSet<u64>,
    complete: bool,
    out_of_time: bool,
    unreached: Vec<(String, Mark)>,
    first: Option<First>,
}

/// The failure with the lowest index.
#[derive(Clone, Debug, PartialEq, Eq)]
struct First {
    run: u64,
    token: String,
    report: String,
}

impl Merged {
    /// The test.
    #[must_use]
    pub fn what(&self) -> &str {
        &self.what
    }

    /// How many runs were made on all shards.
    #[must_use]
    pub fn runs(&self) -> u64 {
        self.runs
    }

    /// How many of them failed.
    #[must_use]
    pub fn failures(&self) -> u64 {
        self.failures
    }

    /// How many distinct partial orders there were, at least: two shards may have seen the same.
    #[must_use]
    pub fn classes(&self) -> u64 {
        self.classes.len() as u64
    }

    /// The shards that no report is of, counted from 1.
    #[must_use]
    pub fn missing(&self) -> Vec<u64> {
        (1..=self.of).filter(|part| !self.seen.contains(part)).collect()
    }

    /// Whether every schedule was run, each on the shard that owns it, and passed.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.complete && self.first.is_none() && self.missing().is_empty()
    }

    /// The token of the failure with the lowest index.
    #[must_use]
    pub fn token(&self) -> Option<&str> {
        self.first.as_ref().map(|first| &*first.token)
    }

    /// The marks that were asked for and held on no shard.
    #[must_use]
    pub fn unreached(&self) -> Vec<&str> {
        self.unreached.iter().map(|(name, _)| &**name).collect()
    }

    /// Whether no run failed, no shard is missing, and no mark.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.first.is_none() && self.missing().is_empty() && self.judged_marks().is_empty()
    }

    // Where time ran out, nothing is missing that there was time for.
    fn judged_marks(&self) -> &[(String, Mark)] {
        if self.out_of_time { &[] } else { &self.unreached }
    }
}

impl fmt::Display for Merged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(first) = &self.first {
            f.write_str(first.report.trim_end())?;
        } else {
            write!(f, "{}: ok: {} runs", self.what, self.runs)?;
            if self.discarded > 0 {
                write!(f, ", {} taken back", self.discarded)?;
            }
            if !self.classes.is_empty() {
                let least = if self.more_classes { "at least " } else { "" };
                write!(f, ", {least}{} distinct orders", self.classes.len())?;
            }
            if self.is_complete() {
                f.write_str(", complete")?;
            }
            write!(f, " ({} of {} shards)", self.seen.len(), self.of)?;
        }
        let missing: Vec<String> = self.missing().iter().map(u64::to_string).collect();
        if !missing.is_empty() {
            write!(f, "\nsim: MISSING {}: no report of shard {}", self.what, missing.join(", "))?;
        }
        if self.first.is_none() && !self.judged_marks().is_empty() {
            let complaint = marks::complaint(self.judged_marks(), self.runs);
            write!(f, "\nsim: UNREACHED {}: {complaint}", self.what)?;
        }
        Ok(())
    }
}

/// What the shards of a suite have come to.
///
/// `Display` gives what is wrong first, then a line for each test.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    tests: Vec<Merged>,
}

impl Summary {
    /// The tests, by name.
    #[must_use]
    pub fn tests(&self) -> &[Merged] {
        &self.tests
    }

    /// Whether all is well with every test, and there is one.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        !self.tests.is_empty() && self.tests.iter().all(Merged::is_ok)
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.tests.is_empty() {
            return f.write_str("no reports\n");
        }
        let (well, wrong): (Vec<&Merged>, Vec<&Merged>) =
            self.tests.iter().partition(|test| test.is_ok());
        wrong.iter().try_for_each(|test| writeln!(f, "{test}\n"))?;
        well.iter().try_for_each(|test| writeln!(f, "{test}"))
    }
}

/// Says what is wrong with a report that was to be merged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MergeError(String);

impl fmt::Display for MergeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl core::error::Error for MergeError {}

/// Makes one summary of the reports of several shards.
///
/// Each text may be a report, or the whole output of a test run: lines that do not begin with
/// `{"sim":` are passed over. The order does not matter, and the same report twice counts once.
///
/// # Errors
///
/// If a report is damaged, or two are not of one campaign: another seed, another number of shards,
/// two different reports of one shard.
///
/// # Examples
///
/// ```
/// use sim::explore::shards::merge;
///
/// async fn program() {
///     let other = sim::spawn(async {});
///     sim::yield_now().await;
///     let _ = other.await;
/// }
///
/// let shard = |part| sim::explore(program).what("program").runs(100).shard(part, 2).run();
/// let both = merge([shard(0).to_json(), shard(1).to_json()])?;
/// assert!(both.is_ok());
/// assert_eq!(both.tests()[0].runs(), 100);
///
/// let one = merge([shard(1).to_json()])?;
/// assert_eq!(one.tests()[0].missing(), [1]);
/// # Ok::<(), sim::explore::shards::MergeError>(())
/// ```
pub fn merge<I>(texts: I) -> Result<Summary, MergeError>
where
    I: IntoIterator,
    I::Item: AsRef<str>,
{
    let mut campaigns: BTreeMap<String, BTreeMap<u64, Part>> = BTreeMap::new();
    for (index, text) in texts.into_iter().enumerate() {
        for (line, json) in text.as_ref().lines().enumerate() {
            let json = json.trim();
            if !json.starts_with("{\"sim\":") {
                continue;
            }
            let wrong =
                |what: String| MergeError(format!("text {}, line {}: {what}", index + 1, line + 1));
            let part = Json::parse(json).and_then(|json| Part::read(&json)).map_err(wrong)?;
            let parts = campaigns.entry(part.what.clone()).or_default();
            if let Some(other) = parts.values().next()
                && (other.of, other.seed) != (part.of, part.seed)
            {
                return Err(wrong(format!(
                    "{:?} is shard {} of {} with seed {}, and another report of it is of {} with seed {}",
                    part.what, part.part, part.of, part.seed, other.of, other.seed
                )));
            }
            match parts.get(&part.part) {
                // One run is made by every shard, and tells the same each time.
                Some(same) if *same == part => {}
                Some(_) => {
                    return Err(wrong(format!(
                        "there are two different reports of {:?}, shard {} of {}",
                        part.what, part.part, part.of
                    )));
                }
                None => {
                    parts.insert(part.part, part);
                }
            }
        }
    }
    let tests = campaigns.into_iter().map(|(what, parts)| merged(what, &parts)).collect();
    Ok(Summary { tests })
}

/// A shard's report, as far as it is merged.
#[derive(Debug, PartialEq)]
struct Part {
    what: String,
    seed: u64,
    part: u64,
    of: u64,
    runs: u64,
    discarded: u64,
    failures: u64,
    classes: u64,
    class_ids: Vec<String>,
    complete: bool,
    out_of_time: bool,
    marks: BTreeMap<String, Mark>,
    must_reach: Vec<String>,
    first: Option<First>,
}

impl Part {
    fn read(json: &Json) -> Result<Self, String> {
        let number = |name| {
            json.get(name).and_then(Json::as_number).ok_or_else(|| format!("{name} is missing"))
        };
        let text = |json: &Json, name| {
            let text = json.get(name).and_then(Json::as_text).map(str::to_owned);
            text.ok_or_else(|| format!("{name} is missing"))
        };
        let texts = |name: &str| {
            let list = json.get(name).and_then(Json::as_list);
            let texts = list.map(|list| list.iter().filter_map(Json::as_text).map(str::to_owned));
            texts.map(Iterator::collect).ok_or_else(|| format!("{name} is missing"))
        };
        if number("sim")? != 1 {
            return Err("its version is not 1".to_owned());
        }
        let (part, of) = match json.get("shard").and_then(Json::as_list) {
            Some([Json::Number(part), Json::Number(of)]) if (1..=*of).contains(part) => {
                (*part, *of)
            }
            _ => return Err("shard is not [part, of]".to_owned()),
        };
        // A list of the missing ones has to be possible.
        if of > 1_000_000 {
            return Err(format!("there are no {of} shards"));
        }
        let mut marks = BTreeMap::new();
        if let Some(Json::Map(entries)) = json.get("marks") {
            for (name, mark) in entries {
                let count = |what| mark.get(what).and_then(Json::as_number).unwrap_or(0);
                let mark = Mark { reached: count("reached"), held: count("held") };
                marks.insert(name.clone(), mark);
            }
        }
        let first = match json.get("failure") {
            Some(Json::Null) => None,
            Some(failure @ Json::Map(_)) => Some(First {
                run: failure.get("run").and_then(Json::as_number).unwrap_or(0),
                token: text(failure, "token")?,
                report: text(failure, "report")?,
            }),
            _ => return Err("failure is missing".to_owned()),
        };
        let claim = json.get("claim");
        let complete = claim.and_then(Json::as_text) == Some("complete")
            || claim.and_then(|claim| claim.get("all")) == Some(&Json::Bool(true));
        Ok(Self {
            what: text(json, "what")?,
            seed: number("seed")?,
            part,
            of,
            runs: number("runs")?,
            discarded: number("discarded")?,
            failures: number("failures")?,
            classes: number("classes")?,
            class_ids: texts("class_ids")?,
            complete,
            out_of_time: json.get("out_of_time") == Some(&Json::Bool(true)),
            marks,
            must_reach: texts("must_reach")?,
            first,
        })
    }
}

fn merged(what: String, parts: &BTreeMap<u64, Part>) -> Merged {
    let all = || parts.values();
    let sum = |count: fn(&Part) -> u64| all().map(count).fold(0, u64::saturating_add);
    let mut counted: BTreeMap<String, Mark> = BTreeMap::new();
    let mut asked: Vec<String> = Vec::new();
    for part in all() {
        asked.extend(part.must_reach.iter().cloned());
        for (name, mark) in &part.marks {
            let sum = counted.entry(name.clone()).or_default();
            sum.reached = sum.reached.saturating_add(mark.reached);
            sum.held = sum.held.saturating_add(mark.held);
        }
    }
    Merged {
        what,
        runs: sum(|part| part.runs),
        discarded: sum(|part| part.discarded),
        failures: sum(|part| part.failures),
        classes: all().flat_map(|part| part.class_ids.iter().cloned()).collect(),
        more_classes: all().any(|part| part.classes > part.class_ids.len() as u64),
        of: all().map(|part| part.of).max().unwrap_or(1),
        seen: parts.keys().copied().collect(),
        complete: all().all(|part| part.complete),
        out_of_time: all().any(|part| part.out_of_time),
        unreached: marks::unreached(&asked, &counted),
        // Of two failures, the one that the whole campaign would have come by first.
        first: all().filter_map(|part| part.first.clone()).min_by_key(|first| first.run),
    }
}
