//! `stack`: SCTBench, `concurrent-software-benchmarks/stack_bad.c`.
//!
//! The bug: a flag says that something was pushed once, not that something is there.

use std::rc::Rc;

use crate::world::{Body, Cell, Lock, Tasks, World};

const SIZE: i64 = 10;

#[derive(Clone, Copy)]
pub(crate) struct Stack;

struct Shared<W: World> {
    lock: W::Lock,
    top: W::Cell,
    pushed: W::Cell,
}

async fn push<W: World>(s: Rc<Shared<W>>) {
    for _ in 0..SIZE {
        let _held = s.lock.lock().await;
        assert_ne!(s.top.read().await, SIZE, "the stack is full");
        let top = s.top.read().await;
        s.top.write(top + 1).await;
        s.pushed.write(1).await;
    }
}

async fn pop<W: World>(s: Rc<Shared<W>>) {
    for _ in 0..SIZE {
        let _held = s.lock.lock().await;
        if s.pushed.read().await == 1 {
            assert_ne!(s.top.read().await, 0, "the stack is empty");
            let top = s.top.read().await;
            s.top.write(top - 1).await;
        }
    }
}

impl Body for Stack {
    async fn run<W: World>(self, world: W) {
        let s = Rc::new(Shared::<W> {
            lock: world.lock("lock"),
            top: world.cell("top", 0),
            pushed: world.cell("pushed", 0),
        });
        let mut tasks = Tasks::new(&world);
        tasks.spawn("push", push(Rc::clone(&s))).await;
        tasks.spawn("pop", pop(Rc::clone(&s))).await;
        tasks.join().await;
    }
}
