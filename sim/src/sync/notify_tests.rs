use core::pin::pin;
use core::time::Duration;

use futures::FutureExt;
use futures::future;

use super::*;
use crate::{JoinHandle, Sim, note, spawn, timeout, yield_now};

const SECOND: Duration = Duration::from_secs(1);

fn waiter(notify: &Arc<Notify>, name: &'static str) -> JoinHandle<()> {
    let notify = Arc::clone(notify);
    spawn(async move {
        notify.notified().await;
        note!("{name}");
    })
    .named(name)
}

#[test]
fn one_permit_is_kept_and_not_two() {
    Sim::new()
        .run(|| async {
            let notify = Notify::new();
            notify.notify_one();
            notify.notify_one();
            notify.notified().await;
            assert!(timeout(SECOND, notify.notified()).await.is_err());
        })
        .unwrap();
}

#[test]
fn the_oldest_waiter_is_notified_or_the_newest_where_asked_for() {
    let outcome = Sim::new()
        .run(|| async {
            let notify = Arc::new(Notify::new());
            let waiters = ["a", "b", "c", "d"].map(|name| waiter(&notify, name));
            yield_now().await;
            notify.notify_one();
            notify.notify_last();
            yield_now().await;
            notify.notify_waiters();
            for waiter in waiters {
                waiter.await.unwrap();
            }
        })
        .unwrap();
    outcome.trace().assert_order(["a", "d", "b", "c"]);
}

#[test]
fn a_notification_given_to_a_dropped_waiter_goes_on_to_the_next() {
    for abort in [true, false] {
        Sim::new()
            .run(move || async move {
                let notify = Arc::new(Notify::new());
                let (first, second) = (waiter(&notify, "a"), waiter(&notify, "b"));
                yield_now().await;
                notify.notify_one();
                if abort {
                    first.abort();
                } else {
                    first.cancel();
                }
                assert!(first.await.unwrap_err().is_cancelled());
                timeout(SECOND, second).await.unwrap().unwrap();
            })
            .unwrap();
    }
}

#[test]
fn a_waiter_cancelled_before_is_passed_over() {
    Sim::new()
        .run(|| async {
            let notify = Arc::new(Notify::new());
            let (first, second) = (waiter(&notify, "a"), waiter(&notify, "b"));
            yield_now().await;
            first.cancel();
            notify.notify_one();
            timeout(SECOND, second).await.unwrap().unwrap();
            assert!(first.await.unwrap_err().is_cancelled());

            // Alone, it leaves the notification to whoever comes next.
            let alone = waiter(&notify, "c");
            yield_now().await;
            alone.cancel();
            notify.notify_one();
            assert!(alone.await.unwrap_err().is_cancelled());
            assert!(notify.notified().now_or_never().is_some());
        })
        .unwrap();
}

#[test]
fn a_notification_to_all_is_not_passed_on() {
    Sim::new()
        .run(|| async {
            let notify = Notify::new();
            let mut first = pin!(Some(notify.notified()));
            first.as_mut().as_pin_mut().unwrap().enable();
            notify.notify_waiters();
            first.set(None);
            assert!(notify.notified().now_or_never().is_none());
        })
        .unwrap();
}

#[test]
fn enabled_waiters_stand_in_the_queue_before_they_are_polled() {
    let notify = Notify::new();
    let mut first = pin!(notify.notified());
    let mut second = pin!(notify.notified());
    let unpolled = notify.notified();
    assert!(!first.as_mut().enable());
    assert!(!second.as_mut().enable());
    notify.notify_one();
    assert!(!second.as_mut().enable());
    assert!(first.as_mut().enable());
    assert!(first.now_or_never().is_some());
    drop(unpolled);
    notify.notify_one();
    assert!(second.now_or_never().is_some());
}

#[test]
fn a_future_made_before_notify_waiters_hears_it_and_leaves_the_permit() {
    let notify = Notify::new();
    let before = notify.notified();
    notify.notify_waiters();
    let after = notify.notified();
    notify.notify_one();
    assert!(before.now_or_never().is_some());
    assert!(after.now_or_never().is_some());
    assert!(!pin!(notify.notified()).enable());
}

#[test]
fn a_kept_waiter_goes_on_after_a_timeout_and_keeps_its_place() {
    Sim::new()
        .run(|| async {
            let notify = Arc::new(Notify::new());
            let mut first = pin!(notify.notified());
            assert!(timeout(SECOND, first.as_mut()).await.is_err());
            let second = waiter(&notify, "b");
            yield_now().await;
            let (both, ()) = future::join(timeout(SECOND, first.as_mut()), async {
                yield_now().await;
                notify.notify_one();
            })
            .await;
            both.unwrap();
            assert!(!second.is_finished());
            notify.notify_one();
            second.await.unwrap();
        })
        .unwrap();
}

#[test]
fn works_inside_combinators() {
    Sim::new()
        .run(|| async {
            let notify = Arc::new(Notify::new());
            let all = future::join_all((0..10).map(|_| Arc::clone(&notify).notified_owned()));
            let (_, ()) = future::join(all, async {
                for _ in 0..10 {
                    yield_now().await;
                    notify.notify_one();
                }
            })
            .await;
        })
        .unwrap();
}

#[test]
fn everything_is_send() {
    fn is_send<T: Send>(_: &T) {}
    let notify = Arc::new(Notify::new());
    is_send(&notify.notified());
    is_send(&notify.clone().notified_owned());
    is_send(&notify);
}
