use core::time::Duration;

use super::*;
use crate::{Sim, catch_cancel, sleep, spawn, timeout, yield_now};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn the_value_or_the_end_arrives() {
    Sim::new()
        .run(|| async {
            let (sender, receiver) = channel();
            drop(spawn(async move {
                sleep(SECOND).await;
                sender.send(7).unwrap();
            }));
            assert_eq!(receiver.await, Ok(7));

            let (sender, receiver) = channel::<u8>();
            drop(spawn(async move {
                sleep(SECOND).await;
                drop(sender);
            }));
            assert_eq!(receiver.await, Err(RecvError(())));
        })
        .unwrap();
}

#[test]
fn the_value_stays_until_it_is_returned() {
    Sim::new()
        .run(|| async {
            let (sender, mut receiver) = channel();
            assert!(timeout(SECOND, &mut receiver).await.is_err());
            assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
            let task = spawn(async move {
                let _ = catch_cancel(&mut receiver).await;
                (receiver,)
            });
            yield_now().await;
            sender.send(7).unwrap(); // wakes it
            task.cancel(); // before it runs
            let (mut receiver,) = task.await.unwrap();
            assert!(!receiver.is_empty());
            assert_eq!((&mut receiver).await, Ok(7));
            assert!(receiver.is_terminated());
            assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));
        })
        .unwrap();
}

#[test]
fn close_gives_the_sender_its_value_back() {
    Sim::new()
        .run(|| async {
            let (mut sender, mut receiver) = channel();
            let closed = spawn(async move {
                sender.closed().await;
                sender
            });
            yield_now().await;
            receiver.close();
            let sender = closed.await.unwrap();
            assert!(sender.is_closed());
            assert_eq!(sender.send(1), Err(1));
            assert_eq!(receiver.await, Err(RecvError(())));

            let (sender, mut receiver) = channel();
            sender.send(1).unwrap();
            receiver.close();
            assert_eq!(receiver.try_recv(), Ok(1));

            let (sender, receiver) = channel();
            drop(receiver);
            assert_eq!(sender.send(1), Err(1));
        })
        .unwrap();
}

#[test]
fn everything_is_send() {
    fn is_send<T: Send>(_: &T) {}
    let (mut sender, receiver) = channel::<core::cell::Cell<u8>>();
    is_send(&sender.closed());
    is_send(&sender);
    is_send(&receiver);
}
