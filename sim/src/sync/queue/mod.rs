//! A queue between tasks.

mod items;

use core::fmt;
use core::future::Future;
use core::panic::Location;
use core::pin::Pin;
use core::task::{Context, Poll};
use std::sync::Mutex as StdMutex;

use self::items::{Heap, Items};
use super::{abandon, open, wake_next};
use crate::kernel::context;
use crate::kernel::object::Tag;
use crate::kernel::wait::{self, Left, Parked, Target, WaitQueue, WaitState};
use crate::trace::{Op, Place};

/// Passes items between tasks: `asyncio.Queue`, `LifoQueue` and `PriorityQueue`.
///
/// Waiters are served in order of arrival, but one that was woken holds no item (no room) yet: who
/// runs before it may take it, and the woken one then waits again, behind the others.
///
/// A queue counts the items that were put and not yet [done](Self::task_done), so that
/// [`join`](Self::join) can wait for the work to end, not only for the queue to be empty.
///
/// # Who waits, who holds
///
/// Whoever awaits [`get`](Self::get) waits for somebody to put, whoever awaits
/// [`put`](Self::put) into a full queue for somebody to get, whoever awaits
/// [`join`](Self::join) for somebody to say `task_done`. Nobody holds a queue.
///
/// # Cancel safety
///
/// No item is lost: a `get` that is cancelled or dropped after it was woken leaves the item in the
/// queue and wakes the next; a `put` has not put, and its item is dropped with it.
///
/// # Examples
///
/// ```
/// use std::rc::Rc;
/// use sim::sync::Queue;
///
/// # sim::Sim::new().run(|| async {
/// let urls = Rc::new(Queue::new(10).named("urls"));
/// let worker = sim::spawn({
///     let urls = Rc::clone(&urls);
///     async move {
///         let mut fetched = Vec::new();
///         while let Ok(url) = urls.get().await {
///             fetched.push(url);
///             urls.task_done().unwrap();
///         }
///         fetched
///     }
/// });
/// for url in ["/a", "/b", "/c"] {
///     urls.put(url).await.unwrap();
/// }
/// urls.join().await;
/// urls.shutdown(false);
/// assert_eq!(worker.await.unwrap(), ["/a", "/b", "/c"]);
/// # }).unwrap();
/// ```
pub struct Queue<T> {
    inner: StdMutex<Inner<T>>,
    /// How many items there is room for; 0 for any number.
    max: usize,
    tag: Tag,
}

struct Inner<T> {
    items: Items<T>,
    // Only those that were not woken.
    getters: WaitQueue,
    putters: WaitQueue,
    joiners: WaitQueue,
    unfinished: usize,
    shut_down: bool,
}

impl<T> Queue<T> {
    /// Makes a queue that gives first what was put first, with room for `max` items; 0 is any
    /// number.
    #[must_use]
    pub fn new(max: usize) -> Self {
        Self::of_kind("Queue", max, Items::fifo())
    }

    /// Makes a queue that gives first what was put last.
    ///
    /// # Examples
    ///
    /// ```
    /// # sim::Sim::new().run(|| async {
    /// let queue = sim::sync::Queue::lifo(0);
    /// queue.put(1).await.unwrap();
    /// queue.put(2).await.unwrap();
    /// assert_eq!(queue.get().await.unwrap(), 2);
    /// # }).unwrap();
    /// ```
    #[must_use]
    pub fn lifo(max: usize) -> Self {
        Self::of_kind("LifoQueue", max, Items::lifo())
    }

    /// Makes a queue that gives the smallest item first. Equal items come in the order of Python's
    /// `heapq`, which is not the order of putting.
    ///
    /// # Examples
    ///
    /// ```
    /// # sim::Sim::new().run(|| async {
    /// let queue = sim::sync::Queue::priority(0);
    /// for job in [(2, "write"), (1, "read"), (3, "sleep")] {
    ///     queue.put(job).await.unwrap();
    /// }
    /// assert_eq!(queue.get().await.unwrap(), (1, "read"));
    /// # }).unwrap();
    /// ```
    #[must_use]
    pub fn priority(max: usize) -> Self
    where
        T: Ord,
    {
        Self::of_kind("PriorityQueue", max, Items::priority())
    }

    fn of_kind(kind: &'static str, max: usize, items: Items<T>) -> Self {
        Self {
            inner: StdMutex::new(Inner {
                items,
                getters: WaitQueue::new(),
                putters: WaitQueue::new(),
                joiners: WaitQueue::new(),
                unfinished: 0,
                shut_down: false,
            }),
            max,
            tag: Tag::new(kind),
        }
    }

