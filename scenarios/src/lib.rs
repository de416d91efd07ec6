//! The gallery: every sample of five tutorials on asyncio, and what their tips describe, each as a
//! program that runs in [`sim`] and is held to what really happens.
//!
//! # Layout
//!
//! - [`scenario`]: what a scenario is, and what is expected of it.
//! - [`gallery`]: the scenarios, one file each, and the one table of them.
//! - [`judge`]: one run, and whether the runs of a variant are as documented.
//! - [`cli`]: the command line.

pub mod cli;
pub mod gallery;
pub mod judge;
pub mod scenario;
