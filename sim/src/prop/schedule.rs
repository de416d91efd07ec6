//! A schedule as an input: deviations from first-in-first-out that proptest shrinks.

use core::fmt;

use proptest::collection::{SizeRange, VecValueTree, vec};
use proptest::num::{u16::BinarySearch as Fraction, u32::BinarySearch as Decision};
use proptest::strategy::{NewTree, Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use proptest::tuple::TupleValueTree;

use crate::decision::{Choose, DecisionPoint, Needs};

/// Where a run departs from first-in-first-out: at which decisions, and to which candidate.
///
/// A decision is meant by its number in the run, a candidate as a fraction of those there are, so
/// that each schedule fits every program; decisions that do not come are passed over.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct Schedule {
    deviations: Vec<(u32, u16)>,
}

impl Schedule {
    /// First in, first out.
    #[must_use]
    pub fn fifo() -> Self {
        Self::default()
    }

    /// Departs at these decisions, counted from 0; the second number picks among the candidates
    /// other than the first: 0 is the second, 65,535 the last.
    #[must_use]
    pub fn new(deviations: impl IntoIterator<Item = (u32, u16)>) -> Self {
        let mut deviations: Vec<_> = deviations.into_iter().collect();
        deviations.sort_unstable();
        deviations.dedup_by_key(|(decision, _)| *decision);
        Self { deviations }
    }

    /// The deviations, by decision.
    #[must_use]
    pub fn deviations(&self) -> &[(u32, u16)] {
        &self.deviations
    }

    pub(super) fn chooser(self) -> Box<dyn Choose> {
        Box::new(Numbered { deviations: self.deviations, next: 0, decision: 0 })
    }
}

impl fmt::Debug for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // On one line, however it is asked for.
        write!(f, "Schedule::new({:?})", self.deviations)
    }
}

#[derive(Debug)]
struct Numbered {
    deviations: Vec<(u32, u16)>,
    next: usize,
    decision: u32,
}

impl Choose for Numbered {
    fn choose(&mut self, point: &DecisionPoint<'_>) -> u32 {
        let decision = self.decision;
        self.decision = self.decision.saturating_add(1);
        match self.deviations.get(self.next) {
            Some((at, fraction)) if *at == decision => {
                self.next += 1;
                let others = u64::from(point.candidates - 1);
                1 + ((u64::from(*fraction) * others) >> 16) as u32
            }
            _ => 0,
        }
    }

    fn needs(&self) -> Needs {
        Needs::Count
    }
}

/// The strategy of [`schedule`].
#[derive(Clone, Debug)]
#[must_use = "strategies do nothing unless used"]
pub struct Schedules {
    deviations: SizeRange,
    decisions: u32,
}

/// Generates schedules: up to eight deviations from first-in-first-out among the first thousand
/// decisions, the early ones more often.
///
/// proptest shrinks them as it does a vector of numbers: fewer deviations, earlier ones, earlier
/// candidates. Since a smaller input renumbers the decisions, [`property!`](crate::property!)
/// leaves less: prefer it where it fits.
///
/// # Examples
///
/// ```
/// use proptest::prelude::*;
/// use std::rc::Rc;
///
/// async fn bank(deposits: Vec<u32>) {
///     let balance = Rc::new(sim::SimCell::new(0));
///     let tasks = deposits.iter().map(|amount| {
///         let (balance, amount) = (Rc::clone(&balance), *amount);
///         sim::spawn(async move { balance.update(|held| *held += amount).await })
///     });
///     for task in tasks.collect::<Vec<_>>() {
///         task.await.unwrap();
///     }
///     assert_eq!(balance.get(), deposits.iter().sum());
/// }
///
/// proptest! {
///     #![proptest_config(sim::prop::config!())]
///     # /*
///     #[test]
///     # */
///     fn no_lost_update(
///         deposits in prop::collection::vec(1u32..50, 1..8),
///         schedule in sim::prop::schedule(),
///     ) {
///         sim::prop::run(schedule, || bank(deposits))?;
///     }
/// }
/// # no_lost_update();
/// ```
pub fn schedule() -> Schedules {
    Schedules { deviations: (0..=8).into(), decisions: 1_000 }
}

