//! `token_ring`: SCTBench, `concurrent-software-benchmarks/token_ring_bad.c`.
//!
//! Three tasks each pass a value on, a fourth compares them once all have. The bug: only one
//! order of the three makes them equal.

use std::rc::Rc;

use crate::world::{Body, Cell, Lock, Tasks, World};

#[derive(Clone, Copy)]
pub(crate) struct TokenRing;

struct Shared<W: World> {
    lock: W::Lock,
    values: [W::Cell; 3],
    done: [W::Cell; 3],
}

async fn pass<W: World>(s: Rc<Shared<W>>, to: usize) {
    let _held = s.lock.lock().await;
    let from = s.values[(to + 2) % 3].read().await;
    s.values[to].write(if to == 0 { (from + 1) % 4 } else { from }).await;
    s.done[to].write(1).await;
}

async fn compare<W: World>(s: Rc<Shared<W>>) {
    let _held = s.lock.lock().await;
    if s.done[0].read().await == 1 && s.done[1].read().await == 1 && s.done[2].read().await == 1 {
        let (first, second) = (s.values[0].read().await, s.values[1].read().await);
        assert_eq!(first, second, "the second value");
        let (second, third) = (s.values[1].read().await, s.values[2].read().await);
        assert_eq!(second, third, "the third value");
    }
}

impl Body for TokenRing {
    async fn run<W: World>(self, world: W) {
        let s = Rc::new(Shared::<W> {
            lock: world.lock("lock"),
            values: [world.cell("x1", 1), world.cell("x2", 2), world.cell("x3", 1)],
            done: ["done1", "done2", "done3"].map(|name| world.cell(name, 0)),
        });
        let mut tasks = Tasks::new(&world);
        for to in 0..3 {
            tasks.spawn(&format!("pass{to}"), pass(Rc::clone(&s), to)).await;
        }
        tasks.spawn("compare", compare(Rc::clone(&s))).await;
        tasks.join().await;
    }
}
