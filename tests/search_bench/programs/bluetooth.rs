//! `bluetooth`: SCTBench, `concurrent-software-benchmarks/bluetooth_driver_bad.c`.
//!
//! A driver is stopped once nobody uses it any more. The bug: a request looks at the flag before
//! it counts itself in, and the driver is stopped between the two.

use std::rc::Rc;

use crate::world::{Body, Cell, Tasks, World};

#[derive(Clone, Copy)]
pub(crate) struct Bluetooth;

struct Driver<W: World> {
    pending: W::Cell,
    stopping: W::Cell,
    event: W::Cell,
    stopped: W::Cell,
}

async fn leave<W: World>(driver: &Driver<W>) {
    if driver.pending.add(-1).await == 1 {
        driver.event.write(1).await;
    }
}

async fn stop<W: World>(driver: Rc<Driver<W>>) {
    driver.stopping.write(1).await;
    leave(&driver).await;
    if driver.event.read().await == 1 {
        driver.stopped.write(1).await;
    }
}

async fn request<W: World>(driver: Rc<Driver<W>>) {
    if driver.stopping.read().await == 0 {
        driver.pending.add(1).await;
        assert_eq!(driver.stopped.read().await, 0, "the driver was stopped while in use");
    }
    leave(&driver).await;
}

impl Body for Bluetooth {
    async fn run<W: World>(self, world: W) {
        let driver = Rc::new(Driver::<W> {
            pending: world.cell("pending", 1),
            stopping: world.cell("stopping", 0),
            event: world.cell("event", 0),
            stopped: world.cell("stopped", 0),
        });
        let mut tasks = Tasks::new(&world);
        tasks.spawn("stop", stop(Rc::clone(&driver))).await;
        tasks.spawn("request", request(Rc::clone(&driver))).await;
        tasks.join().await;
    }
}
