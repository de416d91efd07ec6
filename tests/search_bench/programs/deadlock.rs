//! `deadlock01`: SCTBench, `concurrent-software-benchmarks/deadlock01_bad.c`.
//!
//! The bug: two tasks take two locks in opposite orders.

use std::rc::Rc;

use crate::world::{Body, Lock, Tasks, World};

#[derive(Clone, Copy)]
pub(crate) struct Deadlock;

async fn both<W: World>(locks: Rc<[W::Lock; 2]>, first: usize) {
    let _first = locks[first].lock().await;
    let _second = locks[1 - first].lock().await;
}

impl Body for Deadlock {
    async fn run<W: World>(self, world: W) {
        let locks = Rc::new([world.lock("a"), world.lock("b")]);
        let mut tasks = Tasks::new(&world);
        tasks.spawn("ab", both::<W>(Rc::clone(&locks), 0)).await;
        tasks.spawn("ba", both::<W>(Rc::clone(&locks), 1)).await;
        tasks.join().await;
    }
}
