//! The items of a queue, in the order of its kind.

use std::collections::VecDeque;

/// What a queue holds. Operations that would have to compare are refused, to be done by the
/// caller on the [`Heap`].
pub(super) enum Items<T> {
    Fifo(VecDeque<T>),
    Lifo(Vec<T>),
    // `taken` items are in a heap that somebody works on.
    Priority { heap: Heap<T>, taken: usize },
}

impl<T> Items<T> {
    pub(super) fn fifo() -> Self {
        Items::Fifo(VecDeque::new())
    }

    pub(super) fn lifo() -> Self {
        Items::Lifo(Vec::new())
    }

    pub(super) fn priority() -> Self
    where
        T: Ord,
    {
        Items::Priority { heap: Heap { items: Vec::new(), less: T::lt }, taken: 0 }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Items::Fifo(items) => items.len(),
            Items::Lifo(items) => items.len(),
            Items::Priority { heap, taken } => heap.items.len() + taken,
        }
    }

    pub(super) fn push(&mut self, item: T) -> Result<(), T> {
        match self {
            Items::Fifo(items) => items.push_back(item),
            Items::Lifo(items) => items.push(item),
            Items::Priority { .. } => return Err(item),
        }
        Ok(())
    }

    pub(super) fn pop(&mut self) -> Option<Option<T>> {
        match self {
            Items::Fifo(items) => Some(items.pop_front()),
            Items::Lifo(items) => Some(items.pop()),
            Items::Priority { .. } => None,
        }
    }

    /// Takes everything out, to be dropped by the caller.
    pub(super) fn take_all(&mut self) -> VecDeque<T> {
        match self {
            Items::Fifo(items) => core::mem::take(items),
            Items::Lifo(items) => core::mem::take(items).into_iter().rev().collect(),
            Items::Priority { heap, .. } => core::mem::take(&mut heap.items).into(),
        }
    }

    pub(super) fn take_heap(&mut self) -> Heap<T> {
        match self {
            Items::Priority { heap, taken } => {
                *taken += heap.items.len();
                Heap { items: core::mem::take(&mut heap.items), less: heap.less }
            }
            Items::Fifo(_) | Items::Lifo(_) => unreachable!("[sim bug] no priority queue"),
        }
    }

    /// Puts back what was taken out. What a comparison itself put meanwhile stands behind.
    pub(super) fn put_heap_back(&mut self, back: &mut Heap<T>) {
        if let Items::Priority { heap, taken } = self {
            *taken = 0;
            let mut meanwhile =
                core::mem::replace(&mut heap.items, core::mem::take(&mut back.items));
            heap.items.append(&mut meanwhile);
        }
    }
}

/// A binary heap with the very steps of Python's `heapq`, so that equal items come out in its
/// order.
pub(super) struct Heap<T> {
    items: Vec<T>,
    less: fn(&T, &T) -> bool,
}

impl<T> Heap<T> {
    pub(super) fn push(&mut self, item: T) {
        self.items.push(item);
        self.sift_down(self.items.len() - 1);
    }

    pub(super) fn pop(&mut self) -> Option<T> {
        let last = self.items.len().checked_sub(1)?;
        self.items.swap(0, last);
        let item = self.items.pop();
        self.sift_up();
        item
    }

    /// Moves an item towards the root until its parent is not larger: `_siftdown`.
    fn sift_down(&mut self, mut at: usize) {
        while at > 0 {
            let parent = (at - 1) / 2;
            if !(self.less)(&self.items[at], &self.items[parent]) {
                return;
            }
            self.items.swap(at, parent);
            at = parent;
        }
    }

    /// Moves the root's item to a leaf, past the smaller child each time, then back towards the
    /// root as far as it belongs: `_siftup`.
    fn sift_up(&mut self) {
        let end = self.items.len();
        let mut at = 0;
        loop {
            let (left, right) = (2 * at + 1, 2 * at + 2);
            if left >= end {
                break;
            }
            let right_first = right < end && !(self.less)(&self.items[left], &self.items[right]);
            let child = if right_first { right } else { left };
            self.items.swap(at, child);
            at = child;
        }
        if end > 0 {
            self.sift_down(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Clone, Copy)]
    struct Job(u32, u32);

    impl PartialEq for Job {
        fn eq(&self, other: &Self) -> bool {
            self.0 == other.0
        }
    }

    impl Eq for Job {}

    impl PartialOrd for Job {
        fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
            Some(self.cmp(other))
        }
    }

    impl Ord for Job {
        fn cmp(&self, other: &Self) -> core::cmp::Ordering {
            self.0.cmp(&other.0)
        }
    }

    fn drain(heap: &mut Heap<Job>) -> Vec<u32> {
        core::iter::from_fn(|| heap.pop()).map(|job| job.1).collect()
    }

    #[test]
    fn equal_items_come_in_the_order_of_heapq() {
        let mut heap = Heap { items: Vec::new(), less: Job::lt };
        for nth in 0..6 {
            heap.push(Job(0, nth));
        }
        assert_eq!(drain(&mut heap), [0, 2, 5, 4, 1, 3]);
        // heapq's answer for these priorities.
        for (nth, priority) in [3, 1, 2, 1, 3, 2, 1, 0, 2, 3].into_iter().enumerate() {
            heap.push(Job(priority, nth as u32));
        }
        assert_eq!(drain(&mut heap), HEAPQ);
    }

    const HEAPQ: [u32; 10] = [7, 6, 1, 3, 2, 5, 8, 9, 0, 4];
}
