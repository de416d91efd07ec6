//! `uneven_n`: shuttle, `shuttle/tests/demo/surw.rs`.
//!
//! One write of one task races many of another. The bug: the one comes last.

use std::rc::Rc;

use crate::world::{Body, Cell, Tasks, World};

#[derive(Clone, Copy)]
pub(crate) struct Uneven {
    pub(crate) writes: usize,
}

async fn short<C: Cell>(cell: Rc<C>) {
    cell.write(0).await;
}

async fn long<C: Cell>(cell: Rc<C>, writes: usize) {
    for _ in 0..writes {
        cell.write(1).await;
    }
}

impl Body for Uneven {
    async fn run<W: World>(self, world: W) {
        let cell = Rc::new(world.cell("cell", 1));
        let mut tasks = Tasks::new(&world);
        tasks.spawn("short", short(Rc::clone(&cell))).await;
        tasks.spawn("long", long(Rc::clone(&cell), self.writes)).await;
        tasks.join().await;
        assert_ne!(cell.read().await, 0, "the one write came last");
    }
}
