//! `twostage_N`: SCTBench, `concurrent-software-benchmarks/twostage_N_bad.c`.
//!
//! Two values that belong together are each written under a lock of its own. The bug: a reader
//! gets in between and sees the first without the second.

use std::rc::Rc;

use crate::world::{Body, Cell, Lock, Tasks, World};

#[derive(Clone, Copy)]
pub(crate) struct TwoStage {
    pub(crate) writers: usize,
    pub(crate) readers: usize,
}

struct Shared<W: World> {
    first: W::Lock,
    second: W::Lock,
    data1: W::Cell,
    data2: W::Cell,
}

async fn write<W: World>(s: Rc<Shared<W>>) {
    let held = s.first.lock().await;
    s.data1.write(1).await;
    drop(held);
    let _held = s.second.lock().await;
    let data1 = s.data1.read().await;
    s.data2.write(data1 + 1).await;
}

async fn read<W: World>(s: Rc<Shared<W>>) {
    let held = s.first.lock().await;
    if s.data1.read().await == 0 {
        return;
    }
    let data1 = s.data1.read().await;
    drop(held);
    let held = s.second.lock().await;
    let data2 = s.data2.read().await;
    drop(held);
    assert_eq!(data2, data1 + 1, "the second stage does not follow the first");
}

impl Body for TwoStage {
    async fn run<W: World>(self, world: W) {
        let s = Rc::new(Shared::<W> {
            first: world.lock("first"),
            second: world.lock("second"),
            data1: world.cell("data1", 0),
            data2: world.cell("data2", 0),
        });
        let mut tasks = Tasks::new(&world);
        for n in 0..self.writers {
            tasks.spawn(&format!("writer{n}"), write(Rc::clone(&s))).await;
        }
        for n in 0..self.readers {
            tasks.spawn(&format!("reader{n}"), read(Rc::clone(&s))).await;
        }
        tasks.join().await;
    }
}
