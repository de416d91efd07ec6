//! `CVE-2015-7550`: PERIOD, `ConVul-CVE-Benchmarks`. Linux, `security/keys/keyctl.c`.
//!
//! A key is read while it is revoked. The bug: whether it is revoked is looked up before the lock
//! is taken.

use std::rc::Rc;

use crate::world::{Body, Cell, Lock, Tasks, World};

const REVOKED: i64 = 2;

#[derive(Clone, Copy)]
pub(crate) struct KeyRead;

struct Key<W: World> {
    lock: W::Lock,
    flags: W::Cell,
    keys: W::Cell,
}

async fn revoke<W: World>(key: Rc<Key<W>>) {
    let _held = key.lock.lock().await;
    key.flags.write(REVOKED).await;
    key.keys.write(0).await;
}

async fn read<W: World>(key: Rc<Key<W>>) {
    if key.flags.read().await & REVOKED == 0 {
        let _held = key.lock.lock().await;
        assert_ne!(key.keys.read().await, 0, "null keys");
    }
}

impl Body for KeyRead {
    async fn run<W: World>(self, world: W) {
        let key = Rc::new(Key::<W> {
            lock: world.lock("lock"),
            flags: world.cell("flags", 0),
            keys: world.cell("keys", 1),
        });
        let mut tasks = Tasks::new(&world);
        tasks.spawn("revoke", revoke(Rc::clone(&key))).await;
        tasks.spawn("read", read(Rc::clone(&key))).await;
        tasks.join().await;
    }
}
