//! `CVE-2016-7911`: PERIOD, `ConVul-CVE-Benchmarks`. Linux, `block/ioprio.c`.
//!
//! The bug: a pointer is looked at, then looked at again, and set to null under a lock that the
//! one who looks does not take.

use std::rc::Rc;

use crate::world::{Body, Cell, Lock, Tasks, World};

#[derive(Clone, Copy)]
pub(crate) struct IoPriority;

struct Process<W: World> {
    lock: W::Lock,
    context: W::Cell,
}

async fn get<W: World>(process: Rc<Process<W>>) {
    if process.context.read().await != 0 {
        assert_ne!(process.context.read().await, 0, "a null context");
    }
}

async fn exit<W: World>(process: Rc<Process<W>>) {
    let _held = process.lock.lock().await;
    process.context.write(0).await;
}

impl Body for IoPriority {
    async fn run<W: World>(self, world: W) {
        let process =
            Rc::new(Process::<W> { lock: world.lock("lock"), context: world.cell("context", 1) });
        let mut tasks = Tasks::new(&world);
        tasks.spawn("get", get(Rc::clone(&process))).await;
        tasks.spawn("exit", exit(Rc::clone(&process))).await;
        tasks.join().await;
    }
}
