//! A map that remembers in which order its keys were first inserted.
//!
//! Every value carries a ticket, drawn from one counter when its key is inserted where it was absent, and
//! handed on when it is replaced. A listing collects the entries and sorts them by their tickets.

mod pinned;
mod traits;

use std::borrow::Borrow;

pub use pinned::PinnedInsertionOrderedMap;

use crate::map::ConcurrentOrderedMap;
use crate::sync::{AtomicU64, Ordering};

/// A value, and when its key was inserted.
pub(crate) struct Ticketed<V> {
    ticket: u64,
    value: V,
}

/// A concurrent map that lists its entries in the order in which their keys were first inserted.
///
/// This is what the Go original guarantees. Overwriting and updating leave a key at its place; removing it
/// and inserting it again moves it to the end.
///
/// Between threads: if an insertion had returned before another began, its key is listed before the other's.
/// Keys inserted at the same time are listed in either order, and the same way in every listing. Each listing
/// has the keys that are there throughout it, and may have those that come or go meanwhile.
///
/// It is a [`ConcurrentOrderedMap`] below, and calls on one key cost and promise what they do there; keys
/// must be `Ord`. On top come eight bytes an entry, and for the insertion of a *new* key one atomic addition
/// to a counter that all threads share (reads, overwrites and removals do not touch it). A listing costs
/// O(*n* log *n*) and the memory for it. Where listings are frequent and the order of keys will do, use a
/// [`ConcurrentOrderedMap`].
///
/// ```
/// use concurrent_ordered_map::InsertionOrderedMap;
///
/// let map = InsertionOrderedMap::new();
/// map.insert("pear", 1);
/// map.insert("apple", 2);
/// map.insert("pear", 3);
/// assert_eq!(map.entries(), [("pear", 3), ("apple", 2)]);
///
/// map.remove("pear");
/// map.insert("pear", 4);
/// assert_eq!(map.keys(), ["apple", "pear"]);
/// ```
pub struct InsertionOrderedMap<K, V> {
    map: ConcurrentOrderedMap<K, Ticketed<V>>,
    /// The ticket to be drawn next.
    next: AtomicU64,
}

impl<K, V> InsertionOrderedMap<K, V> {
    /// An empty map.
    pub fn new() -> Self {
        Self { map: ConcurrentOrderedMap::new(), next: AtomicU64::new(0) }
    }

    /// An empty map. The capacity is accepted and not used.
    pub fn with_capacity(_capacity: usize) -> Self {
        Self::new()
    }

    /// Starts a session, with the thread pinned until it ends.
    #[inline]
    pub fn pin(&self) -> PinnedInsertionOrderedMap<'_, K, V> {
        PinnedInsertionOrderedMap::new(self)
    }

    /// How many entries there are. Exact whenever no call is under way. O(1).
    pub fn len(&self) -> usize {
        self.map.len()
    }

    /// Frees what was removed or replaced, as far as that is possible now.
    ///
    /// See [`ConcurrentOrderedMap::collect`].
    pub fn collect(&self) -> bool {
        self.map.collect()
    }

    /// A ticket later than all that were drawn before.
    fn draw(&self) -> u64 {
        // Ordering: Relaxed; all additions to one atomic are in one order, which agrees with what happens
        // before what. Nothing else is published by it.
        self.next.fetch_add(1, Ordering::Relaxed)
    }
}

/// As the calls of [`ConcurrentOrderedMap`], which tell more. Those on one key are linearizable and
/// O(log *n*).
impl<K: Ord + Send + 'static, V: Send + 'static> InsertionOrderedMap<K, V> {
    /// A copy of the key's value.
    pub fn get<Q>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
        V: Clone,
    {
        self.pin().get(key).cloned()
    }

    /// True if the map holds the key.
    pub fn contains_key<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        self.map.contains_key(key)
    }

    /// True if there are no entries.
    pub fn is_empty(&self) -> bool {
        self.map.is_empty()
    }

    /// Sets the key's value, and answers a copy of the one it had. A key that is there keeps its place.
    pub fn insert(&self, key: K, value: V) -> Option<V>
    where
        V: Clone,
    {
        self.pin().insert(key, value).cloned()
    }

    /// Sets the key's value, and answers whether it had one. A key that is there keeps its place.
    pub fn set(&self, key: K, value: V) -> bool {
        self.pin().insert(key, value).is_some()
    }

    /// A copy of the key's value, which is made and inserted if there is none.
    ///
    /// The closure runs at most once.
    pub fn get_or_insert_with(&self, key: K, make: impl FnOnce() -> V) -> V
    where
        V: Clone,
    {
        self.pin().get_or_insert_with(key, make).clone()
    }

    /// Replaces the key's value by what `f` makes of it, and answers a copy of the new value; `None` if the
    /// key is absent. The key keeps its place.
    ///
    /// `f` may run any number of times.
    pub fn update(&self, key: K, f: impl FnMut(&V) -> V) -> Option<V>
    where
        V: Clone,
    {
        self.pin().update(key, f).cloned()
    }

    /// Inserts a value if the key is absent, or replaces the one that is there by what `update` makes of it.
    /// Answers a copy of the new value. A key that is there keeps its place.
    ///
    /// `update` may run any number of times.
    pub fn upsert(&self, key: K, value: V, update: impl FnMut(&V) -> V) -> V
    where
        V: Clone,
    {
        self.pin().upsert(key, value, update).clone()
    }

    /// Removes the key, and answers a copy of its value.
    pub fn remove<Q>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
        V: Clone,
    {
        self.pin().remove(key).cloned()
    }

    /// Removes the key, and answers whether it was there.
    pub fn delete<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        self.map.delete(key)
    }

    /// Removes all entries that are there throughout the call. O(*n* log *n*).
    pub fn clear(&self) {
        self.map.clear();
    }

    /// Removes the entries that `keep` says no to, asking in the order of keys.
    ///
    /// See [`Pinned::retain`](crate::Pinned::retain).
    pub fn retain(&self, keep: impl FnMut(&K, &V) -> bool) {
        self.pin().retain(keep);
    }

    /// Inserts entries one by one, as [`set`](Self::set) does.
    pub fn extend(&self, entries: impl IntoIterator<Item = (K, V)>) {
        for (key, value) in entries {
            self.set(key, value);
        }
    }

    /// Copies of all keys, in the order in which they were first inserted. O(*n* log *n*).
    pub fn keys(&self) -> Vec<K>
    where
        K: Clone,
    {
        self.pin().keys().into_iter().cloned().collect()
    }

    /// Copies of all values, in the order in which their keys were first inserted. O(*n* log *n*).
    pub fn values(&self) -> Vec<V>
    where
        V: Clone,
    {
        self.pin().values().into_iter().cloned().collect()
    }

    /// Copies of all entries, in the order in which their keys were first inserted. O(*n* log *n*).
    pub fn entries(&self) -> Vec<(K, V)>
    where
        K: Clone,
        V: Clone,
    {
        let session = self.pin();
        session.entries().into_iter().map(|(key, value)| (key.clone(), value.clone())).collect()
    }
}
