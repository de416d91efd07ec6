//! How many children of a gather may have begun: asyncio's idiom of a semaphore around each.

use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pin_project_lite::pin_project;

use crate::kernel::context;
use crate::kernel::wait::{self, Parked, Target, WaitRef, WaitState};
use crate::trace::{Op, Place};

/// Lets children in, in the order of the arguments, and so many at a time.
#[derive(Debug)]
pub(super) struct Gate {
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    limit: usize,
    inside: usize,
    // The first child that was not let in.
    next: usize,
    children: Vec<Standing>,
}

#[derive(Clone, Copy, Debug)]
enum Standing {
    Outside(Option<WaitRef>),
    Inside,
    Gone,
}

impl Gate {
    pub(super) fn new() -> Arc<Self> {
        let inner = Inner { limit: usize::MAX, inside: 0, next: 0, children: Vec::new() };
        Arc::new(Self { inner: Mutex::new(inner) })
    }

    pub(super) fn set_limit(&self, limit: usize) {
        // Nobody could ever begin under a limit of 0.
        self.lock().limit = limit.max(1);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wraps the next child, so that it begins when it is let in.
    pub(super) fn queue<F: Future>(self: &Arc<Self>, future: F, place: Place) -> Gated<F> {
        let mut inner = self.lock();
        inner.children.push(Standing::Outside(None));
        let ticket = Ticket { gate: Arc::clone(self), index: inner.children.len() - 1 };
        Gated { future, inside: false, parked: Parked::made_at(place), ticket }
    }
}

impl Inner {
    /// Lets in as many as there is room for; who waited is to be woken.
    #[must_use]
    fn let_in(&mut self) -> Vec<WaitRef> {
        let mut woken = Vec::new();
        while self.inside < self.limit && self.next < self.children.len() {
            let child = &mut self.children[self.next];
            self.next += 1;
            if let Standing::Outside(wait) = *child {
                *child = Standing::Inside;
                self.inside += 1;
                woken.extend(wait);
            }
        }
        woken
    }
}

/// A child's place, given up when the child has ended in whatever way.
#[derive(Debug)]
struct Ticket {
    gate: Arc<Gate>,
    index: usize,
}

impl Ticket {
    fn is_inside(&self) -> bool {
        let mut inner = self.gate.lock();
        let woken = inner.let_in();
        let inside = matches!(inner.children[self.index], Standing::Inside);
        drop(inner);
        for wait in woken {
            wait::complete(wait);
        }
        inside
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut inner = self.gate.lock();
        if let Standing::Inside =
            core::mem::replace(&mut inner.children[self.index], Standing::Gone)
        {
            inner.inside -= 1;
        }
        let woken = inner.let_in();
        drop(inner);
        for wait in woken {
            wait::complete(wait);
        }
    }
}

pin_project! {
    /// A child that begins when it is let in.
    pub(super) struct Gated<F> {
        // Dropped before the ticket: the next one begins after this one is gone.
        #[pin]
        future: F,
        inside: bool,
        parked: Parked,
        ticket: Ticket,
    }
}

impl<F: Future> Future for Gated<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        if !*this.inside {
            if !this.ticket.is_inside() {
                let (parked, ticket) = (this.parked, this.ticket);
                let place = parked.place();
                context::expect("gather", |state| {
                    if parked.is_parked() {
                        let found = parked.repoll(state, cx);
                        debug_assert!(found != WaitState::Done, "[sim bug] woken, but not let in");
                    } else {
                        let wait = parked.park(state, cx, Op::Acquire, None, Target::Here, place);
                        ticket.gate.lock().children[ticket.index] = Standing::Outside(Some(wait));
                    }
                });
                return Poll::Pending;
            }
            *this.inside = true;
            drop(this.parked.leave_on_drop());
        }
        this.future.poll(cx)
    }
}
