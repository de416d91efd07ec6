//! Waiting on several futures at once, with a replayable choice of who is polled first.

use crate::decision::Kind;
use crate::kernel::context;

/// Waits on several futures at once in one task, and runs the handler of the first whose value
/// matches its pattern: tokio's `select!`, replayable.
///
/// The grammar and semantics are `tokio::select!`'s: branches
/// `<pattern> = <async expression> (, if <precondition>)? => <handler>`, an optional `biased;`
/// first, an optional `else => <handler>` last. The losers are dropped before the handler runs.
///
/// # Cancel safety
///
/// The losers are dropped where they stand; what one had taken (an item, bytes read) is lost
/// unless the operation says otherwise. In a loop, pin the future outside and pass `&mut`.
///
/// # Decisions
///
/// Each poll with more than one enabled branch chooses which of them is polled first; the others
/// follow in written order, cyclically. Candidate 0 is the first as written. `biased;` chooses
/// nothing. (`futures::select!` draws from a generator outside the run, and breaks replay.)
///
/// # Panics
///
/// If every branch is disabled and there is no `else`.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// # sim::Sim::new().run(|| async {
/// let (sender, mut receiver) = sim::sync::mpsc::channel::<u32>(1);
/// drop(sim::spawn(async move {
///     sim::sleep(Duration::from_secs(1)).await;
///     let _ = sender.send(7).await;
/// }));
/// let got = sim::select! {
///     Some(item) = receiver.recv() => item,
///     () = sim::sleep(Duration::from_secs(5)) => panic!("too slow"),
/// };
/// assert_eq!((got, sim::now()), (7, Duration::from_secs(1)));
/// # }).unwrap();
/// ```
#[macro_export]
macro_rules! select {
    ($($input:tt)*) => { $crate::__private::select_impl! { ($crate) $($input)* } };
}

/// Chooses which of the enabled branches of a `select!` is polled first.
#[doc(hidden)]
#[must_use]
pub fn select_start(branches: u32) -> u32 {
    context::with(|state| state.choose(Kind::Select, branches)).unwrap_or(0)
}
