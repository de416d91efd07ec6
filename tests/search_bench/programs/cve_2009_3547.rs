//! `CVE-2009-3547`: PERIOD, `ConVul-CVE-Benchmarks`. Linux, `fs/pipe.c`.
//!
//! A pipe is opened while it is released. The bug: the one who opens does not look whether it is
//! still there.

use std::rc::Rc;

use crate::world::{Body, Cell, Lock, Tasks, World};

#[derive(Clone, Copy)]
pub(crate) struct PipeOpen;

struct Inode<W: World> {
    lock: W::Lock,
    pipe: W::Cell,
}

async fn open<W: World>(inode: Rc<Inode<W>>) {
    let _held = inode.lock.lock().await;
    assert_ne!(inode.pipe.read().await, 0, "a null pipe");
}

async fn release<W: World>(inode: Rc<Inode<W>>) {
    let _held = inode.lock.lock().await;
    inode.pipe.write(0).await;
}

impl Body for PipeOpen {
    async fn run<W: World>(self, world: W) {
        let inode = Rc::new(Inode::<W> { lock: world.lock("lock"), pipe: world.cell("pipe", 1) });
        let mut tasks = Tasks::new(&world);
        tasks.spawn("open", open(Rc::clone(&inode))).await;
        tasks.spawn("release", release(Rc::clone(&inode))).await;
        tasks.join().await;
    }
}
