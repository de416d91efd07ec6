//! `reorder_N`: SCTBench, `concurrent-software-benchmarks/reorder_N_bad.c`.
//!
//! Setters write two variables without a lock, checkers read both. The bug: a checker sees the
//! first write of some setter and the second of none.

use std::rc::Rc;

use crate::world::{Body, Cell, Tasks, World};

#[derive(Clone, Copy)]
pub(crate) struct Reorder {
    pub(crate) setters: usize,
    pub(crate) checkers: usize,
}

struct Shared<W: World> {
    a: W::Cell,
    b: W::Cell,
}

async fn set<W: World>(s: Rc<Shared<W>>) {
    s.a.write(1).await;
    s.b.write(-1).await;
}

async fn check<W: World>(s: Rc<Shared<W>>) {
    let whole = (s.a.read().await == 0 && s.b.read().await == 0)
        || (s.a.read().await == 1 && s.b.read().await == -1);
    assert!(whole, "one of two writes was seen");
}

impl Body for Reorder {
    async fn run<W: World>(self, world: W) {
        let s = Rc::new(Shared::<W> { a: world.cell("a", 0), b: world.cell("b", 0) });
        let mut tasks = Tasks::new(&world);
        for n in 0..self.setters {
            tasks.spawn(&format!("setter{n}"), set(Rc::clone(&s))).await;
        }
        for n in 0..self.checkers {
            tasks.spawn(&format!("checker{n}"), check(Rc::clone(&s))).await;
        }
        tasks.join().await;
    }
}
