//! The virtual clock: whole nanoseconds from the start of a run, and the timers set on it.
//!
//! Timers are ordered by (deadline, creation); due means deadline ≤ now. CPython's own heap is
//! not stable for equal deadlines; creation order is what a real clock gives, whose readings
//! never repeat.

use core::cmp::Reverse;
use core::time::Duration;
use std::collections::BinaryHeap;

/// Converts a duration to clock ticks; what does not fit becomes the end of time.
pub(crate) fn ticks(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Names a timer that is set; a fired or dropped timer's name is never given again in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimerId {
    index: u32,
    seq: u64,
}

/// The timers that are set, each carrying what is to happen when it fires.
#[derive(Debug)]
pub(crate) struct Timers<A> {
    // Invariant: holds each live timer once, and possibly dropped ones, ordered by (deadline, seq).
    heap: BinaryHeap<Reverse<(u64, u64, u32)>>,
    slots: Vec<Slot<A>>,
    free: Vec<u32>,
    next_seq: u64,
    live: usize,
}

#[derive(Debug)]
struct Slot<A> {
    // Tells a timer from an earlier one in the same slot.
    seq: u64,
    action: Option<A>,
}

impl<A> Timers<A> {
    pub(crate) fn new() -> Self {
        Self { heap: BinaryHeap::new(), slots: Vec::new(), free: Vec::new(), next_seq: 0, live: 0 }
    }

    /// Forgets every timer and keeps the memory; the actions are handed over, since dropping one
    /// may run user code.
    #[must_use]
    pub(crate) fn clear(&mut self) -> Vec<A> {
        self.heap.clear();
        let actions = self.slots.drain(..).filter_map(|slot| slot.action).collect();
        self.free.clear();
        self.next_seq = 0;
        self.live = 0;
        actions
    }

    /// Sets a timer.
    pub(crate) fn insert(&mut self, deadline: u64, action: A) -> TimerId {
        let seq = self.next_seq;
        self.next_seq += 1;
        let slot = Slot { seq, action: Some(action) };
        let index = match self.free.pop() {
            Some(index) => {
                self.slots[index as usize] = slot;
                index
            }
            None => {
                self.slots.push(slot);
                u32::try_from(self.slots.len() - 1).expect("[sim bug] more than 2^32 timers")
            }
        };
        self.heap.push(Reverse((deadline, seq, index)));
        self.live += 1;
        TimerId { index, seq }
    }

    /// Drops a timer; false if it has fired or was dropped before.
    pub(crate) fn remove(&mut self, id: TimerId) -> Option<A> {
        let action = self.take(id.index, id.seq)?;
        // Dropped timers stay in the heap until they come up; a program that sets and drops
        // many long timeouts would let it grow without bound.
        if self.heap.len() > 64 && self.live * 2 < self.heap.len() {
            let slots = &self.slots;
            self.heap.retain(|Reverse((_, seq, index))| {
                let slot = &slots[*index as usize];
                slot.seq == *seq && slot.action.is_some()
            });
        }
        Some(action)
    }

    /// The earliest deadline set.
    pub(crate) fn next_deadline(&mut self) -> Option<u64> {
        while let Some(&Reverse((deadline, seq, index))) = self.heap.peek() {
            if self.is_live(index, seq) {
                return Some(deadline);
            }
            self.heap.pop();
        }
        None
    }

    /// Takes the earliest timer that is due at `now`.
    pub(crate) fn pop_due(&mut self, now: u64) -> Option<A> {
        while let Some(&Reverse((deadline, seq, index))) = self.heap.peek() {
            if deadline > now {
                return None;
            }
            self.heap.pop();
            if let Some(action) = self.take(index, seq) {
                return Some(action);
            }
        }
        None
    }

    pub(crate) fn len(&self) -> usize {
        self.live
    }

    fn is_live(&self, index: u32, seq: u64) -> bool {
        self.slots.get(index as usize).is_some_and(|slot| slot.seq == seq && slot.action.is_some())
    }

    fn take(&mut self, index: u32, seq: u64) -> Option<A> {
        let slot = self.slots.get_mut(index as usize).filter(|slot| slot.seq == seq)?;
        let action = slot.action.take()?;
        self.free.push(index);
        self.live -= 1;
        Some(action)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_deadlines_fire_in_creation_order() {
        let mut timers = Timers::new();
        timers.insert(5, 'a');
        timers.insert(3, 'b');
        timers.insert(5, 'c');
        assert_eq!(timers.pop_due(4), Some('b'));
        assert_eq!(timers.pop_due(4), None);
        assert_eq!(timers.pop_due(5), Some('a'));
        assert_eq!(timers.pop_due(5), Some('c'));
        assert_eq!(timers.next_deadline(), None);
    }

    #[test]
    fn a_dropped_timer_moves_no_clock_and_its_slot_is_used_again() {
        let mut timers = Timers::new();
        let first = timers.insert(5, 'a');
        assert_eq!(timers.remove(first), Some('a'));
        assert_eq!(timers.next_deadline(), None);
        let second = timers.insert(5, 'b');
        assert_eq!(timers.remove(first), None, "the old name must not reach the new timer");
        assert_eq!(timers.remove(second), Some('b'));
    }

    #[test]
    fn dropped_timers_do_not_pile_up() {
        let mut timers = Timers::new();
        for round in 0..10_000 {
            let id = timers.insert(1_000_000 + round, round);
            timers.remove(id);
        }
        assert!(timers.heap.len() <= 65, "{} entries for no timer", timers.heap.len());
    }
}
