//! Programs that several tests run.

use std::sync::Arc;
use std::time::Duration;

use rand::RngExt;
use sim::sync::{Condition, Event, Mutex, Queue, Semaphore, mpsc};
use sim::{Policy, Sim};

/// A program that uses a bit of everything: tasks, time, locks, queues, cancellation, groups.
pub async fn mixed() -> u64 {
    let lock = Arc::new(Mutex::new(0_u64));
    let queue = Arc::new(Queue::new(2));
    let permits = Arc::new(Semaphore::new(2));
    let ready = Arc::new(Event::new());
    let condition = Arc::new(Condition::new(0_u64));
    let mut workers = Vec::new();
    for index in 0..4_u64 {
        let (lock, queue, permits) = (lock.clone(), queue.clone(), permits.clone());
        let (ready, condition) = (ready.clone(), condition.clone());
        let worker = sim::spawn(async move {
            ready.wait().await;
            let _permit = permits.acquire().await;
            sim::sleep(Duration::from_millis(sim::rng().random_range(0..3))).await;
            let mut guard = lock.lock().await;
            let seen = *guard;
            sim::yield_now().await;
            *guard = seen + index;
            drop(guard);
            let _ = queue.put(index).await;
            let mut count = condition.lock().await;
            *count += 1;
            count.notify_all();
        });
        workers.push(worker.named(format!("worker-{index}")));
    }
    let consumer = {
        let queue = queue.clone();
        sim::spawn(async move {
            let mut sum = 0;
            for _ in 0..4 {
                sum += queue.get().await.unwrap_or(0);
                let _ = queue.task_done();
            }
            sum
        })
    };
    let slow = sim::spawn(async {
        let stopped = sim::catch_cancel(sim::sleep(Duration::from_secs(60))).await.is_err();
        sim::note!("stopped: {stopped}");
    });
    ready.set();
    let (sender, mut receiver) = mpsc::channel(1);
    drop(sim::spawn(async move {
        for n in 0..3_u64 {
            if sender.send(n).await.is_err() {
                return;
            }
        }
    }));
    let mut received = 0;
    while let Some(n) = receiver.recv().await {
        received += n;
    }
    let count = condition.lock().await.wait_for(|count| *count == 4).await;
    drop(count);
    let late = sim::timeout(Duration::from_millis(5), std::future::pending::<()>()).await;
    slow.cancel();
    let _ = slow.await;
    let gathered = sim::gather((0..3).map(|n| async move {
        sim::sleep(Duration::from_millis(n)).await;
        Ok::<u64, String>(n)
    }));
    let gathered: u64 = gathered.await.map_or(0, |values| values.iter().sum());
    for worker in workers {
        let _ = worker.await;
    }
    let total = *lock.lock().await;
    total + consumer.await.unwrap_or(0) + received + gathered + u64::from(late.is_err())
}

/// The digest of a run of [`mixed`].
///
/// # Panics
///
/// If the run fails.
#[must_use]
pub fn digest_of(policy: Policy, seed: u64) -> u64 {
    let outcome = Sim::new().seed(seed).policy(policy).trace(false).run(mixed);
    outcome.expect("the program does not fail").digest()
}

/// Digests of [`mixed`] that every build on every platform has to give.
pub const DIGESTS: [(Policy, u64, u64); 4] = [
    (Policy::Fifo, 0, 0xb9ea_5f10_3835_baca),
    (Policy::Random, 0, 0xddba_2a57_d233_f2a5),
    (Policy::Random, 1, 0x8a6b_ebff_49e4_3b8e),
    (Policy::Random, 42, 0xee22_57fb_0ac9_f457),
];
