//! A failure that a campaign found, with the smallest schedule that shows it.

use core::fmt;

use super::deviations::deviating;
use super::program::Program;
use super::shrink::Shrunk;
use super::token::Token;
use crate::run::{Failure, Origin};

/// A failure, and how to get it again.
///
/// `Display` gives the report a person reads: headline, token, schedule, table.
#[derive(Clone)]
pub struct Found {
    failure: Failure,
    token: Token,
    from: usize,
    replays: u64,
    minimal: bool,
    reproduced: bool,
}

impl Found {
    pub(crate) fn new(
        program: &Program,
        what: &str,
        seed: u64,
        shrunk: Shrunk,
        how: String,
    ) -> Self {
        // Once more, with records, for the report.
        let (chooser, _) = deviating(&shrunk.deviations);
        let told = program.run(seed, true, chooser);
        let reproduced = told
            .failure
            .as_ref()
            .is_some_and(|failure| failure.digest() == shrunk.failure.digest());
        let mut failure = told.failure.filter(|_| reproduced).unwrap_or(shrunk.failure);
        let token = Token::new(what, seed, &shrunk.deviations, failure.digest() as u32);
        let (left, s) = (token.deviations(), if token.deviations() == 1 { "" } else { "s" });
        let shrank = match (shrunk.from, shrunk.minimal) {
            (_, true) if left == 0 => "no deviation is needed".to_owned(),
            (from, true) => format!("shrunk {from} -> {left} deviation{s} (minimal)"),
            (from, false) => format!("shrunk {from} -> {left} deviation{s}"),
        };
        let run = format!("{how}; {shrank}, {} replays", shrunk.replays);
        failure.0.origin = Some(token.origin(run));
        let Shrunk { from, replays, minimal, .. } = shrunk;
        Self { failure, token, from, replays, minimal, reproduced }
    }

    /// A failure whose run did not fail again.
    pub(crate) fn lost(mut failure: Failure, what: &str, how: String) -> Self {
        let token = Token::new(what, failure.seed(), &[], failure.digest() as u32);
        failure.0.origin = Some(Origin {
            what: what.to_owned(),
            input: Vec::new(),
            run: how,
            replay: vec![
                "the same run did not fail again: something in the program is not under the \
                 simulation's control"
                    .to_owned(),
                "(a real clock or thread, a hash map's order, a generator of random numbers)"
                    .to_owned(),
            ],
            pin: Vec::new(),
            schedule: Vec::new(),
        });
        Self { failure, token, from: 0, replays: 1, minimal: false, reproduced: false }
    }

    /// Says how to get the run again, and how to keep it.
    pub(crate) fn tell(&mut self, replay: Vec<String>, pin: Vec<String>) {
        if let Some(origin) = &mut self.failure.0.origin {
            (origin.replay, origin.pin) = (replay, pin);
        }
    }

    /// Adds what the program was given, and how to get it again together with that.
    #[cfg(feature = "prop")]
    pub(crate) fn with_input(mut self, input: Vec<String>, replay: Vec<String>) -> Self {
        if let Some(origin) = &mut self.failure.0.origin {
            origin.input = input;
            origin.replay.extend(replay);
        }
        self
    }

    /// What went wrong, in the smallest schedule found.
    #[must_use]
    pub fn failure(&self) -> &Failure {
        &self.failure
    }

    /// One line that replays it.
    #[must_use]
    pub fn token(&self) -> &Token {
        &self.token
    }

    /// How often the schedule departs from first-in-first-out.
    #[must_use]
    pub fn deviations(&self) -> usize {
        self.token.deviations()
    }

    /// How often the run departed from it that first failed.
    #[must_use]
    pub fn found_with(&self) -> usize {
        self.from
    }

    /// How many runs the shrinking took.
    #[must_use]
    pub fn replays(&self) -> u64 {
        self.replays
    }

    /// Whether every schedule with fewer deviations was run, with this seed, and did not fail so.
    #[must_use]
    pub fn is_minimal(&self) -> bool {
        self.minimal
    }

    /// Whether the same schedule gave the same run again. If not, something in the program is not
    /// under the simulation's control.
    #[must_use]
    pub fn is_reproduced(&self) -> bool {
        self.reproduced
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.failure, f)
    }
}

impl fmt::Debug for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
