//! What a conformance program is.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A line of a file of programs.
#[derive(Clone, Debug, Deserialize)]
pub struct Case {
    /// Its name.
    pub name: String,
    /// The program.
    pub program: Program,
    /// The trace CPython gave, where it was recorded.
    #[serde(default)]
    pub trace: Vec<String>,
}

/// A program: shared objects, and the bodies of tasks.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Program {
    /// How many locks there are.
    #[serde(default)]
    pub locks: usize,
    /// How many events.
    #[serde(default)]
    pub events: usize,
    /// How many conditions, each with a lock of its own.
    #[serde(default)]
    pub conditions: usize,
    /// The permits of each semaphore.
    #[serde(default)]
    pub semaphores: Vec<usize>,
    /// The parties of each barrier.
    #[serde(default)]
    pub barriers: Vec<usize>,
    /// The queues.
    #[serde(default)]
    pub queues: Vec<QueueSpec>,
    /// Each task's body; `main` is the root.
    pub tasks: BTreeMap<String, Vec<Op>>,
}

/// A queue.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct QueueSpec {
    /// In which order items come out.
    pub kind: QueueKind,
    /// How many items it holds; 0 means any number.
    pub max: usize,
}

/// In which order the items of a queue come out.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum QueueKind {
    /// First in, first out.
    Fifo,
    /// Last in, first out.
    Lifo,
    /// Smallest first.
    Priority,
}

/// What `wait` waits for.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// Any end.
    FirstCompleted,
    /// Any error.
    FirstException,
    /// Every end.
    AllCompleted,
}

/// What a `try` catches.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Except {
    /// A request to cancel.
    Cancelled,
    /// A timeout.
    Timeout,
    /// Anything but these two.
    Error,
    /// Anything.
    Any,
}

/// A step of a body.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(tag = "op", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the format's own table says what each does")]
pub enum Op {
    Log {
        v: String,
    },
    Sleep {
        us: u64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        result: Option<i64>,
    },
    Yield,
    Busy {
        us: u64,
    },
    Raise {
        v: String,
    },
    Return {
        v: i64,
    },
    Spawn {
        task: String,
        r#as: String,
    },
    Await {
        h: String,
    },
    Cancel {
        h: String,
    },
    Status {
        h: String,
    },
    Shield {
        h: String,
    },
    Gather {
        tasks: Vec<String>,
        #[serde(default)]
        return_exceptions: bool,
    },
    WaitFor {
        task: String,
        us: u64,
    },
    Wait {
        tasks: Vec<String>,
        when: When,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        us: Option<u64>,
    },
    AsCompleted {
        tasks: Vec<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        us: Option<u64>,
    },
    Timeout {
        us: u64,
        body: Vec<Op>,
    },
    Group {
        tasks: Vec<String>,
        #[serde(default)]
        body: Vec<Op>,
    },
    Try {
        body: Vec<Op>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        except: Option<Except>,
        #[serde(default)]
        handler: Vec<Op>,
        #[serde(default)]
        reraise: bool,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        finally: Option<Vec<Op>>,
    },
    Lock {
        i: usize,
        body: Vec<Op>,
    },
    Sem {
        i: usize,
        body: Vec<Op>,
    },
    EventWait {
        i: usize,
    },
    EventSet {
        i: usize,
    },
    EventClear {
        i: usize,
    },
    CondWait {
        i: usize,
    },
    CondNotify {
        i: usize,
        n: Option<usize>,
    },
    Put {
        i: usize,
        v: i64,
    },
    PutNowait {
        i: usize,
        v: i64,
    },
    Get {
        i: usize,
    },
    GetNowait {
        i: usize,
    },
    TaskDone {
        i: usize,
    },
    Join {
        i: usize,
    },
    Barrier {
        i: usize,
    },
    Repeat {
        n: usize,
        body: Vec<Op>,
    },
}

impl Program {
    /// Checks that every task and object an operation names is there.
    ///
    /// # Errors
    ///
    /// Names the first that is not.
    pub fn check(&self) -> Result<(), String> {
        if !self.tasks.contains_key("main") {
            return Err("the program has no task `main`".to_owned());
        }
        for (task, ops) in &self.tasks {
            self.check_ops(ops).map_err(|problem| format!("task `{task}`: {problem}"))?;
        }
        Ok(())
    }

    fn check_ops(&self, ops: &[Op]) -> Result<(), String> {
        for op in ops {
            let task_names: &[String] = match op {
                Op::Spawn { task, .. } | Op::WaitFor { task, .. } => std::slice::from_ref(task),
                Op::Gather { tasks, .. }
                | Op::Wait { tasks, .. }
                | Op::AsCompleted { tasks, .. }
                | Op::Group { tasks, .. } => tasks,
                _ => &[],
            };
            if let Some(missing) = task_names.iter().find(|name| !self.tasks.contains_key(*name)) {
                return Err(format!("there is no task `{missing}`"));
            }
            let object = match op {
                Op::Lock { i, .. } => Some(("lock", *i, self.locks)),
                Op::Sem { i, .. } => Some(("semaphore", *i, self.semaphores.len())),
                Op::EventWait { i } | Op::EventSet { i } | Op::EventClear { i } => {
                    Some(("event", *i, self.events))
                }
                Op::CondWait { i } | Op::CondNotify { i, .. } => {
                    Some(("condition", *i, self.conditions))
                }
                Op::Put { i, .. }
                | Op::PutNowait { i, .. }
                | Op::Get { i }
                | Op::GetNowait { i }
                | Op::TaskDone { i }
                | Op::Join { i } => Some(("queue", *i, self.queues.len())),
                Op::Barrier { i } => Some(("barrier", *i, self.barriers.len())),
                _ => None,
            };
            if let Some((kind, i, _)) = object.filter(|(_, i, count)| i >= count) {
                return Err(format!("there is no {kind} {i}"));
            }
            if let Op::Barrier { i } = op
                && self.barriers[*i] == 0
            {
                return Err(format!("barrier {i} has no parties"));
            }
            match op {
                Op::Timeout { body, .. }
                | Op::Group { body, .. }
                | Op::Lock { body, .. }
                | Op::Sem { body, .. }
                | Op::Repeat { body, .. } => self.check_ops(body)?,
                Op::Try { body, handler, finally, .. } => {
                    self.check_ops(body)?;
                    self.check_ops(handler)?;
                    self.check_ops(finally.as_deref().unwrap_or_default())?;
                }
                _ => {}
            }
        }
        Ok(())
    }
}
