//! What happened in a run: an append-only list of records, and a digest of all of them.
//!
//! Every event goes into the digest, whether or not records are kept, so that a run that nobody
//! looks at and the same run with its trace on have equal digests. No path, line, column,
//! address or thread takes part in it.

use core::panic::Location;
use std::collections::VecDeque;

use crate::id::{ObjectId, TaskId};

/// Where in the source something was written.
pub type Place = &'static Location<'static>;

/// What a task waits for, or is about to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Op {
    /// Its next turn.
    Yield,
    /// A timer.
    Sleep,
    /// The end of another task.
    Join,
    /// The end of several tasks.
    Gather,
    /// A change in a set of tasks.
    Wait,
    /// The next of several tasks to end.
    NextCompleted,
    /// The end of a task group.
    Group,
    /// The end of a shielded task.
    Shield,
    /// A mutex.
    Lock,
    /// A read lock.
    Read,
    /// A write lock.
    Write,
    /// A permit of a semaphore.
    Acquire,
    /// An event that is set.
    Event,
    /// A notification.
    Notified,
    /// Room for an item.
    Send,
    /// An item.
    Receive,
    /// The end of a queue's work.
    QueueJoin,
    /// The other side of a channel going away.
    Closed,
    /// A new value.
    Changed,
    /// A value that somebody else computes.
    Init,
    /// A cancellation token.
    CancelToken,
    /// Bytes to read.
    ReadBytes,
    /// Room for bytes.
    WriteBytes,
    /// A job of the simulated thread pool.
    Blocking,
    /// Something the simulation does not know.
    Unknown,
    /// Its first turn.
    Start,
    /// Its turn at a schedule point, after a spawn.
    Spawn,
    /// Its turn at a schedule point about which nothing is known.
    Point,
    /// Its turn to read a tracked cell.
    ReadCell,
    /// Its turn to write a tracked cell.
    WriteCell,
    /// Its turn to read and write a tracked cell as one.
    UpdateCell,
}

impl Op {
    /// Returns a short name, such as stands in a table.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Op::Start => "start",
            Op::Yield => "yield",
            Op::Spawn => "spawn",
            Op::Point => "schedule point",
            Op::ReadCell => "get",
            Op::WriteCell => "set",
            Op::UpdateCell => "update",
            Op::Sleep => "sleep",
            Op::Join => "join",
            Op::Gather => "gather",
            Op::Wait => "wait",
            Op::NextCompleted => "next completed",
            Op::Group => "task group",
            Op::Shield => "shield",
            Op::Lock => "lock",
            Op::Read => "read",
            Op::Write => "write",
            Op::Acquire => "acquire",
            Op::Event => "event",
            Op::Notified => "notified",
            Op::Send => "send",
            Op::Receive => "receive",
            Op::QueueJoin => "queue join",
            Op::Closed => "closed",
            Op::Changed => "changed",
            Op::Init => "init",
            Op::CancelToken => "cancelled()",
            Op::ReadBytes => "read bytes",
            Op::WriteBytes => "write bytes",
            Op::Blocking => "blocking job",
            Op::Unknown => "an unknown future",
        }
    }
}

/// Who made a task ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Waker {
    /// A task, in one of its steps.
    Task(TaskId),
    /// A timer, or the bookkeeping of a combinator.
    Loop,
}

/// Why a task was asked to cancel itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cause {
    /// Somebody called `cancel`.
    Asked,
    /// The time of a `timeout` or `wait_for` was over.
    Deadline,
    /// A task that awaits it was asked, and the request went on to it.
    PassedOn,
    /// Its task group is shutting down.
    Group,
    /// The root had ended.
    Shutdown,
}

