//! Telling tasks to stop: tokio-util's `CancellationToken`.

use core::fmt;
use core::future::Future;
use core::panic::Location;
use core::pin::Pin;
use core::task::{Context, Poll};
use std::sync::{Arc, Mutex, Weak};

use pin_project_lite::pin_project;

use crate::kernel::object::Tag;
use crate::kernel::parking::{Reason, Waiters, lock, wake_all};
use crate::kernel::wait::Parked;
use crate::trace::Op;

/// A signal to stop, seen by everybody who holds a clone, and by the tokens made from it.
///
/// It only tells: who holds it looks, or waits, and stops by itself. To end a task from outside,
/// see [`JoinHandle::cancel`](crate::JoinHandle::cancel).
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use sim::sync::CancellationToken;
///
/// # sim::Sim::new().run(|| async {
/// let token = CancellationToken::new();
/// let worker = sim::spawn({
///     let token = token.child_token();
///     async move { token.run_until_cancelled(sim::sleep(Duration::MAX)).await }
/// });
/// sim::sleep(Duration::from_secs(1)).await;
/// token.cancel();
/// assert_eq!(worker.await.unwrap(), None);
/// # }).unwrap();
/// ```
#[derive(Clone)]
pub struct CancellationToken {
    node: Arc<Node>,
}

struct Node {
    inner: Mutex<Inner>,
    // A child keeps its ancestors, so that a request reaches it also through a token that nobody
    // holds any more.
    parent: Option<Arc<Node>>,
}

struct Inner {
    cancelled: bool,
    children: Vec<Weak<Node>>,
    /// How many children there may be before the dead ones are looked for.
    look_at: usize,
    waiters: Waiters,
    tag: Tag,
}

const FEW: usize = 16;

impl Node {
    fn new(parent: Option<Arc<Node>>, cancelled: bool) -> Self {
        let inner = Inner {
            cancelled,
            children: Vec::new(),
            look_at: FEW,
            waiters: Waiters::new(),
            tag: Tag::new("CancellationToken"),
        };
        Self { inner: Mutex::new(inner), parent }
    }

    fn is_cancelled(&self) -> bool {
        lock(&self.inner).cancelled
    }

    #[track_caller]
    fn poll_cancelled(&self, parked: &mut Parked, cx: &Context<'_>) -> Poll<()> {
        let place = Location::caller();
        let reason = Reason { what: "sync::CancellationToken", op: Op::CancelToken, place };
        let (polled, left) = {
            let mut inner = lock(&self.inner);
            let inner = &mut *inner;
            if inner.cancelled {
                (Poll::Ready(()), inner.waiters.leave(parked))
            } else {
                (Poll::Pending, inner.waiters.wait(parked, cx, &inner.tag, reason))
            }
        };
        drop(left);
        polled
    }

    fn leave(&self, parked: &mut Parked) {
        let left = lock(&self.inner).waiters.leave(parked);
        drop(left);
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // In a loop: a long chain of tokens must not exhaust the stack.
        let mut parent = self.parent.take();
        while let Some(mut node) = parent.and_then(Arc::into_inner) {
            parent = node.parent.take();
        }
    }
}

impl CancellationToken {
    /// Makes a token that is not cancelled.
    #[must_use]
    pub fn new() -> Self {
        Self { node: Arc::new(Node::new(None, false)) }
    }

    /// Names it, for reports.
    #[must_use]
    pub fn named(self, name: impl AsRef<str>) -> Self {
        lock(&self.node.inner).tag.set_name(name.as_ref());
        self
    }

    /// Makes a token that is cancelled with this one, and can be cancelled by itself.
    #[must_use]
    pub fn child_token(&self) -> CancellationToken {
        let mut inner = lock(&self.node.inner);
        let node = Arc::new(Node::new(Some(Arc::clone(&self.node)), inner.cancelled));
        if !inner.cancelled {
            if inner.children.len() >= inner.look_at {
                inner.children.retain(|child| child.strong_count() > 0);
                inner.look_at = FEW.max(2 * inner.children.len());
            }
            inner.children.push(Arc::downgrade(&node));
        }
        CancellationToken { node }
    }

    /// Cancels this token and all that were made from it, for good.
    ///
    /// Whoever waits is woken: at this token first, then at its children, in the order of their
    /// making.
    pub fn cancel(&self) {
        let mut waiters = Vec::new();
        let mut nodes = vec![Arc::clone(&self.node)];
        while let Some(node) = nodes.pop() {
            let mut inner = lock(&node.inner);
            if core::mem::replace(&mut inner.cancelled, true) {
                continue;
            }
            waiters.push(inner.waiters.take());
            let children = core::mem::take(&mut inner.children);
            drop(inner);
            nodes.extend(children.iter().rev().filter_map(Weak::upgrade));
        }
        // All of them are cancelled before anybody can look.
        for waiters in waiters {
            wake_all(waiters);
        }
    }

