//! Waiting on several futures at once, with a replayable choice of who is polled first.

use core::panic::Location;

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
/// # Livelock
///
/// Where a branch is always ready, a loop around the `select!` never gives up control, and no limit
/// of steps is ever reached. So the polls within one step are counted: at the step limit (10,000 at
/// least) the `select!` stays pending, and the run fails as a livelock that names its place.
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

/// Chooses which of the enabled branches of a `select!` is polled first; `None` where the run is to
/// be stopped, since there have been too many in one step.
#[doc(hidden)]
#[must_use]
#[track_caller]
pub fn select_start(branches: u32) -> Option<u32> {
    let place = Location::caller();
    let start = context::with(|state| {
        state.polled_select(place).then(|| state.choose(Kind::Select, branches))
    });
    start.unwrap_or(Some(0))
}
