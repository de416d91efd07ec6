//! What a program under a property may return.

use core::any::Any;
use core::fmt::Debug;
use core::panic::Location;

use proptest::test_runner::{Reason, TestCaseError};

use crate::kernel::context;

/// What a program under a property may return: nothing, or a `Result` whose error fails the run.
///
/// Of proptest's `TestCaseError`, a rejection fails nothing: it discards the case.
pub trait Verdict {
    /// Tells why the run is no good, if so.
    ///
    /// # Errors
    ///
    /// Where it is no good.
    fn verdict(self) -> Result<(), TestCaseError>;
}

impl Verdict for () {
    fn verdict(self) -> Result<(), TestCaseError> {
        Ok(())
    }
}

impl<T, E: Debug + 'static> Verdict for Result<T, E> {
    fn verdict(self) -> Result<(), TestCaseError> {
        let Err(error) = self else { return Ok(()) };
        // `TestCaseError` and what else `Into` would take have no common bound with `String` and
        // `Box<dyn Error>`.
        match (&error as &dyn Any).downcast_ref::<TestCaseError>() {
            Some(error) => Err(error.clone()),
            None => Err(TestCaseError::fail(format!("{error:?}"))),
        }
    }
}

/// Ends the root as the verdict says: a failure panics at its own place, where it tells that.
pub(super) fn conclude(
    verdict: impl Verdict,
    otherwise: &'static Location<'static>,
) -> Option<Reason> {
    match verdict.verdict() {
        Ok(()) => None,
        Err(TestCaseError::Reject(reason)) => Some(reason),
        Err(TestCaseError::Fail(reason)) => {
            let (message, place) = split(reason.message());
            let place = place.map_or_else(|| otherwise.to_string(), str::to_owned);
            // `prop_assert_eq!` ends its lines in commas.
            let lines = message.lines().map(|line| line.trim_end_matches(','));
            context::panic_at(lines.collect::<Vec<_>>().join("\n"), place)
        }
    }
}

/// `prop_assert!` puts its place behind the message: ` at file:line`.
fn split(text: &str) -> (&str, Option<&str>) {
    let split = text.rsplit_once(" at ").filter(|(_, place)| {
        place.rsplit_once(':').is_some_and(|(file, line)| {
            !file.is_empty() && !file.contains(char::is_whitespace) && line.parse::<u32>().is_ok()
        })
    });
    match split {
        Some((message, place)) => (message, Some(place)),
        None => (text, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_of_an_assertion_is_found() {
        assert_eq!(
            split("a looked at b at src/bank.rs:7"),
            ("a looked at b", Some("src/bank.rs:7"))
        );
        assert_eq!(split("arrived at 10:30 today"), ("arrived at 10:30 today", None));
        assert_eq!(split("no place"), ("no place", None));
    }

    #[test]
    fn errors_of_all_kinds_count() {
        assert!(().verdict().is_ok());
        assert!(Ok::<u32, String>(1).verdict().is_ok());
        let rejected = Err::<(), _>(TestCaseError::reject("odd")).verdict();
        assert!(matches!(rejected, Err(TestCaseError::Reject(_))));
        let failed = Err::<(), _>(Box::<dyn core::error::Error>::from("gone")).verdict();
        assert!(
            matches!(failed, Err(TestCaseError::Fail(reason)) if reason.message() == "\"gone\"")
        );
    }
}
