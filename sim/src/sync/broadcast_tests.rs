use core::cell::Cell;
use core::time::Duration;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::future;

use super::*;
use crate::{Sim, catch_cancel, spawn, timeout, yield_now};

#[test]
fn every_receiver_gets_every_value_in_order() {
    Sim::new()
        .run(|| async {
            let (sender, receiver) = channel(16);
            let tasks: Vec<_> = (0..3)
                .map(|_| {
                    let mut receiver = receiver.resubscribe();
                    spawn(async move {
                        let mut values = Vec::new();
                        while let Ok(value) = receiver.recv().await {
                            values.push(value);
                        }
                        values
                    })
                })
                .collect();
            yield_now().await;
            for value in 0..10 {
                assert_eq!(sender.send(value), Ok(4));
                if value % 3 == 0 {
                    yield_now().await;
                }
            }
            assert_eq!((sender.len(), receiver.len()), (10, 10));
            drop(sender);
            for task in tasks {
                assert_eq!(task.await.unwrap(), Vec::from_iter(0..10));
            }
        })
        .unwrap();
}

#[test]
fn a_receiver_that_falls_behind_is_told_how_far() {
    let (sender, mut slow) = channel(3); // room for 4
    for value in 0..4 {
        sender.send(value).unwrap();
    }
    let mut late = sender.subscribe();
    assert_eq!(slow.try_recv(), Ok(0));
    for value in 4..10 {
        sender.send(value).unwrap();
    }
    assert_eq!(slow.len(), 9);
    assert_eq!(slow.try_recv(), Err(TryRecvError::Lagged(5)));
    assert_eq!(slow.try_recv(), Ok(6));
    assert_eq!(late.try_recv(), Err(TryRecvError::Lagged(2)));
    for value in 6..10 {
        assert_eq!(late.try_recv(), Ok(value));
    }
    assert_eq!(late.try_recv(), Err(TryRecvError::Empty));
    assert_eq!(sender.len(), 3);
    drop(sender);
    assert_eq!(late.try_recv(), Err(TryRecvError::Closed));
    assert_eq!(slow.try_recv(), Ok(7), "what was sent can still be read");
}

#[test]
fn a_dropped_recv_loses_no_value() {
    Sim::new()
        .run(|| async {
            let (sender, mut receiver) = channel(4);
            assert!(timeout(Duration::from_secs(1), receiver.recv()).await.is_err());
            let task = spawn(async move {
                let _ = catch_cancel(receiver.recv()).await;
                receiver
            });
            yield_now().await;
            sender.send(1).unwrap();
            task.cancel();
            let mut receiver = task.await.unwrap();
            assert_eq!(receiver.recv().await, Ok(1));
        })
        .unwrap();
}

#[test]
fn values_are_dropped_once_read_by_all_or_given_up() {
    static ALIVE: AtomicUsize = AtomicUsize::new(0);
    struct Probe;
    impl Probe {
        fn new() -> Self {
            ALIVE.fetch_add(1, Ordering::Relaxed);
            Probe
        }
    }
    impl Clone for Probe {
        fn clone(&self) -> Self {
            Self::new()
        }
    }
    impl Drop for Probe {
        fn drop(&mut self) {
            ALIVE.fetch_sub(1, Ordering::Relaxed);
        }
    }
    let (sender, mut first) = channel(4);
    let mut second = sender.subscribe();
    for _ in 0..2 {
        sender.send(Probe::new()).ok().unwrap();
    }
    drop(first.try_recv().ok().unwrap());
    assert_eq!(ALIVE.load(Ordering::Relaxed), 2);
    drop(second.try_recv().ok().unwrap());
    assert_eq!(ALIVE.load(Ordering::Relaxed), 1);
    drop(first);
    assert_eq!(ALIVE.load(Ordering::Relaxed), 1);
    drop(second);
    assert_eq!(ALIVE.load(Ordering::Relaxed), 0);
    assert!(sender.send(Probe::new()).is_err());
    assert_eq!(ALIVE.load(Ordering::Relaxed), 0);
}

#[test]
fn a_sender_learns_when_nobody_listens() {
    Sim::new()
        .run(|| async {
            let (sender, receiver) = channel::<u8>(4);
            let closed = future::join(sender.closed(), async {
                yield_now().await;
                drop(receiver);
            });
            closed.await;
            let mut again = sender.subscribe();
            sender.send(1).unwrap();
            assert_eq!(again.recv().await, Ok(1));
        })
        .unwrap();
}

#[test]
fn everything_is_send() {
    fn is_send<T: Send>(_: &T) {}
    let (sender, mut receiver) = channel::<Cell<u8>>(4);
    is_send(&sender.closed());
    is_send(&sender);
    is_send(&receiver.recv());
    is_send(&receiver);
}
