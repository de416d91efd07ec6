//! Waiting for several tasks: asyncio's combinators, and tokio's `JoinSet`.
//!
//! | to | use |
//! |---|---|
//! | run futures concurrently and take all values, or the first error | [`gather`], [`gather_values`] |
//! | do the same with tasks that run already | [`gather_tasks`], [`gather_value_tasks`] |
//! | start tasks that end with the block that started them | [`TaskGroup`] |
//! | wait for the first, or for some time, and cancel nobody | [`wait()`] |
//! | take results as they come | [`as_completed`], [`JoinSet`] |
//! | bound the time one task may take | [`wait_for`] |
//! | poll futures side by side inside one task | [`join!`](crate::join), [`try_join!`](crate::try_join) |
//!
//! asyncio's exception is the `Err` of a child whose output is a `Result`. A combinator learns of
//! a child's end through a callback in the ready queue, one pass later than an `await` of the
//! child would, as in CPython; [`JoinSet`], which is tokio's, is woken directly.

mod as_completed;
mod error;
mod gate;
mod gather;
mod gathering;
mod group;
mod join;
mod join_set;
mod wait;
mod wait_for;

#[cfg(test)]
mod tests;
mod watched;

pub use as_completed::{
    AsCompleted, AsCompletedWithin, NextCompleted, NextCompletedWithin, as_completed,
};
pub use error::{GatherError, GroupClosed, GroupError, PropagateError, TaskError};
pub use gather::{
    Gather, GatherResults, GatherValueResults, GatherValues, gather, gather_tasks,
    gather_value_tasks, gather_values,
};
pub use gathering::Progress;
pub use group::{GroupScope, TaskGroup};
pub use join::{join, try_join};
pub use join_set::{JoinNext, JoinSet};
pub use wait::{Wait, WaitFor, Waitable, Waited, wait};
pub use wait_for::{WaitForError, WaitForTask, wait_for};
