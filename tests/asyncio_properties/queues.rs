//! test_queues.

use std::cell::Cell;
use std::rc::Rc;

use sim::sync::{Queue, TryGetError, TryPutError};
use sim::{JoinHandle, note, sleep, spawn, yield_now};

use super::{anywhere, fifo, secs};

super::covered![
    get_cancelled_race,
    get_cancel_drop_one_pending_reader,
    get_cancel_drop_many_pending_readers,
    put_cancel_drop,
    put_cancelled_race,
    task_done,
    shutdown_empty,
    shutdown_nonempty,
];

/// Starts a task that gets one item; 0 stands for a queue that is shut down.
fn getter(queue: &Rc<Queue<u32>>) -> JoinHandle<u32> {
    let queue = Rc::clone(queue);
    spawn(async move { queue.get().await.unwrap_or(0) })
}

/// Starts a task that puts one item: whether it could.
fn putter(queue: &Rc<Queue<u32>>, item: u32) -> JoinHandle<bool> {
    let queue = Rc::clone(queue);
    spawn(async move { queue.put(item).await.is_ok() })
}

#[test]
fn get_cancelled_race() {
    fifo(
        || async {
            let queue = Rc::new(Queue::new(0));
            let (first, second) = (getter(&queue), getter(&queue));
            yield_now().await;
            first.cancel();
            yield_now().await;
            note!("first done {}", first.is_finished());
            queue.put(7).await.unwrap();
            yield_now().await;
            note!("second done {}", second.is_finished());
            note!("{}", second.await.unwrap());

            // Cancelled and not run yet: the item goes past it, too.
            let (first, second) = (getter(&queue), getter(&queue));
            yield_now().await;
            first.cancel();
            queue.put(8).await.unwrap();
            note!("{} {}", second.await.unwrap(), first.is_finished());
        },
        &["0 first done true", "0 second done true", "0 7", "0 8 true"],
    );
}

#[test]
fn get_cancel_drop_one_pending_reader() {
    anywhere(
        || async {
            let queue = Rc::new(Queue::new(0));
            let reader = getter(&queue);
            sleep(secs(1)).await;
            queue.put_nowait(1).unwrap();
            queue.put_nowait(2).unwrap();
            reader.cancel();
            note!("cancelled {}", reader.await.is_err());
            note!("{} {}", queue.get().await.unwrap(), queue.len());
        },
        &["1 cancelled true", "1 1 1"],
    );
}

#[test]
fn get_cancel_drop_many_pending_readers() {
    anywhere(
        || async {
            let queue = Rc::new(Queue::new(0));
            let [first, second, third] = [getter(&queue), getter(&queue), getter(&queue)];
            sleep(secs(1)).await;
            queue.put_nowait(1).unwrap();
            queue.put_nowait(2).unwrap();
            // Not always the first reader's turn under a random schedule: all the same, whoever
            // is cancelled after being woken leaves its item to another one.
            first.cancel();
            note!("cancelled {}", first.await.is_err());
            let mut got = [second.await.unwrap(), third.await.unwrap()];
            got.sort_unstable();
            note!("{got:?}");
        },
        &["1 cancelled true", "1 [1, 2]"],
    );
}

#[test]
fn put_cancel_drop() {
    anywhere(
        || async {
            let queue = Rc::new(Queue::new(1));
            queue.put_nowait(1).unwrap();
            let writer = putter(&queue, 2);
            sleep(secs(1)).await;
            note!("{}", queue.get_nowait().unwrap());
            writer.cancel();
            note!("cancelled {}", writer.await.is_err());
            note!("left {}", queue.len());
            queue.put(2).await.unwrap();
            note!("{} {}", queue.get_nowait().unwrap(), queue.len());
        },
        &["1 1", "1 cancelled true", "1 left 0", "1 2 0"],
    );
}

#[test]
fn put_cancelled_race() {
    fifo(
        || async {
            let queue = Rc::new(Queue::new(1));
            let [first, second, third] = [1, 2, 3].map(|item| putter(&queue, item));
            yield_now().await;
            note!("{} {}", first.is_finished(), second.is_finished());
            third.cancel();
            yield_now().await;
            note!("third done {}", third.is_finished());
            note!("{}", queue.get_nowait().unwrap());
            yield_now().await;
            note!("{}", queue.get_nowait().unwrap());
            note!("second {}", second.await.unwrap());
            note!("left {}", queue.len());
        },
        &["0 true false", "0 third done true", "0 1", "0 2", "0 second true", "0 left 0"],
    );
}

#[test]
fn task_done() {
    anywhere(
        || async {
            let queue = Rc::new(Queue::new(0));
            for item in 0..100 {
                queue.put_nowait(item).unwrap();
            }
            let sum = Rc::new(Cell::new(0));
            let workers = [(); 2].map(|()| {
                let (queue, sum) = (Rc::clone(&queue), Rc::clone(&sum));
                spawn(async move {
                    while let Ok(item) = queue.get().await {
                        yield_now().await;
                        sum.set(sum.get() + item);
                        queue.task_done().unwrap();
                    }
                })
            });
            queue.join().await;
            note!("{}", sum.get());
            note!("once too often: {}", queue.task_done().is_err());
            queue.shutdown(false);
            for worker in workers {
                worker.await.unwrap();
            }
        },
        &["0 4950", "0 once too often: true"],
    );
}

#[test]
fn shutdown_empty() {
    fifo(
        || async {
            let queue = Rc::new(Queue::new(0));
            let blocked = getter(&queue);
            yield_now().await;
            queue.shutdown(false);
            note!("left {}", queue.len());
            queue.join().await;
            yield_now().await;
            note!("done {}", blocked.is_finished());
            note!("{}", blocked.await.unwrap());
            note!("put {}", queue.put(1).await.is_err());
            note!("{}", queue.put_nowait(1) == Err(TryPutError::ShutDown(1)));
            note!("get {}", queue.get().await.is_err());
            note!("{:?}", queue.get_nowait());
        },
        &[
            "0 left 0",
            "0 done true",
            "0 0",
            "0 put true",
            "0 true",
            "0 get true",
            "0 Err(ShutDown)",
        ],
    );
    assert_ne!(TryGetError::ShutDown, TryGetError::Empty);
}

#[test]
fn shutdown_nonempty() {
    fifo(
        || async {
            let queue = Rc::new(Queue::new(1));
            queue.put_nowait(1).unwrap();
            let join = spawn({
                let queue = Rc::clone(&queue);
                async move { queue.join().await }
            });
            let blocked = putter(&queue, 2);
            yield_now().await;
            note!("put done {}", blocked.is_finished());
            queue.shutdown(false);
            note!("left {}", queue.len());
            yield_now().await;
            note!("put done {}", blocked.is_finished());
            note!("put {}", blocked.await.unwrap());
            note!("{}", queue.get().await.unwrap());
            yield_now().await;
            note!("join done {}", join.is_finished());
            note!("put {}", queue.put(3).await.is_ok());
            note!("get {}", queue.get().await.is_ok());
            queue.task_done().unwrap();
            yield_now().await;
            note!("join done {}", join.is_finished());
            note!("once too often: {}", queue.task_done().is_err());
        },
        &[
            "0 put done false",
            "0 left 1",
            "0 put done true",
            "0 put false",
            "0 1",
            "0 join done false",
            "0 put false",
            "0 get false",
            "0 join done true",
            "0 once too often: true",
        ],
    );
}
