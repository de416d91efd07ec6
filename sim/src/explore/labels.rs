//! Names for the choices of a run that other schedules, and edited programs, still know.
//!
//! A choice is named by what was done last before it: which task, which operation on which object,
//! for the how-manieth time in that task. Neither the number of a step nor a line of the source
//! takes part, so that the name stands when steps are inserted elsewhere.

use core::fmt;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::rc::Rc;

use crate::decision::{Candidate, DecisionPoint, Kind, Names};
use crate::id::{ObjectId, TaskId};
use crate::trace::{Event, Op};

/// Where in a run a choice is made.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ChoiceKey {
    /// The task that ran last; empty for a choice among timers.
    pub(crate) task: Rc<str>,
    /// What it did last; for timers, the virtual time in nanoseconds.
    pub(crate) label: Rc<str>,
    /// For the how-manieth time, from 1.
    pub(crate) nth: u32,
}

impl fmt::Display for ChoiceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}.{}", self.task, self.label, self.nth)
    }
}

/// A candidate by name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ChoiceName {
    /// A task's path; of a `select!`, the number of the branch.
    pub(crate) name: Rc<str>,
    /// As which of its task's candidates (a task may have several timers), from 1.
    pub(crate) twin: u32,
}

/// Follows a run, and names its tasks, operations and choices.
#[derive(Debug, Default)]
pub(crate) struct Labels {
    paths: BTreeMap<u64, Rc<str>>,
    // How many tasks have a path.
    taken: BTreeMap<Rc<str>, u32>,
    children: BTreeMap<u64, u32>,
    // Spawned, and not named yet: the program does that after the spawn.
    fresh: Vec<Fresh>,
    objects: BTreeMap<ObjectId, Rc<str>>,
    operations: BTreeMap<(Op, Option<ObjectId>), Rc<str>>,
    counts: BTreeMap<(u64, Rc<str>), u32>,
    creators: BTreeMap<TaskId, u64>,
    last: Option<(u64, Rc<str>, u32)>,
    running: u64,
    timers: (u64, u32),
}

#[derive(Debug)]
struct Fresh {
    parent: u64,
    task: TaskId,
    signature: u64,
    nth: u32,
}

/// What there is to pick, given or asked for.
fn candidates<'a>(point: &DecisionPoint<'a>) -> Cow<'a, [Candidate]> {
    if point.tasks.is_empty() && point.kind.picks_a_task() {
        Cow::Owned(point.names.candidates())
    } else {
        Cow::Borrowed(point.tasks)
    }
}

impl Labels {
    pub(crate) fn spawned(&mut self, parent: u64, task: TaskId, signature: u64) {
        let nth = self.children.entry(parent).or_insert(0);
        *nth += 1;
        self.fresh.push(Fresh { parent, task, signature, nth: *nth });
        self.creators.insert(task, signature);
    }

    pub(crate) fn ran(&mut self, ran: &Candidate, names: &dyn Names) {
        self.name_fresh(names);
        let label = self.operation(ran.operation.op, ran.operation.object, names);
        let count = self.counts.entry((ran.signature, Rc::clone(&label))).or_insert(0);
        *count += 1;
        self.last = Some((ran.signature, label, *count));
        self.running = ran.signature;
    }

    /// Takes note of what a task got hold of: that it did so without waiting is no operation of
    /// its own, and yet what came last.
    pub(crate) fn observe(&mut self, event: &Event, names: &dyn Names) {
        if let Event::Acquire { object } = event
            && let Some((signature, ..)) = self.last
        {
            let label: Rc<str> = format!("got.{}", self.object(*object, names)).into();
            let count = self.counts.entry((signature, Rc::clone(&label))).or_insert(0);
            *count += 1;
            self.last = Some((signature, label, *count));
        }
    }

