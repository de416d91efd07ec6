//! `CVE-2016-1972`: PERIOD, `ConVul-CVE-Benchmarks`. Firefox, libvpx's `once`.
//!
//! The last of those who wait frees the lock. The bug: counting who waits is no guard, somebody
//! may be about to.

use std::rc::Rc;

use crate::world::{Body, Cell, Lock, Tasks, World};

#[derive(Clone, Copy)]
pub(crate) struct Once;

struct Shared<W: World> {
    done: W::Cell,
    waiters: W::Cell,
    lock: W::Lock,
    /// Whether the lock is still allocated.
    alive: W::Cell,
}

async fn once<W: World>(s: Rc<Shared<W>>) {
    if s.done.read().await == 1 {
        return;
    }
    let waiters = s.waiters.read().await;
    s.waiters.write(waiters + 1).await;
    assert_eq!(s.alive.read().await, 1, "the lock was freed before it was taken");
    let held = s.lock.lock().await;
    if s.done.read().await == 0 {
        s.done.write(1).await;
    }
    assert_eq!(s.alive.read().await, 1, "the lock was freed while held");
    drop(held);
    let waiters = s.waiters.read().await;
    s.waiters.write(waiters - 1).await;
    if waiters == 1 {
        s.alive.write(0).await;
    }
}

impl Body for Once {
    async fn run<W: World>(self, world: W) {
        let s = Rc::new(Shared::<W> {
            done: world.cell("done", 0),
            waiters: world.cell("waiters", 0),
            lock: world.lock("lock"),
            alive: world.cell("alive", 1),
        });
        let mut tasks = Tasks::new(&world);
        for n in 0..2 {
            tasks.spawn(&format!("once{n}"), once(Rc::clone(&s))).await;
        }
        tasks.join().await;
    }
}
