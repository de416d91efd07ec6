//! test_timeouts.

use std::time::Duration;

use sim::{busy, catch_cancel, note, now, sleep, spawn, timeout, timeout_at, yield_now};

use super::{anywhere, cancel_me, cancelling, forever, millis, raises, secs};

super::covered![
    nested_timeouts,
    nested_timeouts_concurrent,
    nested_timeouts_loop_busy,
    timeout_zero_sleep_zero,
    foreign_cancel_doesnt_timeout_if_not_expired,
    cancel_in_timeout_after_cancellation,
];

#[test]
fn nested_timeouts() {
    anywhere(
        || async {
            let deadline = now() + secs(1);
            let outer = timeout_at(deadline, async {
                let inner = catch_cancel(timeout_at(deadline, sleep(secs(10)))).await;
                // The inner one has expired too, but the request is the outer one's.
                match inner {
                    Ok(_) => note!("the inner one gave a result"),
                    Err(cancelled) => {
                        note!("cancelled between the two");
                        cancelled.resume().await;
                    }
                }
            })
            .await;
            note!("outer elapsed {}", outer.is_err());
            note!("cancelling {}", cancelling());
        },
        &["1 cancelled between the two", "1 outer elapsed true", "1 cancelling 0"],
    );
}

#[test]
fn nested_timeouts_concurrent() {
    anywhere(
        || async {
            let outer = timeout(millis(2), async {
                let inner = timeout(millis(100), async {
                    busy(millis(10));
                    sleep(secs(1)).await;
                    note!("slept");
                })
                .await;
                note!("inner ended: {}", inner.is_err());
            })
            .await;
            note!("outer elapsed {}", outer.is_err());
            note!("cancelling {}", cancelling());
        },
        &["0.01 outer elapsed true", "0.01 cancelling 0"],
    );
}

#[test]
fn nested_timeouts_loop_busy() {
    let program = |work: u64| {
        move || async move {
            let outer = timeout(millis(100), async {
                let inner = timeout(millis(10), async {
                    busy(millis(work));
                    sleep(secs(1)).await;
                    note!("slept");
                })
                .await;
                note!("inner elapsed {}", inner.is_err());
                sleep(secs(10)).await;
                note!("slept on");
            })
            .await;
            note!("outer elapsed {}, cancelling {}", outer.is_err(), cancelling());
        }
    };
    // The inner one is overdue: it raises, and the outer one interrupts what comes after it.
    anywhere(program(50), &["0.05 inner elapsed true", "0.1 outer elapsed true, cancelling 0"]);
    // Both are overdue: two requests in one pass, and only the outer one may count its own. That
    // is CPython too: its test passes either way.
    anywhere(program(100), &["0.1 outer elapsed true, cancelling 0"]);
    anywhere(program(120), &["0.12 outer elapsed true, cancelling 0"]);
}

#[test]
fn timeout_zero_sleep_zero() {
    anywhere(
        || async {
            let result = timeout(Duration::ZERO, async {
                note!("begins");
                yield_now().await;
                note!("goes on");
            })
            .await;
            note!("elapsed {}", result.is_err());
        },
        &["0 begins", "0 elapsed true"],
    );
}

#[test]
fn foreign_cancel_doesnt_timeout_if_not_expired() {
    anywhere(
        || async {
            let task = spawn(async {
                let result = timeout(secs(10), async {
                    cancel_me();
                    sleep(secs(10)).await;
                })
                .await;
                note!("elapsed {}", result.is_err());
            });
            note!("cancelled {}", task.await.unwrap_err().is_cancelled());
        },
        &["0 cancelled true"],
    );
}

#[test]
fn cancel_in_timeout_after_cancellation() {
    anywhere(
        || async {
            let task = spawn(async {
                cancel_me();
                note!("first raised {}", raises(sleep(secs(1))).await);
                // Swallowed and never taken back: the count is 1 when the block is entered.
                let second = raises(timeout(secs(1), async {
                    cancel_me();
                    forever().await;
                }));
                note!("second raised {}", second.await);
                note!("cancelling {}", cancelling());
            });
            task.await.unwrap();
        },
        &["0 first raised true", "0 second raised true", "0 cancelling 2"],
    );
}