/// How a task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum End {
    /// It returned.
    Returned,
    /// It was cancelled or aborted.
    Cancelled,
    /// It panicked.
    Panicked,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// The task spawned another one.
    Spawn {
        /// The new task.
        child: TaskId,
    },
    /// The task began a step.
    Step,
    /// The task was made ready.
    Wake {
        /// Who did it.
        by: Waker,
    },
    /// The task began to wait.
    Block {
        /// For what.
        op: Op,
        /// The object it waits at.
        object: Option<ObjectId>,
        /// The task whose end it waits for.
        on: Option<TaskId>,
        /// The `.await`; none where the simulation does not know what is awaited.
        place: Option<Place>,
    },
    /// The task was left at a schedule point: it is ready to go on, and another one runs.
    Left {
        /// What it is about to do.
        op: Op,
        /// The object that is about.
        object: Option<ObjectId>,
        /// The `.await`.
        place: Place,
    },
    /// The task set a timer.
    TimerSet {
        /// When it is due, in nanoseconds.
        deadline: u64,
    },
    /// A timer of the task fired.
    TimerFired {
        /// When it was due, in nanoseconds.
        deadline: u64,
    },
    /// The task dropped a timer before it fired.
    TimerDropped {
        /// When it would have been due, in nanoseconds.
        deadline: u64,
    },
    /// The task used the thread for some time without giving up control.
    Busy {
        /// How long, in nanoseconds.
        duration: u64,
    },
    /// Somebody asked the task to cancel itself.
    CancelRequested {
        /// Who.
        by: Waker,
        /// Why.
        cause: Cause,
    },
    /// The request reached the task's await.
    CancelDelivered,
    /// A `catch_cancel` (or `timeout`, `finally`, …) stopped the request.
    CancelCaught,
    /// The task was told to end at its await, with no way to refuse.
    AbortRequested {
        /// Who.
        by: Waker,
    },
    /// Somebody told the task to cancel itself, or to end, when it had ended.
    TooLate {
        /// Who.
        by: Waker,
        /// Whether it was `abort`, not `cancel`.
        abort: bool,
    },
    /// The task got hold of an object.
    Acquire {
        /// Which.
        object: ObjectId,
    },
    /// The task gave an object back.
    Release {
        /// Which.
        object: ObjectId,
    },
    /// The task touched shared state.
    Touch {
        /// Which.
        object: ObjectId,
        /// Whether it changed it, or may have.
        write: bool,
    },
    /// The task said something.
    Note(Box<str>),
    /// The task ended.
    Finish(End),
}

/// An event with its place in the run.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// How many steps had begun; records of one step have one number.
    pub step: u64,
    /// The virtual time, in nanoseconds.
    pub now: u64,
    /// The task it happened to.
    pub task: TaskId,
    /// What happened.
    pub event: Event,
}

/// Who a task is.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskInfo {
    /// Its number.
    pub id: TaskId,
    /// Its label: what `.named(…)` gave it, else `main` for the root and `task-N` for others.
    pub name: String,
    /// The task that spawned it.
    pub parent: Option<TaskId>,
    /// Where it was spawned.
    pub spawned_at: Place,
}

/// A lock, queue or other shared object.
#[derive(Clone, Debug, PartialEq)]
pub struct ObjectInfo {
    /// Its number.
    pub id: ObjectId,
    /// What it is: `Mutex`, `Event`, …
    pub kind: &'static str,
    /// Its label: its name, else `creator-task/kind#n`.
    pub name: String,
}

/// Who holds an object, since when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The task.
    pub task: TaskId,
    /// The step in which it got hold of it.
    pub step: u64,
    /// Where it did.
    pub place: Place,
}

/// A task that waits, at the time of a failure.
#[derive(Clone, Debug, PartialEq)]
pub struct BlockedTask {
    /// The task.
    pub task: TaskId,
    /// What it waits for.
    pub op: Op,
    /// The object it waits at.
    pub object: Option<ObjectId>,
    /// Who holds that object, since when.
    pub holders: Vec<Holder>,
    /// The tasks whose end it waits for.
    pub on: Vec<TaskId>,
    /// The `.await`, where it is known.
    pub place: Option<Place>,
    /// Since which step.
    pub since_step: u64,
    /// Since when, in nanoseconds of virtual time.
    pub since: u64,
}

