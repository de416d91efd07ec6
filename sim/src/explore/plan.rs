//! Which policy makes which run of a campaign.

use std::sync::Arc;

use super::bounded::{AtDecisions, Frontier, Pick};
use crate::decision::{Choose, First};
use crate::policy::{Constraint, Knowledge, Observation, Policy};

/// Who searches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Search {
    /// The portfolio.
    Portfolio,
    /// One policy.
    Policy(Policy),
    /// Every schedule with at most so many deviations.
    Bounded(usize),
}

/// How one run is made.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) index: u64,
    pub(crate) seed: u64,
    pub(crate) member: Member,
    knowledge: Arc<Knowledge>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Member {
    Policy(Policy),
    Bounded(Vec<Pick>),
}

impl Member {
    /// Whether its runs are independent samples.
    pub(crate) fn is_sampler(&self) -> Option<Policy> {
        match self {
            Member::Policy(
                policy @ (Policy::Random
                | Policy::Pct(_)
                | Policy::FairPct
                | Policy::Pos
                | Policy::PosNonRacing
                | Policy::Urw
                | Policy::Surw),
            ) => Some(*policy),
            _ => None,
        }
    }

    pub(crate) fn name(&self) -> String {
        match self {
            Member::Policy(policy) => policy.to_string(),
            Member::Bounded(_) => "idb".to_owned(),
        }
    }
}

impl Plan {
    /// Builds what makes the run's choices, and what it was to try, for the policy that learns it.
    pub(crate) fn chooser(&self) -> (Box<dyn Choose>, Vec<Constraint>) {
        match &self.member {
            Member::Policy(policy) => {
                let wishes = match policy {
                    Policy::Rff => self.knowledge.mutated(self.seed),
                    _ => Vec::new(),
                };
                (policy.informed(self.seed, &self.knowledge), wishes)
            }
            Member::Bounded(picks) if picks.is_empty() => (Box::new(First), Vec::new()),
            Member::Bounded(picks) => (Box::new(AtDecisions::new(picks.clone())), Vec::new()),
        }
    }
}

/// Decides how each run is made, from what the runs before have shown.
#[derive(Debug)]
pub(crate) struct Planner {
    search: Search,
    seed: u64,
    next: u64,
    shard: (u64, u64),
    turn: u64,
    pct: u32,
    knowledge: Arc<Knowledge>,
    pub(crate) frontier: Frontier,
}

/// A turn in the portfolio.
#[derive(Clone, Copy, Debug)]
enum Turn {
    /// A policy that builds on what the operations say of themselves.
    Informed(Policy),
    Pct,
    Bounded,
}

/// The turns, over and over. The three that find most have most of them; each of the others is
/// there for what those are blind to.
const ROUND: [Turn; 11] = [
    Turn::Informed(Policy::PosNonRacing),
    Turn::Informed(Policy::Surw),
    Turn::Informed(Policy::Rff),
    Turn::Informed(Policy::Surw),
    Turn::Informed(Policy::Rff),
    Turn::Informed(Policy::PosNonRacing),
    Turn::Pct,
    Turn::Informed(Policy::Rff),
    Turn::Informed(Policy::Surw),
    Turn::Bounded,
    Turn::Informed(Policy::Pos),
];

/// How many schedules deviate at most in a campaign's bounded search.
const PORTFOLIO_DEVIATIONS: usize = 3;

impl Planner {
    pub(crate) fn new(search: Search, seed: u64, shard: (u64, u64)) -> Self {
        let frontier = match search {
            Search::Bounded(most) => Frontier::new(most, false, shard),
            _ => Frontier::new(PORTFOLIO_DEVIATIONS, true, shard),
        };
        Self { search, seed, next: 0, shard, turn: 0, pct: 0, knowledge: Arc::default(), frontier }
    }

    /// Plans the next run; none where the search is finished.
    pub(crate) fn plan(&mut self) -> Option<Plan> {
        let member = match self.search {
            Search::Policy(policy) => Member::Policy(policy),
            Search::Bounded(_) => Member::Bounded(self.frontier.next()?),
            Search::Portfolio => self.portfolio(),
        };
        // The bounded search, and first-in-first-out, keep one seed: their claim is about it.
        let index = self.next * self.shard.1 + self.shard.0;
        let seed = match &member {
            Member::Bounded(_) => self.seed,
            Member::Policy(_) => self.seed.wrapping_add(index),
        };
        self.next += 1;
        Some(Plan { index, seed, member, knowledge: Arc::clone(&self.knowledge) })
    }

    /// Whose turn it is in the portfolio.
    fn portfolio(&mut self) -> Member {
        match self.next {
            0 => return Member::Bounded(self.frontier.next().unwrap_or_default()),
            4 => return Member::Policy(Policy::Lifo),
            9 => return Member::Policy(Policy::Reverse),
            // For what the others are blind to: uniform walks, and what needs fairness.
            index if index % 16 == 15 => return Member::Policy(Policy::Urw),
            index if index % 32 == 27 => return Member::Policy(Policy::FairPct),
            index if index % 32 == 23 => return Member::Policy(Policy::Random),
            _ => {}
        }
        let undeclared = self.knowledge.is_mostly_undeclared();
        // At most one round: the bounded search may have nothing to run.
        for _ in 0..ROUND.len() {
            let turn = ROUND[(self.turn % ROUND.len() as u64) as usize];
            self.turn += 1;
            let policy = match turn {
                // Of a program that declares nothing, one deviation shows little: half its turns.
                Turn::Bounded if undeclared && self.turn.is_multiple_of(2) => Policy::Random,
                Turn::Bounded => match self.frontier.next() {
                    Some(picks) => return Member::Bounded(picks),
                    None => continue,
                },
                Turn::Pct => self.next_pct(),
                Turn::Informed(policy) if !undeclared => policy,
                // What it builds on is not known.
                Turn::Informed(Policy::Rff | Policy::Surw) => Policy::Urw,
                Turn::Informed(_) => self.next_pct(),
            };
            return Member::Policy(policy);
        }
        Member::Policy(Policy::Random)
    }

    /// Depths take turns: most bugs are shallow, and each further level costs much.
    fn next_pct(&mut self) -> Policy {
        self.pct += 1;
        Policy::Pct(2 + (self.pct - 1) % 4)
    }

    /// Learns from a run. Runs are folded in the order of their indices.
    pub(crate) fn learn(&mut self, plan: &Plan, seen: &Observation, wishes: &[Constraint]) {
        match &plan.member {
            Member::Bounded(picks) => {
                self.frontier.learn(picks, seen);
                // One deviation shows what first-in-first-out hides, but little more each time.
                if picks.is_empty() {
                    Arc::make_mut(&mut self.knowledge).learn(seen, wishes);
                }
            }
            Member::Policy(Policy::Lifo | Policy::Reverse | Policy::Rff) => {
                Arc::make_mut(&mut self.knowledge).learn(seen, wishes);
            }
            Member::Policy(_) if self.next <= 3 => {
                Arc::make_mut(&mut self.knowledge).learn(seen, wishes);
            }
            Member::Policy(_) => {}
        }
    }
}
