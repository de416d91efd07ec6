//! What proptest's runner gets to see: a strategy whose values know what their test has shown, and
//! whose trees shrink themselves.
//!
//! The runner generates, counts, rejects and keeps regressions, as for any property. When a case
//! fails it asks the tree for something simpler, once: the tree then shrinks input and schedule
//! together, to the end.

use core::cell::RefCell;
use core::fmt;
use std::rc::Rc;

use proptest::num::u32::ANY;
use proptest::strategy::{NewTree, Strategy, ValueTree};
use proptest::test_runner::TestRunner;

use super::inputs::Inputs;
use crate::explore::{Found, Shown};

/// What a case has shown.
#[derive(Clone)]
pub(super) struct Hit {
    pub(super) shown: Shown,
    /// How many deviations it was found with.
    pub(super) from: usize,
    /// Which run showed it, in words.
    pub(super) how: String,
    /// Smaller inputs that were tried.
    pub(super) inputs: u64,
    /// Runs made to shrink it.
    pub(super) runs: u64,
    /// Set where it was not shown again.
    pub(super) lost: Option<Box<Found>>,
}

/// An input, the seed of its runs, and what they have shown.
#[derive(Clone)]
pub(super) struct Trial<V> {
    pub(super) input: V,
    pub(super) seed: u64,
    pub(super) hit: Rc<RefCell<Option<Hit>>>,
    names: &'static [&'static str],
}

impl<V: Inputs> fmt::Debug for Trial<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.input.describe(self.names).join(", "))
    }
}

/// Shrinks a trial that failed.
type Shrink<V> = dyn Fn(&mut dyn ValueTree<Value = V>, &mut Trial<V>);

/// A strategy of trials.
pub(super) struct Joint<S: Strategy> {
    pub(super) strategy: S,
    pub(super) names: &'static [&'static str],
    pub(super) shrink: Rc<Shrink<S::Value>>,
}

impl<S: Strategy> fmt::Debug for Joint<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.strategy.fmt(f)
    }
}

impl<S: Strategy> Strategy for Joint<S>
where
    S::Value: Inputs,
{
    type Tree = JointTree<S::Tree>;
    type Value = Trial<S::Value>;

    fn new_tree(&self, runner: &mut TestRunner) -> NewTree<Self> {
        let tree = self.strategy.new_tree(runner)?;
        // From the same source as the input: a regression brings both back.
        let seed = u64::from(ANY.new_tree(runner)?.current());
        let trial = Trial { input: tree.current(), seed, hit: Rc::default(), names: self.names };
        Ok(JointTree { tree, trial, shrink: Rc::clone(&self.shrink) })
    }
}

/// A trial that shrinks itself.
pub(super) struct JointTree<T: ValueTree> {
    tree: T,
    trial: Trial<T::Value>,
    shrink: Rc<Shrink<T::Value>>,
}

impl<T: ValueTree> ValueTree for JointTree<T>
where
    T::Value: Inputs,
{
    type Value = Trial<T::Value>;

    fn current(&self) -> Trial<T::Value> {
        self.trial.clone()
    }

    fn simplify(&mut self) -> bool {
        (self.shrink)(&mut self.tree, &mut self.trial);
        false
    }

    fn complicate(&mut self) -> bool {
        false
    }
}
