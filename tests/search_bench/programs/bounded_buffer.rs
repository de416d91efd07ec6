//! `boundedBuffer`: PERIOD, `Inspect_benchmarks/boundedBuffer/boundedBuffer.c`.
//!
//! Producers and consumers at a ring of three slots, of which two can be full. The bug: a consumer
//! that has seen an element lets go of the lock and takes it again before it takes the element.

use std::rc::Rc;

use crate::world::{Body, Cell, Condvar, Lock, Tasks, World};

const SLOTS: i64 = 3;
const EACH: usize = 4;

#[derive(Clone, Copy)]
pub(crate) struct BoundedBuffer;

struct Buffer<W: World> {
    lock: W::Lock,
    not_full: W::Condvar,
    not_empty: W::Condvar,
    head: W::Cell,
    rear: W::Cell,
    producers_waiting: W::Cell,
    consumers_waiting: W::Cell,
}

impl<W: World> Buffer<W> {
    async fn is_full(&self) -> bool {
        (self.rear.read().await + 1) % SLOTS == self.head.read().await
    }

    async fn is_empty(&self) -> bool {
        self.head.read().await == self.rear.read().await
    }

    async fn put(&self) {
        let mut held = self.lock.lock().await;
        if self.is_full().await {
            let waiting = self.producers_waiting.read().await;
            self.producers_waiting.write(waiting + 1).await;
            while self.is_full().await {
                held = self.not_full.wait(&self.lock, held).await;
            }
            let waiting = self.producers_waiting.read().await;
            self.producers_waiting.write(waiting - 1).await;
        }
        let rear = self.rear.read().await;
        self.rear.write((rear + 1) % SLOTS).await;
        if self.consumers_waiting.read().await > 0 {
            self.not_empty.signal();
        }
        drop(held);
    }

    async fn get(&self) {
        let mut held = self.lock.lock().await;
        if self.is_empty().await {
            let waiting = self.consumers_waiting.read().await;
            self.consumers_waiting.write(waiting + 1).await;
            while self.is_empty().await {
                held = self.not_empty.wait(&self.lock, held).await;
            }
            let waiting = self.consumers_waiting.read().await;
            self.consumers_waiting.write(waiting - 1).await;
        }
        drop(held);
        let held = self.lock.lock().await;
        assert!(!self.is_empty().await, "somebody else has taken the element");
        let head = self.head.read().await;
        self.head.write((head + 1) % SLOTS).await;
        if self.producers_waiting.read().await > 0 {
            self.not_full.signal();
        }
        drop(held);
    }
}

async fn produce<W: World>(buffer: Rc<Buffer<W>>) {
    for _ in 0..EACH {
        buffer.put().await;
    }
}

async fn consume<W: World>(buffer: Rc<Buffer<W>>) {
    for _ in 0..EACH {
        buffer.get().await;
    }
}

impl Body for BoundedBuffer {
    async fn run<W: World>(self, world: W) {
        let buffer = Rc::new(Buffer::<W> {
            lock: world.lock("lock"),
            not_full: world.condvar("not_full"),
            not_empty: world.condvar("not_empty"),
            head: world.cell("head", 0),
            rear: world.cell("rear", 0),
            producers_waiting: world.cell("producers_waiting", 0),
            consumers_waiting: world.cell("consumers_waiting", 0),
        });
        let mut tasks = Tasks::new(&world);
        for n in 0..2 {
            tasks.spawn(&format!("producer{n}"), produce(Rc::clone(&buffer))).await;
        }
        for n in 0..2 {
            tasks.spawn(&format!("consumer{n}"), consume(Rc::clone(&buffer))).await;
        }
        tasks.join().await;
    }
}
