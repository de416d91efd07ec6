//! Tutorial 003, tip 3: catching the cancellation, and letting it go on.

use sim::catch_cancel;

use crate::scenario::{Ends, Random, Scenario, Variant, broken, ms, s};

pub(super) const SCENARIO: Scenario = Scenario {
    id: "swallowed-cancel",
    title: "A swallowed cancellation",
    tutorial: "003 Important!, tip 3",
    teaches: "Whoever catches a cancellation has to let it go on, or it is lost.",
    claim: Some("Always wrap your tasks in a try-except block to catch `asyncio.CancelledError`."),
    why: "The request raises once. Caught and not raised again, it is over: the loop goes on, the \
          task ends as if nobody had asked, and whoever cancelled it waits in vain.",
    variants: &[
        Variant {
            name: "bad",
            shows: "caught: the task works on to the end",
            program: || Box::pin(bad()),
            output: &[
                "1s step 0",
                "2s step 1",
                "2.5s cleaning up",
                "3.5s step 3",
                "4.5s step 4",
                "4.5s cancelled() = false",
            ],
            ends: broken("the task was not cancelled"),
            random: Random::Same,
        },
        Variant {
            name: "fixed",
            shows: "raised again: the task is cancelled at 2.5s",
            program: || Box::pin(fixed()),
            output: &["1s step 0", "2s step 1", "2.5s cleaning up", "2.5s cancelled() = true"],
            ends: Ends::Passes,
            random: Random::Same,
        },
    ],
};

async fn cancel(work: impl Future<Output = ()> + 'static) {
    let task = sim::spawn(work).named("worker");
    sim::sleep(ms(2_500)).await;
    task.cancel();
    let cancelled = task.await.is_err_and(|error| error.is_cancelled());
    sim::println!("cancelled() = {cancelled}");
    assert!(cancelled, "the task was not cancelled");
}

async fn bad() {
    cancel(async {
        for step in 0..5 {
            match catch_cancel(sim::sleep(s(1))).await {
                Ok(()) => sim::println!("step {step}"),
                Err(_swallowed) => sim::println!("cleaning up"),
            }
        }
    })
    .await;
}

async fn fixed() {
    cancel(async {
        for step in 0..5 {
            match catch_cancel(sim::sleep(s(1))).await {
                Ok(()) => sim::println!("step {step}"),
                Err(cancelled) => {
                    sim::println!("cleaning up");
                    cancelled.resume().await;
                }
            }
        }
    })
    .await;
}
