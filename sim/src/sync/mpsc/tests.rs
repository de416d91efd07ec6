use core::future::poll_fn;
use core::pin::pin;
use core::task::Poll;
use core::time::Duration;
use std::sync::{Arc, Mutex};

use futures::StreamExt;
use futures::future::{self, Either};
use futures::stream::FuturesUnordered;

use super::*;
use crate::{Sim, catch_cancel, now, sleep, spawn, timeout, yield_now};

const SECOND: Duration = Duration::from_secs(1);

/// Polls a future once.
async fn once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    poll_fn(|cx| Poll::Ready(core::pin::Pin::new(&mut *future).poll(cx))).await
}

#[test]
fn items_arrive_in_order_and_the_end_after_them() {
    Sim::new()
        .run(|| async {
            let (sender, mut receiver) = channel(2);
            drop(spawn(async move {
                for item in 0..10 {
                    sender.send(item).await.unwrap();
                }
            }));
            for item in 0..10 {
                assert_eq!(receiver.recv().await, Some(item));
            }
            assert_eq!(receiver.recv().await, None);
            assert_eq!(receiver.recv().await, None);
        })
        .unwrap();
}

#[test]
fn senders_get_room_first_come_first_served_and_are_not_overtaken() {
    Sim::new()
        .run(|| async {
            let (sender, mut receiver) = channel(1);
            sender.send(0).await.unwrap();
            for item in 1..=3 {
                let sender = sender.clone();
                drop(spawn(async move { sender.send(item).await.unwrap() }));
            }
            yield_now().await;
            assert_eq!(receiver.recv().await, Some(0));
            // The room is promised to the first that waits, although it has not run yet.
            assert_eq!(sender.try_send(99), Err(TrySendError::Full(99)));
            assert_eq!(sender.capacity(), 0);
            for item in 1..=3 {
                assert_eq!(receiver.recv().await, Some(item));
            }
            assert_eq!(sender.capacity(), 1);
        })
        .unwrap();
}

#[test]
fn room_promised_to_a_dropped_sender_goes_to_the_next() {
    for abort in [true, false] {
        Sim::new()
            .run(move || async move {
                let (sender, mut receiver) = channel(1);
                sender.send(0).await.unwrap();
                let send = |item| {
                    let sender = sender.clone();
                    spawn(async move { sender.send(item).await.unwrap() })
                };
                let (first, second) = (send(1), send(2));
                yield_now().await;
                assert_eq!(receiver.try_recv(), Ok(0));
                if abort {
                    first.abort();
                } else {
                    // Promised already: the request is remembered, and raised in its next step.
                    first.cancel();
                }
                assert!(first.await.unwrap_err().is_cancelled());
                assert_eq!(receiver.recv().await, Some(2));
                second.await.unwrap();
                assert_eq!(sender.capacity(), 1);
            })
            .unwrap();
    }
}

#[test]
fn a_sender_cancelled_before_there_is_room_is_passed_over() {
    Sim::new()
        .run(|| async {
            let (sender, mut receiver) = channel(1);
            sender.send(0).await.unwrap();
            let send = |item| {
                let sender = sender.clone();
                spawn(async move { sender.send(item).await.unwrap() })
            };
            let (first, second) = (send(1), send(2));
            yield_now().await;
            first.cancel();
            assert_eq!(receiver.try_recv(), Ok(0));
            assert_eq!(receiver.recv().await, Some(2));
            second.await.unwrap();
            assert!(first.await.unwrap_err().is_cancelled());
            assert_eq!(sender.capacity(), 1);
        })
        .unwrap();
}

#[test]
fn a_cancelled_recv_loses_no_item() {
    Sim::new()
        .run(|| async {
            let (sender, mut receiver) = channel(4);
            let handle = spawn(async move {
                let _ = catch_cancel(receiver.recv()).await;
                receiver
            });
            yield_now().await;
            sender.send(1).await.unwrap(); // wakes it
            handle.cancel(); // before it runs
            let mut receiver = handle.await.unwrap();
            assert_eq!(receiver.try_recv(), Ok(1));

            assert!(timeout(SECOND, receiver.recv()).await.is_err());
            sender.send(2).await.unwrap();
            assert_eq!(receiver.recv().await, Some(2));

            // The loser of a select, woken and dropped in one step.
            for item in 3..6 {
                {
                    let recv = pin!(receiver.recv());
                    let other = pin!(yield_now());
                    let Either::Right(_) = future::select(recv, other).await else {
                        panic!("nothing was sent");
                    };
                    sender.send(item).await.unwrap();
                }
                assert_eq!(receiver.recv().await, Some(item));
            }
        })
        .unwrap();
}

