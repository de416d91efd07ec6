//! What a scenario is: programs that belong together, and what is expected of each.

use core::fmt;
use core::time::Duration;

use futures::future::LocalBoxFuture;

/// A program to run: boxed, so that all of them have one type.
pub type Program = LocalBoxFuture<'static, ()>;

/// A pitfall or a sample, with the programs that show it.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// Its name on the command line, in kebab-case.
    pub id: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// The tutorial, and the sample or tip in it.
    pub tutorial: &'static str,
    /// What a reader takes away: one sentence that fits on a line.
    pub teaches: &'static str,
    /// What the tutorial says, where that is not what happens.
    pub claim: Option<&'static str>,
    /// Why it happens.
    pub why: &'static str,
    /// The programs.
    pub variants: &'static [Variant],
}

impl Scenario {
    /// Finds a variant by its name.
    #[must_use]
    pub fn variant(&self, name: &str) -> Option<&'static Variant> {
        self.variants.iter().find(|variant| variant.name == name)
    }
}

/// One of a scenario's programs.
#[derive(Clone, Copy)]
pub struct Variant {
    /// Its name on the command line: `bad`, `fixed`, …
    pub name: &'static str,
    /// What is expected, in a few words, for the table at the end of the main job.
    pub shows: &'static str,
    /// Makes the program.
    pub program: fn() -> Program,
    /// What it prints first-in-first-out: `"1.5s text"`, a line each, and nothing else.
    pub output: &'static [&'static str],
    /// How it ends first-in-first-out.
    pub ends: Ends,
    /// What becomes of both under random schedules.
    pub random: Random,
}

impl fmt::Debug for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Variant").field("name", &self.name).finish_non_exhaustive()
    }
}

/// How a run ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    /// Without a failure.
    Passes,
    /// With a failure of this rule, whose report has this text in it.
    Fails {
        /// The rule's id.
        rule: &'static str,
        /// A part of what the failure says.
        says: &'static str,
    },
}

/// A failed assertion whose message has this text in it: a promise that was not kept.
#[must_use]
pub const fn broken(says: &'static str) -> Ends {
    Ends::Fails { rule: "SIM011", says }
}

/// What random schedules do to the output and the end that a variant has first-in-first-out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Random {
    /// Nothing: the program leaves no choice that shows.
    Same,
    /// They end in the same way; lines come in another order or at other times.
    SameEnd,
    /// Some of them fail, all of those thus; the others pass.
    Either {
        /// How those fail that do.
        fails: Ends,
        /// One of them, for who wants to see it.
        seed: u64,
    },
}

/// A moment of virtual time as people write it: `0s`, `0.5s`, `1.020202s`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment(pub Duration);

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = format!("{:09}", self.0.subsec_nanos());
        let fraction = nanos.trim_end_matches('0');
        let dot = if fraction.is_empty() { "" } else { "." };
        f.pad(&format!("{}{dot}{fraction}s", self.0.as_secs()))
    }
}

/// Whole seconds.
#[must_use]
pub const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Milliseconds.
#[must_use]
pub const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_have_no_needless_digits() {
        let shown = |nanos| Moment(Duration::from_nanos(nanos)).to_string();
        assert_eq!(shown(0), "0s");
        assert_eq!(shown(500_000_000), "0.5s");
        assert_eq!(shown(2_010_000_000), "2.01s");
        assert_eq!(shown(1), "0.000000001s");
    }
}
