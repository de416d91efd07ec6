//! The procedural macros of `sim`: `#[sim::test]`, and what is behind `sim::select!`.
//!
//! `select_impl!` is not meant to be called by name: `sim` wraps it in a `macro_rules!` macro, the
//! only way to tell a procedural macro where `$crate` is. An attribute has no such way, so
//! `#[sim::test]` takes the crate to be `::sim`, or what `crate = "…"` says.

mod error;
mod select;
mod test;

use proc_macro::TokenStream;

/// Waits on several futures at once in the same task and runs the handler of
/// the first whose value matches its pattern.
///
/// ```text
/// sim::select! {
///     biased;                                        // optional
///     <pattern> = <async expression> => <handler>,
///     <pattern> = <async expression>, if <precondition> => <handler>,
///     else => <handler>,                             // optional
/// }
/// ```
///
/// The grammar and the semantics are those of `tokio::select!`; only the source
/// of the choice differs (see *Decisions*). In order:
///
/// 1. Every precondition is evaluated; a branch whose precondition is `false`
///    is disabled.
/// 2. Every async expression is evaluated, those of disabled branches too, and
///    turned into a future with `IntoFuture`. Futures of disabled branches are
///    not polled.
/// 3. The futures of the enabled branches are polled in the current task until
///    one completes. If its value does not match the branch's pattern, the
///    value is dropped, the branch is disabled and the others go on.
/// 4. When a value matches, all futures are dropped, in written order; then the
///    handler runs with the pattern's bindings. Handlers may therefore use what
///    the async expressions borrowed, and may contain `?`, `.await`, `return`,
///    `break` and `continue`.
/// 5. When no branch is left, the handler of `else` runs.
///
/// A handler is a block, after which the comma is optional, or an expression
/// followed by a comma. All handlers have the same type, which is that of the
/// macro. There may be up to 64 branches.
///
/// # Cancel safety
///
/// The futures that lose are dropped wherever they had got to. If a future has
/// taken something (a message, part of a stream) before it was dropped, that is
/// lost unless the operation is documented as cancel safe. In a loop, create
/// the future outside, pin it and pass `&mut future` to keep its progress.
///
/// # Decisions
///
/// Each time the macro is polled with more than one branch enabled, the
/// simulation decides which of the enabled branches is polled first; the others
/// follow in written order, cyclically. Choice 0 is the first as written. With
/// `biased;` nothing is decided and branches are polled as written, so a branch
/// that is always ready starves those below it.
///
/// # Panics
///
/// Panics if all branches are disabled and there is no `else`.
#[proc_macro]
pub fn select_impl(input: TokenStream) -> TokenStream {
    select::select(input)
}

/// Makes an `async fn` a test that runs in the simulation.
///
/// The function takes no arguments, and returns `()` or `Result<(), E>` with `E: Debug`; an `Err`
/// fails the run as a failed assertion does. Other attributes (`#[should_panic]`, `cfg`, lints,
/// documentation) stay.
///
/// Without settings it is one run, first-in-first-out, with seed 0. With `seeds = 256` it is a
/// campaign of that many runs, the first of which is first-in-first-out; what fails is shrunk, and
/// the test fails with the report, whose `replay` line gets that schedule again.
///
/// | setting | is |
/// |---|---|
/// | `seeds = 256` | how many runs the campaign makes |
/// | `seed = 7` | the seed of the first |
/// | `policy = "pct:3"` | the policy of all runs, instead of the campaign's taking turns |
/// | `exhaustive` | every schedule; the test fails if that is not completed |
/// | `max_deviations = 2` | every schedule with so many deviations from first-in-first-out at most |
/// | `max_schedules = 10_000` | how many schedules these two make at most |
/// | `replay = "sim1:…"` | a schedule that is run first; alone, if no search is asked for |
/// | `budget = "30s"` | for how long runs are made, in real time |
/// | `threads = 4` | how many threads make them; the result is the same |
/// | `shrink = 500` | how many replays are spent on shrinking a failure |
/// | `max_steps = 10_000` | how many steps a run may take |
/// | `max_time = "60s"` | how far its virtual clock may go |
/// | `leaks = "fail"` | what becomes of tasks that outlive the test: `fail`, `allow`, `cancel` |
/// | `watchdog = "10s"` | how long one poll may take in real time, or `off` |
/// | `must_reach = "a, b"` | marks (`sim::sometimes!`) that have to hold in some run; `*`: all |
/// | `crate = "path"` | where `sim` is, if it is not `::sim` |
///
/// Environment variables (`SIM_REPLAY`, `SIM_SEEDS`, …) go before these: see `sim::explore::environment`.
#[proc_macro_attribute]
pub fn test(settings: TokenStream, item: TokenStream) -> TokenStream {
    test::test(settings, item)
}
