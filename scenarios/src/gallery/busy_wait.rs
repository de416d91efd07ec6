//! Tutorial 005, tip 2: waiting in a busy loop.

use std::cell::Cell;
use std::rc::Rc;

use sim::sync::Event;

use crate::scenario::{Ends, Moment, Random, Scenario, Variant, broken, ms};

pub(super) const SCENARIO: Scenario = Scenario {
    id: "busy-wait",
    title: "Busy-waiting",
    tutorial: "005 Sleep, tip 2",
    teaches: "A loop of `sleep(0)` burns the processor; an event wakes its waiter once.",
    claim: Some("Instead, use `asyncio.sleep()` to yield control back to the event loop."),
    why: "With `sleep(0)` the waiter is ready at every moment, so the loop never sleeps: on a clock \
          that moves only when nothing is ready, it turns for ever. Sleeping longer sees the end up \
          to one sleep late. An event needs neither.",
    variants: &[
        Variant {
            name: "bad",
            shows: "sleep(0) turns in a circle: a livelock",
            program: || Box::pin(bad()),
            output: &[],
            ends: Ends::Fails { rule: "SIM005", says: "" },
            random: Random::Same,
        },
        Variant {
            name: "sleep",
            shows: "sleep(0.1): set at 0.95s, seen at 1s",
            program: || Box::pin(sleep()),
            output: &["0.95s set", "1s seen"],
            ends: broken("seen 0.05s late"),
            random: Random::Same,
        },
        Variant {
            name: "fixed",
            shows: "an Event: set and seen at 0.95s",
            program: || Box::pin(fixed()),
            output: &["0.95s set", "0.95s seen"],
            ends: Ends::Passes,
            random: Random::Same,
        },
    ],
};

fn setter(flag: Rc<Cell<bool>>, event: Rc<Event>) {
    drop(
        sim::spawn(async move {
            sim::sleep(ms(950)).await;
            sim::println!("set");
            flag.set(true);
            event.set();
        })
        .named("setter"),
    );
}

fn seen() {
    sim::println!("seen");
    let late = sim::now() - ms(950);
    assert!(late.is_zero(), "seen {} late", Moment(late));
}

async fn bad() {
    let flag = Rc::new(Cell::new(false));
    setter(flag.clone(), Rc::new(Event::new()));
    while !flag.get() {
        sim::yield_now().await;
    }
    seen();
}

async fn sleep() {
    let flag = Rc::new(Cell::new(false));
    setter(flag.clone(), Rc::new(Event::new()));
    while !flag.get() {
        sim::sleep(ms(100)).await;
    }
    seen();
}

async fn fixed() {
    let event = Rc::new(Event::new().named("done"));
    setter(Rc::new(Cell::new(false)), event.clone());
    event.wait().await;
    seen();
}
