//! What a benchmark program is written against: shared cells, locks, condition variables, tasks.
//!
//! Each access is a place at which another task may run first. What such a place is, differs from
//! world to world; the programs do not. The accessors return the library's own futures, so that
//! the place of an access is the `.await` in the program's source.

use core::future::Future;

/// An execution environment.
pub(crate) trait World: Clone + 'static {
    /// Shared state.
    type Cell: Cell;
    /// A mutex.
    type Lock: Lock;
    /// A condition variable for that mutex.
    type Condvar: Condvar<Self::Lock>;
    /// A spawned task.
    type Task;

    /// Makes a cell.
    fn cell(&self, name: &str, value: i64) -> Self::Cell;
    /// Makes a free mutex.
    fn lock(&self, name: &str) -> Self::Lock;
    /// Makes a condition variable that nobody waits at.
    fn condvar(&self, name: &str) -> Self::Condvar;
    /// Starts a task.
    fn spawn(&self, name: &str, body: impl Future<Output = ()> + 'static) -> Self::Task;
    /// Follows each spawn: another place to switch at, where spawns are such.
    fn spawned(&self) -> impl Future<Output = ()>;
    /// Waits for a task to end.
    fn join(task: Self::Task) -> impl Future<Output = ()>;
    /// Lets others run: in a loop that waits for them.
    fn yield_now() -> impl Future<Output = ()>;
}

/// An integer that several tasks use.
pub(crate) trait Cell: 'static {
    fn read(&self) -> impl Future<Output = i64>;
    fn write(&self, value: i64) -> impl Future<Output = ()>;
    /// Adds at once and returns what was there.
    fn add(&self, by: i64) -> impl Future<Output = i64>;
    /// Replaces at once and returns what was there.
    fn swap(&self, value: i64) -> impl Future<Output = i64>;
    /// Replaces at once if it is as expected, and returns what was there.
    fn compare_exchange(&self, expected: i64, value: i64) -> impl Future<Output = i64>;
}

/// A mutex; it is unlocked by dropping the guard.
pub(crate) trait Lock: 'static {
    type Guard<'a>;
    fn lock(&self) -> impl Future<Output = Self::Guard<'_>>;
}

/// A condition variable.
pub(crate) trait Condvar<L: Lock>: 'static {
    /// Unlocks, waits for a signal, locks again.
    fn wait<'a>(&'a self, lock: &'a L, guard: L::Guard<'a>) -> impl Future<Output = L::Guard<'a>>;
    /// Wakes the task that has waited longest, if there is one.
    fn signal(&self);
}

/// The tasks of a program: spawned in order, then all waited for in that order.
pub(crate) struct Tasks<'a, W: World> {
    world: &'a W,
    tasks: Vec<W::Task>,
}

impl<'a, W: World> Tasks<'a, W> {
    pub(crate) fn new(world: &'a W) -> Self {
        Self { world, tasks: Vec::new() }
    }

    pub(crate) async fn spawn(&mut self, name: &str, body: impl Future<Output = ()> + 'static) {
        self.tasks.push(self.world.spawn(name, body));
        self.world.spawned().await;
    }

    pub(crate) async fn join(self) {
        for task in self.tasks {
            W::join(task).await;
        }
    }
}

/// A benchmark program, not bound to any world.
pub(crate) trait Body: Copy + Send + Sync + 'static {
    fn run<W: World>(self, world: W) -> impl Future<Output = ()> + 'static;
}