    /// Names the queue, for reports.
    #[must_use]
    pub fn named(mut self, name: impl AsRef<str>) -> Self {
        self.tag.set_name(name.as_ref());
        self
    }

    /// How many items are in the queue: `qsize`.
    #[must_use]
    pub fn len(&self) -> usize {
        open(&self.inner).items.len()
    }

    /// Whether no item is in the queue.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether a [`put`](Self::put) would wait.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.max > 0 && self.len() >= self.max
    }

    /// For how many items there is room; `None` for any number: `maxsize`.
    #[must_use]
    pub fn capacity(&self) -> Option<usize> {
        (self.max > 0).then_some(self.max)
    }

    /// How many items were put and are not [done](Self::task_done).
    #[must_use]
    pub fn unfinished(&self) -> usize {
        open(&self.inner).unfinished
    }

    /// Whether the queue was [shut down](Self::shutdown).
    #[must_use]
    pub fn is_shut_down(&self) -> bool {
        open(&self.inner).shut_down
    }

    /// Puts an item, waiting for room where there is none. Does not suspend where there is.
    ///
    /// # Cancel safety
    ///
    /// The item is dropped, and was not put. Somebody else gets the room.
    ///
    /// # Errors
    ///
    /// [`QueueShutDown`] if the queue is shut down, before or while this waits; the item is
    /// dropped.
    ///
    /// # Panics
    ///
    /// When it has to wait outside a simulation.
    #[track_caller]
    pub fn put(&self, item: T) -> QueuePut<'_, T> {
        QueuePut { queue: self, item: Some(item), parked: Parked::new() }
    }

    /// Puts an item if there is room.
    ///
    /// # Errors
    ///
    /// [`TryPutError`], with the item, if there is no room or the queue is shut down.
    pub fn put_nowait(&self, item: T) -> Result<(), TryPutError<T>> {
        if self.is_shut_down() {
            return Err(TryPutError::ShutDown(item));
        }
        if self.is_full() {
            return Err(TryPutError::Full(item));
        }
        self.push(item);
        open(&self.inner).unfinished += 1;
        self.wake_getter();
        Ok(())
    }

    /// Takes an item, waiting for one where there is none. Does not suspend where there is.
    ///
    /// # Cancel safety
    ///
    /// No item is lost.
    ///
    /// # Errors
    ///
    /// [`QueueShutDown`] if the queue is empty and shut down, before or while this waits.
    ///
    /// # Panics
    ///
    /// When it has to wait outside a simulation.
    #[track_caller]
    pub fn get(&self) -> QueueGet<'_, T> {
        QueueGet { queue: self, parked: Parked::new() }
    }

    /// Takes an item if there is one.
    ///
    /// # Errors
    ///
    /// [`TryGetError`] if there is none.
    pub fn get_nowait(&self) -> Result<T, TryGetError> {
        match self.pop() {
            Some(item) => {
                self.wake_putter();
                Ok(item)
            }
            None if self.is_shut_down() => Err(TryGetError::ShutDown),
            None => Err(TryGetError::Empty),
        }
    }

    /// Says that the work on an item that was taken is done.
    ///
    /// # Errors
    ///
    /// [`TaskDoneError`] if it was said for every item already.
    pub fn task_done(&self) -> Result<(), TaskDoneError> {
        let mut inner = open(&self.inner);
        inner.unfinished = inner.unfinished.checked_sub(1).ok_or(TaskDoneError(()))?;
        drop(inner);
        self.wake_joiners();
        Ok(())
    }

    /// Waits until [`task_done`](Self::task_done) was said for every item that was put. Does not
    /// suspend where that is so.
    ///
    /// It returns then, even if somebody puts another item before it runs.
    ///
    /// # Cancel safety
    ///
    /// Nothing can be lost.
    ///
    /// # Panics
    ///
    /// When it has to wait outside a simulation.
    #[track_caller]
    pub fn join(&self) -> QueueJoin<'_, T> {
        QueueJoin { queue: self, parked: Parked::new() }
    }

    /// Shuts the queue down: nothing can be put any more, and who waits to put fails.
    ///
    /// What is in the queue can still be taken; after that, and if it is empty now, `get` fails.
    /// With `immediate` the items are dropped instead, and count as done.
    ///
    /// # Examples
    ///
    /// ```
    /// # sim::Sim::new().run(|| async {
    /// let queue = sim::sync::Queue::new(0);
    /// queue.put(1).await.unwrap();
    /// queue.shutdown(false);
    /// assert!(queue.put(2).await.is_err());
    /// assert_eq!(queue.get().await, Ok(1));
    /// assert!(queue.get().await.is_err());
    /// # }).unwrap();
    /// ```
    pub fn shutdown(&self, immediate: bool) {
        open(&self.inner).shut_down = true;
        if immediate {
            let items = {
                let mut inner = open(&self.inner);
                let items = inner.items.take_all();
                inner.unfinished = inner.unfinished.saturating_sub(items.len());
                items
            };
            drop(items);
            self.wake_joiners();
        }
        while self.wake_getter() {}
        while self.wake_putter() {}
    }

    fn push(&self, item: T) {
        let item = match open(&self.inner).items.push(item) {
            Ok(()) => return,
            Err(item) => item,
        };
        self.with_heap(|heap| heap.push(item));
    }

    fn pop(&self) -> Option<T> {
        let popped = open(&self.inner).items.pop();
        popped.unwrap_or_else(|| self.with_heap(Heap::pop))
    }

    /// Works on the heap of a priority queue. It compares, which is the user's code: so it is
    /// taken out meanwhile, and put back also if that panics.
    fn with_heap<R>(&self, work: impl FnOnce(&mut Heap<T>) -> R) -> R {
        struct PutBack<'a, T>(&'a Queue<T>, Heap<T>);
        impl<T> Drop for PutBack<'_, T> {
            fn drop(&mut self) {
                open(&self.0.inner).items.put_heap_back(&mut self.1);
            }
        }
        let heap = open(&self.inner).items.take_heap();
        let mut out = PutBack(self, heap);
        work(&mut out.1)
    }

    fn wake_getter(&self) -> bool {
        wake_next(|| open(&self.inner).getters.pop())
    }

    fn wake_putter(&self) -> bool {
        wake_next(|| open(&self.inner).putters.pop())
    }

    fn wake_joiners(&self) {
        let mut joiners = {
            let mut inner = open(&self.inner);
            if inner.unfinished > 0 {
                return;
            }
            core::mem::take(&mut inner.joiners)
        };
        while let Some(wait) = joiners.pop() {
            wait::complete(wait);
        }
    }

    fn park(
        &self,
        parked: &mut Parked,
        cx: &Context<'_>,
        op: Op,
        waiters: fn(&mut Inner<T>) -> &mut WaitQueue,
        polled_at: Place,
    ) {
        context::expect("sync::Queue", |state| {
            let object = self.tag.id(state);
            let wait = parked.park(state, cx, op, Some(object), Target::Here, polled_at);
            waiters(&mut open(&self.inner)).push(wait);
        });
    }
}

