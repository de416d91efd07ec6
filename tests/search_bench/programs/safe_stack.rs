//! `SafeStack`: Vyukov's stack, posted 2011; PERIOD, `SafeStack/SafeStack.cpp`.
//!
//! A stack of indices without locks. The bug: the head can come back to what a task has seen while
//! the rest has changed; two tasks then own one element. It takes at least five preemptions.

use std::rc::Rc;

use crate::world::{Body, Cell, Tasks, World};

const TASKS: usize = 3;
const ROUNDS: usize = 2;

#[derive(Clone, Copy)]
pub(crate) struct SafeStack;

struct Stack<W: World> {
    head: W::Cell,
    count: W::Cell,
    next: [W::Cell; TASKS],
    values: [W::Cell; TASKS],
}

impl<W: World> Stack<W> {
    async fn pop(&self) -> Option<usize> {
        while self.count.read().await > 1 {
            let head = self.head.read().await;
            let next = self.next[head as usize].swap(-1).await;
            if next < 0 {
                W::yield_now().await;
            } else if self.head.compare_exchange(head, next).await == head {
                self.count.add(-1).await;
                return Some(head as usize);
            } else {
                self.next[head as usize].swap(next).await;
            }
        }
        None
    }

    async fn push(&self, index: usize) {
        let mut head = self.head.read().await;
        loop {
            self.next[index].write(head).await;
            let found = self.head.compare_exchange(head, index as i64).await;
            if found == head {
                break;
            }
            head = found;
        }
        self.count.add(1).await;
    }
}

async fn user<W: World>(stack: Rc<Stack<W>>, me: i64) {
    for _ in 0..ROUNDS {
        let element = loop {
            if let Some(element) = stack.pop().await {
                break element;
            }
            W::yield_now().await;
        };
        stack.values[element].write(me).await;
        assert_eq!(stack.values[element].read().await, me, "two tasks own one element");
        stack.push(element).await;
    }
}

impl Body for SafeStack {
    async fn run<W: World>(self, world: W) {
        let stack = Rc::new(Stack::<W> {
            head: world.cell("head", 0),
            count: world.cell("count", TASKS as i64),
            next: [world.cell("next0", 1), world.cell("next1", 2), world.cell("next2", -1)],
            values: core::array::from_fn(|n| world.cell(&format!("value{n}"), 0)),
        });
        let mut tasks = Tasks::new(&world);
        for n in 0..TASKS {
            tasks.spawn(&format!("user{n}"), user(Rc::clone(&stack), n as i64)).await;
        }
        tasks.join().await;
    }
}
