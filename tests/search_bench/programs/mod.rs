//! The benchmark's programs, each written once.

mod account;
mod bluetooth;
mod bounded_buffer;
mod carter;
mod circular_buffer;
mod cve_2009_3547;
mod cve_2013_1792;
mod cve_2015_7550;
mod cve_2016_1972;
mod cve_2016_1973;
mod cve_2016_7911;
mod cve_2016_9806;
mod cve_2017_15265;
mod cve_2017_6346;
mod deadlock;
mod lazy;
mod noise;
mod queue;
mod reorder;
mod safe_stack;
mod stack;
mod string_buffer;
mod token_ring;
mod twostage;
mod uneven;
mod work_steal_queue;
mod wronglock;

use core::future::Future;
use core::pin::Pin;
use std::sync::Arc;

#[cfg(feature = "peers")]
use crate::shuttle_worlds::{Native, Yielding};
use crate::sim_worlds::{Plain, Tracked};
use crate::world::Body;

type Run = Pin<Box<dyn Future<Output = ()>>>;

/// A program under its name in the published tables.
#[derive(Clone)]
pub(crate) struct Program {
    pub(crate) name: &'static str,
    body: Arc<dyn AnyBody>,
}

trait AnyBody: Send + Sync {
    fn tracked(&self, world: Tracked) -> Run;
    fn plain(&self, world: Plain) -> Run;
    #[cfg(feature = "peers")]
    fn shuttle(&self, world: Native) -> Run;
    #[cfg(feature = "peers")]
    fn shuttle_plain(&self, world: Yielding) -> Run;
}

impl<B: Body> AnyBody for B {
    fn tracked(&self, world: Tracked) -> Run {
        Box::pin(self.run(world))
    }

    fn plain(&self, world: Plain) -> Run {
        Box::pin(self.run(world))
    }

    #[cfg(feature = "peers")]
    fn shuttle(&self, world: Native) -> Run {
        Box::pin(self.run(world))
    }

    #[cfg(feature = "peers")]
    fn shuttle_plain(&self, world: Yielding) -> Run {
        Box::pin(self.run(world))
    }
}

impl Program {
    fn new(name: &'static str, body: impl Body) -> Self {
        Self { name, body: Arc::new(body) }
    }

    pub(crate) fn tracked(&self, world: Tracked) -> Run {
        self.body.tracked(world)
    }

    pub(crate) fn plain(&self, world: Plain) -> Run {
        self.body.plain(world)
    }

    #[cfg(feature = "peers")]
    pub(crate) fn shuttle(&self, world: Native) -> Run {
        self.body.shuttle(world)
    }

    #[cfg(feature = "peers")]
    pub(crate) fn shuttle_plain(&self, world: Yielding) -> Run {
        self.body.shuttle_plain(world)
    }
}

/// Every program, in the order of the published table, and `SafeStack`.
#[rustfmt::skip] // A table.
pub(crate) fn all() -> Vec<Program> {
    let reorder = |setters, checkers| reorder::Reorder { setters, checkers };
    let twostage = |writers, readers| twostage::TwoStage { writers, readers };
    let queue = |thieves, interlocked, pushes_first| {
        work_steal_queue::WorkStealQueue { thieves, interlocked, pushes_first }
    };
    vec![
        Program::new("reorder_3", reorder(2, 1)),
        Program::new("reorder_4", reorder(3, 1)),
        Program::new("reorder_5", reorder(4, 1)),
        Program::new("reorder_10", reorder(9, 1)),
        Program::new("reorder_20", reorder(10, 10)),
        Program::new("reorder_50", reorder(40, 10)),
        Program::new("reorder_100", reorder(99, 1)),
        Program::new("twostage", twostage(1, 1)),
        Program::new("twostage_20", twostage(10, 10)),
        Program::new("twostage_50", twostage(40, 10)),
        Program::new("twostage_100", twostage(99, 1)),
        Program::new("wronglock_3", wronglock::WrongLock { others: 3 }),
        Program::new("wronglock", wronglock::WrongLock { others: 7 }),
        Program::new("account", account::Account),
        Program::new("bluetooth", bluetooth::Bluetooth),
        Program::new("carter01", carter::Carter),
        Program::new("token_ring", token_ring::TokenRing),
        Program::new("lazy01", lazy::Lazy),
        Program::new("deadlock01", deadlock::Deadlock),
        Program::new("stack", stack::Stack),
        Program::new("queue", queue::Queue),
        Program::new("circular_buffer", circular_buffer::CircularBuffer),
        Program::new("boundedBuffer", bounded_buffer::BoundedBuffer),
        Program::new("stringbuffer", string_buffer::StringBuffer),
        Program::new("WSQ", queue(1, false, false)),
        Program::new("IWSQ", queue(1, true, false)),
        Program::new("IWSQ_state", queue(2, true, false)),
        Program::new("StateWSQ", queue(2, true, true)),
        Program::new("CVE-2009-3547", cve_2009_3547::PipeOpen),
        Program::new("CVE-2013-1792", cve_2013_1792::UserKeyrings),
        Program::new("CVE-2015-7550", cve_2015_7550::KeyRead),
        Program::new("CVE-2016-1972", cve_2016_1972::Once),
        Program::new("CVE-2016-1973", cve_2016_1973::StaticInstance),
        Program::new("CVE-2016-7911", cve_2016_7911::IoPriority),
        Program::new("CVE-2016-9806", cve_2016_9806::NetlinkDump),
        Program::new("CVE-2017-6346", cve_2017_6346::FanoutAdd),
        Program::new("CVE-2017-15265", cve_2017_15265::CreatePort),
        Program::new("uneven_25", uneven::Uneven { writes: 25 }),
        Program::new("noise_8x20", noise::Noise { noisy: 8, updates: 20 }),
        Program::new("SafeStack", safe_stack::SafeStack),
    ]
}
