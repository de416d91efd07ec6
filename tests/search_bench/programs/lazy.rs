//! `lazy01`: SCTBench, `concurrent-software-benchmarks/lazy01_bad.c`.
//!
//! Two tasks add to a value, a third expects it to be small. The bug: it is not, once both have
//! run; first-in-first-out shows it.

use std::rc::Rc;

use crate::world::{Body, Cell, Lock, Tasks, World};

#[derive(Clone, Copy)]
pub(crate) struct Lazy;

struct Shared<W: World> {
    lock: W::Lock,
    data: W::Cell,
}

async fn add<W: World>(s: Rc<Shared<W>>, by: i64) {
    let _held = s.lock.lock().await;
    let data = s.data.read().await;
    s.data.write(data + by).await;
}

async fn check<W: World>(s: Rc<Shared<W>>) {
    let _held = s.lock.lock().await;
    assert!(s.data.read().await < 3, "both have added");
}

impl Body for Lazy {
    async fn run<W: World>(self, world: W) {
        let s = Rc::new(Shared::<W> { lock: world.lock("lock"), data: world.cell("data", 0) });
        let mut tasks = Tasks::new(&world);
        tasks.spawn("one", add(Rc::clone(&s), 1)).await;
        tasks.spawn("two", add(Rc::clone(&s), 2)).await;
        tasks.spawn("check", check(s)).await;
        tasks.join().await;
    }
}
