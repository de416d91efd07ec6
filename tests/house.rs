//! House rules: what must not be known where, and what must not be left behind.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn files(dir: &Path, extension: &str, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            if name != "target" && !name.starts_with('.') {
                files(&path, extension, found);
            }
        } else if path.extension().is_some_and(|found| found == extension) {
            found.push(path);
        }
    }
}

fn all(extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    files(&root(), extension, &mut found);
    found.sort();
    found
}

/// What each room of `sim/src` may use. A file `room.rs` and a folder `room/` are one room.
const ROOMS: &[(&str, &[&str])] = &[
    ("prop", &["explore", "run", "kernel", "policy", "decision"]),
    ("explore", &["run", "kernel", "policy", "decision", "trace", "seed", "id", "clock"]),
    ("report", &["run", "policy", "decision", "trace", "clock", "id", "detect", "kernel"]),
    ("combine", &["task", "time", "sync", "kernel", "trace", "clock", "id"]),
    ("io", &["sync", "task", "time", "kernel", "trace", "clock", "id"]),
    ("sync", &["task", "time", "schedule_point", "kernel", "trace", "clock", "id"]),
    ("time", &["task", "kernel", "trace", "clock", "id"]),
    ("task", &["kernel", "trace", "clock", "id"]),
    ("cell", &["schedule_point", "kernel", "trace"]),
    ("select", &["kernel", "decision"]),
    ("schedule_point", &["kernel", "trace"]),
    ("note", &["kernel", "trace"]),
    ("mark", &["kernel"]),
    ("rng", &["kernel"]),
    ("run", &["kernel", "policy", "detect", "decision", "trace", "clock", "seed", "id"]),
    ("kernel", &["decision", "trace", "clock", "seed", "id"]),
    ("policy", &["decision", "trace", "seed", "id"]),
    ("detect", &["trace", "clock", "id"]),
    ("decision", &["trace", "clock", "seed", "id"]),
    ("trace", &["clock", "id"]),
    ("clock", &["id"]),
    ("seed", &[]),
    ("id", &[]),
];

#[test]
fn rooms_know_only_those_below_them() {
    let allowed: BTreeMap<&str, BTreeSet<&str>> =
        ROOMS.iter().map(|(room, below)| (*room, below.iter().copied().collect())).collect();
    let source = root().join("sim/src");
    let mut wrong = Vec::new();
    for path in all("rs").iter().filter(|path| path.starts_with(&source)) {
        let inside = path.strip_prefix(&source).unwrap();
        let room = inside.iter().next().unwrap().to_string_lossy().replace(".rs", "");
        // Tests may use whatever shows the point.
        let is_test = inside.iter().any(|part| part.to_string_lossy().contains("test"))
            || inside.ends_with("samples.rs");
        if room == "lib" || is_test {
            continue;
        }
        let Some(below) = allowed.get(room.as_str()) else {
            wrong.push(format!("{} is in no room of the table", inside.display()));
            continue;
        };
        let text = std::fs::read_to_string(path).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
        for line in code.lines().filter(|line| !line.trim_start().starts_with("//")) {
            for used in line.split("crate::").skip(1) {
                let used: String =
                    used.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                if used != room
                    && allowed.contains_key(used.as_str())
                    && !below.contains(used.as_str())
                {
                    wrong.push(format!("{}: uses `{used}`", inside.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_table_of_rooms_has_no_ring() {
    for (index, (room, below)) in ROOMS.iter().enumerate() {
        for used in *below {
            let place = ROOMS.iter().position(|(name, _)| name == used).unwrap();
            assert!(place > index, "`{room}` uses `{used}`, which stands above it");
        }
    }
}

#[test]
fn nothing_is_left_behind() {
    // In two parts, so that this file does not find itself.
    let needles = [
        ("todo", "!("),
        ("unimplemented", "!("),
        ("dbg", "!("),
        ("#[ign", "ore"),
        ("FIX", "ME"),
        ("```ig", "nore"),
    ];
    let mut wrong = Vec::new();
    for path in all("rs").into_iter().chain(all("md")) {
        let text = std::fs::read_to_string(&path).unwrap();
        for (number, line) in text.lines().enumerate() {
            for (start, end) in needles {
                if line.contains(&format!("{start}{end}")) {
                    wrong.push(format!("{}:{}: {start}{end}", path.display(), number + 1));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_library_prints_nothing_and_starts_no_thread() {
    let source = root().join("sim/src");
    // The watchdog has a thread, and prints as it ends the process.
    let allowed = source.join("explore");
    for path in
        all("rs").iter().filter(|path| path.starts_with(&source) && !path.starts_with(&allowed))
    {
        let text = std::fs::read_to_string(path).unwrap();
        for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
            for needle in ["println!(", "eprintln!(", "std::env::", "thread::spawn(", "File::"] {
                let own = line.contains("macro_rules!") || line.contains("sim::println");
                assert!(!line.contains(needle) || own, "{}: {line}", path.display());
            }
        }
    }
}

#[test]
fn the_changelog_has_the_version() {
    let text = std::fs::read_to_string(root().join("CHANGELOG.md")).unwrap();
    let heading = format!("## {}", env!("CARGO_PKG_VERSION"));
    assert_eq!(text.lines().filter(|line| *line == heading).count(), 1);
}

#[test]
fn nothing_is_published_by_accident() {
    for manifest in all("toml").iter().filter(|path| path.ends_with("Cargo.toml")) {
        let text = std::fs::read_to_string(manifest).unwrap();
        assert!(
            text.contains("publish = false") || text.contains("publish.workspace = true"),
            "{} lacks `publish = false`",
            manifest.display()
        );
    }
}

#[test]
fn sim_stays_light() {
    let output = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--package",
            "sim",
            "--edges",
            "normal",
            "--prefix",
            "none",
            "--offline",
            "--locked",
        ])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let crates: BTreeSet<&str> =
        text.lines().filter_map(|line| line.split_whitespace().next()).collect();
    // `sim` itself is one of them. A new dependency is weighed, then counted here.
    assert!(crates.len() <= 24, "{} crates: {crates:?}", crates.len());
}

#[test]
fn the_minimum_rust_version_is_stated_once_and_told() {
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let version = manifest.split("rust-version = \"").nth(1).unwrap().split('"').next().unwrap();
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    assert!(readme.contains(&format!("Rust {version}")), "README does not say Rust {version}");
    for manifest in ["sim", "sim/macros", "scenarios", "tests"] {
        let text = std::fs::read_to_string(root().join(manifest).join("Cargo.toml")).unwrap();
        assert!(text.contains("rust-version.workspace = true"), "{manifest}");
    }
}
