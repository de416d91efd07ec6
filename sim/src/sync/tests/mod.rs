//! The laws of the room, and CPython 3.13's orders: what is said in which pass.

mod barrier;
mod combinators;
mod condition;
mod locks;
mod queue;
mod semaphore;

use core::future::Future;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

use crate::{Sim, sleep, spawn, yield_now};

/// What was said, with the pass (or the virtual time) in front: `3:A has it`.
#[derive(Clone, Default)]
struct Log {
    said: Rc<RefCell<Vec<String>>>,
    pass: Rc<Cell<u32>>,
}

impl Log {
    fn say(&self, text: impl AsRef<str>) {
        self.said.borrow_mut().push(format!("{}:{}", self.pass.get(), text.as_ref()));
    }

    fn say_at_time(&self, text: impl AsRef<str>) {
        let said = format!("{}@{}", text.as_ref(), crate::now().as_secs_f64());
        self.said.borrow_mut().push(said);
    }
}

/// Runs a program and counts the loop's passes by the side; returns what was said.
///
/// The program's first step is in pass 1; eight passes more are run after its last one.
fn passes<F, Fut>(program: F) -> Vec<String>
where
    F: FnOnce(Log) -> Fut + 'static,
    Fut: Future<Output = ()> + 'static,
{
    let log = Log::default();
    let said = Rc::clone(&log.said);
    Sim::new()
        .run(|| async move {
            let pass = Rc::clone(&log.pass);
            let ticker = spawn(async move {
                loop {
                    pass.set(pass.get() + 1);
                    yield_now().await;
                }
            });
            yield_now().await;
            program(log).await;
            for _ in 0..8 {
                yield_now().await;
            }
            ticker.abort();
        })
        .unwrap();
    said.take()
}

/// Runs a program whose waits take virtual time; returns what was said.
fn timed<F, Fut>(program: F) -> Vec<String>
where
    F: FnOnce(Log) -> Fut + 'static,
    Fut: Future<Output = ()> + 'static,
{
    let log = Log::default();
    let said = Rc::clone(&log.said);
    Sim::new()
        .run(|| async move {
            program(log).await;
            sleep(core::time::Duration::from_secs(100)).await;
        })
        .unwrap();
    said.take()
}

/// Says its text when it is dropped, unless it was [kept](SayOnDrop::keep) from it.
struct SayOnDrop(Log, &'static str);

impl SayOnDrop {
    fn keep(mut self) {
        self.1 = "";
    }
}

impl Drop for SayOnDrop {
    fn drop(&mut self) {
        if !self.1.is_empty() {
            self.0.say(self.1);
        }
    }
}

#[test]
fn futures_and_guards_are_send() {
    fn send<T: Send>(_: &T) {}
    use super::*;
    use std::sync::Arc;
    Sim::new()
        .run(|| async {
            let mutex = Arc::new(Mutex::new(1));
            send(&mutex.lock());
            send(&Arc::clone(&mutex).lock_owned());
            send(&mutex.lock().await);
            send(&mutex.lock_owned().await);
            let lock = Arc::new(RwLock::new(1));
            send(&lock.write());
            send(&lock.read().await);
            send(&lock.write_owned().await);
            let condition = Condition::new(1);
            send(&condition.lock().await.wait());
            send(&condition.lock().await.wait_for(|_| true).await);
            let event = Event::new();
            send(&event.wait());
            let semaphore = Arc::new(Semaphore::new(1));
            send(&semaphore.acquire().await);
            send(&semaphore.acquire_owned());
            let queue = Queue::new(1);
            send(&queue.put(1));
            send(&queue.get());
            send(&queue.join());
            let barrier = Barrier::new(1);
            send(&barrier.wait());
            send(&barrier.reset());
        })
        .unwrap();
}

#[test]
fn what_needs_no_waiting_works_outside_a_simulation() {
    let mutex = super::Mutex::new(1);
    *mutex.try_lock().unwrap() += 1;
    assert_eq!(mutex.into_inner(), 2);
    let lock = super::RwLock::new(1);
    *lock.try_write().unwrap() += 1;
    assert_eq!(*lock.try_read().unwrap(), 2);
    let queue = super::Queue::priority(2);
    queue.put_nowait(2).unwrap();
    queue.put_nowait(1).unwrap();
    assert_eq!(queue.put_nowait(0), Err(super::TryPutError::Full(0)));
    assert_eq!(queue.get_nowait(), Ok(1));
    let semaphore = super::Semaphore::new(1);
    let permit = semaphore.try_acquire().unwrap();
    assert!(semaphore.try_acquire().is_err());
    drop(permit);
    assert_eq!(semaphore.available_permits(), 1);
    let event = super::Event::new();
    event.set();
    assert!(event.is_set());
}
