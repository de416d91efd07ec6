//! Work that keeps the thread.

use core::time::Duration;

use crate::clock::ticks;
use crate::kernel::context;
use crate::trace::Event;

/// Lets time pass while the task keeps the thread: a CPU-bound loop, or a blocking call.
///
/// Nobody else runs meanwhile, and a timer that comes due has to wait: this is how a program
/// starves its neighbours. It is a plain call, no await: it gives nothing up.
///
/// # Panics
///
/// Outside a simulation. And when the limit of virtual time was passed before, in this step: then
/// the call stands in a loop that never awaits, and there is no other way out of it.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// # sim::Sim::new().run(|| async {
/// let alarm = sim::spawn(async {
///     sim::sleep(Duration::from_secs(1)).await;
///     sim::now()
/// });
/// sim::yield_now().await;
/// sim::busy(Duration::from_secs(5));
/// assert_eq!(alarm.await.unwrap(), Duration::from_secs(5)); // four seconds late
/// # }).unwrap();
/// ```
#[track_caller]
pub fn busy(duration: Duration) {
    let duration = ticks(duration);
    let late = context::expect("busy", |state| {
        if state.now > state.limits.time && state.current.is_some() {
            return Some(state.limits.time);
        }
        state.emit(state.current_task(), Event::Busy { duration });
        state.advance(duration);
        None
    });
    if let Some(limit) = late {
        let limit = Duration::from_nanos(limit);
        panic!(
            "`busy` was called beyond the limit of virtual time ({limit:?}): in a loop that never awaits?"
        );
    }
}
