//! A value that is computed once, by whoever comes first: tokio's `sync::OnceCell`.

use core::convert::Infallible;
use core::error::Error;
use core::fmt;
use core::future::Future;
use core::panic::Location;
use core::pin::Pin;
use core::task::{Context, Poll};
use std::sync::{Mutex, OnceLock};

use pin_project_lite::pin_project;

use crate::id::TaskId;
use crate::kernel::context;
use crate::kernel::object::Tag;
use crate::kernel::parking::{Reason, lock, wait_on, wake, wake_all};
use crate::kernel::wait::{Left, Parked, WaitQueue, WaitRef, WaitState, await_place};
use crate::trace::{Op, Place};

/// A cell that is filled once.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use sim::sync::OnceCell;
///
/// # sim::Sim::new().run(|| async {
/// let config = OnceCell::new();
/// let load = || async {
///     sim::sleep(Duration::from_secs(1)).await;
///     "loaded"
/// };
/// let (first, second) = futures::join!(config.get_or_init(load), config.get_or_init(load));
/// assert_eq!((*first, *second), ("loaded", "loaded"));
/// assert_eq!(sim::now(), Duration::from_secs(1)); // it was loaded once
/// # }).unwrap();
/// ```
pub struct OnceCell<T> {
    value: OnceLock<T>,
    turns: Mutex<Turns>,
}

/// Who may compute the value: one at a time.
struct Turns {
    taken: bool,
    // Invariant: whoever is out of the queue, while there is no value, has the turn.
    waiting: WaitQueue,
    tag: Tag,
}

impl Turns {
    /// Passes the turn on; says who is to be woken.
    fn pass_on(&mut self) -> Option<WaitRef> {
        let next = context::with(|state| self.waiting.first_waiting(state)).flatten();
        match next {
            Some(next) => {
                self.waiting.remove(next);
            }
            None => self.taken = false,
        }
        next
    }
}

impl<T> OnceCell<T> {
    /// Makes an empty cell.
    #[must_use]
    pub fn new() -> Self {
        let turns = Turns { taken: false, waiting: WaitQueue::new(), tag: Tag::new("OnceCell") };
        Self { value: OnceLock::new(), turns: Mutex::new(turns) }
    }

    /// Makes a cell that may be filled already.
    #[must_use]
    pub fn new_with(value: Option<T>) -> Self {
        let cell = Self::new();
        if let Some(value) = value {
            cell.fill(value);
        }
        cell
    }

    /// Names it, for reports.
    #[must_use]
    pub fn named(self, name: impl AsRef<str>) -> Self {
        lock(&self.turns).tag.set_name(name.as_ref());
        self
    }

    fn fill(&self, value: T) {
        let filled = self.value.set(value).is_ok();
        debug_assert!(filled, "[sim bug] a once cell was filled twice");
    }

    /// The value, if there is one.
    #[must_use]
    pub fn get(&self) -> Option<&T> {
        self.value.get()
    }

    /// The value, if there is one, to change it.
    #[must_use]
    pub fn get_mut(&mut self) -> Option<&mut T> {
        self.value.get_mut()
    }

    /// Whether there is a value.
    #[must_use]
    pub fn initialized(&self) -> bool {
        self.value.get().is_some()
    }

    /// Fills the cell.
    ///
    /// # Errors
    ///
    /// [`SetError`] with the value, if there is one already, or one is being computed.
    pub fn set(&self, value: T) -> Result<(), SetError<T>> {
        if self.initialized() {
            return Err(SetError::AlreadyInitializedError(value));
        }
        if lock(&self.turns).taken {
            return Err(SetError::InitializingError(value));
        }
        self.value.set(value).map_err(SetError::AlreadyInitializedError)
    }

    /// Gives the value, computing it if there is none; where somebody else does, waits for that.
    ///
    /// # Cancel safety
    ///
    /// Where the one that computes is dropped, or panics, the next that waits computes in its
    /// place.
    ///
    /// # Panics
    ///
    /// When it has to wait outside a simulation.
    #[track_caller]
    pub fn get_or_init<F, Fut>(&self, init: F) -> GetOrInit<'_, T, F, Fut>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = T>,
    {
        GetOrInit { init: Init::new(self, init) }
    }

