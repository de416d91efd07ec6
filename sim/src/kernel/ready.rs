//! The ready queue: tasks and callbacks in the order in which they became ready.
//!
//! Order matters more than speed here, since candidate 0 is the head: picking from the middle has
//! to keep the rest in order. A list of short lanes does both: one lane up to [`LANE`] entries, and
//! a pick that walks the lanes' lengths beyond that.

use std::collections::VecDeque;

const LANE: usize = 1024;
// Set in all that is no task.
const CALL: u32 = 1 << 31;
const TIMER: u32 = 1 << 30;

/// An entry of the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    /// A task, by its slot.
    Task(u32),
    /// A callback, by its number.
    Call(u32),
    /// A timer that is due, by its number.
    Timer(u32),
}

impl Entry {
    fn pack(self) -> u32 {
        match self {
            Entry::Task(slot) => slot,
            Entry::Call(call) => call | CALL,
            Entry::Timer(timer) => timer | CALL | TIMER,
        }
    }

    fn unpack(word: u32) -> Self {
        if word & CALL == 0 {
            Entry::Task(word)
        } else if word & TIMER == 0 {
            Entry::Call(word & !CALL)
        } else {
            Entry::Timer(word & !(CALL | TIMER))
        }
    }

    fn is_task(self) -> bool {
        matches!(self, Entry::Task(_))
    }
}

/// A short queue: a vector whose front moves.
#[derive(Debug, Default)]
struct Lane {
    words: Vec<u32>,
    head: usize,
}

impl Lane {
    #[inline]
    fn len(&self) -> usize {
        self.words.len() - self.head
    }

    #[inline]
    fn entries(&self) -> &[u32] {
        &self.words[self.head..]
    }

    #[inline]
    fn is_full(&self) -> bool {
        self.words.len() == self.words.capacity()
    }

    /// Makes room at the back of a full lane; false where it is long enough already.
    #[cold]
    fn make_room(&mut self) -> bool {
        if self.len() >= LANE {
            return false;
        }
        if self.head * 2 >= self.words.len() {
            self.words.drain(..self.head);
            self.head = 0;
        }
        if self.is_full() {
            self.words.reserve(self.words.len().max(16));
        }
        true
    }

    /// Drops the first entry; true where it was the last.
    #[inline(always)]
    fn drop_front(&mut self) -> bool {
        self.head += 1;
        let emptied = self.head == self.words.len();
        if emptied {
            self.clear();
        }
        emptied
    }

    #[inline]
    fn remove(&mut self, position: usize) -> u32 {
        let at = self.head + position;
        // Always the same side: to choose the shorter one costs a mispredicted branch, which is
        // dearer than the copy.
        let word = self.words.remove(at);
        if self.head == self.words.len() {
            self.clear();
        }
        word
    }

    #[inline]
    fn clear(&mut self) {
        self.words.clear();
        self.head = 0;
    }
}

#[derive(Debug)]
pub(crate) struct ReadyQueue {
    first: Lane,
    // Invariant: empty unless `first` is not; no lane in it is.
    rest: VecDeque<Lane>,
    spare: Vec<Lane>,
    // How many entries are in `rest`.
    far: usize,
    calls: usize,
}

impl ReadyQueue {
    pub(crate) fn new() -> Self {
        Self { first: Lane::default(), rest: VecDeque::new(), spare: Vec::new(), far: 0, calls: 0 }
    }

    pub(crate) fn clear(&mut self) {
        self.first.clear();
        self.rest.clear();
        self.spare.clear();
        self.far = 0;
        self.calls = 0;
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.first.len() + self.far
    }

    /// How many of the entries are tasks.
    #[inline]
    pub(crate) fn tasks(&self) -> usize {
        self.len() - self.calls
    }

    /// Whether anything but tasks is in the queue.
    #[inline]
    pub(crate) fn has_calls(&self) -> bool {
        self.calls > 0
    }

    #[inline]
    pub(crate) fn push_back(&mut self, entry: Entry) {
        self.calls += usize::from(!entry.is_task());
        let word = entry.pack();
        if self.far == 0 && !self.first.is_full() {
            self.first.words.push(word);
        } else {
            self.push_with_care(word);
        }
    }

    #[cold]
    #[inline(never)]
    fn push_with_care(&mut self, word: u32) {
        if self.far == 0 && self.first.make_room() {
            self.first.words.push(word);
            return;
        }
        self.far += 1;
        if let Some(last) = self.rest.back_mut()
            && (!last.is_full() || last.make_room())
        {
            last.words.push(word);
            return;
        }
        let mut lane = self.spare.pop().unwrap_or_default();
        lane.words.push(word);
        self.rest.push_back(lane);
    }

    #[inline]
    pub(crate) fn front(&self) -> Option<Entry> {
        self.first.words.get(self.first.head).copied().map(Entry::unpack)
    }

    /// Takes what [`front`](Self::front) showed.
    #[inline(always)]
    pub(crate) fn drop_front(&mut self, entry: Entry) {
        self.calls -= usize::from(!entry.is_task());
        if self.first.drop_front() && self.far > 0 {
            self.refill();
        }
    }

    /// The queued tasks in order.
    pub(crate) fn iter_tasks(&self) -> impl Iterator<Item = u32> {
        self.lanes().flat_map(|lane| lane.entries()).filter_map(|word| match Entry::unpack(*word) {
            Entry::Task(slot) => Some(slot),
            Entry::Call(_) | Entry::Timer(_) => None,
        })
    }

