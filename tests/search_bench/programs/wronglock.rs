//! `wronglock_N`: SCTBench, `concurrent-software-benchmarks/wronglock_N_bad.c`.
//!
//! One task increments under a lock and checks. The bug: the others increment under another lock.

use std::rc::Rc;

use crate::world::{Body, Cell, Lock, Tasks, World};

#[derive(Clone, Copy)]
pub(crate) struct WrongLock {
    pub(crate) others: usize,
}

struct Shared<W: World> {
    right: W::Lock,
    wrong: W::Lock,
    value: W::Cell,
}

async fn checked<W: World>(s: Rc<Shared<W>>) {
    let _held = s.right.lock().await;
    let before = s.value.read().await;
    let value = s.value.read().await;
    s.value.write(value + 1).await;
    assert_eq!(s.value.read().await, before + 1, "somebody else has a lock of their own");
}

async fn other<W: World>(s: Rc<Shared<W>>) {
    let _held = s.wrong.lock().await;
    let value = s.value.read().await;
    s.value.write(value + 1).await;
}

impl Body for WrongLock {
    async fn run<W: World>(self, world: W) {
        let s = Rc::new(Shared::<W> {
            right: world.lock("right"),
            wrong: world.lock("wrong"),
            value: world.cell("value", 0),
        });
        let mut tasks = Tasks::new(&world);
        tasks.spawn("checked", checked(Rc::clone(&s))).await;
        for n in 0..self.others {
            tasks.spawn(&format!("other{n}"), other(Rc::clone(&s))).await;
        }
        tasks.join().await;
    }
}
