//! Runs one of the tests in `cases.rs` in a process of its own, with an environment of its own.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

/// Where the built cases are: cargo builds them once, if they are not.
fn cases() -> &'static PathBuf {
    static CASES: OnceLock<PathBuf> = OnceLock::new();
    CASES.get_or_init(|| {
        let mut build = Command::new(env!("CARGO"));
        build.args(["test", "--package", "tests", "--test", "attribute_cases", "--no-run"]);
        build.args(["--message-format", "json", "--locked", "--quiet"]);
        if !cfg!(debug_assertions) {
            build.arg("--release");
        }
        let output = build.current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout)
            .unwrap()
            .lines()
            .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
            .filter(|message| message["target"]["name"] == "attribute_cases")
            .find_map(|message| Some(PathBuf::from(message["executable"].as_str()?)))
            .expect("cargo names what it built")
    })
}

/// What a test has said, and whether it passed.
pub(crate) struct Told {
    pub(crate) passed: bool,
    pub(crate) status: Option<i32>,
    pub(crate) text: String,
}

impl Told {
    /// The lines that begin a report of ours.
    pub(crate) fn token(&self) -> &str {
        let (_, rest) = self.text.split_once("SIM_REPLAY='").expect(&self.text);
        rest.split('\'').next().unwrap()
    }

    /// The test fails, and says this.
    #[track_caller]
    pub(crate) fn fails_with(&self, text: &str) {
        assert!(!self.passed && self.text.contains(text), "{}", self.text);
    }

    /// The test passes, and says this.
    #[track_caller]
    pub(crate) fn passes_with(&self, text: &str) {
        assert!(self.passed && self.text.contains(text), "{}", self.text);
    }
}

/// Runs the case `name`, with these variables and no others of ours.
pub(crate) fn run(name: &str, variables: &[(&str, &str)]) -> Told {
    let mut command = Command::new(cases());
    for (variable, _) in std::env::vars_os() {
        let ours = variable.to_string_lossy().starts_with("SIM_");
        if ours || variable == "RUST_BACKTRACE" {
            command.env_remove(variable);
        }
    }
    if !variables.iter().any(|(variable, _)| *variable == "SIM_NO_PERSIST") {
        command.env("SIM_NO_PERSIST", "1");
    }
    command.envs(variables.iter().copied());
    let output = command.args([name, "--exact", "--nocapture"]).output().unwrap();
    let text =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    Told { passed: output.status.success(), status: output.status.code(), text: text.concat() }
}
