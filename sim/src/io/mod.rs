//! Byte streams in memory.

mod duplex;
mod pipe;

pub use duplex::{DuplexStream, duplex};
