//! The programs under `sim`: with everything declared, and with nothing.

use core::cell::{Cell as StdCell, RefCell};
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use std::collections::VecDeque;
use std::sync::Arc;

use sim::SimCell;
use sim::sync::{Mutex, MutexGuard, Notify, OwnedNotified};
use sim::task::YieldNow;

use crate::world::{Cell, Condvar, Lock, World};

/// Tracked cells and schedule points: the search knows what each task is about to do.
#[derive(Clone, Copy)]
pub(crate) struct Tracked {
    pub(crate) spawn_point: bool,
    /// Whether each task begins with an await more than the program says.
    pub(crate) padded: bool,
}

/// Cells that nobody knows of, and a yield before each access: an ordinary program.
#[derive(Clone, Copy)]
pub(crate) struct Plain {
    pub(crate) spawn_point: bool,
}

impl World for Tracked {
    type Cell = SimCell<i64>;
    type Lock = TrackedLock;
    type Condvar = Waiters;
    type Task = sim::JoinHandle<()>;

    fn cell(&self, name: &str, value: i64) -> SimCell<i64> {
        SimCell::new(value).named(name)
    }

    fn lock(&self, name: &str) -> TrackedLock {
        TrackedLock(Mutex::barging(()).named(name))
    }

    fn condvar(&self, name: &str) -> Waiters {
        Waiters { name: name.to_owned(), queue: RefCell::default() }
    }

    fn spawn(&self, name: &str, body: impl Future<Output = ()> + 'static) -> sim::JoinHandle<()> {
        if self.padded {
            let padded = async {
                sim::schedule_point().await;
                body.await;
            };
            return sim::spawn(padded).named(name);
        }
        sim::spawn(body).named(name)
    }

    async fn spawned(&self) {
        if self.spawn_point {
            sim::schedule_point().spawning().await;
        }
    }

    async fn join(task: sim::JoinHandle<()>) {
        task.await.expect("a task of the program ends");
    }

    fn yield_now() -> impl Future<Output = ()> {
        sim::yield_now()
    }
}

impl Cell for SimCell<i64> {
    fn read(&self) -> impl Future<Output = i64> {
        SimCell::read(self)
    }

    fn write(&self, value: i64) -> impl Future<Output = ()> {
        SimCell::write(self, value)
    }

    fn add(&self, by: i64) -> impl Future<Output = i64> {
        self.update(move |value| core::mem::replace(value, *value + by))
    }

    fn swap(&self, new: i64) -> impl Future<Output = i64> {
        self.update(move |value| core::mem::replace(value, new))
    }

    fn compare_exchange(&self, expected: i64, new: i64) -> impl Future<Output = i64> {
        self.update(move |value| {
            let new = if *value == expected { new } else { *value };
            core::mem::replace(value, new)
        })
    }
}

/// A lock with a schedule point before it.
pub(crate) struct TrackedLock(Mutex<()>);

impl Lock for TrackedLock {
    type Guard<'a> = MutexGuard<'a, ()>;

    fn lock(&self) -> impl Future<Output = MutexGuard<'_, ()>> {
        LockAfter::new(sim::schedule_point().locking(&self.0), &self.0)
    }
}

impl World for Plain {
    type Cell = StdCell<i64>;
    type Lock = PlainLock;
    type Condvar = Waiters;
    type Task = sim::JoinHandle<()>;

    fn cell(&self, _name: &str, value: i64) -> StdCell<i64> {
        StdCell::new(value)
    }

    fn lock(&self, _name: &str) -> PlainLock {
        PlainLock(Mutex::barging(()))
    }

    fn condvar(&self, name: &str) -> Waiters {
        Waiters { name: name.to_owned(), queue: RefCell::default() }
    }

    fn spawn(&self, name: &str, body: impl Future<Output = ()> + 'static) -> sim::JoinHandle<()> {
        sim::spawn(body).named(name)
    }

    async fn spawned(&self) {
        if self.spawn_point {
            sim::yield_now().await;
        }
    }

