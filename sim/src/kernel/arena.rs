//! A slab whose keys tell an entry from an earlier one in the same place.

use core::num::NonZeroU32;

/// Names an entry of an [`Arena`]; stale once the entry is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    index: u32,
    // Never zero, so that an absent key takes no room of its own.
    generation: NonZeroU32,
}

#[derive(Debug)]
pub(crate) struct Arena<T> {
    entries: Vec<Entry<T>>,
    free: Vec<u32>,
}

#[derive(Debug)]
struct Entry<T> {
    generation: NonZeroU32,
    value: Option<T>,
}

impl<T> Arena<T> {
    pub(crate) fn new() -> Self {
        Self { entries: Vec::new(), free: Vec::new() }
    }

    #[inline]
    pub(crate) fn insert(&mut self, value: T) -> Key {
        let (place, key) = self.vacant();
        *place = Some(value);
        key
    }

    /// Gives a place to be filled by the caller, so that a large value is written where it stays.
    #[inline(always)]
    pub(crate) fn vacant(&mut self) -> (&mut Option<T>, Key) {
        let index = match self.free.pop() {
            Some(index) => index,
            None => self.grow(),
        };
        let entry = &mut self.entries[index as usize];
        // Said, so that nothing is dropped where it is filled.
        assert!(entry.value.is_none(), "[sim bug] a free entry is in use");
        (&mut entry.value, Key { index, generation: entry.generation })
    }

    #[cold]
    fn grow(&mut self) -> u32 {
        let index = u32::try_from(self.entries.len()).expect("[sim bug] more than 2^32 entries");
        self.entries.push(Entry { generation: NonZeroU32::MIN, value: None });
        index
    }

    #[inline]
    pub(crate) fn remove(&mut self, key: Key) -> Option<T> {
        let entry = self.entries.get_mut(key.index as usize)?;
        if entry.generation != key.generation {
            return None;
        }
        let value = entry.value.take()?;
        entry.generation = entry.generation.checked_add(1).unwrap_or(NonZeroU32::MIN);
        self.free.push(key.index);
        Some(value)
    }

    /// Removes an entry of which only what `take` gives is wanted: a large value is not moved.
    #[inline(always)]
    pub(crate) fn remove_with<R>(&mut self, key: Key, take: impl FnOnce(&mut T) -> R) -> Option<R> {
        let entry = self.entries.get_mut(key.index as usize)?;
        if entry.generation != key.generation {
            return None;
        }
        let taken = take(entry.value.as_mut()?);
        entry.value = None;
        entry.generation = entry.generation.checked_add(1).unwrap_or(NonZeroU32::MIN);
        self.free.push(key.index);
        Some(taken)
    }

    #[inline]
    pub(crate) fn get(&self, key: Key) -> Option<&T> {
        let entry = self.entries.get(key.index as usize)?;
        if entry.generation == key.generation { entry.value.as_ref() } else { None }
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        let entry = self.entries.get_mut(key.index as usize)?;
        if entry.generation == key.generation { entry.value.as_mut() } else { None }
    }

    /// Removes every entry; the values are handed over, to be dropped by the caller.
    ///
    /// Costs nothing where all entries were removed before, as they mostly are. A large arena's
    /// memory is given back.
    pub(crate) fn clear(&mut self) -> Vec<T> {
        if self.free.len() == self.entries.len() && self.entries.len() <= KEPT {
            return Vec::new();
        }
        self.free.clear();
        // Keys from before are told by the number of the run that stands beside them.
        core::mem::take(&mut self.entries).into_iter().filter_map(|entry| entry.value).collect()
    }
}

/// How many entries' memory is kept for the next run.
const KEPT: usize = 4096;