impl<T> fmt::Debug for Queue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue")
            .field("name", &self.tag.name())
            .field("len", &self.len())
            .field("capacity", &self.capacity())
            .finish_non_exhaustive()
    }
}

/// Whether the future has to wait on; `Some` where it was woken (or has not waited yet), with
/// what is to be dropped.
fn woken(parked: &mut Parked, cx: &Context<'_>) -> Option<Option<Left>> {
    context::expect("sync::Queue", |state| {
        parked.forget_cancelled(state);
        if !parked.is_parked() {
            return Some(None);
        }
        (parked.repoll(state, cx) == WaitState::Done).then(|| parked.leave(state))
    })
}

/// The future of [`Queue::put`].
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct QueuePut<'a, T> {
    queue: &'a Queue<T>,
    item: Option<T>,
    parked: Parked,
}

// The item is only moved, never pinned.
impl<T> Unpin for QueuePut<'_, T> {}

impl<T> fmt::Debug for QueuePut<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueuePut").field("queue", self.queue).finish_non_exhaustive()
    }
}

impl<T> Future for QueuePut<'_, T> {
    type Output = Result<(), QueueShutDown>;

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let polled_at = Location::caller();
        let this = &mut *self;
        if woken(&mut this.parked, cx).is_none() {
            return Poll::Pending;
        }
        let item = this.item.take().expect("`Queue::put` was polled after it ended");
        match this.queue.put_nowait(item) {
            Ok(()) => Poll::Ready(Ok(())),
            Err(TryPutError::ShutDown(_)) => Poll::Ready(Err(QueueShutDown(()))),
            Err(TryPutError::Full(item)) => {
                this.item = Some(item);
                let putters: fn(&mut Inner<T>) -> &mut WaitQueue = |inner| &mut inner.putters;
                this.queue.park(&mut this.parked, cx, Op::Send, putters, polled_at);
                Poll::Pending
            }
        }
    }
}

