use core::time::Duration;

use futures::FutureExt;
use futures::future::{self, Either};

use super::*;
use crate::{Sim, busy, now, sleep, timeout};

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// The instants of the ticks, with one of them taken late.
fn ticks_after_a_delay(behavior: MissedTickBehavior, late: Duration) -> Vec<u128> {
    Sim::new()
        .run(move || async move {
            let mut interval = interval(ms(50));
            interval.set_missed_tick_behavior(behavior);
            let mut taken = Vec::new();
            for round in 0..6 {
                if round == 2 {
                    busy(late);
                }
                interval.tick().await;
                taken.push(now().as_millis());
            }
            taken
        })
        .unwrap()
        .into_value()
}

#[test]
fn missed_ticks_burst_are_delayed_or_are_skipped() {
    use MissedTickBehavior::{Burst, Delay, Skip};
    assert_eq!(ticks_after_a_delay(Burst, ms(170)), [0, 50, 220, 220, 220, 250]);
    assert_eq!(ticks_after_a_delay(Delay, ms(170)), [0, 50, 220, 270, 320, 370]);
    assert_eq!(ticks_after_a_delay(Skip, ms(170)), [0, 50, 220, 250, 300, 350]);
    // Up to 5 ms are no delay.
    assert_eq!(ticks_after_a_delay(Delay, ms(55)), [0, 50, 105, 150, 200, 250]);
    assert_eq!(ticks_after_a_delay(Delay, ms(56)), [0, 50, 106, 156, 206, 256]);
}

#[test]
fn a_tick_gives_the_instant_at_which_it_was_due() {
    Sim::new()
        .run(|| async {
            let mut interval = interval_at(ms(100), ms(50));
            busy(ms(170));
            assert_eq!(interval.tick().await, ms(100));
            assert_eq!(interval.tick().await, ms(150));
            assert_eq!(interval.tick().await, ms(200));
            assert_eq!((now(), interval.period()), (ms(200), ms(50)));
        })
        .unwrap();
}

#[test]
fn a_dropped_tick_takes_none_and_leaves_no_timer() {
    Sim::new()
        .run(|| async {
            let mut interval = interval(ms(100));
            interval.tick().await;
            assert!(timeout(ms(30), interval.tick()).await.is_err());
            {
                let tick = core::pin::pin!(interval.tick());
                let other = core::pin::pin!(sleep(ms(30)));
                assert!(matches!(future::select(tick, other).await, Either::Right(_)));
            }
            assert_eq!(interval.tick().await, ms(100));
            assert!(interval.tick().now_or_never().is_none());
            drop(interval);
            sleep(ms(1)).await;
            assert_eq!(now(), ms(101));
        })
        .unwrap();
}

#[test]
fn a_kept_tick_goes_on_after_a_timeout() {
    Sim::new()
        .run(|| async {
            let mut interval = interval(ms(100));
            interval.tick().await;
            let mut tick = interval.tick();
            assert!(timeout(ms(30), &mut tick).await.is_err());
            assert_eq!(tick.await, ms(100));
            assert_eq!(now(), ms(100));
        })
        .unwrap();
}

#[test]
fn resetting_starts_anew() {
    Sim::new()
        .run(|| async {
            let mut interval = interval(ms(100));
            interval.tick().await;
            sleep(ms(30)).await;
            interval.reset();
            assert_eq!(interval.tick().await, ms(130));
            interval.reset_immediately();
            assert_eq!(interval.tick().await, ms(130));
            interval.reset_after(ms(7));
            assert_eq!(interval.tick().await, ms(137));
            interval.reset_at(ms(500));
            assert_eq!(interval.tick().await, ms(500));
            assert_eq!(interval.tick().await, ms(600));
        })
        .unwrap();
}

#[test]
#[should_panic(expected = "period must not be zero")]
fn a_period_of_zero_panics() {
    let _ = interval_at(ms(1), Duration::ZERO);
}
