//! Python's exceptions, as values.

use core::fmt;

/// An exception other than a request to cancel, which unwinds by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Exception {
    Timeout,
    Error(String),
    QueueEmpty,
    QueueFull,
    BrokenBarrier,
    Group(Vec<Exception>),
}

impl fmt::Display for Exception {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Exception::Timeout => f.write_str("timeout"),
            Exception::Error(text) => write!(f, "error:{text}"),
            Exception::QueueEmpty => f.write_str("queue_empty"),
            Exception::QueueFull => f.write_str("queue_full"),
            Exception::BrokenBarrier => f.write_str("broken_barrier"),
            Exception::Group(members) => {
                let members: Vec<String> = members.iter().map(Exception::to_string).collect();
                write!(f, "group[{}]", members.join(","))
            }
        }
    }
}
