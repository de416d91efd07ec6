//! The procedural macro behind `sim::select!`.
//!
//! Nothing here is meant to be called by name: `sim` wraps it in a
//! `macro_rules!` macro, the only way to tell a procedural macro where `$crate` is.

mod select;

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
