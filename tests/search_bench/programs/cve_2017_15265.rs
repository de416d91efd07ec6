//! `CVE-2017-15265`: PERIOD, `ConVul-CVE-Benchmarks`. Linux, `sound/core/seq/seq_ports.c`.
//!
//! A port is made and used while another task deletes it. The bug: it can be found as soon as it
//! is linked, and its maker goes on using it without a lock.

use std::rc::Rc;

use crate::world::{Body, Cell, Lock, Tasks, World};

#[derive(Clone, Copy)]
pub(crate) struct CreatePort;

struct Client<W: World> {
    mutex: W::Lock,
    lock: W::Lock,
    linked: W::Cell,
    number: W::Cell,
    freed: W::Cell,
}

async fn create<W: World>(client: Rc<Client<W>>) {
    let mutex = client.mutex.lock().await;
    let lock = client.lock.lock().await;
    client.linked.write(1).await;
    client.number.write(1).await;
    drop(lock);
    drop(mutex);
    for _ in 0..2 {
        assert_eq!(client.freed.read().await, 0, "a freed port");
    }
}

async fn delete<W: World>(client: Rc<Client<W>>) {
    let mutex = client.mutex.lock().await;
    let lock = client.lock.lock().await;
    let found = client.linked.read().await == 1 && client.number.read().await == 1;
    if found {
        client.linked.write(0).await;
    }
    drop(lock);
    drop(mutex);
    if found {
        client.freed.write(1).await;
    }
}

impl Body for CreatePort {
    async fn run<W: World>(self, world: W) {
        let client = Rc::new(Client::<W> {
            mutex: world.lock("mutex"),
            lock: world.lock("lock"),
            linked: world.cell("linked", 0),
            number: world.cell("number", 0),
            freed: world.cell("freed", 0),
        });
        let mut tasks = Tasks::new(&world);
        tasks.spawn("create", create(Rc::clone(&client))).await;
        tasks.spawn("delete", delete(Rc::clone(&client))).await;
        tasks.join().await;
    }
}