    /// Whether the token is cancelled.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.node.is_cancelled()
    }

    /// Waits until the token is cancelled.
    ///
    /// # Cancel safety
    ///
    /// Nothing can be lost.
    ///
    /// # Panics
    ///
    /// When it has to wait outside a simulation.
    #[track_caller]
    pub fn cancelled(&self) -> WaitForCancellation<'_> {
        WaitForCancellation { node: &self.node, parked: Parked::new() }
    }

    /// Waits until the token is cancelled, with a future that borrows nothing.
    ///
    /// # Cancel safety
    ///
    /// Nothing can be lost.
    ///
    /// # Panics
    ///
    /// When it has to wait outside a simulation.
    #[track_caller]
    pub fn cancelled_owned(self) -> WaitForCancellationOwned {
        WaitForCancellationOwned { node: self.node, parked: Parked::new() }
    }

    /// Runs a future until it gives its value, or the token is cancelled: then the future is
    /// dropped at its await, and this gives `None`.
    ///
    /// With a token that is cancelled already, the future is not polled at all. Later on, where
    /// both come at once, the value wins.
    ///
    /// # Cancel safety
    ///
    /// As the future's own.
    ///
    /// # Panics
    ///
    /// When it has to wait outside a simulation.
    #[track_caller]
    pub fn run_until_cancelled<F: Future>(&self, future: F) -> RunUntilCancelled<'_, F> {
        RunUntilCancelled { future: Some(future), cancelled: self.cancelled(), polled: false }
    }

    /// Gives a guard that cancels the token when it is dropped.
    ///
    /// # Examples
    ///
    /// ```
    /// let token = sim::sync::CancellationToken::new();
    /// let guard = token.clone().drop_guard();
    /// drop(guard);
    /// assert!(token.is_cancelled());
    /// ```
    #[must_use = "dropping the guard cancels the token"]
    pub fn drop_guard(self) -> DropGuard {
        DropGuard { token: Some(self) }
    }

    /// Gives a guard that borrows the token, and cancels it when dropped.
    #[must_use = "dropping the guard cancels the token"]
    pub fn drop_guard_ref(&self) -> DropGuardRef<'_> {
        DropGuardRef { token: Some(self) }
    }
}

impl Default for CancellationToken {
    fn default() -> Self {
        Self::new()
    }
}

/// Two tokens are equal if one is a clone of the other.
impl PartialEq for CancellationToken {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.node, &other.node)
    }
}

impl Eq for CancellationToken {}

impl fmt::Debug for CancellationToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cancelled = self.is_cancelled();
        f.debug_struct("CancellationToken").field("is_cancelled", &cancelled).finish()
    }
}

/// The future of [`CancellationToken::cancelled`].
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct WaitForCancellation<'a> {
    node: &'a Node,
    parked: Parked,
}

impl Future for WaitForCancellation<'_> {
    type Output = ();

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        this.node.poll_cancelled(&mut this.parked, cx)
    }
}

impl Drop for WaitForCancellation<'_> {
    fn drop(&mut self) {
        self.node.leave(&mut self.parked);
    }
}

impl fmt::Debug for WaitForCancellation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitForCancellation").finish_non_exhaustive()
    }
}

/// The future of [`CancellationToken::cancelled_owned`].
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct WaitForCancellationOwned {
    node: Arc<Node>,
    parked: Parked,
}

impl Future for WaitForCancellationOwned {
    type Output = ();

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        this.node.poll_cancelled(&mut this.parked, cx)
    }
}

impl Drop for WaitForCancellationOwned {
    fn drop(&mut self) {
        self.node.leave(&mut self.parked);
    }
}

impl fmt::Debug for WaitForCancellationOwned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitForCancellationOwned").finish_non_exhaustive()
    }
}

pin_project! {
    /// The future of [`CancellationToken::run_until_cancelled`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    pub struct RunUntilCancelled<'a, F> {
        #[pin]
        future: Option<F>,
        cancelled: WaitForCancellation<'a>,
        polled: bool,
    }
}

impl<F: Future> Future for RunUntilCancelled<'_, F> {
    type Output = Option<F::Output>;

    #[track_caller]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let future = this
            .future
            .as_mut()
            .as_pin_mut()
            .expect("`run_until_cancelled` was polled after it ended");
        let refused = !core::mem::replace(this.polled, true) && this.cancelled.node.is_cancelled();
        if !refused && let Poll::Ready(value) = future.poll(cx) {
            this.future.set(None);
            return Poll::Ready(Some(value));
        }
        let Poll::Ready(()) = Pin::new(this.cancelled).poll(cx) else { return Poll::Pending };
        this.future.set(None);
        Poll::Ready(None)
    }
}

/// Cancels a token when it is dropped.
#[derive(Debug)]
#[must_use = "dropping the guard cancels the token"]
pub struct DropGuard {
    // Absent once disarmed.
    token: Option<CancellationToken>,
}

impl DropGuard {
    /// Gives the token back, uncancelled.
    pub fn disarm(mut self) -> CancellationToken {
        self.token.take().expect("[sim bug] a guard was disarmed twice")
    }
}

impl Drop for DropGuard {
    fn drop(&mut self) {
        if let Some(token) = &self.token {
            token.cancel();
        }
    }
}

/// Cancels a borrowed token when it is dropped.
#[derive(Debug)]
#[must_use = "dropping the guard cancels the token"]
pub struct DropGuardRef<'a> {
    // Absent once disarmed.
    token: Option<&'a CancellationToken>,
}

impl<'a> DropGuardRef<'a> {
    /// Gives the token back, uncancelled.
    pub fn disarm(mut self) -> &'a CancellationToken {
        self.token.take().expect("[sim bug] a guard was disarmed twice")
    }
}

impl Drop for DropGuardRef<'_> {
    fn drop(&mut self) {
        if let Some(token) = self.token {
            token.cancel();
        }
    }
}

#[cfg(test)]
#[path = "cancellation_token_tests.rs"]
mod tests;
