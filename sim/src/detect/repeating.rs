//! The cycle in which tasks take turns when a run makes no progress.

use crate::id::TaskId;

/// Finds the shortest block of tasks that the whole of `recent` repeats; empty if it has none that
/// is at most half as long.
pub(crate) fn repeating(recent: &[TaskId]) -> Vec<TaskId> {
    (1..=recent.len() / 2)
        .find(|&period| recent.iter().zip(&recent[period..]).all(|(before, after)| before == after))
        .map(|period| recent[recent.len() - period..].to_vec())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shortest_period_is_found() {
        let tasks = |ids: &[u32]| ids.iter().copied().map(TaskId).collect::<Vec<_>>();
        assert_eq!(repeating(&tasks(&[1, 1, 1])), tasks(&[1]));
        assert_eq!(repeating(&tasks(&[2, 1, 2, 1, 2])), tasks(&[1, 2]));
        assert_eq!(repeating(&tasks(&[1, 2, 3, 4])), []);
    }
}