    /// Gives the value, computing it if there is none, which may fail; where somebody else does,
    /// waits for that.
    ///
    /// # Cancel safety
    ///
    /// Where the one that computes fails, is dropped, or panics, the next that waits computes in
    /// its place.
    ///
    /// # Errors
    ///
    /// That of the future; the cell stays empty.
    ///
    /// # Panics
    ///
    /// When it has to wait outside a simulation.
    ///
    /// # Examples
    ///
    /// ```
    /// # sim::Sim::new().run(|| async {
    /// let cell = sim::sync::OnceCell::new();
    /// assert_eq!(cell.get_or_try_init(|| async { Err("no disk") }).await, Err("no disk"));
    /// assert_eq!(cell.get_or_try_init(|| async { Ok::<_, &str>(7) }).await, Ok(&7));
    /// # }).unwrap();
    /// ```
    #[track_caller]
    pub fn get_or_try_init<E, F, Fut>(&self, init: F) -> GetOrTryInit<'_, T, F, Fut>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        GetOrTryInit { init: Init::new(self, init) }
    }

    /// Takes the value out of a cell that is not needed any more.
    #[must_use]
    pub fn into_inner(self) -> Option<T> {
        self.value.into_inner()
    }

    /// Takes the value out; the cell is empty afterward.
    #[must_use]
    pub fn take(&mut self) -> Option<T> {
        self.value.take()
    }
}

impl<T> Default for OnceCell<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> From<T> for OnceCell<T> {
    fn from(value: T) -> Self {
        Self::new_with(Some(value))
    }
}

impl<T: Clone> Clone for OnceCell<T> {
    fn clone(&self) -> Self {
        Self::new_with(self.get().cloned())
    }
}

impl<T: fmt::Debug> fmt::Debug for OnceCell<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnceCell").field("value", &self.get()).finish_non_exhaustive()
    }
}

/// The turn to compute; passed on when dropped.
struct Turn<'a, T> {
    cell: &'a OnceCell<T>,
    holder: TaskId,
}

impl<'a, T> Turn<'a, T> {
    fn new(cell: &'a OnceCell<T>, place: Place) -> Self {
        lock(&cell.turns).tag.acquired(place);
        let holder = context::with(|state| state.current_task()).unwrap_or(TaskId::ROOT);
        Self { cell, holder }
    }
}

impl<T> Drop for Turn<'_, T> {
    fn drop(&mut self) {
        let (next, all) = {
            let mut turns = lock(&self.cell.turns);
            turns.tag.released(self.holder);
            if self.cell.initialized() {
                turns.taken = false;
                (None, core::mem::take(&mut turns.waiting))
            } else {
                (turns.pass_on(), WaitQueue::new())
            }
        };
        wake(next);
        wake_all(all);
    }
}

/// Waits for the turn to compute, or for the value.
struct Line<'a, T> {
    cell: &'a OnceCell<T>,
    parked: Parked,
}

impl<T> Line<'_, T> {
    /// Ready with true: it is one's turn; with false: there is a value.
    #[track_caller]
    fn poll(&mut self, cx: &Context<'_>, place: Place) -> Poll<bool> {
        let (polled, left) = {
            let mut turns = lock(&self.cell.turns);
            self.poll_locked(&mut turns, cx, place)
        };
        drop(left);
        polled
    }

    #[track_caller]
    fn poll_locked(
        &mut self,
        turns: &mut Turns,
        cx: &Context<'_>,
        place: Place,
    ) -> (Poll<bool>, Option<Left>) {
        if self.cell.initialized() {
            return (Poll::Ready(false), self.step_out(turns));
        }
        if let Some(wait) = self.parked.wait() {
            let found = context::with(|state| state.wait_state(wait)).flatten();
            if found == Some(WaitState::Waiting) {
                context::with(|state| self.parked.repoll(state, cx));
                return (Poll::Pending, None);
            }
            if found == Some(WaitState::Done) || !turns.waiting.remove(wait) {
                return (Poll::Ready(true), self.parked.leave_on_drop());
            }
        }
        if !turns.taken {
            turns.taken = true;
            return (Poll::Ready(true), self.parked.leave_on_drop());
        }
        let reason = Reason { what: "sync::OnceCell", op: Op::Init, place };
        let parked = &mut self.parked;
        let parking = context::expect(reason.what, |state| {
            let object = turns.tag.id(state);
            wait_on(parked, state, cx, Some(object), reason)
        });
        turns.waiting.push(parking.wait);
        (Poll::Pending, parking.left)
    }

    fn step_out(&mut self, turns: &mut Turns) -> Option<Left> {
        let wait = self.parked.wait()?;
        turns.waiting.remove(wait);
        self.parked.leave_on_drop()
    }
}

