//! What a task is about to do when it is run next: what policies compare.

use crate::id::ObjectId;
use crate::trace::{Op, Place};

/// How an operation touches what it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Access {
    /// It touches nothing that another task can touch: a first step, a spawn, a join.
    None,
    /// It reads its object.
    Read,
    /// It changes its object, or may.
    Write,
    /// Nobody said: it may touch anything.
    Unknown,
}

/// What a task is about to do when it is run next.
///
/// A task that is suspended in one of `sim`'s primitives, or at a
/// [`schedule_point`](crate::schedule_point()), says what it waits to do; any other future has
/// the operation `Unknown`, which may touch anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operation {
    /// What it is.
    pub op: Op,
    /// The object it is about.
    pub object: Option<ObjectId>,
    /// What names the object in every run of a program; 0 where there is none.
    pub key: u64,
    /// Where in the source.
    pub place: Place,
}

impl Operation {
    /// How it touches its object.
    #[must_use]
    pub fn access(&self) -> Access {
        match self.op {
            Op::Start | Op::Spawn | Op::Join => Access::None,
            _ if self.object.is_none() => Access::Unknown,
            Op::ReadCell | Op::Read | Op::Event | Op::Changed => Access::Read,
            _ => Access::Write,
        }
    }

    /// Whether the order of the two may matter: one of them is not declared, or both are about
    /// one object and one of them changes it.
    #[must_use]
    pub fn races(&self, other: &Operation) -> bool {
        match (self.access(), other.access()) {
            (Access::None, _) | (_, Access::None) => false,
            (Access::Unknown, _) | (_, Access::Unknown) => true,
            (Access::Read, Access::Read) => false,
            _ => self.key == other.key,
        }
    }

    /// Whether it learns something of its object: all declared ones do but a plain write.
    #[must_use]
    pub fn reads(&self) -> bool {
        match self.access() {
            Access::Read => true,
            Access::Write => self.op != Op::WriteCell,
            Access::None | Access::Unknown => false,
        }
    }

    /// Whether it changes its object, or may.
    #[must_use]
    pub fn writes(&self) -> bool {
        self.access() == Access::Write
    }

    /// Whether both stand at one place in the source.
    #[must_use]
    pub fn same_site(&self, other: &Operation) -> bool {
        same_place(self.place, other.place)
    }
}

/// Compares two places, the cheap parts first.
pub(crate) fn same_place(a: Place, b: Place) -> bool {
    core::ptr::eq(a, b)
        || (a.line() == b.line() && a.column() == b.column() && a.file() == b.file())
}