impl Schedules {
    /// Sets how many deviations a schedule has.
    pub fn deviations(mut self, deviations: impl Into<SizeRange>) -> Self {
        self.deviations = deviations.into();
        self
    }

    /// Sets among how many decisions, from the run's start, they lie.
    pub fn decisions(mut self, decisions: u32) -> Self {
        self.decisions = decisions.max(1);
        self
    }
}

impl Strategy for Schedules {
    type Tree = ScheduleTree;
    type Value = Schedule;

    fn new_tree(&self, runner: &mut TestRunner) -> NewTree<Self> {
        let deviation = Deviation { decisions: self.decisions };
        vec(deviation, self.deviations.clone()).new_tree(runner).map(ScheduleTree)
    }
}

/// A schedule that shrinks.
#[derive(Clone, Debug)]
pub struct ScheduleTree(VecValueTree<TupleValueTree<(Decision, Fraction)>>);

impl ValueTree for ScheduleTree {
    type Value = Schedule;

    fn current(&self) -> Schedule {
        Schedule::new(self.0.current())
    }

    fn simplify(&mut self) -> bool {
        self.0.simplify()
    }

    fn complicate(&mut self) -> bool {
        self.0.complicate()
    }
}

#[derive(Clone, Debug)]
struct Deviation {
    decisions: u32,
}

impl Strategy for Deviation {
    type Tree = TupleValueTree<(Decision, Fraction)>;
    type Value = (u32, u16);

    fn new_tree(&self, runner: &mut TestRunner) -> NewTree<Self> {
        // How long the run is, nobody knows: every order of magnitude gets its share.
        let bits = 32 - self.decisions.leading_zeros();
        let below = (0..=bits).new_tree(runner)?.current();
        let limit = 1u64.checked_shl(below).unwrap_or(u64::MAX).min(u64::from(self.decisions));
        let decision = (0..limit).new_tree(runner)?.current() as u32;
        let fraction = proptest::num::u16::ANY.new_tree(runner)?.current();
        Ok(TupleValueTree::new((Decision::new(decision), Fraction::new(fraction))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_departs_where_it_says() {
        let runs = |schedule: Schedule| {
            let outcome = crate::Sim::new().chooser(Held(schedule.chooser())).run(|| async {
                let order = std::rc::Rc::new(core::cell::RefCell::new(Vec::new()));
                let tasks: Vec<_> = (0..4)
                    .map(|nth| {
                        let order = std::rc::Rc::clone(&order);
                        crate::spawn(async move { order.borrow_mut().push(nth) })
                    })
                    .collect();
                for task in tasks {
                    task.await.unwrap();
                }
                order.take()
            });
            outcome.unwrap().into_value()
        };
        assert_eq!(runs(Schedule::fifo()), [0, 1, 2, 3]);
        assert_eq!(runs(Schedule::new([(0, 0)])), [1, 0, 2, 3]);
        assert_eq!(runs(Schedule::new([(0, u16::MAX)])), [3, 0, 1, 2]);
        // The last is then main, which waits for the first no longer.
        assert_eq!(runs(Schedule::new([(1, 1 << 15), (900, 7)])), [0, 3, 1, 2]);
    }

    #[derive(Debug)]
    struct Held(Box<dyn Choose>);

    impl Choose for Held {
        fn choose(&mut self, point: &DecisionPoint<'_>) -> u32 {
            self.0.choose(point)
        }
    }

    #[test]
    fn schedules_shrink_to_first_in_first_out() {
        let mut runner = TestRunner::deterministic();
        for _ in 0..50 {
            let mut tree = schedule().deviations(3..=8).new_tree(&mut runner).unwrap();
            while tree.simplify() {}
            // What may not become fewer becomes smaller.
            assert_eq!(tree.current(), Schedule::new([(0, 0)]));
            let mut tree = schedule().new_tree(&mut runner).unwrap();
            while tree.simplify() {}
            assert_eq!(tree.current(), Schedule::fifo());
        }
    }
}
