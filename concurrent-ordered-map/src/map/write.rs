//! Writing, with owned answers.

use std::borrow::Borrow;
use std::ops::RangeBounds;

use super::ConcurrentOrderedMap;
use super::read::cloned;
use crate::error::OccupiedError;

/// # Writing
///
/// As a session's calls of the same names do, with copies of what those refer to. [`set`](Self::set) and
/// [`delete`](Self::delete) copy nothing, and need no `Clone`.
impl<K: Ord + Send + 'static, V: Send + 'static> ConcurrentOrderedMap<K, V> {
    /// Sets the key's value, and answers a copy of the one it had.
    ///
    /// The stored key is replaced, too. Linearizable. O(log *n*).
    ///
    /// ```
    /// use concurrent_ordered_map::ConcurrentOrderedMap;
    ///
    /// let map = ConcurrentOrderedMap::new();
    /// assert_eq!(map.insert(1, "one"), None);
    /// assert_eq!(map.insert(1, "uno"), Some("one"));
    /// ```
    pub fn insert(&self, key: K, value: V) -> Option<V>
    where
        V: Clone,
    {
        self.pin().insert(key, value).cloned()
    }

    /// Sets the key's value, and answers whether it had one.
    ///
    /// Linearizable. O(log *n*).
    ///
    /// ```
    /// use concurrent_ordered_map::ConcurrentOrderedMap;
    ///
    /// struct NotClone;
    ///
    /// let map = ConcurrentOrderedMap::new();
    /// assert!(!map.set(1, NotClone));
    /// assert!(map.set(1, NotClone));
    /// assert!(map.delete(&1));
    /// ```
    pub fn set(&self, key: K, value: V) -> bool {
        self.pin().insert(key, value).is_some()
    }

    /// Inserts the key, if it is absent.
    ///
    /// Linearizable. O(log *n*).
    ///
    /// # Errors
    ///
    /// If the key was there: with a copy of the value that it has, and the value that was not inserted. The
    /// given key is dropped.
    ///
    /// ```
    /// use concurrent_ordered_map::ConcurrentOrderedMap;
    ///
    /// let map = ConcurrentOrderedMap::new();
    /// assert!(map.try_insert(1, "one").is_ok());
    /// assert_eq!(map.try_insert(1, "uno").unwrap_err().current, "one");
    /// ```
    pub fn try_insert(&self, key: K, value: V) -> Result<(), OccupiedError<V, V>>
    where
        V: Clone,
    {
        match self.pin().try_insert(key, value) {
            Ok(_) => Ok(()),
            Err(OccupiedError { current, value }) => {
                Err(OccupiedError { current: current.clone(), value })
            }
        }
    }

    /// A copy of the key's value, which is inserted if there is none.
    ///
    /// Linearizable. O(log *n*).
    pub fn get_or_insert(&self, key: K, value: V) -> V
    where
        V: Clone,
    {
        self.pin().get_or_insert(key, value).clone()
    }

    /// A copy of the key's value, which is made and inserted if there is none.
    ///
    /// Linearizable. O(log *n*). The closure runs at most once, and not at all where the key is found. It
    /// runs in a session: while it does, reclamation waits.
    ///
    /// # Panics
    ///
    /// If the closure does. Nothing is inserted then.
    ///
    /// ```
    /// use concurrent_ordered_map::ConcurrentOrderedMap;
    ///
    /// let map = ConcurrentOrderedMap::new();
    /// assert_eq!(map.get_or_insert_with(7, || 7 * 7), 49);
    /// assert_eq!(map.get_or_insert_with(7, || unreachable!()), 49);
    /// ```
    pub fn get_or_insert_with(&self, key: K, make: impl FnOnce() -> V) -> V
    where
        V: Clone,
    {
        self.pin().get_or_insert_with(key, make).clone()
    }

    /// Removes the key, and answers a copy of its value.
    ///
    /// Of several threads that remove one entry, exactly one is answered its value. The value itself is
    /// dropped later, as others may be reading it. Linearizable. O(log *n*).
    ///
    /// ```
    /// use concurrent_ordered_map::ConcurrentOrderedMap;
    ///
    /// let map = ConcurrentOrderedMap::from([("pear".to_string(), 3)]);
    /// assert_eq!(map.remove("pear"), Some(3));
    /// assert_eq!(map.remove("pear"), None);
    /// ```
    pub fn remove<Q>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
        V: Clone,
    {
        self.pin().remove(key).cloned()
    }

    /// Removes the key, and answers a copy of its entry.
    ///
    /// As [`remove`](Self::remove).
    pub fn remove_entry<Q>(&self, key: &Q) -> Option<(K, V)>
    where
        K: Borrow<Q> + Clone,
        Q: Ord + ?Sized,
        V: Clone,
    {
        self.pin().remove_entry(key).map(cloned)
    }

    /// Removes the key, and answers whether it was there.
    ///
    /// As [`remove`](Self::remove), without a copy.
    pub fn delete<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        self.pin().remove(key).is_some()
    }

    /// Removes the entry with the least key, and answers a copy of it.
    ///
    /// At the moment of the removal there is no lesser key in the map; and `None` means that there was a
    /// moment at which the map was empty. Linearizable. O(log *n*).
    ///
    /// ```
    /// use concurrent_ordered_map::ConcurrentOrderedMap;
    ///
    /// let tasks = ConcurrentOrderedMap::from([(20, "later"), (10, "sooner")]);
    /// assert_eq!(tasks.pop_first(), Some((10, "sooner")));
    /// ```
    pub fn pop_first(&self) -> Option<(K, V)>
    where
        K: Clone,
        V: Clone,
    {
        self.pin().pop_first().map(cloned)
    }

    /// Removes the entry with the greatest key, and answers a copy of it.
    ///
    /// As [`pop_first`](Self::pop_first), from the other end.
    pub fn pop_last(&self) -> Option<(K, V)>
    where
        K: Clone,
        V: Clone,
    {
        self.pin().pop_last().map(cloned)
    }

    /// Removes all entries that are there throughout the call.
    ///
    /// One by one in ascending order; what others insert meanwhile may stay. O(*n* log *n*).
    pub fn clear(&self) {
        self.pin().clear();
    }

    /// Removes the entries that `keep` says no to.
    ///
    /// See [`Pinned::retain`](crate::Pinned::retain). `keep` may run again for a key whose value is replaced
    /// meanwhile.
    ///
    /// # Panics
    ///
    /// If the closure does. What was removed by then is removed.
    pub fn retain(&self, keep: impl FnMut(&K, &V) -> bool) {
        self.pin().retain(keep);
    }

    /// Removes the entries whose keys are within a range, and answers how many it has removed.
    ///
    /// One by one in ascending order. A range that ends before it starts has nothing in it. O(log *n*) for
    /// each removal.
    pub fn remove_range<Q, R>(&self, range: R) -> usize
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
        R: RangeBounds<Q>,
    {
        self.pin().remove_range(range)
    }

    /// Inserts entries one by one, as [`set`](Self::set) does. The last of those with one key stays.
    ///
    /// Pins for each entry anew, so it does not hold back reclamation.
    pub fn extend(&self, entries: impl IntoIterator<Item = (K, V)>) {
        for (key, value) in entries {
            self.pin().insert(key, value);
        }
    }
}