#[test]
fn a_kept_receive_goes_on_after_a_timeout() {
    Sim::new()
        .run(|| async {
            let (sender, mut receiver) = channel(1);
            let mut recv = receiver.recv();
            assert!(timeout(SECOND, &mut recv).await.is_err());
            drop(spawn(async move {
                sleep(SECOND).await;
                sender.send(7).await.unwrap();
            }));
            assert_eq!(recv.await, Some(7));
            assert_eq!(now(), 2 * SECOND);
        })
        .unwrap();
}

#[test]
fn a_kept_send_goes_on_after_a_timeout() {
    Sim::new()
        .run(|| async {
            let (sender, mut receiver) = channel(1);
            sender.send(0).await.unwrap();
            let mut send = sender.send(1);
            assert!(timeout(SECOND, &mut send).await.is_err());
            let (sent, first) = future::join(send, receiver.recv()).await;
            assert_eq!((sent, first), (Ok(()), Some(0)));
            assert_eq!(receiver.recv().await, Some(1));
            assert_eq!(sender.capacity(), 1);
        })
        .unwrap();
}

#[test]
fn close_refuses_new_items_and_keeps_old_ones_and_permits() {
    Sim::new()
        .run(|| async {
            let (sender, mut receiver) = channel(2);
            sender.send(1).await.unwrap();
            let permit = sender.reserve().await.unwrap();
            let waiting = {
                let sender = sender.clone();
                spawn(async move { sender.send(9).await })
            };
            yield_now().await;
            receiver.close();
            assert!(receiver.is_closed() && sender.is_closed());
            assert_eq!(waiting.await.unwrap(), Err(SendError(9)));
            assert_eq!(sender.send(3).await, Err(SendError(3)));
            assert_eq!(sender.try_send(3), Err(TrySendError::Closed(3)));
            assert_eq!(receiver.recv().await, Some(1));
            assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
            let end = future::join(receiver.recv(), async {
                yield_now().await;
                permit.send(2);
            });
            assert_eq!(end.await.0, Some(2));
            assert_eq!(receiver.recv().await, None);
            assert_eq!(receiver.try_recv(), Err(TryRecvError::Disconnected));
        })
        .unwrap();
}

#[test]
fn after_close_a_permit_given_back_ends_the_receiver() {
    Sim::new()
        .run(|| async {
            let (sender, mut receiver) = channel::<u8>(1);
            let permit = sender.clone().reserve_owned().await.unwrap();
            receiver.close();
            let end = future::join(receiver.recv(), async {
                yield_now().await;
                drop(permit);
            });
            assert_eq!(end.await.0, None);
        })
        .unwrap();
}

#[test]
fn a_promise_is_void_once_the_channel_is_closed() {
    Sim::new()
        .run(|| async {
            let (sender, mut receiver) = channel(1);
            sender.send(0).await.unwrap();
            let waiting = {
                let sender = sender.clone();
                spawn(async move { sender.send(1).await })
            };
            yield_now().await;
            assert_eq!(receiver.try_recv(), Ok(0));
            receiver.close();
            // The promise is still out: the end comes when its owner has given it back.
            assert_eq!(receiver.recv().await, None);
            assert_eq!(waiting.await.unwrap(), Err(SendError(1)));
        })
        .unwrap();
}

#[test]
fn dropping_the_receiver_drops_the_items_and_tells_the_senders() {
    struct Probe(Arc<Mutex<u32>>, Option<Sender<Probe>>);
    impl Drop for Probe {
        fn drop(&mut self) {
            // A destructor may use the channel it comes from.
            if let Some(sender) = &self.1 {
                assert!(sender.is_closed());
                assert!(sender.try_send(Probe(self.0.clone(), None)).is_err());
            }
            *self.0.lock().unwrap() += 1;
        }
    }
    Sim::new()
        .run(|| async {
            let dropped = Arc::new(Mutex::new(0));
            let (sender, receiver) = channel(2);
            sender.send(Probe(dropped.clone(), Some(sender.clone()))).await.ok().unwrap();
            let closed = {
                let sender = sender.clone();
                spawn(async move { sender.closed().await })
            };
            yield_now().await;
            drop(receiver);
            assert_eq!(*dropped.lock().unwrap(), 2);
            closed.await.unwrap();
            sender.closed().await;
        })
        .unwrap();
}

#[test]
fn the_last_sender_ends_the_receiver_and_a_weak_one_does_not_count() {
    Sim::new()
        .run(|| async {
            let (sender, mut receiver) = channel::<u8>(1);
            let weak = sender.downgrade();
            assert!(weak.upgrade().is_some());
            let end = future::join(receiver.recv(), async {
                yield_now().await;
                drop(sender);
            });
            assert_eq!(end.await.0, None);
            assert!(weak.upgrade().is_none());
            assert!(receiver.is_closed());
        })
        .unwrap();
}

