//! A ring in the wait-for graph.

use std::collections::{BTreeMap, BTreeSet};

use crate::id::TaskId;
use crate::trace::BlockedTask;

/// Finds tasks that wait for each other in a ring: each for an object that the next one holds, or
/// for the end of the next one. Empty if there is no ring.
pub(crate) fn cycle(blocked: &[BlockedTask]) -> Vec<TaskId> {
    let mut edges: BTreeMap<TaskId, Vec<TaskId>> = BTreeMap::new();
    for wait in blocked {
        let next = wait.holders.iter().map(|holder| holder.task).chain(wait.on.iter().copied());
        edges.entry(wait.task).or_default().extend(next);
    }
    let mut finished = BTreeSet::new();
    for &start in edges.keys() {
        if let Some(ring) = walk(start, &edges, &mut finished) {
            return ring;
        }
    }
    Vec::new()
}

/// A depth-first walk with a path of its own, so that a long chain does not exhaust the stack.
fn walk(
    start: TaskId,
    edges: &BTreeMap<TaskId, Vec<TaskId>>,
    finished: &mut BTreeSet<TaskId>,
) -> Option<Vec<TaskId>> {
    if finished.contains(&start) {
        return None;
    }
    let mut path = vec![(start, 0)];
    let mut on_path = BTreeSet::from([start]);
    while let Some((task, next_edge)) = path.last_mut() {
        let task = *task;
        let Some(&next) = edges.get(&task).and_then(|edges| edges.get(*next_edge)) else {
            path.pop();
            on_path.remove(&task);
            finished.insert(task);
            continue;
        };
        *next_edge += 1;
        if on_path.contains(&next) {
            let from = path.iter().position(|(task, _)| *task == next)?;
            return Some(path[from..].iter().map(|(task, _)| *task).collect());
        }
        if !finished.contains(&next) {
            path.push((next, 0));
            on_path.insert(next);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::Op;

    fn waits(task: u32, on: &[u32]) -> BlockedTask {
        BlockedTask {
            task: TaskId(task),
            op: Op::Join,
            object: None,
            holders: Vec::new(),
            on: on.iter().copied().map(TaskId).collect(),
            place: None,
            since_step: 0,
            since: 0,
        }
    }

    #[test]
    fn a_ring_is_found_behind_a_tail_and_a_chain_is_none() {
        let ring = [waits(0, &[1]), waits(1, &[2]), waits(2, &[3]), waits(3, &[1])];
        assert_eq!(cycle(&ring), [TaskId(1), TaskId(2), TaskId(3)]);
        assert_eq!(cycle(&[waits(0, &[1, 2]), waits(1, &[2]), waits(2, &[])]), []);
        assert_eq!(cycle(&[waits(0, &[0])]), [TaskId(0)]);
    }
}
