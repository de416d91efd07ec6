//! Channels with many senders and one receiver: tokio's `sync::mpsc`.
//!
//! [`channel`] is bounded: a sender waits for room, first come, first served, and cannot be
//! overtaken. [`unbounded_channel`] always takes another item. Items arrive in the order in which
//! they were sent.
//!
//! # Cancel safety
//!
//! `recv` loses no item: one leaves the channel only as it is returned. A dropped `send` has sent
//! nothing; its item is dropped with it (use [`Sender::reserve`] to keep it), and room that was
//! promised to it goes to the next sender.
//!
//! # Examples
//!
//! ```
//! use sim::sync::mpsc;
//!
//! # sim::Sim::new().run(|| async {
//! let (sender, mut receiver) = mpsc::channel(1);
//! drop(sim::spawn(async move {
//!     for item in 0..3 {
//!         sender.send(item).await.unwrap();
//!     }
//! }));
//! let mut items = Vec::new();
//! while let Some(item) = receiver.recv().await {
//!     items.push(item);
//! }
//! assert_eq!(items, [0, 1, 2]);
//! # }).unwrap();
//! ```

mod bounded;
mod chan;
mod error;
mod permit;
mod receiver;
mod unbounded;

pub use bounded::{Receiver, Sender, Sending, WeakSender, channel};
pub use error::{SendError, TryRecvError, TrySendError};
pub use permit::{OwnedPermit, Permit, Reserve, ReserveOwned};
pub use receiver::{Closed, Recv, RecvMany};
pub use unbounded::{UnboundedReceiver, UnboundedSender, WeakUnboundedSender, unbounded_channel};

#[cfg(test)]
mod tests;
