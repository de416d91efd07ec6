//! What is done with each input: a small campaign, and the report of what failed.

use core::cell::Cell;
use core::future::Future;
use core::panic::Location;
use std::sync::{Arc, Mutex, PoisonError};

use proptest::strategy::ValueTree;
use proptest::test_runner::{Reason, TestCaseError, TestCaseResult};

use super::inputs::Inputs;
use super::joint::{Hit, Trial};
use super::property::{Held, Property, PropertyError};
use super::shrink::{self, Limits};
use super::verdict::{self, Verdict};
use crate::explore::{Case, Searched, Shown};

/// Tests one input after the other.
pub(super) struct Tester<F> {
    pub(super) program: Arc<F>,
    pub(super) property: Property,
    /// Why the last run that did so rejected its input.
    pub(super) rejected: Arc<Mutex<Option<Reason>>>,
    pub(super) place: &'static Location<'static>,
}

impl<F> Tester<F> {
    fn case<V, Fut>(&self, input: &V) -> Case
    where
        V: Inputs,
        F: Fn(V) -> Fut + Send + Sync + 'static,
        Fut: Future + 'static,
        Fut::Output: Verdict,
    {
        let (program, rejected) = (Arc::clone(&self.program), Arc::clone(&self.rejected));
        let (input, place) = (input.clone(), self.place);
        let start = move || {
            let running = program(input.clone());
            let rejected = Arc::clone(&rejected);
            async move {
                if let Some(reason) = verdict::conclude(running.await, place) {
                    *rejected.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason);
                }
            }
        };
        Case::new(start, Arc::clone(&self.property.settings))
    }

    pub(super) fn test<V, Fut>(&self, trial: &Trial<V>, counts: &Cell<Held>) -> TestCaseResult
    where
        V: Inputs,
        F: Fn(V) -> Fut + Send + Sync + 'static,
        Fut: Future + 'static,
        Fut::Output: Verdict,
    {
        let case = self.case(&trial.input);
        let count = |cases, runs, rejected| {
            let before = counts.get();
            counts.set(Held {
                cases: before.cases + cases,
                runs: before.runs + runs,
                rejected: before.rejected + rejected,
            });
        };
        let hit = |shown, from, how| Some(Hit { shown, from, how, inputs: 0, runs: 0, lost: None });
        let take_rejected = || self.rejected.lock().unwrap_or_else(PoisonError::into_inner).take();
        take_rejected();
        // First in first out decides whether the input is one at all.
        if let Some(shown) = case.deviating(trial.seed, &[]) {
            count(1, 1, 0);
            let how = format!("run 1 of {} (fifo)", self.property.schedules);
            *trial.hit.borrow_mut() = hit(shown, 0, how);
            return Err(TestCaseError::fail("first in first out"));
        }
        if let Some(reason) = take_rejected() {
            count(0, 1, 1);
            return Err(TestCaseError::Reject(reason));
        }
        if self.property.schedules == 1 {
            count(1, 1, 0);
            return Ok(());
        }
        match case.search(&self.property.what, trial.seed, self.property.schedules) {
            Searched::Passed { runs } => {
                count(1, runs, 0);
                Ok(())
            }
            Searched::Failed { shown, from, how, runs } => {
                count(1, runs, 0);
                *trial.hit.borrow_mut() = hit(shown, from, how);
                Err(TestCaseError::fail("a schedule"))
            }
            Searched::Lost { found, runs } => {
                count(1, runs, 0);
                let reason = Reason::from(found.to_string());
                *trial.hit.borrow_mut() = Some(Hit {
                    shown: Shown::unshrunk(found.failure().clone()),
                    from: 0,
                    how: String::new(),
                    inputs: 0,
                    runs: 0,
                    lost: Some(found),
                });
                Err(TestCaseError::Fail(reason))
            }
        }
    }

    /// Shrinks a trial that has failed, and leaves its tree where that came to.
    pub(super) fn shrink<V, Fut>(
        &self,
        tree: &mut dyn ValueTree<Value = V>,
        trial: &mut Trial<V>,
        limits: Limits,
    ) where
        V: Inputs,
        F: Fn(V) -> Fut + Send + Sync + 'static,
        Fut: Future + 'static,
        Fut::Output: Verdict,
    {
        let Some(hit) = trial.hit.borrow_mut().take() else { return };
        if hit.lost.is_some() {
            *trial.hit.borrow_mut() = Some(hit);
            return;
        }
        let case_of = |input: &V| self.case(input);
        let input = trial.input.clone();
        let smallest = shrink::shrink(tree, input, &case_of, hit.shown.clone(), limits);
        trial.input = smallest.input;
        *trial.hit.borrow_mut() = Some(Hit {
            shown: smallest.shown,
            inputs: smallest.inputs,
            runs: smallest.runs,
            ..hit
        });
    }

    pub(super) fn falsified<V, Fut>(
        &self,
        trial: &Trial<V>,
        reason: &Reason,
        counts: Held,
        persisted: bool,
    ) -> PropertyError<V>
    where
        V: Inputs,
        F: Fn(V) -> Fut + Send + Sync + 'static,
        Fut: Future + 'static,
        Fut::Output: Verdict,
    {
        let what = &self.property.what;
        let Some(hit) = trial.hit.borrow().clone() else {
            // Not from a run: the strategy, or the property's own code.
            return PropertyError::Aborted { reason: format!("sim: ABORTED {what}: {reason}") };
        };
        let input = trial.input.clone();
        let s = if hit.inputs == 1 { "" } else { "s" };
        let found = match hit.lost {
            Some(found) => *found,
            None => {
                let how = format!(
                    "case {}, {}; {} smaller input{s} tried",
                    counts.cases, hit.how, hit.inputs
                );
                self.case(&input).found(what, hit.shown, hit.from, hit.runs, how)
            }
        };
        let mut replay = Vec::new();
        if found.is_reproduced() {
            replay.push("this schedule, for `sim::explore::replay` with this input".to_owned());
        }
        if persisted {
            replay
                .push("(the test's next run begins with this case: proptest keeps it)".to_owned());
        }
        let found = Box::new(found.with_input(input.describe(self.property.inputs), replay));
        PropertyError::Falsified { input, found, runs: hit.runs }
    }
}
