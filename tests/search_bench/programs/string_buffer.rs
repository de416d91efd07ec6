//! `stringbuffer`: SCTBench, `stringbuffer-jdk1.4`, after the class of the JDK.
//!
//! Appending one buffer to another asks for its length, then for its characters. The bug: it is
//! locked for each, not for both, and gets shorter in between.

use std::rc::Rc;

use crate::world::{Body, Cell, Lock, Tasks, World};

#[derive(Clone, Copy)]
pub(crate) struct StringBuffer;

struct Buffer<W: World> {
    lock: W::Lock,
    count: W::Cell,
}

impl<W: World> Buffer<W> {
    fn new(world: &W, name: &str, count: i64) -> Self {
        Self {
            lock: world.lock(&format!("{name}.lock")),
            count: world.cell(&format!("{name}.count"), count),
        }
    }

    async fn erase(&self, start: i64, end: i64) {
        let _held = self.lock.lock().await;
        let count = self.count.read().await;
        self.count.write(count - (end.min(count) - start)).await;
    }

    async fn append(&self, len: i64) {
        let _held = self.lock.lock().await;
        let count = self.count.read().await;
        self.count.write(count + len).await;
    }

    async fn append_buffer(&self, other: &Self) {
        let _held = self.lock.lock().await;
        let len = other.length().await;
        other.get_chars(len).await;
    }

    async fn length(&self) -> i64 {
        let _held = self.lock.lock().await;
        self.count.read().await
    }

    async fn get_chars(&self, end: i64) {
        let _held = self.lock.lock().await;
        let count = self.count.read().await;
        assert!(end <= count, "characters up to {end} of {count}");
    }
}

async fn edit<W: World>(buffer: Rc<Buffer<W>>) {
    buffer.erase(0, 3).await;
    buffer.append(3).await;
}

async fn copy<W: World>(world: W, buffer: Rc<Buffer<W>>) {
    Buffer::new(&world, "copy", 0).append_buffer(&buffer).await;
}

impl Body for StringBuffer {
    async fn run<W: World>(self, world: W) {
        let buffer = Rc::new(Buffer::new(&world, "buffer", 3));
        let mut tasks = Tasks::new(&world);
        tasks.spawn("edit", edit(Rc::clone(&buffer))).await;
        tasks.spawn("copy", copy(world.clone(), Rc::clone(&buffer))).await;
        tasks.join().await;
    }
}
