//! `CVE-2016-9806`: PERIOD, `ConVul-CVE-Benchmarks`. Linux, `net/netlink/af_netlink.c`.
//!
//! The bug: what was stored under the lock is read again, to be freed, without it; two tasks free
//! the same buffer.

use std::rc::Rc;

use crate::world::{Body, Cell, Lock, Tasks, World};

#[derive(Clone, Copy)]
pub(crate) struct NetlinkDump;

struct Socket<W: World> {
    lock: W::Lock,
    /// Whose buffer.
    buffer: W::Cell,
    freed: [W::Cell; 2],
}

async fn dump<W: World>(socket: Rc<Socket<W>>, me: i64) {
    let held = socket.lock.lock().await;
    socket.buffer.write(me).await;
    drop(held);
    let buffer = socket.buffer.read().await;
    assert_eq!(socket.freed[buffer as usize].swap(1).await, 0, "a double free");
}

impl Body for NetlinkDump {
    async fn run<W: World>(self, world: W) {
        let socket = Rc::new(Socket::<W> {
            lock: world.lock("lock"),
            buffer: world.cell("buffer", 0),
            freed: [world.cell("freed0", 0), world.cell("freed1", 0)],
        });
        let mut tasks = Tasks::new(&world);
        for n in 0..2 {
            tasks.spawn(&format!("dump{n}"), dump(Rc::clone(&socket), n)).await;
        }
        tasks.join().await;
    }
}
