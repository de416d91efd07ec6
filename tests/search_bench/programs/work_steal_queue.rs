//! `WSQ`, `IWSQ`, `IWSQ_state`, `StateWSQ`: SCTBench, `chess/*WorkStealQueue*`, in the sizes of
//! PERIOD's copies.
//!
//! The queue of the Cilk-5 scheduler: its owner pushes and pops at the tail, thieves steal at the
//! head under a lock. The bug: it is taken for full one element too late, so that a push
//! overwrites what a thief is about to take, and an item is taken twice or never.

use core::cell::{Cell as StdCell, RefCell};
use std::rc::Rc;

use crate::world::{Body, Cell, Lock, Tasks, World};

const ITEMS: usize = 4;
const STEALS: usize = 2;
const LARGEST: i64 = 1024 * 1024;

#[derive(Clone, Copy)]
pub(crate) struct WorkStealQueue {
    pub(crate) thieves: usize,
    /// Whether the lock is an atomic flag.
    pub(crate) interlocked: bool,
    /// Whether the owner pushes everything before it pops.
    pub(crate) pushes_first: bool,
}

enum Mutual<W: World> {
    Mutex(W::Lock),
    Spin(W::Cell),
}

struct Queue<W: World> {
    mutual: Mutual<W>,
    head: W::Cell,
    tail: W::Cell,
    // As in the original, only the two indices are interlocked; a power of two long.
    elements: RefCell<Vec<Option<usize>>>,
    taken: [StdCell<u32>; ITEMS],
}

impl<W: World> Queue<W> {
    async fn acquire(&self) -> Option<<W::Lock as Lock>::Guard<'_>> {
        match &self.mutual {
            Mutual::Mutex(lock) => Some(lock.lock().await),
            Mutual::Spin(taken) => {
                while taken.swap(1).await == 1 {
                    W::yield_now().await;
                }
                None
            }
        }
    }

    async fn release(&self, held: Option<<W::Lock as Lock>::Guard<'_>>) {
        drop(held);
        if let Mutual::Spin(taken) = &self.mutual {
            taken.write(0).await;
        }
    }

    fn mask(&self) -> i64 {
        self.elements.borrow().len() as i64 - 1
    }

    fn at(&self, index: i64) -> usize {
        (index & self.mask()) as usize
    }

    fn element(&self, index: i64) -> Option<usize> {
        self.elements.borrow()[self.at(index)]
    }

    async fn steal(&self) -> Option<usize> {
        let held = self.acquire().await;
        let head = self.head.read().await;
        self.head.write(head + 1).await;
        let mut found = None;
        if head < self.tail.read().await {
            found = Some(self.element(head).expect("an element that was never pushed"));
        } else {
            self.head.write(head).await;
        }
        self.release(held).await;
        found
    }

    async fn pop(&self) -> Option<usize> {
        let tail = self.tail.read().await - 1;
        self.tail.write(tail).await;
        if self.head.read().await <= tail {
            return Some(self.element(tail).expect("an element that was never pushed"));
        }
        self.tail.write(tail + 1).await;
        self.sync_pop().await
    }

    async fn sync_pop(&self) -> Option<usize> {
        let held = self.acquire().await;
        let tail = self.tail.read().await - 1;
        self.tail.write(tail).await;
        let mut found = None;
        if self.head.read().await <= tail {
            found = Some(self.element(tail).expect("an element that was never pushed"));
        } else {
            self.tail.write(tail + 1).await;
        }
        if self.head.read().await > tail {
            self.head.write(0).await;
            self.tail.write(0).await;
            found = None;
        }
        self.release(held).await;
        found
    }

    async fn push(&self, item: usize) {
        let tail = self.tail.read().await;
        // Should be `head + mask`.
        if tail < self.head.read().await + self.mask() + 1 {
            let at = self.at(tail);
            self.elements.borrow_mut()[at] = Some(item);
            self.tail.write(tail + 1).await;
        } else {
            self.sync_push(item).await;
        }
    }

    async fn sync_push(&self, item: usize) {
        let held = self.acquire().await;
        let head = self.head.read().await;
        let count = self.tail.read().await - head;
        let head = head & self.mask();
        self.head.write(head).await;
        self.tail.write(head + count).await;
        if count >= self.mask() {
            let size = 2 * (self.mask() + 1);
            assert!(size < LARGEST, "the queue grows without end");
            let mut grown = vec![None; size as usize];
            for n in 0..count {
                grown[n as usize] = self.element(head + n);
            }
            *self.elements.borrow_mut() = grown;
            self.head.write(0).await;
            self.tail.write(count).await;
        }
        assert!(count < self.mask(), "the queue is full");
        let tail = self.tail.read().await;
        let at = self.at(tail);
        self.elements.borrow_mut()[at] = Some(item);
        self.tail.write(tail + 1).await;
        self.release(held).await;
    }

    fn take(&self, item: Option<usize>) {
        if let Some(item) = item {
            self.taken[item].set(self.taken[item].get() + 1);
        }
    }
}

async fn thief<W: World>(queue: Rc<Queue<W>>) {
    for _ in 0..STEALS {
        let item = queue.steal().await;
        queue.take(item);
    }
}

async fn owner<W: World>(queue: Rc<Queue<W>>, pushes_first: bool) {
    for pair in 0..ITEMS / 2 {
        queue.push(2 * pair).await;
        queue.push(2 * pair + 1).await;
        if !pushes_first {
            let item = queue.pop().await;
            queue.take(item);
        }
    }
    for _ in 0..if pushes_first { ITEMS } else { ITEMS / 2 } {
        let item = queue.pop().await;
        queue.take(item);
    }
}

impl Body for WorkStealQueue {
    async fn run<W: World>(self, world: W) {
        let queue = Rc::new(Queue::<W> {
            mutual: if self.interlocked {
                Mutual::Spin(world.cell("taken", 0))
            } else {
                Mutual::Mutex(world.lock("lock"))
            },
            head: world.cell("head", 0),
            tail: world.cell("tail", 0),
            elements: RefCell::new(vec![None; 2]),
            taken: Default::default(),
        });
        let mut tasks = Tasks::new(&world);
        for n in 0..self.thieves {
            tasks.spawn(&format!("thief{n}"), thief(Rc::clone(&queue))).await;
        }
        tasks.spawn("owner", owner(Rc::clone(&queue), self.pushes_first)).await;
        tasks.join().await;
        for (item, taken) in queue.taken.iter().enumerate() {
            assert_eq!(taken.get(), 1, "how often item {item} was taken");
        }
    }
}
