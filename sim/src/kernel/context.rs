//! The one thread-local: the current run, spare allocations, and the place of the last panic.

use core::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

use super::State;
use super::task::TaskRef;
use crate::id::TaskId;

pub(crate) struct Context {
    /// The run whose step is being taken; inside it, the runs it is nested in.
    pub(crate) state: RefCell<Option<Box<State>>>,
    // Boxed, as it is handed on: the state is large.
    #[expect(clippy::vec_box, reason = "the boxes are moved, not the states")]
    spare: RefCell<Vec<Box<State>>>,
    /// Set while user code runs under `catch_unwind`, so that the panic hook knows.
    guarded: Cell<bool>,
    last_panic: RefCell<Option<PanicSite>>,
}

thread_local! {
    static CONTEXT: Context = const {
        Context {
            state: RefCell::new(None),
            spare: RefCell::new(Vec::new()),
            guarded: Cell::new(false),
            last_panic: RefCell::new(None),
        }
    };
}

/// What the panic hook saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PanicSite {
    pub(crate) message: String,
    pub(crate) place: String,
}

/// Gives access to the context for as long as a turn takes.
pub(crate) fn enter<R>(f: impl FnOnce(&Context) -> R) -> R {
    CONTEXT.with(f)
}

/// Works on the current run; `None` outside a simulation.
#[inline]
pub(crate) fn with<R>(f: impl FnOnce(&mut State) -> R) -> Option<R> {
    CONTEXT.try_with(|context| context.state.borrow_mut().as_deref_mut().map(f)).ok().flatten()
}

/// Works on the current run.
///
/// # Panics
///
/// Outside a simulation, saying what `what` needs.
#[inline]
#[track_caller]
pub(crate) fn expect<R>(what: &str, f: impl FnOnce(&mut State) -> R) -> R {
    match with(f) {
        Some(value) => value,
        None => outside(what),
    }
}

#[cold]
#[track_caller]
fn outside(what: &str) -> ! {
    panic!(
        "sim::{what} was used outside a simulation; \
         run the program with `sim::Sim::new().run(|| async {{ … }})`"
    )
}

/// Wakes a task; false where its run is not on this thread.
pub(crate) fn wake_task(run: u64, slot: u32, task: TaskId) -> bool {
    CONTEXT
        .try_with(|context| {
            let Ok(mut state) = context.state.try_borrow_mut() else { return false };
            let mut state = state.as_deref_mut();
            while let Some(candidate) = state {
                if candidate.run == run {
                    candidate.wake(TaskRef { slot, id: task });
                    return true;
                }
                state = candidate.outer.as_deref_mut();
            }
            false
        })
        .unwrap_or(false)
}

/// Takes a state to run in, with the memory of an earlier run if there was one.
pub(crate) fn take_spare() -> Box<State> {
    CONTEXT
        .try_with(|context| context.spare.borrow_mut().pop())
        .ok()
        .flatten()
        .unwrap_or_else(|| Box::new(State::new()))
}

/// Keeps a state's memory for a later run.
pub(crate) fn put_spare(state: Box<State>) {
    // A second spare is for a nested run; more would only hold memory.
    let _ = CONTEXT.try_with(|context| {
        let mut spare = context.spare.borrow_mut();
        if spare.len() < 2 {
            spare.push(state);
        }
    });
}

/// A panic that was caught: its payload, and where it came from.
// Boxed: a poll's result carries room for it.
pub(crate) struct Caught(Box<(Box<dyn core::any::Any + Send>, PanicSite)>);

impl Caught {
    pub(crate) fn into_parts(self) -> (Box<dyn core::any::Any + Send>, PanicSite) {
        *self.0
    }
}

/// Goes on with a panic that was caught, keeping its place.
pub(crate) fn rethrow(caught: Caught) -> ! {
    let (payload, site) = caught.into_parts();
    let _ = CONTEXT.try_with(|context| *context.last_panic.borrow_mut() = Some(site));
    panic::resume_unwind(payload)
}

/// Drops what may run a destructor of the user's, whose panic has nobody to go to.
pub(crate) fn drop_quietly<T>(value: T) {
    enter(|context| {
        if let Err(caught) = context.guard(move || drop(value)) {
            // A payload may panic as it goes, and what it panics with as well: that is let go of.
            core::mem::forget(context.guard(move || drop(caught)));
        }
    });
}

/// Ends the task as a panic with this message at this place would: for failures that came as
/// values.
#[cfg(feature = "prop")]
pub(crate) fn panic_at(message: String, place: String) -> ! {
    let payload = Box::new(message.clone());
    rethrow(Caught(Box::new((payload, PanicSite { message, place }))))
}

impl Context {
    /// Runs user code, and catches its panic silently.
    #[inline(always)]
    pub(crate) fn guard<R>(&self, f: impl FnOnce() -> R) -> Result<R, Caught> {
        let outer = self.guarded.replace(true);
        let result = panic::catch_unwind(AssertUnwindSafe(f));
        self.guarded.set(outer);
        result.map_err(|payload| self.caught(payload))
    }

    #[cold]
    fn caught(&self, payload: Box<dyn core::any::Any + Send>) -> Caught {
        // `resume_unwind` does not call the hook: then the payload is all there is.
        let site = self.last_panic.borrow_mut().take().unwrap_or_else(|| PanicSite {
            message: payload_text(&*payload),
            place: "an unknown place".to_owned(),
        });
        Caught(Box::new((payload, site)))
    }
}

fn payload_text(payload: &(dyn core::any::Any + Send)) -> String {
    if let Some(text) = payload.downcast_ref::<&str>() {
        (*text).to_owned()
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text.clone()
    } else {
        "a panic whose payload is no text".to_owned()
    }
}

/// Installs the process's panic hook, once: it stores the panics of guarded code and passes all
/// others to the hook that was there before.
pub(crate) fn install_panic_hook() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let previous = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let stored = CONTEXT.try_with(|context| {
                if !context.guarded.get() {
                    return false;
                }
                let place = info.location().map_or_else(
                    || "an unknown place".to_owned(),
                    |at| format!("{}:{}:{}", at.file(), at.line(), at.column()),
                );
                let site = PanicSite { message: payload_text(info.payload()), place };
                if let Ok(mut last) = context.last_panic.try_borrow_mut() {
                    *last = Some(site);
                }
                true
            });
            if stored != Ok(true) {
                previous(info);
            }
        }));
    });
}
