//! Batches: writes to several keys at one moment.

use std::fmt;

use crate::map::ConcurrentOrderedMap;
use crate::pinned::{Pinned, pair};
use crate::raw::Item;
use crate::set::{ConcurrentOrderedSet, PinnedSet};

/// Insertions and removals that take effect at one moment: all of them, or, until then, none.
///
/// It is a list of writes and touches no map until it is applied: [`ConcurrentOrderedMap::apply`] or
/// [`Pinned::apply`], or the same of a set. Of several writes to one key the last one counts. For loops there
/// are `Extend` and `FromIterator`, of keys with `Some` value to insert, or `None` to remove the key.
///
/// # What it promises
///
/// Applying a batch is linearizable, with all other calls. A [`Snapshot`](crate::Snapshot) shows all of a batch
/// or nothing of it, and so do the calls on single keys in their order: who has seen one write of it does not
/// miss another later. An iterator of the map or a session is made of many reads, and may meet a batch half-way.
///
/// # What it costs
///
/// O(*k* log *n*) for *k* keys. Each block of up to 28 entries in whose range one of them lies is replaced by
/// a copy, so a batch of far-apart keys costs some microseconds a key, and one of neighbours little more than
/// its insertions. It stops nobody: readers read on, and a thread that wants to write to one of these blocks
/// first does what is left of the batch, as it does for a batch whose thread has been stopped. Calls on single
/// keys pay nothing for it that batches can be.
///
/// ```
/// use concurrent_ordered_map::{Batch, ConcurrentOrderedMap};
///
/// let accounts = ConcurrentOrderedMap::from([("alice", 70), ("bob", 30), ("carol", 0)]);
/// accounts.apply(Batch::new().insert("alice", 60).insert("bob", 40).remove("carol"));
///
/// // A snapshot that another thread takes meanwhile has a sum of 100, too.
/// assert_eq!(accounts.snapshot().values().sum::<i32>(), 100);
///
/// let raise: Batch<_, _> = ["alice", "bob"].into_iter().map(|name| (name, Some(100))).collect();
/// assert_eq!(accounts.apply(raise).replaced, 2);
/// ```
#[must_use = "a batch does nothing until it is applied"]
pub struct Batch<K, V> {
    writes: Vec<(K, Option<V>)>,
}

impl<K, V> Batch<K, V> {
    /// One without writes. Allocates nothing.
    pub fn new() -> Self {
        Self { writes: Vec::new() }
    }

    /// Adds: set the key's value, as [`Pinned::insert`] does. O(1), amortized.
    pub fn insert(mut self, key: K, value: V) -> Self {
        self.writes.push((key, Some(value)));
        self
    }

    /// Adds: remove the key, if it is there. Takes the key by value, since others may have to read it to help.
    /// O(1), amortized.
    pub fn remove(mut self, key: K) -> Self {
        self.writes.push((key, None));
        self
    }

    /// How many writes have been added, those that a later one makes needless included.
    pub fn len(&self) -> usize {
        self.writes.len()
    }

    /// True if none has been added.
    pub fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }
}

impl<K, V> Default for Batch<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K, V> Extend<(K, Option<V>)> for Batch<K, V> {
    /// Adds writes: keys with the value to insert, or `None` to remove the key.
    fn extend<I: IntoIterator<Item = (K, Option<V>)>>(&mut self, writes: I) {
        self.writes.extend(writes);
    }
}

impl<K, V> FromIterator<(K, Option<V>)> for Batch<K, V> {
    /// As `extend`.
    fn from_iter<I: IntoIterator<Item = (K, Option<V>)>>(writes: I) -> Self {
        Self { writes: writes.into_iter().collect() }
    }
}

/// Shows the writes in the order in which they were added.
impl<K: fmt::Debug, V: fmt::Debug> fmt::Debug for Batch<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.writes.iter().map(|(key, value)| (key, value))).finish()
    }
}

/// What a batch came to, in numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Tally {
    /// How many keys were inserted that were not there.
    pub inserted: usize,
    /// How many entries were replaced.
    pub replaced: usize,
    /// How many entries were removed. A removal of a key that was not there counts nowhere.
    pub removed: usize,
}

/// What a batch came to: what [`Pinned::apply`] answers.
pub struct Applied<'p, K, V> {
    tally: Tally,
    displaced: Vec<Item<'p, K, V>>,
}

impl<'p, K, V> Applied<'p, K, V> {
    /// How many entries were inserted, replaced and removed.
    pub fn tally(&self) -> Tally {
        self.tally
    }

