//! Wakers that are safe to keep, clone, drop and call late, twice, or from another thread.
//!
//! A waker holds names, no pointers: (run, slot, task). A call finds the run through the thread's
//! kernel; where that run is not on this thread, or has ended, the wake is noted in a mailbox that
//! the run looks into, and nothing else happens.

use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering, fence};
use core::task::Waker;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Wake;

use super::context;
use crate::id::TaskId;

/// Where wakes from outside the simulation are noted.
#[derive(Debug, Default)]
pub(crate) struct Outside {
    pending: AtomicBool,
    wakes: Mutex<Vec<(u64, TaskId)>>,
}

impl Outside {
    fn note(&self, run: u64, task: TaskId) {
        self.wakes.lock().unwrap_or_else(PoisonError::into_inner).push((run, task));
        self.pending.store(true, Ordering::Release);
    }

    /// Whether any task was woken from outside.
    #[inline]
    pub(crate) fn is_pending(&self) -> bool {
        self.pending.load(Ordering::Acquire)
    }

    /// Takes the first task of `run` that was woken from outside.
    pub(crate) fn take(&self, run: u64) -> Option<TaskId> {
        if !self.is_pending() {
            return None;
        }
        let mut wakes = self.wakes.lock().unwrap_or_else(PoisonError::into_inner);
        self.pending.store(false, Ordering::Release);
        let found = wakes.iter().find(|(of, _)| *of == run).map(|(_, task)| *task);
        wakes.clear();
        found
    }
}

/// What stands behind a task's [`Waker`].
///
/// The fields are atomics only so that a task that has ended can hand its waker's memory to the
/// next one, which it may only do when nobody else holds it.
struct TaskWaker {
    run: AtomicU64,
    task: AtomicU32,
    slot: u32,
    outside: Arc<Outside>,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let run = self.run.load(Ordering::Relaxed);
        let task = TaskId(self.task.load(Ordering::Relaxed));
        if !context::wake_task(run, self.slot, task) {
            self.outside.note(run, task);
        }
    }
}

/// A task's waker, reused by the tasks that come after it in the same slot.
pub(crate) struct SlotWaker {
    waker: Waker,
    // The same, to be written to.
    shared: Arc<TaskWaker>,
}

/// How many hold a waker that was handed to nobody: the two above.
const OWN_HOLDERS: usize = 2;

impl core::fmt::Debug for SlotWaker {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("SlotWaker")
    }
}

impl SlotWaker {
    pub(crate) fn new(run: u64, slot: u32, task: TaskId, outside: &Arc<Outside>) -> Self {
        let shared = Arc::new(TaskWaker {
            run: AtomicU64::new(run),
            task: AtomicU32::new(task.0),
            slot,
            outside: Arc::clone(outside),
        });
        Self { waker: Waker::from(Arc::clone(&shared)), shared }
    }

    /// Makes this the waker of another task in the same slot; false where somebody still holds it.
    pub(crate) fn rename(&self, run: u64, task: TaskId) -> bool {
        if Arc::strong_count(&self.shared) > OWN_HOLDERS {
            return false;
        }
        // Whoever held a copy, on whatever thread, had done with it before the count went down.
        fence(Ordering::Acquire);
        self.shared.run.store(run, Ordering::Relaxed);
        self.shared.task.store(task.0, Ordering::Relaxed);
        true
    }

    pub(crate) fn waker(&self) -> &Waker {
        &self.waker
    }
}
