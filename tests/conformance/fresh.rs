//! Programs nobody has seen before: what `sim` makes of each is what CPython makes of it.
//!
//! CPython's side is `asyncio_twin.py`. Three variables of the environment say otherwise:
//! `SIM_PYTHON` which interpreter runs it, `SIM_CONFORMANCE_PROGRAMS` how many programs there are,
//! and `SIM_CONFORMANCE_SEED` which. Without CPython 3.13 or later there is nothing to compare
//! with, and the recorded programs have to do.

#[path = "../support/conformance/generate.rs"]
mod generate;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{self, BufRead, BufReader, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use tests::conformance::{Program, first_difference, trace};

use generate::{ProgramTree, Programs};

/// How many programs go to CPython while `sim` runs the same.
const BATCH: u64 = 100;
/// How many mismatches are made small and shown before giving up.
const SHOWN: usize = 3;

#[test]
fn fresh_programs_run_as_on_cpython() {
    let Some(python) = find_python() else {
        say("no CPython 3.13 or later found: fresh programs were not compared");
        return;
    };
    let count = number("SIM_CONFORMANCE_PROGRAMS", 2_000);
    let seed = number("SIM_CONFORMANCE_SEED", 1);
    let mut twin = Twin::start(&python);
    let mut problems = Vec::new();
    let mut run = 0;
    while run < count && problems.len() < SHOWN {
        let numbers = run..count.min(run + BATCH);
        run = numbers.end;
        let trees: Vec<ProgramTree> = numbers.clone().map(|number| tree(seed, number)).collect();
        let programs: Vec<Program> = trees.iter().map(ProgramTree::current).collect();
        for program in &programs {
            program.check().expect("a generated program is sound");
        }
        let (ours, theirs) = twin.compare(&programs);
        for (((number, tree), ours), theirs) in numbers.zip(trees).zip(ours).zip(theirs) {
            if ours != theirs && problems.len() < SHOWN {
                problems.push(format!("program {number}: {}", shrink(tree, &mut twin)));
            }
        }
    }
    assert!(problems.is_empty(), "seed {seed}, {}", problems.join("\n"));
    say(&format!("{run} fresh programs of seed {seed} ran as on {}", python.display()));
}

#[test]
fn generated_programs_use_every_operation() {
    let mut seen = BTreeSet::new();
    for number in 0..500 {
        let program = serde_json::to_value(tree(1, number).current()).expect("a program is JSON");
        let mut left = vec![&program["tasks"]];
        while let Some(value) = left.pop() {
            if let Some(op) = value["op"].as_str() {
                let fields = value.as_object().into_iter().flatten();
                seen.extend(fields.map(|(field, _)| format!("{op}.{field}")));
            }
            left.extend(value.as_object().into_iter().flat_map(serde_json::Map::values));
            left.extend(value.as_array().into_iter().flatten());
        }
    }
    let count = |suffix: &str| seen.iter().filter(|field| field.ends_with(suffix)).count();
    assert_eq!(count(".op"), 33, "{seen:?}");
    // The fields that may be missing.
    for field in ["sleep.result", "wait.us", "as_completed.us", "try.except", "try.finally"] {
        assert!(seen.contains(field), "{field} does not occur");
    }
}

/// The generated program of this number; no other number has a part in it.
fn tree(seed: u64, number: u64) -> ProgramTree {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    bytes[8..16].copy_from_slice(&number.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    Programs.new_tree(&mut runner).expect("every draw is a program")
}

/// Makes a program that differs as small as it goes, and shows it.
fn shrink(mut tree: ProgramTree, twin: &mut Twin) -> String {
    let mut smallest = tree.current();
    let mut more = tree.simplify();
    while more {
        let (ours, theirs) = twin.compare(std::slice::from_ref(&tree.current()));
        if ours == theirs {
            more = tree.complicate();
        } else {
            smallest = tree.current();
            more = tree.simplify();
        }
    }
    let (ours, theirs) = twin.compare(std::slice::from_ref(&smallest));
    let (ours, theirs) = (&ours[0], &theirs[0]);
    let mut text = first_difference(theirs, ours).unwrap_or_else(|| "no longer differs\n".into());
    let program = serde_json::to_string(&smallest).expect("a program is JSON");
    let _ = writeln!(text, "{{\"name\":\"small\",\"program\":{program}}}");
    for (who, lines) in [("cpython", theirs), ("sim", ours)] {
        let _ = writeln!(text, "{who}:");
        for line in lines {
            let _ = writeln!(text, "    {line}");
        }
    }
    text
}

/// CPython, waiting for programs.
struct Twin {
    process: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Twin {
    fn start(python: &Path) -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/conformance/asyncio_twin.py");
        let mut process = Command::new(python)
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("CPython starts");
        let input = process.stdin.take();
        let output = BufReader::new(process.stdout.take().expect("its output is piped"));
        Self { process, input, output }
    }

    /// Runs programs on both sides at once; gives our traces and CPython's.
    fn compare(&mut self, programs: &[Program]) -> (Vec<Vec<String>>, Vec<Vec<String>>) {
        let lines: String = programs
            .iter()
            .map(|program| {
                let case = serde_json::json!({ "name": "", "program": program });
                format!("{case}\n")
            })
            .collect();
        let (input, output) = (self.input.as_mut().expect("open until dropped"), &mut self.output);
        thread::scope(|scope| {
            scope.spawn(move || {
                input
                    .write_all(lines.as_bytes())
                    .and_then(|()| input.flush())
                    .expect("CPython takes programs")
            });
            // Neither side may wait for the other to read.
            let theirs = scope.spawn(move || {
                programs.iter().map(|program| next_trace(output, program)).collect()
            });
            let ours = programs.iter().map(ours).collect();
            (ours, theirs.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
        })
    }
}

impl Drop for Twin {
    fn drop(&mut self) {
        // It ends when its input does.
        drop(self.input.take());
        let _ = self.process.wait();
    }
}

fn next_trace(output: &mut BufReader<ChildStdout>, program: &Program) -> Vec<String> {
    #[derive(serde::Deserialize)]
    struct Answer {
        trace: Vec<String>,
    }
    let mut line = String::new();
    output.read_line(&mut line).expect("CPython's output is text");
    serde_json::from_str::<Answer>(&line)
        .unwrap_or_else(|error| {
            let program = serde_json::to_string(program).unwrap_or_default();
            panic!("CPython has no answer ({error}) to {program}")
        })
        .trace
}

/// Our trace; a panic is one too, so that what panics can be made small.
fn ours(program: &Program) -> Vec<String> {
    catch_unwind(AssertUnwindSafe(|| trace(program)))
        .unwrap_or_else(|_| vec!["(panicked)".to_owned()])
}

fn find_python() -> Option<PathBuf> {
    let mut places: Vec<PathBuf> = Vec::new();
    if let Some(python) = std::env::var_os("SIM_PYTHON") {
        places.push(python.into());
    }
    places.push("python3.13".into());
    places.push("python3".into());
    // Version managers keep each version in a directory of its own.
    let managers = [
        std::env::var_os("PYENV_ROOT").map(PathBuf::from),
        std::env::home_dir().map(|home| home.join(".pyenv")),
    ];
    for manager in managers.into_iter().flatten() {
        let mut versions: Vec<PathBuf> = std::fs::read_dir(manager.join("versions"))
            .into_iter()
            .flatten()
            .filter_map(|entry| Some(entry.ok()?.path().join("bin").join("python3")))
            .collect();
        versions.sort();
        places.extend(versions);
    }
    places.into_iter().find(|python| is_new_enough(python))
}

fn is_new_enough(python: &Path) -> bool {
    let question = "import sys; sys.exit(sys.implementation.name != 'cpython' \
                    or sys.version_info < (3, 13))";
    Command::new(python)
        .args(["-c", question])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn number(variable: &str, otherwise: u64) -> u64 {
    match std::env::var(variable) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{variable} is no number: {text}")),
        Err(_) => otherwise,
    }
}

fn say(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}
