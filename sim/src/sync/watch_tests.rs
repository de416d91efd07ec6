use core::time::Duration;
use std::panic::{AssertUnwindSafe, catch_unwind};

use futures::future;

use super::*;
use crate::{Sim, now, sleep, spawn, timeout, yield_now};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn every_receiver_sees_that_the_value_changed() {
    Sim::new()
        .run(|| async {
            let (sender, receiver) = channel(0);
            let watchers: Vec<_> = (0..3)
                .map(|_| {
                    let mut receiver = receiver.clone();
                    spawn(async move {
                        let mut seen = Vec::new();
                        while receiver.changed().await.is_ok() {
                            seen.push(*receiver.borrow());
                        }
                        seen
                    })
                })
                .collect();
            yield_now().await;
            sender.send(1).unwrap();
            sender.send(2).unwrap(); // overwrites
            yield_now().await;
            sender.send(3).unwrap();
            drop(sender); // the last value is seen all the same
            for watcher in watchers {
                assert_eq!(watcher.await.unwrap(), [2, 3]);
            }
        })
        .unwrap();
}

#[test]
fn a_dropped_changed_loses_no_change() {
    Sim::new()
        .run(|| async {
            let (sender, mut receiver) = channel(0);
            assert!(timeout(SECOND, receiver.changed()).await.is_err());
            let task = spawn(async move {
                let _ = crate::catch_cancel(receiver.changed()).await;
                receiver
            });
            yield_now().await;
            sender.send(1).unwrap();
            task.cancel();
            let mut receiver = task.await.unwrap();
            assert_eq!(receiver.has_changed(), Ok(true));
            receiver.changed().await.unwrap();
            assert_eq!(receiver.has_changed(), Ok(false));
        })
        .unwrap();
}

#[test]
fn versions_follow_what_was_seen() {
    let (sender, mut receiver) = channel(0);
    assert_eq!(receiver.has_changed(), Ok(false));
    sender.send(0).unwrap(); // equal, and yet a change
    assert_eq!(receiver.has_changed(), Ok(true));
    assert!(receiver.borrow().has_changed());
    assert!(receiver.borrow_and_update().has_changed());
    assert!(!receiver.borrow().has_changed());
    assert!(!sender.borrow().has_changed());
    receiver.mark_changed();
    assert_eq!(receiver.has_changed(), Ok(true));
    receiver.mark_unchanged();
    assert!(!sender.send_if_modified(|_| false));
    assert_eq!(receiver.has_changed(), Ok(false));
    assert_eq!(sender.send_replace(5), 0);
    assert_eq!(*receiver.borrow(), 5);
    let other = sender.subscribe();
    assert_eq!(other.has_changed(), Ok(false));
    assert_eq!(sender.receiver_count(), 2);
    drop(sender);
    assert!(receiver.has_changed().is_err());
    assert!(receiver.borrow().has_changed());
}

#[test]
fn without_receivers_only_send_fails() {
    Sim::new()
        .run(|| async {
            let (sender, receiver) = channel(0);
            let closed = future::join(sender.closed(), async {
                yield_now().await;
                drop(receiver);
            });
            closed.await;
            assert!(sender.is_closed());
            assert_eq!(sender.send(1), Err(SendError(1)));
            assert_eq!(*sender.borrow(), 0);
            sender.send_modify(|value| *value += 2);
            assert_eq!(*sender.subscribe().borrow(), 2);
        })
        .unwrap();
}

#[test]
fn wait_for_looks_at_the_present_value_and_at_the_last() {
    Sim::new()
        .run(|| async {
            let (sender, mut receiver) = channel(1);
            assert_eq!(*receiver.wait_for(|value| *value == 1).await.unwrap(), 1);
            drop(spawn(async move {
                for value in 2..5 {
                    sleep(SECOND).await;
                    sender.send(value).unwrap();
                }
            }));
            assert_eq!(*receiver.wait_for(|value| *value == 3).await.unwrap(), 3);
            assert_eq!(now(), 2 * SECOND);
            assert_eq!(*receiver.wait_for(|value| *value == 4).await.unwrap(), 4);
            assert!(receiver.wait_for(|value| *value == 5).await.is_err());
        })
        .unwrap();
}

#[test]
fn a_change_that_tokio_would_block_on_panics() {
    let (sender, receiver) = channel(1);
    let borrowed = receiver.borrow();
    assert!(catch_unwind(AssertUnwindSafe(|| sender.send(2))).is_err());
    assert_eq!(*borrowed, 1);
    drop(borrowed);
    sender.send(2).unwrap();
    let inside = catch_unwind(AssertUnwindSafe(|| {
        sender.send_modify(|value| {
            *value = 3;
            drop(receiver.borrow());
        });
    }));
    assert!(inside.is_err());
    assert_eq!(*receiver.borrow(), 3, "the value is put back");
}

#[test]
fn everything_is_send() {
    fn is_send<T: Send>(_: &T) {}
    let (sender, mut receiver) = channel(String::new());
    is_send(&sender.closed());
    is_send(&sender);
    is_send(&receiver.borrow());
    is_send(&receiver.changed());
    is_send(&receiver.wait_for(String::is_empty));
    is_send(&receiver);
}
