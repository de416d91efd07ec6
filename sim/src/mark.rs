//! What a program says of which cases its runs have come by.

use crate::kernel::context;

/// Marks a case that some run of a campaign has to show: `cond` holds sometimes.
///
/// A mark never fails a run. A campaign that asks for it ([`must_reach`](crate::explore::Explore::must_reach))
/// fails where no run came by the mark, or it held in none: its runs then never tried what they
/// were to try. Outside a simulation it does nothing.
///
/// # Examples
///
/// ```
/// async fn two_tasks() {
///     let first = sim::spawn(async {});
///     let second = sim::spawn(async {});
///     sim::yield_now().await;
///     sim::sometimes!(!first.is_finished() && second.is_finished(), "the second is first");
///     let _ = (first.await, second.await);
/// }
///
/// let report = sim::explore(two_tasks).runs(100).must_reach(["the second is first"]).run();
/// report.assert_ok();
/// let once = sim::explore(two_tasks).runs(1).must_reach(["the second is first"]).run();
/// assert_eq!(once.unreached(), ["the second is first"]);
/// ```
#[macro_export]
macro_rules! sometimes {
    ($condition:expr, $name:literal $(,)?) => {
        $crate::__private::sometimes($condition, $name)
    };
}

/// Takes back a run in which a condition does not hold: it neither fails nor counts as having
/// passed.
///
/// For runs whose schedule or random input is not one that is meant. A campaign says how many
/// were taken back, and fails where all were.
///
/// # Panics
///
/// Outside a campaign, if the condition does not hold: there is nobody to take the run back.
///
/// # Examples
///
/// ```
/// use rand::RngExt;
///
/// let report = sim::explore(|| async {
///     let size = sim::rng().random_range(0..10);
///     sim::assume!(size > 0);
///     assert_eq!(10 / size * size + 10 % size, 10);
/// })
/// .runs(100)
/// .run();
/// report.assert_ok();
/// assert!((1..50).contains(&report.discarded()));
/// ```
#[macro_export]
macro_rules! assume {
    ($condition:expr $(,)?) => {
        if !$condition {
            $crate::__private::discard(::core::stringify!($condition))
        }
    };
}

/// Does the work of [`sometimes!`](crate::sometimes).
#[doc(hidden)]
pub fn sometimes(holds: bool, name: &'static str) {
    let marks = context::with(|state| state.marks.clone()).flatten();
    if let Some(marks) = marks {
        let mut said = marks.lock();
        let mark = said.marks.entry(name).or_default();
        mark.reached += 1;
        mark.held += u64::from(holds);
    }
}

/// Does the work of [`assume!`](crate::assume).
#[doc(hidden)]
#[track_caller]
pub fn discard(condition: &str) -> ! {
    let marks = context::with(|state| state.marks.clone()).flatten();
    if let Some(marks) = marks {
        marks.lock().discarded = true;
    }
    panic!("sim::assume!({condition}) does not hold")
}