    /// The entries that were replaced or removed, as they were right before, in ascending order of their keys.
    pub fn displaced(&self) -> impl DoubleEndedIterator<Item = (&'p K, &'p V)> + ExactSizeIterator {
        self.displaced.iter().copied().map(pair)
    }
}

/// Shows the numbers, and the entries that were displaced.
impl<K: fmt::Debug, V: fmt::Debug> fmt::Debug for Applied<'_, K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let displaced: Vec<_> = self.displaced().collect();
        f.debug_struct("Applied")
            .field("tally", &self.tally)
            .field("displaced", &displaced)
            .finish()
    }
}

/// # Writing several keys at one moment
impl<K: Ord + Send + 'static, V: Send + 'static> Pinned<'_, K, V> {
    /// Makes the writes of a batch at one moment, and answers what they displaced.
    ///
    /// Linearizable. See [`Batch`] for what it promises and costs.
    ///
    /// # Panics
    ///
    /// If `Ord` does. The batch is sorted and its keys are looked up before anything is written, so that
    /// nothing is written if it panics then. Should it only panic later, the batch has taken effect as a whole or
    /// not at all; only where a snapshot is alive it may yet do so, when another call meets it.
    ///
    /// ```
    /// use concurrent_ordered_map::{Batch, ConcurrentOrderedMap};
    ///
    /// let map = ConcurrentOrderedMap::from([(1, "one"), (2, "two")]);
    /// let session = map.pin();
    /// let applied = session.apply(Batch::new().insert(3, "three").insert(1, "uno").remove(2).remove(4));
    /// assert_eq!(applied.displaced().collect::<Vec<_>>(), [(&1, &"one"), (&2, &"two")]);
    /// assert_eq!(session.iter().collect::<Vec<_>>(), [(&1, &"uno"), (&3, &"three")]);
    ///
    /// let tally = applied.tally();
    /// assert_eq!((tally.inserted, tally.replaced, tally.removed), (1, 1, 1));
    /// ```
    pub fn apply(&self, batch: Batch<K, V>) -> Applied<'_, K, V> {
        let (tally, displaced) = self.raw().apply(batch.writes, self.guard());
        Applied { tally, displaced }
    }
}

/// # Writing several keys at one moment
impl<K: Ord + Send + 'static, V: Send + 'static> ConcurrentOrderedMap<K, V> {
    /// Makes the writes of a batch at one moment, and answers how many entries were inserted, replaced and
    /// removed.
    ///
    /// Linearizable. See [`Batch`] for what it promises and costs, and [`Pinned::apply`] for what was displaced.
    ///
    /// # Panics
    ///
    /// As [`Pinned::apply`].
    ///
    /// ```
    /// use concurrent_ordered_map::{Batch, ConcurrentOrderedMap};
    ///
    /// let map = ConcurrentOrderedMap::from([("key".to_string(), 1)]);
    /// // Others see it by one of its names, and never by both or neither.
    /// let tally = map.apply(Batch::new().remove("key".to_string()).insert("name".to_string(), 1));
    /// assert_eq!((tally.inserted, tally.removed), (1, 1));
    /// ```
    pub fn apply(&self, batch: Batch<K, V>) -> Tally {
        self.pin().apply(batch).tally()
    }
}

/// # Writing several keys at one moment
impl<K: Ord + Send + 'static> ConcurrentOrderedSet<K> {
    /// Makes the writes of a batch at one moment, as [`ConcurrentOrderedMap::apply`] does. Its values are `()`.
    ///
    /// # Panics
    ///
    /// As [`Pinned::apply`].
    ///
    /// ```
    /// use concurrent_ordered_map::{Batch, ConcurrentOrderedSet};
    ///
    /// let online = ConcurrentOrderedSet::from(["ada", "bob"]);
    /// online.apply(Batch::new().remove("ada").insert("eve", ()));
    /// assert_eq!(online.iter().collect::<Vec<_>>(), ["bob", "eve"]);
    /// ```
    pub fn apply(&self, batch: Batch<K, ()>) -> Tally {
        self.map().apply(batch)
    }
}

/// # Writing several keys at one moment
impl<K: Ord + Send + 'static> PinnedSet<'_, K> {
    /// As [`ConcurrentOrderedSet::apply`], and answers the keys that were displaced.
    pub fn apply(&self, batch: Batch<K, ()>) -> Applied<'_, K, ()> {
        self.map().apply(batch)
    }
}
