//! What a run gives that failed: a value, printed by whoever wants to.

use core::time::Duration;

use crate::decision::{DecisionLog, Divergence};
use crate::id::TaskId;
use crate::policy::Policy;
use crate::trace::{BlockedTask, ObjectInfo, TaskInfo, Trace};

/// A stable name for a kind of finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rule {
    /// `SIM` and a number that never changes.
    pub id: &'static str,
    /// Its name in words.
    pub name: &'static str,
}

/// What went wrong.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum FailureKind {
    /// The root panicked, or a task whose `JoinError` nobody took; a failed assertion is one.
    Panic {
        /// The task.
        task: TaskId,
        /// The message.
        message: String,
        /// Where, as `file:line:column`.
        place: String,
        /// A later panic that this one led to: an `unwrap` that met its `JoinError`, say.
        then: Option<String>,
    },
    /// A task started by `TaskGroup`, `gather` or `try_spawn` ended with an `Err` nobody saw.
    UnobservedError {
        /// The task.
        task: TaskId,
        /// The error.
        message: String,
    },
    /// Nothing is ready and no timer is set.
    Deadlock {
        /// Tasks that wait for each other in a ring, each for the one after it.
        cycle: Vec<TaskId>,
    },
    /// The step limit was reached.
    Livelock {
        /// The tasks that took turns at the end, if they did so in a cycle.
        cycle: Vec<TaskId>,
    },
    /// A task went round in one step: the `select!` in a loop of its is always ready.
    Spinning {
        /// The task.
        task: TaskId,
        /// The `select!`, as `file:line:column`.
        place: String,
        /// How often it was polled in that step.
        selects: u64,
    },
    /// The limit of virtual time was reached.
    TimeLimit {
        /// When the next thing would have happened.
        next: Duration,
    },
    /// Tasks were pending when the root had ended, and that was to fail.
    Leak {
        /// The tasks.
        tasks: Vec<TaskId>,
    },
    /// The root cancelled or aborted itself.
    RootCancelled,
    /// A task was woken from another thread, or from outside any step.
    OutsideWake {
        /// The task.
        task: TaskId,
    },
    /// A replay left its record.
    Diverged(Divergence),
}

impl FailureKind {
    /// The rule that was broken.
    #[must_use]
    pub fn rule(&self) -> Rule {
        let (id, name) = match self {
            FailureKind::Deadlock { .. } => ("SIM002", "deadlock"),
            FailureKind::Livelock { .. } | FailureKind::Spinning { .. } => ("SIM005", "livelock"),
            FailureKind::Leak { .. } => ("SIM006", "leaked task"),
            FailureKind::UnobservedError { .. } => ("SIM007", "unobserved error"),
            FailureKind::OutsideWake { .. } => ("SIM009", "determinism violation"),
            FailureKind::TimeLimit { .. } => ("SIM010", "limit reached"),
            FailureKind::Panic { .. } => ("SIM011", "panic"),
            FailureKind::Diverged(_) => ("SIM012", "replay diverged"),
            FailureKind::RootCancelled => ("SIM013", "root cancelled"),
        };
        Rule { id, name }
    }
}

/// A run that failed.
///
/// `Debug` and `Display` give the report a person reads; the parts are here for a program.
#[derive(Clone, PartialEq)]
pub struct Failure(pub(crate) Box<Inner>);

#[derive(Clone, PartialEq)]
pub(crate) struct Inner {
    pub(crate) kind: FailureKind,
    pub(crate) seed: u64,
    pub(crate) policy: Policy,
    pub(crate) step: u64,
    pub(crate) now: u64,
    pub(crate) shutting_down: bool,
    pub(crate) digest: u64,
    pub(crate) decisions: DecisionLog,
    pub(crate) divergence: Option<Divergence>,
    pub(crate) trace: Trace,
    pub(crate) tasks: Vec<TaskInfo>,
    pub(crate) objects: Vec<ObjectInfo>,
    pub(crate) blocked: Vec<BlockedTask>,
    pub(crate) leaked: Vec<TaskInfo>,
    pub(crate) timers: usize,
    pub(crate) others: Vec<String>,
    pub(crate) origin: Option<Origin>,
}

/// Where a failure comes from that a search found or a token replayed, in words for its report.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Origin {
    /// What was run; empty where nobody said.
    pub(crate) what: String,
    /// Which run it was, and what became of its schedule.
    pub(crate) run: String,
    /// What it was given, a line each.
    pub(crate) input: Vec<String>,
    /// How to get it again.
    pub(crate) replay: Vec<String>,
    /// How to keep it.
    pub(crate) pin: Vec<String>,
    /// The schedule, a line each.
    pub(crate) schedule: Vec<String>,
}

impl Failure {
    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> &FailureKind {
        &self.0.kind
    }

    /// The rule that was broken.
    #[must_use]
    pub fn rule(&self) -> Rule {
        self.0.kind.rule()
    }

    /// The seed of the run.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.0.seed
    }

    /// The policy of the run.
    #[must_use]
    pub fn policy(&self) -> Policy {
        self.0.policy
    }

    /// How many steps the run had taken.
    #[must_use]
    pub fn step(&self) -> u64 {
        self.0.step
    }

    /// The virtual time of the failure.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        Duration::from_nanos(self.0.now)
    }

    /// Whether the root had ended before.
    #[must_use]
    pub fn is_shutting_down(&self) -> bool {
        self.0.shutting_down
    }

    /// The digest of everything that happened.
    #[must_use]
    pub fn digest(&self) -> u64 {
        self.0.digest
    }

    /// The choices that led here; [`Sim::replay`](crate::Sim::replay) makes them again.
    #[must_use]
    pub fn decisions(&self) -> &DecisionLog {
        &self.0.decisions
    }

    /// Where a replay that failed had left its record, if it had.
    #[must_use]
    pub fn divergence(&self) -> Option<&Divergence> {
        self.0.divergence.as_ref()
    }

    /// The records of the run; empty where the trace was off.
    #[must_use]
    pub fn trace(&self) -> &Trace {
        &self.0.trace
    }

    /// The tasks that were alive, and those the failure names.
    #[must_use]
    pub fn tasks(&self) -> &[TaskInfo] {
        &self.0.tasks
    }

    /// The objects of the run.
    #[must_use]
    pub fn objects(&self) -> &[ObjectInfo] {
        &self.0.objects
    }

    /// The tasks that were waiting, and for what.
    #[must_use]
    pub fn blocked(&self) -> &[BlockedTask] {
        &self.0.blocked
    }

    /// The tasks that were pending when the root had ended.
    #[must_use]
    pub fn leaked(&self) -> &[TaskInfo] {
        &self.0.leaked
    }

    /// How many timers were set.
    #[must_use]
    pub fn pending_timers(&self) -> usize {
        self.0.timers
    }

    /// What else was wrong, a line each.
    #[must_use]
    pub fn others(&self) -> &[String] {
        &self.0.others
    }

    /// The label of a task.
    #[must_use]
    pub fn task_name(&self, task: TaskId) -> String {
        self.0
            .tasks
            .iter()
            .find(|info| info.id == task)
            .map_or_else(|| crate::kernel::default_label(task), |info| info.name.clone())
    }
}

impl core::error::Error for Failure {}