impl<T> Drop for Line<'_, T> {
    fn drop(&mut self) {
        let Some(wait) = self.parked.wait() else { return };
        let left = self.parked.leave_on_drop();
        let next = {
            let mut turns = lock(&self.cell.turns);
            let waited = turns.waiting.remove(wait);
            if waited || self.cell.initialized() { None } else { turns.pass_on() }
        };
        drop(left);
        wake(next);
    }
}

pin_project! {
    /// What both ways to fill the cell have in common.
    struct Init<'a, T, F, Fut> {
        // Dropped before the turn is passed on.
        #[pin]
        future: Option<Fut>,
        turn: Option<Turn<'a, T>>,
        line: Line<'a, T>,
        init: Option<F>,
    }
}

impl<'a, T, F, Fut> Init<'a, T, F, Fut>
where
    F: FnOnce() -> Fut,
    Fut: Future,
{
    #[track_caller]
    fn new(cell: &'a OnceCell<T>, init: F) -> Self {
        Self {
            future: None,
            turn: None,
            line: Line { cell, parked: Parked::new() },
            init: Some(init),
        }
    }

    #[track_caller]
    fn poll<E>(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        result: impl FnOnce(Fut::Output) -> Result<T, E>,
    ) -> Poll<Result<&'a T, E>> {
        let place = Location::caller();
        let mut this = self.project();
        let cell = this.line.cell;
        if this.turn.is_none() {
            let Poll::Ready(ours) = this.line.poll(cx, place) else { return Poll::Pending };
            if ours {
                let made_at = this.line.parked.place();
                *this.turn = Some(Turn::new(cell, await_place(place, made_at)));
                let init = this.init.take().expect("`get_or_init` was polled after it ended");
                this.future.set(Some(init()));
            }
        }
        if let Some(future) = this.future.as_mut().as_pin_mut() {
            let Poll::Ready(output) = future.poll(cx) else { return Poll::Pending };
            this.future.set(None);
            match result(output) {
                Ok(value) => cell.fill(value),
                Err(error) => {
                    *this.turn = None;
                    return Poll::Ready(Err(error));
                }
            }
            *this.turn = None;
        }
        Poll::Ready(Ok(cell.get().expect("`get_or_init` was polled after it panicked")))
    }
}

pin_project! {
    /// The future of [`OnceCell::get_or_init`].
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    pub struct GetOrInit<'a, T, F, Fut> {
        #[pin]
        init: Init<'a, T, F, Fut>,
    }
}

impl<'a, T, F, Fut> Future for GetOrInit<'a, T, F, Fut>
where
    F: FnOnce() -> Fut,
    Fut: Future<Output = T>,
{
    type Output = &'a T;

    #[track_caller]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<&'a T> {
        self.project().init.poll(cx, Ok::<T, Infallible>).map(|result| match result {
            Ok(value) => value,
            Err(error) => match error {},
        })
    }
}

impl<T, F, Fut> fmt::Debug for GetOrInit<'_, T, F, Fut> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GetOrInit").finish_non_exhaustive()
    }
}

pin_project! {
    /// The future of [`OnceCell::get_or_try_init`].
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    pub struct GetOrTryInit<'a, T, F, Fut> {
        #[pin]
        init: Init<'a, T, F, Fut>,
    }
}

impl<'a, T, E, F, Fut> Future for GetOrTryInit<'a, T, F, Fut>
where
    F: FnOnce() -> Fut,
    Fut: Future<Output = Result<T, E>>,
{
    type Output = Result<&'a T, E>;

    #[track_caller]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().init.poll(cx, |result| result)
    }
}

impl<T, F, Fut> fmt::Debug for GetOrTryInit<'_, T, F, Fut> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GetOrTryInit").finish_non_exhaustive()
    }
}

/// Says why a cell was not filled; gives the value back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetError<T> {
    /// There is a value already.
    AlreadyInitializedError(T),
    /// One is being computed.
    InitializingError(T),
}

impl<T> SetError<T> {
    /// Whether there is a value already.
    #[must_use]
    pub fn is_already_init_err(&self) -> bool {
        matches!(self, SetError::AlreadyInitializedError(_))
    }

    /// Whether a value is being computed.
    #[must_use]
    pub fn is_initializing_err(&self) -> bool {
        matches!(self, SetError::InitializingError(_))
    }
}

impl<T> fmt::Display for SetError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SetError::AlreadyInitializedError(_) => "the cell holds a value already",
            SetError::InitializingError(_) => "the cell's value is being computed",
        })
    }
}

impl<T: fmt::Debug> Error for SetError<T> {}

#[cfg(test)]
#[path = "once_cell_tests.rs"]
mod tests;