    /// Names a choice that is to be made.
    pub(crate) fn key(&mut self, point: &DecisionPoint<'_>) -> ChoiceKey {
        self.name_fresh(point.names);
        match point.kind {
            Kind::Timer => {
                let (instant, count) = &mut self.timers;
                if *instant != point.now {
                    (*instant, *count) = (point.now, 0);
                }
                *count += 1;
                ChoiceKey { task: "".into(), label: point.now.to_string().into(), nth: *count }
            }
            Kind::Select => {
                let label: Rc<str> = "select".into();
                let task = self.path(self.running);
                let count = self.counts.entry((self.running, Rc::clone(&label))).or_insert(0);
                *count += 1;
                ChoiceKey { task, label, nth: *count }
            }
            Kind::Task | Kind::Point => match &self.last {
                Some((signature, label, nth)) => {
                    ChoiceKey { task: self.path(*signature), label: Rc::clone(label), nth: *nth }
                }
                None => ChoiceKey { task: "".into(), label: "begin".into(), nth: 1 },
            },
        }
    }

    /// Names a candidate: a task by its path, told apart from others of that path before it; a
    /// branch of a `select!` by its number.
    pub(crate) fn choice(&mut self, point: &DecisionPoint<'_>, picked: u32) -> ChoiceName {
        self.name_fresh(point.names);
        let tasks = candidates(point);
        let Some(candidate) = tasks.get(picked as usize) else {
            return ChoiceName { name: picked.to_string().into(), twin: 1 };
        };
        let before = tasks[..picked as usize].iter();
        let twins = before.filter(|other| other.signature == candidate.signature).count();
        ChoiceName { name: self.path(candidate.signature), twin: twins as u32 + 1 }
    }

    /// Finds the candidate of a name.
    pub(crate) fn find(&mut self, point: &DecisionPoint<'_>, choice: &ChoiceName) -> Option<u32> {
        self.name_fresh(point.names);
        let tasks = candidates(point);
        if tasks.is_empty() {
            return choice.name.parse().ok().filter(|picked| *picked < point.candidates);
        }
        let mut twins = tasks.iter().enumerate().filter(|(_, candidate)| {
            self.paths.get(&candidate.signature).is_some_and(|path| *path == choice.name)
        });
        twins.nth(choice.twin as usize - 1).map(|(index, _)| index as u32)
    }

    pub(crate) fn path(&self, signature: u64) -> Rc<str> {
        self.paths.get(&signature).cloned().unwrap_or_else(|| "main".into())
    }

    fn name_fresh(&mut self, names: &dyn Names) {
        for fresh in core::mem::take(&mut self.fresh) {
            let parent = self.path(fresh.parent);
            let root = fresh.task == TaskId::ROOT;
            let plain = match names.given_name(fresh.task) {
                Some(name) if !name.is_empty() => name,
                _ if root => "main".to_owned(),
                _ => format!("{parent}/{}", fresh.nth),
            };
            let mut path: Rc<str> = plain.as_str().into();
            let mut twin = self.taken.get(&path).copied().unwrap_or(0);
            while self.taken.contains_key(&path) {
                twin += 1;
                path = format!("{plain}+{twin}").into();
            }
            if twin > 0 {
                self.taken.insert(plain.as_str().into(), twin);
            }
            self.taken.insert(Rc::clone(&path), 1);
            self.paths.insert(fresh.signature, path);
        }
    }

    fn operation(&mut self, op: Op, object: Option<ObjectId>, names: &dyn Names) -> Rc<str> {
        if let Some(label) = self.operations.get(&(op, object)) {
            return Rc::clone(label);
        }
        let name = op.name().replace(' ', "-");
        let label: Rc<str> = match object {
            Some(object) => format!("{name}.{}", self.object(object, names)).into(),
            None => name.into(),
        };
        self.operations.insert((op, object), Rc::clone(&label));
        label
    }

    fn object(&mut self, object: ObjectId, names: &dyn Names) -> Rc<str> {
        if let Some(label) = self.objects.get(&object) {
            return Rc::clone(label);
        }
        let name = names.object(object);
        let label: Rc<str> = match name.given {
            Some(given) => given.into(),
            None => {
                let creator = self.creators.get(&name.creator).copied().unwrap_or(0);
                format!("{}/{}#{}", self.path(creator), name.kind, name.nth).into()
            }
        };
        self.objects.insert(object, Rc::clone(&label));
        label
    }
}
