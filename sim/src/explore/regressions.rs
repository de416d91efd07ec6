//! Regression files: schedules that failed once, a line each, kept beside the tests.
//!
//! A line is `<test> <token>  # <headline>`; lines are sorted, so that two branches that each add
//! one merge without a conflict as a rule. Lines of which all is a comment are kept at the top.

use core::fmt;
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::replay::{Fit, Replay};
use super::token::Token;

/// The schedules of a regression file.
///
/// `#[sim::test]` reads and writes `tests/regressions/<crate>.sim` under the package: what is in
/// it is run first, and an entry fails a test only by failing again.
///
/// # Examples
///
/// ```
/// use sim::explore::Regressions;
///
/// let text = "# what failed once\nbank::held sim1:bank:2a::00000000  # money was lost\n";
/// let regressions = Regressions::parse("bank.sim", text)?;
/// let entry = regressions.of("bank::held").next().unwrap();
/// assert_eq!((entry.line(), entry.token().seed(), entry.note()), (2, 0x2a, "money was lost"));
///
/// let damaged = Regressions::parse("bank.sim", "bank::held sim1:bank").unwrap_err();
/// assert!(damaged.to_string().starts_with("bank.sim:1: "));
/// # Ok::<(), sim::explore::RegressionError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Regressions {
    path: PathBuf,
    entries: Vec<Regression>,
}

/// A schedule that failed once.
#[derive(Clone, Debug, PartialEq)]
pub struct Regression {
    line: usize,
    test: String,
    token: Token,
    note: String,
}

impl Regression {
    /// Its line in the file, from 1.
    #[must_use]
    pub fn line(&self) -> usize {
        self.line
    }

    /// The test it belongs to.
    #[must_use]
    pub fn test(&self) -> &str {
        &self.test
    }

    /// The schedule.
    #[must_use]
    pub fn token(&self) -> &Token {
        &self.token
    }

    /// What is said about it; empty where nothing is.
    #[must_use]
    pub fn note(&self) -> &str {
        &self.note
    }

    /// Whether it can go: its schedule has deviations, the program passes, and none of them has a
    /// place in it any more, so that it tests what first-in-first-out tests.
    #[must_use]
    pub fn is_stale(&self, replay: &Replay) -> bool {
        replay.failure().is_none()
            && matches!(replay.fit(), Fit::Drifted { applied: 0, of } if of > 0)
    }
}

/// A regression file that cannot be read or written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegressionError(String);

impl fmt::Display for RegressionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl core::error::Error for RegressionError {}

const HEADER: &str = "\
# Schedules that failed once. Each is run first, and fails its test only by failing again.
# Keep this file in version control; a line whose test is gone may go as well.
";

impl Regressions {
    /// Where the regressions of a crate are, under its package's folder.
    #[must_use]
    pub fn path_of(package: impl AsRef<Path>, krate: impl AsRef<str>) -> PathBuf {
        package.as_ref().join("tests/regressions").join(format!("{}.sim", krate.as_ref()))
    }

    /// Reads a file; one that is not there has no entries.
    ///
    /// # Errors
    ///
    /// If it cannot be read, or a line is damaged: the error begins with the file and the line.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, RegressionError> {
        let path = path.as_ref();
        match fs::read_to_string(path) {
            Ok(text) => Self::parse(path, text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Ok(Self { path: path.to_owned(), entries: Vec::new() })
            }
            Err(error) => Err(RegressionError(format!("{}: {error}", path.display()))),
        }
    }

    /// Reads a text; `path` is for errors, and for [`save_without`](Self::save_without).
    ///
    /// # Errors
    ///
    /// If a line is damaged.
    pub fn parse(path: impl AsRef<Path>, text: impl AsRef<str>) -> Result<Self, RegressionError> {
        let path = path.as_ref();
        let mut entries = Vec::new();
        for (index, line) in text.as_ref().lines().enumerate() {
            let (code, note) = line.split_once('#').unwrap_or((line, ""));
            if code.trim().is_empty() {
                continue;
            }
            let wrong =
                |what: String| RegressionError(format!("{}:{}: {what}", path.display(), index + 1));
            let mut words = code.split_whitespace();
            let (Some(test), Some(token), None) = (words.next(), words.next(), words.next()) else {
                return Err(wrong(
                    "a line is a comment, or `<test> <token>  # <what it was>`".to_owned(),
                ));
            };
            entries.push(Regression {
                line: index + 1,
                test: test.to_owned(),
                token: token.parse().map_err(|error| wrong(format!("{error}")))?,
                note: note.trim().to_owned(),
            });
        }
        Ok(Self { path: path.to_owned(), entries })
    }

    /// Where it was read.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// All entries, in the order of the file.
    #[must_use]
    pub fn entries(&self) -> &[Regression] {
        &self.entries
    }

    /// The entries of one test.
    pub fn of(&self, test: impl AsRef<str>) -> impl Iterator<Item = &Regression> {
        let test = test.as_ref().to_owned();
        self.entries.iter().filter(move |entry| entry.test == test)
    }

    /// Adds an entry to a file, in its sorted place; false if it is there already.
    ///
    /// The folder is made where it is missing. Tests of several processes may do so at once.
    ///
    /// # Errors
    ///
    /// If the file cannot be read or written, or has a damaged line.
    pub fn add(
        path: impl AsRef<Path>,
        test: impl AsRef<str>,
        token: &Token,
        note: impl AsRef<str>,
    ) -> Result<bool, RegressionError> {
        let (path, test) = (path.as_ref(), test.as_ref());
        let note = note.as_ref().lines().next().unwrap_or_default().trim().to_owned();
        edit(path, |text| {
            let known = Self::parse(path, text)?;
            if known.of(test).any(|entry| entry.token == *token) {
                return Ok(None);
            }
            let mut line = format!("{test} {token}");
            if !note.is_empty() {
                line.push_str(&format!("  # {note}"));
            }
            Ok(Some(sorted(text, Some(line), &BTreeSet::new())))
        })
    }

    /// Writes the file again without some of its entries, by their lines.
    ///
    /// # Errors
    ///
    /// If the file cannot be written, or has changed since it was read.
    pub fn save_without(&self, lines: &BTreeSet<usize>) -> Result<(), RegressionError> {
        edit(&self.path, |text| {
            if Self::parse(&self.path, text)? != *self {
                return Err(RegressionError(format!(
                    "{}: it has changed since it was read",
                    self.path.display()
                )));
            }
            Ok(Some(sorted(text, None, lines)))
        })
        .map(|_| ())
    }
}

