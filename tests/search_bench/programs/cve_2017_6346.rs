//! `CVE-2017-6346`: PERIOD, `ConVul-CVE-Benchmarks`. Linux, `net/packet/af_packet.c`.
//!
//! The bug: a field of a socket is set, used and freed outside the lock, by two tasks.

use std::rc::Rc;

use crate::world::{Body, Cell, Lock, Tasks, World};

#[derive(Clone, Copy)]
pub(crate) struct FanoutAdd;

struct Socket<W: World> {
    lock: W::Lock,
    /// Whose, or 0.
    rollover: W::Cell,
    /// By owner; nobody has number 0.
    freed: [W::Cell; 3],
}

async fn fanout_add<W: World>(socket: Rc<Socket<W>>, me: i64) {
    socket.rollover.write(me).await;
    let rollover = socket.rollover.read().await;
    assert_ne!(rollover, 0, "a null rollover");
    assert_eq!(socket.freed[rollover as usize].read().await, 0, "a freed rollover");
    drop(socket.lock.lock().await);
    let rollover = socket.rollover.read().await;
    if rollover != 0 {
        assert_eq!(socket.freed[rollover as usize].swap(1).await, 0, "a double free");
    }
    socket.rollover.write(0).await;
}

impl Body for FanoutAdd {
    async fn run<W: World>(self, world: W) {
        let socket = Rc::new(Socket::<W> {
            lock: world.lock("lock"),
            rollover: world.cell("rollover", 0),
            freed: core::array::from_fn(|n| world.cell(&format!("freed{n}"), 0)),
        });
        let mut tasks = Tasks::new(&world);
        for n in 1..=2 {
            tasks.spawn(&format!("add{n}"), fanout_add(Rc::clone(&socket), n)).await;
        }
        tasks.join().await;
    }
}
