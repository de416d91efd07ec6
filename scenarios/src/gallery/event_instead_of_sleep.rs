//! Tutorial 005, tip 5: a sleep that is to be long enough, and an event in its place.

use std::cell::Cell;
use std::rc::Rc;

use sim::sync::Event;

use crate::scenario::{Ends, Random, Scenario, Variant, broken, ms};

pub(super) const SCENARIO: Scenario = Scenario {
    id: "event-instead-of-sleep",
    title: "An event instead of a sleep",
    tutorial: "005 Sleep, tip 5",
    teaches: "A sleep \"until it is ready\" is a guess; an event knows.",
    claim: None,
    why: "The client sleeps for as long as the server usually takes. When it takes a millisecond \
          longer the client is too early, and when both end at one instant, the order of two timers \
          decides. Waiting for the event is right however long it takes.",
    variants: &[
        Variant {
            name: "bad",
            shows: "sleep(0.1), ready at 0.101s: too early",
            program: || Box::pin(guess(101)),
            output: &["0.1s connect"],
            ends: broken("connection refused"),
            random: Random::Same,
        },
        Variant {
            name: "tie",
            shows: "ready at 0.1s: right in fifo, not always",
            program: || Box::pin(guess(100)),
            output: &["0.1s ready", "0.1s connect"],
            ends: Ends::Passes,
            random: Random::Either { fails: broken("connection refused"), seed: 1 },
        },
        Variant {
            name: "fixed",
            shows: "an Event: connects when it is ready",
            program: || Box::pin(event(101)),
            output: &["0.101s ready", "0.101s connect"],
            ends: Ends::Passes,
            random: Random::Same,
        },
    ],
};

#[derive(Default)]
struct Server {
    ready: Cell<bool>,
    started: Event,
}

impl Server {
    fn start(takes_ms: u64) -> Rc<Self> {
        let server = Rc::new(Self::default());
        let starting = server.clone();
        drop(
            sim::spawn(async move {
                sim::sleep(ms(takes_ms)).await;
                sim::println!("ready");
                starting.ready.set(true);
                starting.started.set();
            })
            .named("server"),
        );
        server
    }

    fn connect(&self) {
        sim::println!("connect");
        assert!(self.ready.get(), "connection refused");
    }
}

async fn guess(takes_ms: u64) {
    let server = Server::start(takes_ms);
    let client = sim::spawn(async move {
        sim::sleep(ms(100)).await;
        server.connect();
    });
    client.named("client").await.unwrap();
}

async fn event(takes_ms: u64) {
    let server = Server::start(takes_ms);
    let client = sim::spawn(async move {
        server.started.wait().await;
        server.connect();
    });
    client.named("client").await.unwrap();
}
