//! Fixed orders other than first-in-first-out: cheap baselines that find many bugs at once.

use crate::decision::{Choose, DecisionPoint, Kind, Needs};

/// The newest candidate: at a schedule point the running task, which became ready last of all.
#[derive(Debug)]
pub(super) struct Newest;

impl Choose for Newest {
    fn choose(&mut self, point: &DecisionPoint<'_>) -> u32 {
        if point.kind == Kind::Point { 0 } else { point.candidates - 1 }
    }
}

/// The task that was spawned last.
#[derive(Debug)]
pub(super) struct Youngest;

impl Choose for Youngest {
    fn choose(&mut self, point: &DecisionPoint<'_>) -> u32 {
        let youngest = point.tasks.iter().enumerate().max_by_key(|(_, task)| task.task);
        youngest.map_or(point.candidates - 1, |(index, _)| index as u32)
    }

    fn needs(&self) -> Needs {
        Needs::Tasks
    }
}
