//! `carter01`: SCTBench, `concurrent-software-benchmarks/carter01_bad.c`.
//!
//! Readers of two kinds exclude each other: the first of a kind takes a lock, the last gives it
//! back. The bug: it is waited for with the counters' lock held, which its holder needs: deadlock.

use std::rc::Rc;

use crate::world::{Body, Cell, Lock, Tasks, World};

#[derive(Clone, Copy)]
pub(crate) struct Carter;

struct Shared<W: World> {
    counters: W::Lock,
    room: W::Lock,
    counts: [W::Cell; 2],
}

async fn reader<W: World>(s: Rc<Shared<W>>, kind: usize) {
    let count = &s.counts[kind];
    let mut room = None;
    let held = s.counters.lock().await;
    let inside = count.read().await;
    count.write(inside + 1).await;
    if count.read().await == 1 {
        room = Some(s.room.lock().await);
    }
    drop(held);
    let held = s.counters.lock().await;
    let inside = count.read().await;
    count.write(inside - 1).await;
    if count.read().await == 0 {
        drop(room.take());
    }
    drop(held);
}

impl Body for Carter {
    async fn run<W: World>(self, world: W) {
        let s = Rc::new(Shared::<W> {
            counters: world.lock("counters"),
            room: world.lock("room"),
            counts: [world.cell("a", 0), world.cell("b", 0)],
        });
        let mut tasks = Tasks::new(&world);
        tasks.spawn("a", reader(Rc::clone(&s), 0)).await;
        tasks.spawn("b", reader(Rc::clone(&s), 1)).await;
        tasks.spawn("empty0", async {}).await;
        tasks.spawn("empty1", async {}).await;
        tasks.join().await;
    }
}