    /// Where among the tasks one stands.
    pub(crate) fn position_of_task(&self, slot: u32) -> Option<usize> {
        self.iter_tasks().position(|other| other == slot)
    }

    /// Takes the `nth` task; the rest keep their order.
    #[inline(always)]
    pub(crate) fn remove_task(&mut self, nth: usize) -> Option<u32> {
        if self.calls == 0 && nth < self.first.len() {
            let word = self.first.remove(nth);
            if self.far > 0 && self.first.len() == 0 {
                self.refill();
            }
            return Some(word);
        }
        self.remove_far_task(nth)
    }

    #[cold]
    fn remove_far_task(&mut self, nth: usize) -> Option<u32> {
        let (lane, position) = self.locate(nth)?;
        Some(self.remove_at(lane, position))
    }

    /// Takes the first callback or timer if it stands before the `nth` task.
    pub(crate) fn take_call_before(&mut self, nth: usize) -> Option<Entry> {
        if self.calls == 0 {
            return None;
        }
        let mut tasks = 0;
        let mut found = None;
        'search: for (index, lane) in self.lanes().enumerate() {
            for (position, word) in lane.entries().iter().enumerate() {
                match Entry::unpack(*word) {
                    call @ (Entry::Call(_) | Entry::Timer(_)) => {
                        found = Some((index, position, call));
                        break 'search;
                    }
                    Entry::Task(_) if tasks == nth => break 'search,
                    Entry::Task(_) => tasks += 1,
                }
            }
        }
        let (lane, position, call) = found?;
        self.remove_at(lane, position);
        self.calls -= 1;
        Some(call)
    }

    /// Takes a task out, wherever it stands.
    pub(crate) fn forget_task(&mut self, slot: u32) {
        let found = self.lanes().enumerate().find_map(|(index, lane)| {
            Some((index, lane.entries().iter().position(|word| *word == slot)?))
        });
        if let Some((lane, position)) = found {
            self.remove_at(lane, position);
        }
    }

    fn lanes(&self) -> impl Iterator<Item = &Lane> {
        core::iter::once(&self.first).chain(&self.rest)
    }

    fn locate(&self, nth: usize) -> Option<(usize, usize)> {
        let mut left = nth;
        for (index, lane) in self.lanes().enumerate() {
            if self.calls == 0 {
                if left < lane.len() {
                    return Some((index, left));
                }
                left -= lane.len();
                continue;
            }
            for (position, word) in lane.entries().iter().enumerate() {
                if word & CALL == 0 {
                    if left == 0 {
                        return Some((index, position));
                    }
                    left -= 1;
                }
            }
        }
        None
    }

    fn remove_at(&mut self, lane: usize, position: usize) -> u32 {
        if lane == 0 {
            let word = self.first.remove(position);
            if self.far > 0 && self.first.len() == 0 {
                self.refill();
            }
            return word;
        }
        self.far -= 1;
        let word = self.rest[lane - 1].remove(position);
        if self.rest[lane - 1].len() == 0 {
            self.spare.extend(self.rest.remove(lane - 1));
        }
        word
    }

    /// Moves the next lane to the front: the first one is used up.
    #[cold]
    fn refill(&mut self) {
        if let Some(next) = self.rest.pop_front() {
            self.far -= next.len();
            let mut empty = core::mem::replace(&mut self.first, next);
            empty.clear();
            self.spare.push(empty);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn picks_keep_the_order_of_the_rest_across_lanes() {
        let mut queue = ReadyQueue::new();
        let mut model = Vec::new();
        for slot in 0..5_000 {
            queue.push_back(Entry::Task(slot));
            model.push(slot);
        }
        let mut step = 1;
        while !model.is_empty() {
            step = (step * 48_271) % 2_147_483_647;
            let nth = step % model.len();
            assert_eq!(queue.remove_task(nth), Some(model.remove(nth)));
            if step % 3 == 0 {
                queue.push_back(Entry::Task(step as u32 & 0xffff));
                model.push(step as u32 & 0xffff);
            }
            if model.len() > 6_000 || step % 1_000 == 7 {
                model.truncate(model.len() / 2);
                while queue.len() > model.len() {
                    queue.remove_task(queue.len() - 1);
                }
            }
            assert_eq!(queue.len(), model.len());
        }
    }

    #[test]
    fn callbacks_are_no_candidates_and_run_before_what_stands_behind_them() {
        let mut queue = ReadyQueue::new();
        for entry in
            [Entry::Task(1), Entry::Call(1), Entry::Task(2), Entry::Timer(2), Entry::Task(3)]
        {
            queue.push_back(entry);
        }
        assert_eq!(queue.tasks(), 3);
        assert_eq!(queue.take_call_before(0), None);
        assert_eq!(queue.take_call_before(1), Some(Entry::Call(1)));
        assert_eq!(queue.take_call_before(1), None);
        assert_eq!(queue.remove_task(1), Some(2));
        assert_eq!(queue.front(), Some(Entry::Task(1)));
        queue.forget_task(1);
        for entry in [Entry::Timer(2), Entry::Task(3)] {
            assert_eq!(queue.front(), Some(entry));
            queue.drop_front(entry);
        }
        assert_eq!(queue.front(), None);
    }
}
