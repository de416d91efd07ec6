use std::rc::Rc;

use super::super::Barrier;
use super::{Log, SayOnDrop, passes};
use crate::{spawn, yield_now};

async fn waits(log: Log, barrier: Rc<Barrier>, name: &'static str, dropped: &'static str) {
    let alarm = SayOnDrop(log.clone(), dropped);
    let waited = barrier.wait().await;
    alarm.keep();
    match waited {
        Ok(result) => log.say(format!("{name}{}", result.index())),
        Err(_) => log.say(format!("{name} broken")),
    }
}

#[test]
fn b01_the_last_to_arrive_goes_on_first() {
    let said = passes(|log| async move {
        let barrier = Rc::new(Barrier::new(3));
        for name in ["A", "B", "C"] {
            drop(spawn(waits(log.clone(), Rc::clone(&barrier), name, "")));
        }
    });
    assert_eq!(said, ["2:C2", "3:A0", "3:B1"]);
}

#[test]
fn b01_late_arrivals_wait_for_the_round_before_to_leave() {
    let said = passes(|log| async move {
        let barrier = Rc::new(Barrier::new(2));
        for name in ["A", "B", "C", "D"] {
            drop(spawn(waits(log.clone(), Rc::clone(&barrier), name, "")));
        }
    });
    assert_eq!(said, ["2:B1", "3:A0", "4:D1", "5:C0"]);
}

#[test]
fn b01_a_cancelled_waiter_leaves_a_reset_breaks_a_round_and_an_abort_all() {
    for abort in [false, true] {
        let said = passes(move |log| async move {
            let barrier = Rc::new(Barrier::new(2));
            let wait =
                |name, dropped| spawn(waits(log.clone(), Rc::clone(&barrier), name, dropped));
            let a = wait("A", "A cancelled");
            yield_now().await;
            if abort {
                a.abort();
            } else {
                a.cancel();
            }
            drop(wait("B", ""));
            yield_now().await;
            yield_now().await;
            log.say(format!("waiting {}", barrier.n_waiting()));
            barrier.reset().await;
            log.say("reset");
            yield_now().await;
            yield_now().await;
            drop((wait("C", ""), wait("D", "")));
            yield_now().await;
            yield_now().await;
            drop(wait("E", ""));
            yield_now().await;
            barrier.abort().await;
            log.say("abort");
            assert!(barrier.is_broken());
            drop(wait("F", ""));
        });
        assert_eq!(
            said,
            [
                "3:A cancelled",
                "4:waiting 1",
                "4:reset",
                "5:B broken",
                "7:D1",
                "8:C0",
                "9:abort",
                "10:E broken",
                "10:F broken"
            ]
        );
    }
}
