//! What tasks and objects are called in tables and reports.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::text_width::{clean, cut_middle};
use crate::id::{ObjectId, TaskId};
use crate::trace::{ObjectInfo, TaskInfo};

/// The labels of a run, fit for one line, and no two tasks alike.
#[derive(Debug)]
pub(super) struct Names<'a> {
    tasks: &'a [TaskInfo],
    objects: &'a [ObjectInfo],
    // How many tasks have each label.
    uses: BTreeMap<&'a str, u32>,
}

impl<'a> Names<'a> {
    /// No label is wider than this.
    pub(super) const WIDEST: usize = 24;

    pub(super) fn new(tasks: &'a [TaskInfo], objects: &'a [ObjectInfo]) -> Self {
        let mut uses = BTreeMap::new();
        for task in tasks {
            *uses.entry(task.name.as_str()).or_insert(0) += 1;
        }
        Self { tasks, objects, uses }
    }

    pub(super) fn info(&self, task: TaskId) -> Option<&'a TaskInfo> {
        // In order of spawning, if perhaps not all of them.
        let at = self.tasks.binary_search_by_key(&task, |info| info.id).ok()?;
        self.tasks.get(at)
    }

    /// The label of a task; of several that have the same, each gets its number behind it.
    pub(super) fn task(&self, task: TaskId) -> String {
        let Some(info) = self.info(task) else { return crate::kernel::default_label(task) };
        let name = clean(&info.name);
        if self.uses.get(info.name.as_str()).is_some_and(|uses| *uses > 1) || name.is_empty() {
            let number = format!("#{}", task.0);
            return cut_middle(&name, Self::WIDEST - number.len()) + &number;
        }
        cut_middle(&name, Self::WIDEST)
    }

    /// Several labels, the first `most` of them.
    pub(super) fn list(&self, tasks: &[TaskId], most: usize) -> String {
        let mut shown: Vec<String> = tasks.iter().take(most).map(|task| self.task(*task)).collect();
        if tasks.len() > most {
            shown.push(format!("+{}", tasks.len() - most));
        }
        shown.join(", ")
    }

    pub(super) fn object(&self, object: ObjectId) -> String {
        let name = self.objects.get(object.index()).map_or("?", |info| &info.name);
        cut_middle(&clean(name), Self::WIDEST)
    }

    pub(super) fn kind(&self, object: ObjectId) -> Cow<'a, str> {
        self.objects.get(object.index()).map_or("object", |info| info.kind).into()
    }
}