impl<T> Drop for QueuePut<'_, T> {
    fn drop(&mut self) {
        let Some((wait, woken)) = abandon(&mut self.parked) else { return };
        open(&self.queue.inner).putters.remove(wait);
        if woken && !self.queue.is_full() {
            self.queue.wake_putter();
        }
    }
}

/// The future of [`Queue::get`].
#[derive(Debug)]
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct QueueGet<'a, T> {
    queue: &'a Queue<T>,
    parked: Parked,
}

impl<T> Future for QueueGet<'_, T> {
    type Output = Result<T, QueueShutDown>;

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let polled_at = Location::caller();
        let this = &mut *self;
        if woken(&mut this.parked, cx).is_none() {
            return Poll::Pending;
        }
        match this.queue.get_nowait() {
            Ok(item) => Poll::Ready(Ok(item)),
            Err(TryGetError::ShutDown) => Poll::Ready(Err(QueueShutDown(()))),
            Err(TryGetError::Empty) => {
                let getters: fn(&mut Inner<T>) -> &mut WaitQueue = |inner| &mut inner.getters;
                this.queue.park(&mut this.parked, cx, Op::Receive, getters, polled_at);
                Poll::Pending
            }
        }
    }
}

impl<T> Drop for QueueGet<'_, T> {
    fn drop(&mut self) {
        let Some((wait, woken)) = abandon(&mut self.parked) else { return };
        open(&self.queue.inner).getters.remove(wait);
        if woken && !self.queue.is_empty() {
            self.queue.wake_getter();
        }
    }
}

/// The future of [`Queue::join`].
#[derive(Debug)]
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct QueueJoin<'a, T> {
    queue: &'a Queue<T>,
    parked: Parked,
}

impl<T> Future for QueueJoin<'_, T> {
    type Output = ();

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let polled_at = Location::caller();
        let this = &mut *self;
        if this.parked.is_parked() {
            // Released by whoever was done last, whatever was put since then.
            return if woken(&mut this.parked, cx).is_some() {
                Poll::Ready(())
            } else {
                Poll::Pending
            };
        }
        if this.queue.unfinished() == 0 {
            return Poll::Ready(());
        }
        let joiners: fn(&mut Inner<T>) -> &mut WaitQueue = |inner| &mut inner.joiners;
        this.queue.park(&mut this.parked, cx, Op::QueueJoin, joiners, polled_at);
        Poll::Pending
    }
}

impl<T> Drop for QueueJoin<'_, T> {
    fn drop(&mut self) {
        if let Some((wait, _)) = abandon(&mut self.parked) {
            open(&self.queue.inner).joiners.remove(wait);
        }
    }
}

/// Says that a queue was shut down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueShutDown(());

impl fmt::Display for QueueShutDown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the queue was shut down")
    }
}

impl core::error::Error for QueueShutDown {}

/// Says why an item could not be put without waiting, and gives it back.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum TryPutError<T> {
    /// There is no room: `QueueFull`.
    Full(T),
    /// The queue was shut down.
    ShutDown(T),
}

impl<T> TryPutError<T> {
    /// Gives up the error for the item.
    #[must_use]
    pub fn into_item(self) -> T {
        match self {
            TryPutError::Full(item) | TryPutError::ShutDown(item) => item,
        }
    }

    fn text(&self) -> &'static str {
        match self {
            TryPutError::Full(_) => "the queue is full",
            TryPutError::ShutDown(_) => "the queue was shut down",
        }
    }
}

impl<T> fmt::Debug for TryPutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TryPutError::Full(_) => "Full(..)",
            TryPutError::ShutDown(_) => "ShutDown(..)",
        })
    }
}

impl<T> fmt::Display for TryPutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl<T> core::error::Error for TryPutError<T> {}

/// Says why no item could be had without waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TryGetError {
    /// There is none: `QueueEmpty`.
    Empty,
    /// There is none, and the queue was shut down.
    ShutDown,
}

impl fmt::Display for TryGetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TryGetError::Empty => "the queue is empty",
            TryGetError::ShutDown => "the queue was shut down",
        })
    }
}

impl core::error::Error for TryGetError {}

/// Says that [`Queue::task_done`] was called more often than items were put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskDoneError(());

impl fmt::Display for TaskDoneError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`task_done` was called too many times")
    }
}

impl core::error::Error for TaskDoneError {}
