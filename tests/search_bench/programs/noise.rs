//! `noise_MxN`: ours.
//!
//! Two writes that belong together, late in two long tasks, among others that only make noise on
//! an object of their own. The bug: a checker gets in between.

use std::rc::Rc;

use crate::world::{Body, Cell, Tasks, World};

#[derive(Clone, Copy)]
pub(crate) struct Noise {
    pub(crate) noisy: usize,
    pub(crate) updates: usize,
}

struct Shared<W: World> {
    noise: W::Cell,
    a: W::Cell,
    b: W::Cell,
}

async fn noisy<W: World>(s: Rc<Shared<W>>, updates: usize) {
    for _ in 0..updates {
        s.noise.add(1).await;
    }
}

async fn set<W: World>(s: Rc<Shared<W>>, updates: usize) {
    noisy(Rc::clone(&s), updates).await;
    s.a.write(1).await;
    s.b.write(-1).await;
}

async fn check<W: World>(s: Rc<Shared<W>>) {
    let seen = (s.a.read().await, s.b.read().await);
    assert!(matches!(seen, (0, 0) | (1, -1) | (0, -1)), "one of two writes was seen");
}

impl Body for Noise {
    async fn run<W: World>(self, world: W) {
        let s = Rc::new(Shared::<W> {
            noise: world.cell("noise", 0),
            a: world.cell("a", 0),
            b: world.cell("b", 0),
        });
        let mut tasks = Tasks::new(&world);
        for n in 0..self.noisy {
            tasks.spawn(&format!("noisy{n}"), noisy(Rc::clone(&s), self.updates)).await;
        }
        for n in 0..2 {
            tasks.spawn(&format!("setter{n}"), set(Rc::clone(&s), self.updates)).await;
        }
        tasks.spawn("checker", check(s)).await;
        tasks.join().await;
    }
}
