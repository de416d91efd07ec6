//! Names for the things a run contains.
//!
//! All of them are small numbers counted from the start of the run, so that they are equal in
//! every replay of it: no address and no process-wide counter takes part.

use core::fmt;

/// Identifies a task of one run: its place in the order of spawning, the root being 0.
///
/// Equal programs under equal decisions give equal ids, so an id may stand in a trace or a test.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId(pub(crate) u32);

impl TaskId {
    /// The task that runs the program itself.
    pub const ROOT: TaskId = TaskId(0);

    /// Returns the place in the order of spawning.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Debug for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "t{}", self.0)
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "t{}", self.0)
    }
}

/// Identifies a lock, queue, event or other shared object of one run, in order of first use.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId(pub(crate) u32);

impl ObjectId {
    /// Returns the place in the order of first use.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Debug for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "o{}", self.0)
    }
}
