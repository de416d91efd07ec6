//! Random programs under random schedules: nothing is lost, nobody waits for ever.

use core::time::Duration;
use std::sync::{Arc, Mutex};

use rand::RngExt;

use super::{CancellationToken, Notify, OnceCell, broadcast, mpsc, watch};
use crate::{JoinHandle, Policy, Sim, rng, sleep, spawn, timeout, yield_now};

const SEEDS: u64 = 200;

fn runs<F>(program: impl Fn() -> F)
where
    F: Future<Output = ()> + 'static,
{
    for seed in 0..SEEDS {
        let policy = if seed % 8 == 0 { Policy::Fifo } else { Policy::Random };
        if let Err(failure) = Sim::new().seed(seed).policy(policy).run(&program) {
            panic!("seed {seed}: {failure}");
        }
    }
}

async fn a_while() {
    match rng().random_range(0..4) {
        0 => {}
        1 => sleep(Duration::from_millis(rng().random_range(0..4))).await,
        turns => {
            for _ in 1..turns {
                yield_now().await;
            }
        }
    }
}

/// Ends some of the tasks, each in one of the ways there are.
async fn end_some<T>(tasks: &[JoinHandle<T>]) {
    for task in tasks {
        a_while().await;
        match rng().random_range(0..3) {
            0 => task.abort(),
            1 => {
                task.cancel();
            }
            _ => {}
        }
    }
}

#[test]
fn a_channel_delivers_every_item_that_was_sent_and_gives_room_back() {
    runs(|| async {
        let (sender, mut receiver) = mpsc::channel(rng().random_range(1..4));
        let sent = Arc::new(Mutex::new(Vec::new()));
        let senders: Vec<_> = (0..6_u32)
            .map(|name| {
                let (sender, sent) = (sender.clone(), Arc::clone(&sent));
                spawn(async move {
                    for item in 0..5 {
                        a_while().await;
                        let item = name * 100 + item;
                        match rng().random_range(0..3) {
                            0 => {
                                let Ok(permit) = sender.reserve().await else { return };
                                if rng().random_bool(0.5) {
                                    a_while().await;
                                }
                                permit.send(item);
                            }
                            1 => {
                                let patience = Duration::from_millis(rng().random_range(0..3));
                                if timeout(patience, sender.send(item)).await.is_err() {
                                    continue;
                                }
                            }
                            _ => sender.send(item).await.unwrap(),
                        }
                        sent.lock().unwrap().push(item);
                    }
                })
            })
            .collect();
        let receive = spawn(async move {
            let mut items = Vec::new();
            loop {
                let patience = Duration::from_millis(rng().random_range(0..3));
                match timeout(patience, receiver.recv()).await {
                    Ok(Some(item)) => items.push(item),
                    Ok(None) => return items,
                    Err(_) => a_while().await,
                }
            }
        });
        end_some(&senders).await;
        for task in senders {
            let _ = task.await;
        }
        assert_eq!(sender.strong_count(), 1);
        let max = sender.max_capacity();
        while sender.capacity() < max {
            sleep(Duration::from_millis(1)).await;
        }
        drop(sender);
        let mut items = receive.await.unwrap();
        // Each sender's items arrive in order.
        let mut by_sender = items.clone();
        by_sender.sort_by_key(|item| item / 100);
        assert!(by_sender.is_sorted());
        // A timeout or a cancellation may come with the item sent, never the other way round.
        items.sort_unstable();
        for item in sent.lock().unwrap().iter() {
            assert!(items.binary_search(item).is_ok(), "{item} was lost");
        }
    });
}

#[test]
fn a_notification_reaches_one_that_is_alive() {
    runs(|| async {
        let notify = Arc::new(Notify::new());
        let tasks: Vec<_> = (0..6)
            .map(|_| {
                let notify = Arc::clone(&notify);
                spawn(async move {
                    a_while().await;
                    notify.notified().await;
                    notify.notify_one(); // the baton goes on
                })
            })
            .collect();
        a_while().await;
        notify.notify_one();
        end_some(&tasks).await;
        for task in tasks {
            let _ = task.await;
        }
        // Whoever got it passed it on, dying or not.
        timeout(Duration::from_secs(1), notify.notified()).await.unwrap();
    });
}

#[test]
fn a_cell_is_filled_as_long_as_anybody_is_alive_to_do_it() {
    runs(|| async {
        let cell = Arc::new(OnceCell::new());
        let tasks: Vec<_> = (0..6)
            .map(|value| {
                let cell = Arc::clone(&cell);
                spawn(async move {
                    a_while().await;
                    let value = cell.get_or_try_init(|| async move {
                        a_while().await;
                        if rng().random_bool(0.5) { Err(()) } else { Ok(value) }
                    });
                    value.await.copied()
                })
            })
            .collect();
        end_some(&tasks).await;
        let mut values = Vec::new();
        for task in tasks {
            if let Ok(Ok(value)) = task.await {
                values.push(value);
            }
        }
        if let Some(first) = values.first() {
            assert!(values.iter().all(|value| value == first));
        }
        cell.get_or_init(|| async { 9 }).await;
    });
}

#[test]
fn watchers_and_listeners_see_the_last_value_and_tokens_stop_everybody() {
    runs(|| async {
        let token = CancellationToken::new();
        let (values, _) = watch::channel(0);
        let (news, _) = broadcast::channel(4);
        let watchers: Vec<_> = (0..3)
            .map(|_| {
                let mut receiver = values.subscribe();
                spawn(async move {
                    while receiver.changed().await.is_ok() {
                        a_while().await;
                    }
                    *receiver.borrow()
                })
            })
            .collect();
        let listeners: Vec<_> = (0..3)
            .map(|_| {
                let mut receiver = news.subscribe();
                spawn(async move {
                    let (mut last, mut count) = (0, 0);
                    loop {
                        a_while().await;
                        match receiver.recv().await {
                            Ok(value) => (last, count) = (value, count + 1),
                            Err(broadcast::RecvError::Lagged(missed)) => count += missed,
                            Err(broadcast::RecvError::Closed) => return (last, count),
                        }
                    }
                })
            })
            .collect();
        let stopped: Vec<_> = (0..3)
            .map(|_| {
                let token = token.child_token();
                spawn(async move { token.run_until_cancelled(sleep(Duration::MAX)).await })
            })
            .collect();
        for value in 1..=10 {
            a_while().await;
            values.send(value).unwrap();
            news.send(value).unwrap();
        }
        token.cancel();
        drop((values, news));
        for watcher in watchers {
            assert_eq!(watcher.await.unwrap(), 10);
        }
        for listener in listeners {
            assert_eq!(listener.await.unwrap(), (10, 10));
        }
        for task in stopped {
            assert_eq!(task.await.unwrap(), None);
        }
    });
}
