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
    // Tells a timer from an earlier one in the same slot; [`FIRED`] once it has come up.
    seq: u64,
    action: Option<A>,
}

/// The number of no timer: of one that has come up and whose action waits to be taken.
const FIRED: u64 = u64::MAX;

impl<A> Timers<A> {
    pub(crate) fn new() -> Self {
        Self { heap: BinaryHeap::new(), slots: Vec::new(), free: Vec::new(), next_seq: 0, live: 0 }
    }

    /// Forgets every timer and keeps the memory; the actions are handed over, since dropping one
    /// may run user code.
    #[must_use]
    pub(crate) fn clear(&mut self) -> Vec<A> {
        self.heap.clear();
        self.next_seq = 0;
        self.live = 0;
        if self.free.len() == self.slots.len() && self.slots.len() <= KEPT {
            // Nothing is left, as mostly: the slots stay as they are.
            return Vec::new();
        }
        self.free.clear();
        self.slots.drain(..).filter_map(|slot| slot.action).collect()
    }

    /// Sets a timer.
    #[inline]
    pub(crate) fn insert(&mut self, deadline: u64, action: A) -> TimerId {
        let seq = self.next_seq;
        self.next_seq += 1;
        let index = match self.free.pop() {
            Some(index) => index,
            None => self.grow(),
        };
        let slot = &mut self.slots[index as usize];
        slot.seq = seq;
        // Said, so that nothing is dropped below.
        assert!(slot.action.is_none(), "[sim bug] a free timer is in use");
        slot.action = Some(action);
        self.heap.push(Reverse((deadline, seq, index)));
        self.live += 1;
        TimerId { index, seq }
    }

    #[cold]
    fn grow(&mut self) -> u32 {
        let index = u32::try_from(self.slots.len()).expect("[sim bug] more than 2^32 timers");
        self.slots.push(Slot { seq: FIRED, action: None });
        index
    }

    /// Drops a timer; `None` if it has come up or was dropped before.
    #[inline]
    pub(crate) fn remove(&mut self, id: TimerId) -> Option<A> {
        let slot = self.slots.get_mut(id.index as usize).filter(|slot| slot.seq == id.seq)?;
        let action = slot.action.take()?;
        self.free.push(id.index);
        self.live -= 1;
        // Dropped timers stay in the heap until they come up; a program that sets and drops
        // many long timeouts would let it grow without bound.
        if self.heap.len() > 64 && self.live * 2 < self.heap.len() {
            self.purge();
        }
        Some(action)
    }

    #[cold]
    fn purge(&mut self) {
        let slots = &self.slots;
        self.heap.retain(|Reverse((_, seq, index))| {
            let slot = &slots[*index as usize];
            slot.seq == *seq && slot.action.is_some()
        });
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

    /// Whether no timer is due at `now`.
    #[inline]
    pub(crate) fn none_due(&self, now: u64) -> bool {
        self.heap.peek().is_none_or(|Reverse((deadline, ..))| *deadline > now)
    }

    /// Finds the earliest timer that is due at `now`: it can no longer be dropped, and its action
    /// waits under this number for [`fire`](Self::fire).
    pub(crate) fn pop_due(&mut self, now: u64) -> Option<u32> {
        while let Some(&Reverse((deadline, seq, index))) = self.heap.peek() {
            if deadline > now {
                return None;
            }
            self.heap.pop();
            if self.is_live(index, seq) {
                self.slots[index as usize].seq = FIRED;
                self.live -= 1;
                return Some(index);
            }
        }
        None
    }

    /// The action of a timer that has come up.
    pub(crate) fn due_action(&self, index: u32) -> Option<&A> {
        self.slots.get(index as usize)?.action.as_ref()
    }

    /// Takes the action of a timer that has come up.
    #[inline]
    pub(crate) fn fire(&mut self, index: u32) -> Option<A> {
        let action = self.slots.get_mut(index as usize)?.action.take()?;
        self.free.push(index);
        Some(action)
    }

    pub(crate) fn len(&self) -> usize {
        self.live
    }

    fn is_live(&self, index: u32, seq: u64) -> bool {
        self.slots.get(index as usize).is_some_and(|slot| slot.seq == seq && slot.action.is_some())
    }
}

/// How many timers' memory is kept for the next run.
const KEPT: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_deadlines_fire_in_creation_order() {
        let mut timers = Timers::new();
        timers.insert(5, 'a');
        timers.insert(3, 'b');
        timers.insert(5, 'c');
        let mut fired = |now| timers.pop_due(now).and_then(|timer| timers.fire(timer));
        assert_eq!(fired(4), Some('b'));
        assert_eq!(fired(4), None);
        assert_eq!(fired(5), Some('a'));
        assert_eq!(fired(5), Some('c'));
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
    fn a_timer_that_has_come_up_cannot_be_dropped_and_its_action_is_still_there() {
        let mut timers = Timers::new();
        let first = timers.insert(5, 'a');
        let due = timers.pop_due(5).unwrap();
        assert_eq!((timers.remove(first), timers.len()), (None, 0));
        let second = timers.insert(9, 'b');
        assert_eq!((timers.fire(due), timers.fire(due)), (Some('a'), None));
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
