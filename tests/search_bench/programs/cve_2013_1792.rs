//! `CVE-2013-1792`: PERIOD, `ConVul-CVE-Benchmarks`. Linux, `security/keys/process_keys.c`.
//!
//! Two keyrings of a user are made on demand. The bug: whether they are there is decided by the
//! first, without the lock, before the second is set.

use std::rc::Rc;

use crate::world::{Body, Cell, Lock, Tasks, World};

#[derive(Clone, Copy)]
pub(crate) struct UserKeyrings;

struct User<W: World> {
    lock: W::Lock,
    uid_keyring: W::Cell,
    session_keyring: W::Cell,
}

impl<W: World> User<W> {
    async fn install(&self) {
        if self.uid_keyring.read().await != 0 {
            return;
        }
        let _held = self.lock.lock().await;
        if self.uid_keyring.read().await == 0 {
            self.uid_keyring.write(1).await;
            self.session_keyring.write(1).await;
        }
    }
}

async fn look_up<W: World>(user: Rc<User<W>>) {
    if user.session_keyring.read().await == 0 {
        user.install().await;
    }
    assert_ne!(user.session_keyring.read().await, 0, "a null session keyring");
}

async fn install<W: World>(user: Rc<User<W>>) {
    user.install().await;
}

impl Body for UserKeyrings {
    async fn run<W: World>(self, world: W) {
        let user = Rc::new(User::<W> {
            lock: world.lock("lock"),
            uid_keyring: world.cell("uid_keyring", 0),
            session_keyring: world.cell("session_keyring", 0),
        });
        let mut tasks = Tasks::new(&world);
        tasks.spawn("look_up", look_up(Rc::clone(&user))).await;
        tasks.spawn("install", install(Rc::clone(&user))).await;
        tasks.join().await;
    }
}