/// The text of a file with its entries sorted, one more, and without some.
fn sorted(text: &str, more: Option<String>, without: &BTreeSet<usize>) -> String {
    let kept = text.lines().enumerate().filter(|(index, _)| !without.contains(&(index + 1)));
    let (entries, mut comments): (Vec<&str>, Vec<&str>) = kept
        .map(|(_, line)| line.trim_end())
        .partition(|line| !line.is_empty() && !line.trim_start().starts_with('#'));
    let mut entries: BTreeSet<String> = entries.into_iter().map(str::to_owned).collect();
    entries.extend(more);
    while comments.last().is_some_and(|line| line.is_empty()) {
        comments.pop();
    }
    let mut written = if comments.is_empty() { HEADER.to_owned() } else { String::new() };
    for line in comments.into_iter().chain(entries.iter().map(String::as_str)) {
        written.push_str(line);
        written.push('\n');
    }
    written
}

/// Changes a file while nobody else does: other threads wait for a lock, other processes for a
/// file beside it.
fn edit(
    path: &Path,
    change: impl FnOnce(&str) -> Result<Option<String>, RegressionError>,
) -> Result<bool, RegressionError> {
    static EDITING: Mutex<()> = Mutex::new(());
    let _editing = EDITING.lock().unwrap_or_else(PoisonError::into_inner);
    let wrong = |error: io::Error| RegressionError(format!("{}: {error}", path.display()));
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(wrong)?;
    let turn = Turn::take(path.with_extension("sim.lock"));
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(wrong(error)),
    };
    let Some(changed) = change(&text)? else { return Ok(false) };
    // Whole or not at all, whenever the process ends.
    let written = path.with_extension(format!("sim.{}.new", std::process::id()));
    fs::write(&written, changed).and_then(|()| fs::rename(&written, path)).map_err(wrong)?;
    drop(turn);
    Ok(true)
}

/// A file that says that somebody is writing.
struct Turn(PathBuf);

impl Turn {
    /// Waits until nobody else is; not for ever, for a process may have ended without tidying up.
    #[expect(clippy::disallowed_methods, reason = "another process is waited for, not a run")]
    fn take(path: PathBuf) -> Self {
        for _ in 0..200 {
            match fs::File::create_new(&path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    std::thread::sleep(core::time::Duration::from_millis(10));
                }
                _ => break,
            }
        }
        Self(path)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(seed: u64) -> Token {
        format!("sim1:t:{seed:x}::00000000").parse().unwrap()
    }

    fn scratch(name: &str) -> PathBuf {
        let folder =
            std::env::temp_dir().join(format!("sim-regressions-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        folder.join("deep/tests.sim")
    }

    #[test]
    fn entries_are_sorted_and_written_once() {
        let path = scratch("sorted");
        assert_eq!(Regressions::load(&path).unwrap().entries().len(), 0);
        assert!(Regressions::add(&path, "b", &token(2), "two\nlines").unwrap());
        assert!(Regressions::add(&path, "a", &token(1), "").unwrap());
        assert!(!Regressions::add(&path, "b", &token(2), "said otherwise").unwrap());
        let text = fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(lines, ["a sim1:t:1::00000000", "b sim1:t:2::00000000  # two"]);
        let read = Regressions::load(&path).unwrap();
        assert_eq!(read.of("b").next().unwrap().note(), "two");
        let line = read.of("a").next().unwrap().line();
        read.save_without(&BTreeSet::from([line])).unwrap();
        let left = Regressions::load(&path).unwrap();
        assert_eq!(left.entries().len(), 1);
        assert!(read.save_without(&BTreeSet::from([1])).is_err(), "it has changed");
        let beside = fs::read_dir(path.parent().unwrap()).unwrap().count();
        assert_eq!(beside, 1, "nothing is left behind");
        fs::remove_dir_all(path.parent().unwrap().parent().unwrap()).unwrap();
    }

    #[test]
    fn threads_that_add_at_once_lose_nothing() {
        let path = scratch("at-once");
        std::thread::scope(|scope| {
            for seed in 0..8 {
                let path = &path;
                scope.spawn(move || Regressions::add(path, "t", &token(seed), "").unwrap());
            }
        });
        assert_eq!(Regressions::load(&path).unwrap().entries().len(), 8);
        fs::remove_dir_all(path.parent().unwrap().parent().unwrap()).unwrap();
    }

    #[test]
    fn a_damaged_line_is_named() {
        for line in ["t", "t sim1:t:1::0", "t sim1:t:1::00000000 more", "<<<<<<< HEAD"] {
            let text = format!("# header\n\n{line}\n");
            let error = Regressions::parse("some.sim", &text).unwrap_err().to_string();
            assert!(error.starts_with("some.sim:3: "), "{error}");
        }
    }
}
