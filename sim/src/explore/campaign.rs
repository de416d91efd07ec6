//! Many runs of one program: planned, made by some threads, and folded in the order of their
//! indices.
//!
//! The result depends on the seed and the number of runs, not on the threads: runs are planned in
//! batches, each from what the batches before the one under way have shown; the lowest index that
//! fails wins. The first [`BATCH`] runs are made one after the other, each from all before it.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::plan::{Member, Plan, Planner};
use super::program::{Ended, Program};
use super::statistics::Sampler;
use crate::policy::{Constraint, Observation, shared};
use crate::run::Failure;

/// Runs are planned so many at a time.
pub(crate) const BATCH: usize = 64;

/// A run that was made.
pub(crate) struct Made {
    plan: Plan,
    seen: Observation,
    wishes: Vec<Constraint>,
    pub(crate) failure: Option<Failure>,
    steps: u64,
}

/// What a campaign has come to.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) runs: u64,
    pub(crate) steps: u64,
    pub(crate) failures: u64,
    pub(crate) classes: BTreeMap<u64, u64>,
    pub(crate) samplers: BTreeMap<String, Sampler>,
    pub(crate) undeclared: u64,
    pub(crate) declared: u64,
    /// The first failure, and the plan of its run.
    pub(crate) first: Option<(Plan, Failure)>,
    /// It ended for want of time, before the runs that were asked for.
    pub(crate) out_of_time: bool,
    /// The search has nothing left to run.
    pub(crate) exhausted: bool,
}

/// When to end.
pub(crate) struct Until<'a> {
    pub(crate) runs: u64,
    pub(crate) threads: usize,
    /// Go on after the first failure.
    pub(crate) keep_going: bool,
    pub(crate) stop: &'a (dyn Fn() -> bool + Sync),
    pub(crate) progress: &'a (dyn Fn(&Tally) + Sync),
}

/// Makes the runs of a campaign.
pub(crate) fn run(program: &Program, planner: &mut Planner, until: &Until<'_>) -> Tally {
    let mut tally = Tally::default();
    while tally.runs < until.runs.min(BATCH as u64) {
        let Some(plan) = planner.plan() else {
            tally.exhausted = true;
            return tally;
        };
        if (until.stop)() {
            tally.out_of_time = true;
            return tally;
        }
        let made = make(program, plan);
        fold(&mut tally, planner, made);
        if tally.first.is_some() && !until.keep_going {
            return tally;
        }
    }
    (until.progress)(&tally);
    let mut planned = tally.runs;
    let mut plan_batch = |planner: &mut Planner| {
        let left = until.runs - planned;
        let mut batch: Vec<Plan> = Vec::new();
        while (batch.len() as u64) < left.min(BATCH as u64) {
            match planner.plan() {
                Some(plan) => batch.push(plan),
                None => break,
            }
        }
        planned += batch.len() as u64;
        batch
    };
    let mut current = plan_batch(planner);
    loop {
        let mut next = plan_batch(planner);
        if current.is_empty() {
            if next.is_empty() {
                tally.exhausted = tally.runs < until.runs;
                return tally;
            }
            // The search waited for what the last batch would show.
            current = core::mem::take(&mut next);
        }
        let made = make_all(program, &current, until);
        let complete = made.len() == current.len();
        for made in made {
            fold(&mut tally, planner, made);
            if tally.first.is_some() && !until.keep_going {
                return tally;
            }
        }
        (until.progress)(&tally);
        if !complete {
            tally.out_of_time = true;
            return tally;
        }
        current = next;
    }
}

/// Makes the runs of a batch; fewer where a failure or the end of time cut it short, but all up
/// to there.
fn make_all(program: &Program, plans: &[Plan], until: &Until<'_>) -> Vec<Made> {
    let slots: Vec<Mutex<Option<Made>>> = plans.iter().map(|_| Mutex::new(None)).collect();
    let next = AtomicUsize::new(0);
    // Runs behind the first failure are not needed.
    let end = AtomicUsize::new(plans.len());
    let stopped = AtomicBool::new(false);
    let work = || {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            if at >= end.load(Ordering::Relaxed) || stopped.load(Ordering::Relaxed) {
                return;
            }
            if (until.stop)() {
                stopped.store(true, Ordering::Relaxed);
                return;
            }
            let made = make(program, plans[at].clone());
            if made.failure.is_some() && !until.keep_going {
                end.fetch_min(at + 1, Ordering::Relaxed);
            }
            *slots[at].lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(made);
        }
    };
    if until.threads < 2 {
        work();
    } else {
        std::thread::scope(|scope| {
            for _ in 0..until.threads.min(plans.len()) {
                scope.spawn(work);
            }
        });
    }
    slots
        .into_iter()
        .map_while(|slot| slot.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner))
        .collect()
}

fn make(program: &Program, plan: Plan) -> Made {
    let (chooser, wishes) = plan.chooser();
    let races = matches!(plan.member, Member::Bounded(_));
    let (chooser, seen) = shared(chooser, races);
    let Ended { failure, steps, .. } = program.run(plan.seed, false, chooser);
    let seen = seen.take();
    Made { plan, seen, wishes, failure, steps }
}

fn fold(tally: &mut Tally, planner: &mut Planner, made: Made) {
    let Made { plan, seen, wishes, failure, steps } = made;
    tally.runs += 1;
    tally.steps += steps;
    tally.declared += seen.declared;
    tally.undeclared += seen.undeclared;
    *tally.classes.entry(seen.class).or_insert(0) += 1;
    if plan.index > 2
        && let Some(policy) = plan.member.is_sampler()
    {
        tally.samplers.entry(policy.to_string()).or_default().add(seen.class);
    }
    planner.learn(&plan, &seen, &wishes);
    if let Some(failure) = failure {
        tally.failures += 1;
        if tally.first.is_none() {
            tally.first = Some((plan, failure));
        }
    }
}

impl Tally {
    /// By how many of the bounded search's deviations nothing failed.
    pub(crate) fn passed(&self, planner: &Planner) -> Option<usize> {
        let first_bounded =
            self.first.as_ref().is_some_and(|(plan, _)| matches!(plan.member, Member::Bounded(_)));
        let complete = planner.frontier.complete()?;
        match &self.first {
            Some((Plan { member: Member::Bounded(picks), .. }, _)) if first_bounded => {
                picks.len().checked_sub(1).map(|below| below.min(complete))
            }
            _ => Some(complete),
        }
    }
}
