//! `queue`: SCTBench, `concurrent-software-benchmarks/queue_bad.c`.
//!
//! What was put in is noted, and what comes out is compared. The bug: a turn taken when the flag
//! said no is lost, so that the two no longer count alike.

use std::rc::Rc;

use crate::world::{Body, Cell, Lock, Tasks, World};

const SIZE: usize = 20;

#[derive(Clone, Copy)]
pub(crate) struct Queue;

struct Shared<W: World> {
    lock: W::Lock,
    elements: Vec<W::Cell>,
    head: W::Cell,
    tail: W::Cell,
    stored: Vec<W::Cell>,
    may_put: W::Cell,
    may_get: W::Cell,
}

impl<W: World> Shared<W> {
    async fn put(&self, value: i64, noted_at: usize) {
        let tail = self.tail.read().await;
        self.elements[tail as usize].write(value).await;
        self.tail.write(tail + 1).await;
        self.stored[noted_at].write(value).await;
    }
}

async fn putter<W: World>(s: Rc<Shared<W>>) {
    let held = s.lock.lock().await;
    let mut value = 0;
    s.put(value, 0).await;
    drop(held);
    for turn in 1..SIZE {
        let _held = s.lock.lock().await;
        if s.may_put.read().await == 1 {
            value += 1;
            s.put(value, turn).await;
            s.may_put.write(0).await;
            s.may_get.write(1).await;
        }
    }
}

async fn getter<W: World>(s: Rc<Shared<W>>) {
    for turn in 0..SIZE {
        let _held = s.lock.lock().await;
        if s.may_get.read().await == 1 {
            let head = s.head.read().await;
            let value = s.elements[head as usize].read().await;
            s.head.write(head + 1).await;
            assert_eq!(value, s.stored[turn].read().await, "an element out of turn");
            s.may_get.write(0).await;
            s.may_put.write(1).await;
        }
    }
}

impl Body for Queue {
    async fn run<W: World>(self, world: W) {
        let cells = |name: &str| (0..SIZE).map(|n| world.cell(&format!("{name}{n}"), 0)).collect();
        let s = Rc::new(Shared::<W> {
            lock: world.lock("lock"),
            elements: cells("element"),
            head: world.cell("head", 0),
            tail: world.cell("tail", 0),
            stored: cells("stored"),
            may_put: world.cell("may_put", 1),
            may_get: world.cell("may_get", 0),
        });
        let mut tasks = Tasks::new(&world);
        tasks.spawn("putter", putter(Rc::clone(&s))).await;
        tasks.spawn("getter", getter(Rc::clone(&s))).await;
        tasks.join().await;
    }
}
