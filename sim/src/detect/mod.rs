//! What counts as wrong, found in records alone.

mod cycle;
mod repeating;

pub(crate) use cycle::cycle;
pub(crate) use repeating::repeating;
