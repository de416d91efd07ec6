//! `CVE-2016-1973`: PERIOD, `ConVul-CVE-Benchmarks`. WebRTC, `GetStaticInstance`.
//!
//! A singleton with a count of its users. The bug: count and pointer change one after the other,
//! so that a user can get null, or what the last one is about to delete.

use std::rc::Rc;

use crate::world::{Body, Cell, Tasks, World};

#[derive(Clone, Copy)]
pub(crate) struct StaticInstance;

struct Static<W: World> {
    count: W::Cell,
    /// Which instance, or 0.
    instance: W::Cell,
    /// By instance; nobody has number 0.
    deleted: [W::Cell; 3],
}

impl<W: World> Static<W> {
    async fn get(&self, me: i64) -> i64 {
        let mut create = self.count.read().await == 0;
        if !create && self.count.add(1).await == 0 {
            self.count.add(-1).await;
            create = true;
        }
        if create {
            if self.count.add(1).await == 0 {
                self.instance.swap(me).await;
            } else {
                // Nobody else has seen the new instance: deleting it concerns nobody.
                self.count.add(-1).await;
            }
        }
        self.instance.read().await
    }

    async fn access(&self, instance: i64) {
        assert_ne!(instance, 0, "a null instance");
        assert_eq!(self.deleted[instance as usize].read().await, 0, "a deleted instance");
    }

    async fn give_back(&self) {
        if self.count.add(-1).await == 1 {
            let old = self.instance.swap(0).await;
            if old != 0 {
                self.deleted[old as usize].write(1).await;
            }
        }
    }
}

async fn brief<W: World>(s: Rc<Static<W>>) {
    let instance = s.get(1).await;
    s.access(instance).await;
    s.give_back().await;
}

async fn lasting<W: World>(s: Rc<Static<W>>) {
    let instance = s.get(2).await;
    s.access(instance).await;
}

impl Body for StaticInstance {
    async fn run<W: World>(self, world: W) {
        let s = Rc::new(Static::<W> {
            count: world.cell("count", 0),
            instance: world.cell("instance", 0),
            deleted: core::array::from_fn(|n| world.cell(&format!("deleted{n}"), 0)),
        });
        let mut tasks = Tasks::new(&world);
        tasks.spawn("brief", brief(Rc::clone(&s))).await;
        tasks.spawn("lasting", lasting(Rc::clone(&s))).await;
        tasks.join().await;
    }
}