    async fn join(task: sim::JoinHandle<()>) {
        task.await.expect("a task of the program ends");
    }

    fn yield_now() -> impl Future<Output = ()> {
        sim::yield_now()
    }
}

impl Cell for StdCell<i64> {
    fn read(&self) -> impl Future<Output = i64> {
        after_yield(|| self.get())
    }

    fn write(&self, value: i64) -> impl Future<Output = ()> {
        after_yield(move || self.set(value))
    }

    fn add(&self, by: i64) -> impl Future<Output = i64> {
        after_yield(move || StdCell::replace(self, self.get() + by))
    }

    fn swap(&self, value: i64) -> impl Future<Output = i64> {
        after_yield(move || StdCell::replace(self, value))
    }

    fn compare_exchange(&self, expected: i64, value: i64) -> impl Future<Output = i64> {
        after_yield(move || {
            let value = if self.get() == expected { value } else { self.get() };
            StdCell::replace(self, value)
        })
    }
}

/// A lock with a yield before it.
pub(crate) struct PlainLock(Mutex<()>);

impl Lock for PlainLock {
    type Guard<'a> = MutexGuard<'a, ()>;

    fn lock(&self) -> impl Future<Output = MutexGuard<'_, ()>> {
        LockAfter::new(sim::yield_now(), &self.0)
    }
}

/// A condition variable: those who wait, oldest first.
pub(crate) struct Waiters {
    name: String,
    queue: RefCell<VecDeque<Arc<Notify>>>,
}

impl Waiters {
    fn enter(&self) -> OwnedNotified {
        let notify = Arc::new(Notify::new().named(&self.name));
        self.queue.borrow_mut().push_back(Arc::clone(&notify));
        notify.notified_owned()
    }

    fn wake(&self) {
        let first = self.queue.borrow_mut().pop_front();
        if let Some(first) = first {
            first.notify_one();
        }
    }
}

macro_rules! condvar {
    ($lock:ty) => {
        impl Condvar<$lock> for Waiters {
            fn wait<'a>(
                &'a self,
                lock: &'a $lock,
                guard: MutexGuard<'a, ()>,
            ) -> impl Future<Output = MutexGuard<'a, ()>> {
                let signal = self.enter();
                drop(guard);
                LockAfter::new(signal, &lock.0)
            }

            fn signal(&self) {
                self.wake();
            }
        }
    };
}

condvar!(TrackedLock);
condvar!(PlainLock);

/// Passes a point, then locks. Polled by the program, so that both carry the place of its await.
struct LockAfter<'a, P> {
    point: Option<P>,
    mutex: &'a Mutex<()>,
    lock: Option<sim::sync::Lock<'a, ()>>,
}

impl<'a, P> LockAfter<'a, P> {
    fn new(point: P, mutex: &'a Mutex<()>) -> Self {
        Self { point: Some(point), mutex, lock: None }
    }
}

impl<'a, P: Future<Output = ()> + Unpin> Future for LockAfter<'a, P> {
    type Output = MutexGuard<'a, ()>;

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(point) = &mut self.point {
            ready!(Pin::new(point).poll(cx));
            self.point = None;
        }
        let mutex = self.mutex;
        Pin::new(self.lock.get_or_insert_with(|| mutex.lock())).poll(cx)
    }
}

/// Yields, then makes an access.
struct AfterYield<F> {
    point: YieldNow,
    access: Option<F>,
}

fn after_yield<F: FnOnce() -> R, R>(access: F) -> AfterYield<F> {
    AfterYield { point: sim::yield_now(), access: Some(access) }
}

// The closure is never pinned: it is only called.
impl<F> Unpin for AfterYield<F> {}

impl<F: FnOnce() -> R, R> Future for AfterYield<F> {
    type Output = R;

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<R> {
        ready!(Pin::new(&mut self.point).poll(cx));
        let access = self.access.take().expect("an access is made once");
        Poll::Ready(access())
    }
}
