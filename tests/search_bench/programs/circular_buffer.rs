//! `circular_buffer`: SCTBench, `concurrent-software-benchmarks/circular_buffer_bad.c`.
//!
//! Sender and receiver take turns by two flags. The bug: each has a fixed number of turns, and
//! one that was not its own is lost, so that the two no longer count alike.

use std::rc::Rc;

use crate::world::{Body, Cell, Lock, Tasks, World};

const SIZE: usize = 10;
const TURNS: i64 = 7;

#[derive(Clone, Copy)]
pub(crate) struct CircularBuffer;

struct Shared<W: World> {
    lock: W::Lock,
    buffer: [W::Cell; SIZE],
    first: W::Cell,
    next: W::Cell,
    send: W::Cell,
    receive: W::Cell,
}

async fn sender<W: World>(s: Rc<Shared<W>>) {
    for turn in 0..TURNS {
        let _held = s.lock.lock().await;
        if s.send.read().await == 1 {
            let next = s.next.read().await as usize;
            s.buffer[next].write(turn).await;
            s.next.write(((next + 1) % SIZE) as i64).await;
            s.send.write(0).await;
            s.receive.write(1).await;
        }
    }
}

async fn receiver<W: World>(s: Rc<Shared<W>>) {
    for turn in 0..TURNS {
        let _held = s.lock.lock().await;
        if s.receive.read().await == 1 {
            let first = s.first.read().await;
            s.first.write(first + 1).await;
            assert_eq!(s.buffer[first as usize].read().await, turn, "an element out of turn");
            s.receive.write(0).await;
            s.send.write(1).await;
        }
    }
}

impl Body for CircularBuffer {
    async fn run<W: World>(self, world: W) {
        let s = Rc::new(Shared::<W> {
            lock: world.lock("lock"),
            buffer: core::array::from_fn(|n| world.cell(&format!("buffer{n}"), 0)),
            first: world.cell("first", 0),
            next: world.cell("next", 0),
            send: world.cell("send", 1),
            receive: world.cell("receive", 0),
        });
        let mut tasks = Tasks::new(&world);
        tasks.spawn("sender", sender(Rc::clone(&s))).await;
        tasks.spawn("receiver", receiver(Rc::clone(&s))).await;
        tasks.join().await;
    }
}
