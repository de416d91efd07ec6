//! The ready queue: tasks and callbacks in the order in which they became ready.
//!
//! Order matters more than speed here, since candidate 0 is the head: picking from the middle has
//! to keep the rest in order. A list of short lanes does both: one lane up to [`LANE`] entries, and
//! a pick that walks the lanes' lengths beyond that.

use std::collections::VecDeque;

const LANE: usize = 1024;
const CALL: u32 = 1 << 31;

/// An entry of the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    /// A task, by its slot.
    Task(u32),
    /// A callback, by its number.
    Call(u32),
}

impl Entry {
    fn pack(self) -> u32 {
        match self {
            Entry::Task(slot) => slot,
            Entry::Call(call) => call | CALL,
        }
    }

    fn unpack(word: u32) -> Self {
        if word & CALL == 0 { Entry::Task(word) } else { Entry::Call(word & !CALL) }
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
    fn push_back(&mut self, word: u32) {
        if self.words.len() == self.words.capacity() && self.head * 2 >= self.words.len() {
            self.words.drain(..self.head);
            self.head = 0;
        }
        self.words.push(word);
    }

    #[inline]
    fn pop_front(&mut self) -> Option<u32> {
        let word = *self.words.get(self.head)?;
        self.head += 1;
        if self.head == self.words.len() {
            self.clear();
        }
        Some(word)
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
    len: usize,
    calls: usize,
}

impl ReadyQueue {
    pub(crate) fn new() -> Self {
        Self { first: Lane::default(), rest: VecDeque::new(), spare: Vec::new(), len: 0, calls: 0 }
    }

    pub(crate) fn clear(&mut self) {
        self.first.clear();
        self.rest.clear();
        self.spare.clear();
        self.len = 0;
        self.calls = 0;
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// How many of the entries are tasks.
    #[inline]
    pub(crate) fn tasks(&self) -> usize {
        self.len - self.calls
    }

    #[inline]
    pub(crate) fn push_back(&mut self, entry: Entry) {
        self.calls += usize::from(matches!(entry, Entry::Call(_)));
        self.len += 1;
        if self.rest.is_empty() && self.first.len() < LANE {
            self.first.push_back(entry.pack());
        } else {
            self.push_far_back(entry.pack());
        }
    }

    #[cold]
    fn push_far_back(&mut self, word: u32) {
        match self.rest.back_mut() {
            Some(last) if last.len() < LANE => last.push_back(word),
            _ => {
                let mut lane = self.spare.pop().unwrap_or_default();
                lane.push_back(word);
                self.rest.push_back(lane);
            }
        }
    }

    #[inline]
    pub(crate) fn front(&self) -> Option<Entry> {
        self.first.words.get(self.first.head).copied().map(Entry::unpack)
    }

    #[inline]
    pub(crate) fn pop_front(&mut self) -> Option<Entry> {
        let word = self.first.pop_front()?;
        self.len -= 1;
        if self.first.len() == 0 && !self.rest.is_empty() {
            self.refill();
        }
        let entry = Entry::unpack(word);
        self.calls -= usize::from(matches!(entry, Entry::Call(_)));
        Some(entry)
    }

    /// The queued tasks in order.
    pub(crate) fn iter_tasks(&self) -> impl Iterator<Item = u32> {
        self.lanes().flat_map(|lane| lane.entries()).filter_map(|word| match Entry::unpack(*word) {
            Entry::Task(slot) => Some(slot),
            Entry::Call(_) => None,
        })
    }

    /// Takes the `nth` task; the rest keep their order.
    #[inline]
    pub(crate) fn remove_task(&mut self, nth: usize) -> Option<u32> {
        if self.calls == 0 && nth < self.first.len() {
            let word = self.first.remove(nth);
            self.len -= 1;
            if self.first.len() == 0 && !self.rest.is_empty() {
                self.refill();
            }
            return Some(word);
        }
        let (lane, position) = self.locate(nth)?;
        Some(self.remove_at(lane, position))
    }

    /// Takes the first callback if it stands before the `nth` task.
    pub(crate) fn take_call_before(&mut self, nth: usize) -> Option<u32> {
        if self.calls == 0 {
            return None;
        }
        let mut tasks = 0;
        let mut found = None;
        'search: for (index, lane) in self.lanes().enumerate() {
            for (position, word) in lane.entries().iter().enumerate() {
                match Entry::unpack(*word) {
                    Entry::Call(call) => {
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
        self.len -= 1;
        if lane == 0 {
            let word = self.first.remove(position);
            if self.first.len() == 0 && !self.rest.is_empty() {
                self.refill();
            }
            return word;
        }
        let word = self.rest[lane - 1].remove(position);
        if self.rest[lane - 1].len() == 0 {
            self.spare.extend(self.rest.remove(lane - 1));
        }
        word
    }

    #[cold]
    fn refill(&mut self) {
        if let Some(next) = self.rest.pop_front() {
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
            [Entry::Task(1), Entry::Call(1), Entry::Task(2), Entry::Call(2), Entry::Task(3)]
        {
            queue.push_back(entry);
        }
        assert_eq!(queue.tasks(), 3);
        assert_eq!(queue.take_call_before(0), None);
        assert_eq!(queue.take_call_before(1), Some(1));
        assert_eq!(queue.take_call_before(1), None);
        assert_eq!(queue.remove_task(1), Some(2));
        assert_eq!(queue.front(), Some(Entry::Task(1)));
        queue.forget_task(1);
        assert_eq!(queue.pop_front(), Some(Entry::Call(2)));
        assert_eq!(queue.pop_front(), Some(Entry::Task(3)));
        assert_eq!(queue.pop_front(), None);
    }
}
