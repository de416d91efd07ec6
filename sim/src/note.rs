//! What a program says of itself.

use core::fmt;

use crate::kernel::State;
use crate::kernel::context;
use crate::trace::Event;

/// Records a remark of the running task, in the trace and the digest.
///
/// Takes what `format!` takes. Outside a simulation it does nothing.
///
/// # Examples
///
/// ```
/// let outcome = sim::Sim::new().run(|| async {
///     sim::note!("read {}", 100);
/// })?;
/// outcome.trace().assert_order(["read 100"]);
/// # Ok::<(), sim::Failure>(())
/// ```
#[macro_export]
macro_rules! note {
    ($($arg:tt)*) => {
        $crate::__private::note(::core::format_args!($($arg)*))
    };
}

/// Records a line of the running task's output: a [`note!`] under the name that the printing of a
/// sample has.
///
/// Nothing is printed: the lines, with their virtual times, are in the trace.
///
/// # Examples
///
/// ```
/// let outcome = sim::Sim::new().run(|| async {
///     sim::println!("Started");
///     sim::sleep(std::time::Duration::from_secs(1)).await;
///     sim::println!("Finished");
/// })?;
/// let lines: Vec<_> = outcome.trace().notes().map(|(now, _, text)| (now, text)).collect();
/// assert_eq!(lines, [(0, "Started"), (1_000_000_000, "Finished")]);
/// # Ok::<(), sim::Failure>(())
/// ```
#[macro_export]
macro_rules! println {
    ($($arg:tt)*) => {
        $crate::note!($($arg)*)
    };
}

/// Does the work of [`note!`].
#[doc(hidden)]
pub fn note(text: fmt::Arguments<'_>) {
    // Formatted outside the kernel: `Display` is the user's code.
    if context::with(|_| ()).is_none() {
        return;
    }
    let text = match text.as_str() {
        Some(text) => Box::from(text),
        None => text.to_string().into_boxed_str(),
    };
    context::with(|state: &mut State| state.emit(state.current_task(), Event::Note(text)));
}
