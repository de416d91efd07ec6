//! What people see: the text table and the failure report. Reads records only.
//!
//! Reading order: `table` (the front door), `row` and `reader` (what a step did, from records),
//! `cell` (how that is said in few words), `fold` (what of a long run is shown), `sheet` and
//! `layout` (who gets a column, and how wide), `key` (the marks explained); `failure` (the report),
//! `reason` (what is wrong, in words) and `wait_graph` (who waits for whom).

mod cell;
mod failure;
mod fold;
mod key;
mod layout;
mod names;
mod place;
mod reader;
mod reason;
mod row;
#[cfg(test)]
mod samples;
mod sheet;
mod table;
mod text_width;
mod time;
mod wait_graph;

pub use table::{Table, table};
