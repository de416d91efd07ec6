//! Getting a schedule again from its token.

use core::fmt;
use core::future::Future;

use super::deviations::deviating;
use super::program::Program;
use super::token::Token;
use crate::run::{Failure, Sim};

/// How well a token fitted the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// The run is the recorded one, to the last event.
    Exact,
    /// The program, or what it uses, is no longer the one that was recorded.
    Drifted {
        /// How many of the token's deviations were made.
        applied: usize,
        /// How many it has.
        of: usize,
    },
}

/// A run that was made from a token.
#[derive(Debug, Clone)]
pub struct Replay {
    failure: Option<Failure>,
    fit: Fit,
    token: Token,
}

impl Replay {
    /// What went wrong; none where the run passed.
    #[must_use]
    pub fn failure(&self) -> Option<&Failure> {
        self.failure.as_ref()
    }

    /// How well the token fitted.
    #[must_use]
    pub fn fit(&self) -> Fit {
        self.fit
    }

    /// The token.
    #[must_use]
    pub fn token(&self) -> &Token {
        &self.token
    }

    /// Says how to get the run again, and how to keep it.
    pub(crate) fn tell(&mut self, replay: Vec<String>, pin: Vec<String>) {
        if let Some(origin) = self.failure.as_mut().and_then(|failure| failure.0.origin.as_mut()) {
            (origin.replay, origin.pin) = (replay, pin);
        }
    }

    /// Fails where the run did.
    ///
    /// # Panics
    ///
    /// If the run failed, with its report.
    #[track_caller]
    pub fn assert_ok(&self) {
        if let Some(failure) = &self.failure {
            panic!("{failure}");
        }
    }
}

impl fmt::Display for Replay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.failure {
            Some(failure) => fmt::Display::fmt(failure, f),
            None => match self.fit {
                Fit::Exact => f.write_str("passed, exactly as recorded"),
                Fit::Drifted { applied, of } => write!(
                    f,
                    "sim: DIVERGED the run passed, and is not the recorded one: {applied} of {of} \
                     deviations had a place; the program has changed since"
                ),
            },
        }
    }
}

/// Makes the run of a token.
///
/// Deviations whose place does not come, or whose task is not ready there, are passed over;
/// [`Replay::fit`] says whether the run is the recorded one.
///
/// # Examples
///
/// See [`explore`](crate::explore()).
pub fn replay<F, Fut>(program: F, token: &Token) -> Replay
where
    F: Fn() -> Fut + Send + Sync + 'static,
    Fut: Future + 'static,
    Fut::Output: 'static,
{
    replay_with(program, token, |sim| sim)
}

/// The same, with settings for the run.
pub fn replay_with<F, Fut>(
    program: F,
    token: &Token,
    settings: impl Fn(Sim) -> Sim + Send + Sync + 'static,
) -> Replay
where
    F: Fn() -> Fut + Send + Sync + 'static,
    Fut: Future + 'static,
    Fut::Output: 'static,
{
    let mut program = Program::new(program);
    program.set(settings);
    replayed(&program, token)
}

/// The same, of a program that is set up.
pub(crate) fn replayed(program: &Program, token: &Token) -> Replay {
    let (chooser, notes) = deviating(&token.named());
    let ended = program.run(token.seed(), true, chooser);
    let notes = notes.borrow();
    let fit = if ended.digest as u32 == token.fingerprint() {
        Fit::Exact
    } else {
        Fit::Drifted { applied: notes.applied, of: notes.asked }
    };
    let failure = ended.failure.map(|mut failure| {
        let run = match fit {
            Fit::Exact => "replayed exactly".to_owned(),
            Fit::Drifted { applied, of } => {
                format!("replayed, drifted: {applied} of {of} deviations had a place")
            }
        };
        failure.0.origin = Some(token.origin(run));
        failure
    });
    Replay { failure, fit, token: token.clone() }
}
