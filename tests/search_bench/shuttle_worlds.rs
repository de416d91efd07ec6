//! The programs under shuttle: through its own primitives, and with nothing but yields.
//!
//! Spawning is always a schedule point there.

use core::cell::Cell as StdCell;
use core::future::{Future, ready};
use std::sync::PoisonError;

use shuttle::future::{JoinHandle, spawn_local, yield_now};
use shuttle::sync::atomic::{AtomicI64, Ordering::SeqCst};
use shuttle::sync::{Condvar as ShuttleCondvar, Mutex, MutexGuard};

use crate::world::{Cell, Condvar, Lock, World};

/// Shuttle's atomics and locks, whose uses are its schedule points.
#[derive(Clone, Copy)]
pub(crate) struct Native;

/// Plain cells, and shuttle's yield before each access.
#[derive(Clone, Copy)]
pub(crate) struct Yielding;

macro_rules! world {
    ($world:ty, $cell:ty, $lock:ident) => {
        impl World for $world {
            type Cell = $cell;
            type Lock = $lock;
            type Condvar = ShuttleCondvar;
            type Task = JoinHandle<()>;

            fn cell(&self, _name: &str, value: i64) -> Self::Cell {
                <$cell>::new(value)
            }

            fn lock(&self, _name: &str) -> Self::Lock {
                $lock(Mutex::new(()))
            }

            fn condvar(&self, _name: &str) -> ShuttleCondvar {
                ShuttleCondvar::new()
            }

            fn spawn(
                &self,
                _name: &str,
                body: impl Future<Output = ()> + 'static,
            ) -> JoinHandle<()> {
                spawn_local(body)
            }

            fn spawned(&self) -> impl Future<Output = ()> {
                ready(())
            }

            async fn join(task: JoinHandle<()>) {
                task.await.expect("a task of the program ends");
            }

            fn yield_now() -> impl Future<Output = ()> {
                yield_now()
            }
        }

        impl Condvar<$lock> for ShuttleCondvar {
            async fn wait<'a>(
                &'a self,
                _lock: &'a $lock,
                guard: MutexGuard<'a, ()>,
            ) -> MutexGuard<'a, ()> {
                ShuttleCondvar::wait(self, guard).unwrap_or_else(PoisonError::into_inner)
            }

            fn signal(&self) {
                self.notify_one();
            }
        }
    };
}

/// Shuttle's mutex, itself a schedule point.
pub(crate) struct NativeLock(Mutex<()>);

/// The same, with a yield before it.
pub(crate) struct YieldingLock(Mutex<()>);

/// A cell with a yield before each access.
pub(crate) struct YieldingCell(StdCell<i64>);

world!(Native, AtomicI64, NativeLock);
world!(Yielding, YieldingCell, YieldingLock);

impl Lock for NativeLock {
    type Guard<'a> = MutexGuard<'a, ()>;

    async fn lock(&self) -> MutexGuard<'_, ()> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lock for YieldingLock {
    type Guard<'a> = MutexGuard<'a, ()>;

    async fn lock(&self) -> MutexGuard<'_, ()> {
        yield_now().await;
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Cell for AtomicI64 {
    async fn read(&self) -> i64 {
        self.load(SeqCst)
    }

    async fn write(&self, value: i64) {
        self.store(value, SeqCst);
    }

    async fn add(&self, by: i64) -> i64 {
        self.fetch_add(by, SeqCst)
    }

    async fn swap(&self, value: i64) -> i64 {
        AtomicI64::swap(self, value, SeqCst)
    }

    async fn compare_exchange(&self, expected: i64, value: i64) -> i64 {
        AtomicI64::compare_exchange(self, expected, value, SeqCst, SeqCst)
            .unwrap_or_else(|found| found)
    }
}

impl YieldingCell {
    fn new(value: i64) -> Self {
        Self(StdCell::new(value))
    }
}

impl Cell for YieldingCell {
    async fn read(&self) -> i64 {
        yield_now().await;
        self.0.get()
    }

    async fn write(&self, value: i64) {
        yield_now().await;
        self.0.set(value);
    }

    async fn add(&self, by: i64) -> i64 {
        yield_now().await;
        self.0.replace(self.0.get() + by)
    }

    async fn swap(&self, value: i64) -> i64 {
        yield_now().await;
        self.0.replace(value)
    }

    async fn compare_exchange(&self, expected: i64, value: i64) -> i64 {
        yield_now().await;
        let found = self.0.get();
        self.0.set(if found == expected { value } else { found });
        found
    }
}
