//! Tutorial 004, tip 2: at most so many at a time.

use std::cell::Cell;
use std::rc::Rc;

use sim::sync::Semaphore;

use crate::scenario::{Ends, Random, Scenario, Variant, broken, s};

pub(super) const SCENARIO: Scenario = Scenario {
    id: "limited-concurrency",
    title: "At most two at a time",
    tutorial: "004 Gather, tip 2",
    teaches: "`gather` starts everything at once; a semaphore lets in two at a time.",
    claim: None,
    why: "Each task waits for one of two permits, and the permits are handed on in the order of the \
          asking: 0 and 1 begin at 0s, 2 and 3 at 1s, 4 at 2s.",
    variants: &[
        Variant {
            name: "bad",
            shows: "all five at 0s",
            program: || Box::pin(bad()),
            output: &[
                "0s start 0",
                "0s start 1",
                "0s start 2",
                "0s start 3",
                "0s start 4",
                "1s end",
            ],
            ends: broken("5 at a time"),
            random: Random::SameEnd,
        },
        Variant {
            name: "fixed",
            shows: "two at 0s, two at 1s, one at 2s",
            program: || Box::pin(fixed()),
            output: &[
                "0s start 0",
                "0s start 1",
                "1s start 2",
                "1s start 3",
                "2s start 4",
                "3s end",
            ],
            ends: Ends::Passes,
            random: Random::SameEnd,
        },
        Variant {
            name: "limit",
            shows: "gather(..).limit(2) does the same",
            program: || Box::pin(limit()),
            output: &[
                "0s start 0",
                "0s start 1",
                "1s start 2",
                "1s start 3",
                "2s start 4",
                "3s end",
            ],
            ends: Ends::Passes,
            random: Random::SameEnd,
        },
    ],
};

/// How many fetches are under way, and the most that ever were.
#[derive(Clone, Default)]
struct Load(Rc<Cell<(u32, u32)>>);

impl Load {
    fn begin(&self) {
        let (now, most) = self.0.get();
        self.0.set((now + 1, most.max(now + 1)));
    }

    fn end(&self) {
        let (now, most) = self.0.get();
        self.0.set((now - 1, most));
    }

    fn check(&self) {
        sim::println!("end");
        let (_, most) = self.0.get();
        assert!(most <= 2, "{most} at a time");
    }
}

async fn fetch(id: u32, load: Load) {
    load.begin();
    sim::println!("start {id}");
    sim::sleep(s(1)).await;
    load.end();
}

async fn bad() {
    let load = Load::default();
    let fetches = (0..5).map(|id| fetch(id, load.clone()));
    sim::gather_values(fetches).await.unwrap();
    load.check();
}

async fn fixed() {
    let load = Load::default();
    let two = Rc::new(Semaphore::new(2).named("two"));
    let fetches = (0..5).map(|id| {
        let (two, load) = (two.clone(), load.clone());
        async move {
            let _permit = two.acquire().await;
            fetch(id, load).await;
        }
    });
    sim::gather_values(fetches).await.unwrap();
    load.check();
}

async fn limit() {
    let load = Load::default();
    let fetches = (0..5).map(|id| fetch(id, load.clone()));
    sim::gather_values(fetches).limit(2).await.unwrap();
    load.check();
}