#[test]
fn a_receiver_is_a_stream_and_mixes_with_recv() {
    Sim::new()
        .run(|| async {
            let (sender, mut receiver) = channel(1);
            assert!(timeout(SECOND, receiver.next()).await.is_err());
            drop(spawn(async move {
                for item in 0..4 {
                    sleep(SECOND).await;
                    sender.send(item).await.unwrap();
                }
            }));
            assert_eq!(receiver.next().await, Some(0));
            assert_eq!(receiver.recv().await, Some(1));
            assert_eq!(receiver.by_ref().collect::<Vec<_>>().await, [2, 3]);
            assert_eq!(receiver.next().await, None);
        })
        .unwrap();
}

#[test]
fn works_inside_combinators() {
    Sim::new()
        .run(|| async {
            let (sender, mut receiver) = channel(2);
            let mut sends: FuturesUnordered<_> = (0..20).map(|item| sender.send(item)).collect();
            let drive = async { while sends.next().await.is_some() {} };
            let receive = async {
                let mut items = Vec::new();
                while items.len() < 20 {
                    items.push(receiver.recv().await.unwrap());
                }
                items
            };
            let ((), items) = futures::join!(drive, receive);
            assert_eq!(items.iter().sum::<u32>(), 190);
        })
        .unwrap();
}

#[test]
fn recv_many_takes_what_there_is() {
    Sim::new()
        .run(|| async {
            let (sender, mut receiver) = unbounded_channel();
            let mut buffer = Vec::new();
            assert_eq!(receiver.recv_many(&mut buffer, 0).await, 0);
            drop(spawn(async move {
                for item in 0..3 {
                    sender.send(item).unwrap();
                }
            }));
            assert_eq!(receiver.recv_many(&mut buffer, 10).await, 3);
            assert_eq!(receiver.recv_many(&mut buffer, 10).await, 0);
            assert_eq!(buffer, [0, 1, 2]);
        })
        .unwrap();
}

#[test]
fn a_poll_that_finds_room_again_sends_once() {
    Sim::new()
        .run(|| async {
            let (sender, mut receiver) = channel(1);
            sender.send(0).await.unwrap();
            let mut send = sender.send(1);
            assert!(once(&mut send).await.is_pending());
            assert!(once(&mut send).await.is_pending());
            assert_eq!(receiver.try_recv(), Ok(0));
            assert_eq!(once(&mut send).await, Poll::Ready(Ok(())));
            drop(send);
            assert_eq!(receiver.try_recv(), Ok(1));
            assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
        })
        .unwrap();
}

#[test]
fn what_needs_no_waiting_works_outside_a_simulation() {
    let (sender, mut receiver) = channel(1);
    sender.try_send(1).unwrap();
    assert_eq!(receiver.try_recv(), Ok(1));
    assert_eq!(futures::executor::block_on(sender.send(2)), Ok(()));
    assert_eq!(futures::executor::block_on(receiver.recv()), Some(2));
    drop(sender);
    assert_eq!(futures::executor::block_on(receiver.recv()), None);
}

#[test]
fn a_channel_that_outlives_a_run_works_in_the_next() {
    let (sender, receiver) = channel(1);
    let shared = Arc::new(Mutex::new(Some(receiver)));
    for item in 0..3 {
        let inside = (sender.clone(), shared.clone());
        let outcome = Sim::new().run(move || async move {
            let (sender, shared) = inside;
            let mut receiver = shared.lock().unwrap().take().unwrap();
            let kept = {
                let sender = sender.clone();
                spawn(async move {
                    sender.send(item).await.unwrap();
                    sender.send(99).await.unwrap(); // waits until the run is over
                })
            };
            assert_eq!(receiver.recv().await, Some(item));
            while let Ok(other) = receiver.try_recv() {
                assert_eq!(other, 99);
            }
            drop(kept);
            *shared.lock().unwrap() = Some(receiver);
        });
        drop(outcome);
        if let Some(receiver) = shared.lock().unwrap().as_mut() {
            while receiver.try_recv().is_ok() {}
        }
        assert_eq!(sender.capacity(), 1);
    }
}

#[test]
fn everything_is_send() {
    fn is_send<T: core::marker::Send>(_: &T) {}
    let (sender, mut receiver) = channel::<core::cell::Cell<u8>>(1);
    is_send(&sender.send(core::cell::Cell::new(0)));
    is_send(&sender.reserve());
    is_send(&sender.closed());
    is_send(&sender.clone().reserve_owned());
    is_send(&receiver.recv());
    is_send(&receiver);
    is_send(&sender);
}