/// The records of a run that were kept, and who took part.
///
/// Long runs keep their beginning and their end; [`omitted`](Trace::omitted) says how many
/// records between them were let go.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trace {
    head: Vec<Record>,
    tail: VecDeque<Record>,
    omitted: u64,
    pub(crate) tasks: Vec<TaskInfo>,
    pub(crate) objects: Vec<ObjectInfo>,
}

impl Trace {
    const HEAD: usize = 20_000;
    const TAIL: usize = 40_000;

    pub(crate) fn push(&mut self, record: Record) {
        if self.head.len() < Self::HEAD {
            self.head.push(record);
            return;
        }
        if self.tail.len() == Self::TAIL {
            self.tail.pop_front();
            self.omitted += 1;
        }
        self.tail.push_back(record);
    }

    /// The records kept, in order.
    pub fn records(&self) -> impl Iterator<Item = &Record> + Clone {
        self.head.iter().chain(&self.tail)
    }

    /// How many records between the beginning and the end were let go.
    #[must_use]
    pub fn omitted(&self) -> u64 {
        self.omitted
    }

    /// The index of the first record after those that were let go, if any were.
    pub(crate) fn gap(&self) -> Option<usize> {
        (self.omitted > 0).then_some(Self::HEAD)
    }

    /// The tasks of the run, in order of spawning.
    #[must_use]
    pub fn tasks(&self) -> &[TaskInfo] {
        &self.tasks
    }

    /// The objects of the run, in order of first use.
    #[must_use]
    pub fn objects(&self) -> &[ObjectInfo] {
        &self.objects
    }

    /// The label of a task.
    #[must_use]
    pub fn task_name(&self, task: TaskId) -> &str {
        self.tasks.get(task.index()).map_or("?", |info| &info.name)
    }

    /// The label of an object.
    #[must_use]
    pub fn object_name(&self, object: ObjectId) -> &str {
        self.objects.get(object.index()).map_or("?", |info| &info.name)
    }

    /// What the program noted, in order: (virtual time in nanoseconds, task, text).
    pub fn notes(&self) -> impl Iterator<Item = (u64, TaskId, &str)> {
        self.records().filter_map(|record| match &record.event {
            Event::Note(text) => Some((record.now, record.task, &**text)),
            _ => None,
        })
    }

    /// Checks that the notes that equal one of `expected` came in exactly this order.
    ///
    /// Other notes may stand between them.
    ///
    /// # Panics
    ///
    /// If a text is missing, comes too early or comes again; the message shows the notes.
    #[track_caller]
    pub fn assert_order<'a>(&self, expected: impl IntoIterator<Item = &'a str>) {
        let expected: Vec<&str> = expected.into_iter().collect();
        let found: Vec<&str> =
            self.notes().map(|(_, _, text)| text).filter(|text| expected.contains(text)).collect();
        assert!(
            found == expected,
            "the notes came in another order\n  expected: {expected:?}\n     found: {found:?}"
        );
    }
}

/// A running digest of everything that happened.
///
/// One multiply a word: it has to be cheap enough for every step, and it guards against
/// accidents, not against an adversary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Digest(u64);

impl Digest {
    const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;

    pub(crate) fn new() -> Self {
        Self(0x5155_494d_2d31_0001)
    }

    #[inline]
    pub(crate) fn mix(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(23) ^ word).wrapping_mul(Self::MULTIPLIER);
    }

    #[inline]
    pub(crate) fn mix_event(&mut self, code: u8, task: TaskId, payload: u64) {
        self.mix(
            (u64::from(code) << 56) ^ (u64::from(task.0) << 24) ^ payload.rotate_left(32) ^ payload,
        );
    }

    pub(crate) fn mix_text(&mut self, text: &str) {
        for chunk in text.as_bytes().chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.mix(u64::from_le_bytes(word));
        }
        self.mix(text.len() as u64);
    }

    #[inline]
    pub(crate) fn value(self) -> u64 {
        let mixed = (self.0 ^ (self.0 >> 32)).wrapping_mul(Self::MULTIPLIER);
        mixed ^ (mixed >> 29)
    }
}
