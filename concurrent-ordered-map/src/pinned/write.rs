//! Writing one key.

use std::borrow::Borrow;

use super::{Pinned, pair};
use crate::error::OccupiedError;
use crate::raw::{Change, Changed, End};

/// # Writing one key
///
/// Each of these is one atomic step: whoever reads sees the map as it was before or as it is after.
impl<K: Ord + Send + 'static, V: Send + 'static> Pinned<'_, K, V> {
    /// Sets the key's value, and answers the one it had.
    ///
    /// Whoever looks for the key meanwhile finds the old value or the new one. The stored key is replaced,
    /// too. Linearizable. O(log *n*).
    ///
    /// ```
    /// use concurrent_ordered_map::ConcurrentOrderedMap;
    ///
    /// let map = ConcurrentOrderedMap::new();
    /// let session = map.pin();
    /// assert_eq!(session.insert(1, "one"), None);
    /// assert_eq!(session.insert(1, "uno"), Some(&"one"));
    /// ```
    pub fn insert(&self, key: K, value: V) -> Option<&V> {
        let mut value = Some(value);
        let changed = self.raw().change(key, self.guard(), |_, again| {
            // The value is either here or handed back.
            again.or_else(|| value.take()).map_or(Change::Keep, Change::Put)
        });
        changed.before.map(|entry| entry.value())
    }

    /// Inserts the key, if it is absent, and answers its value.
    ///
    /// Linearizable. O(log *n*).
    ///
    /// # Errors
    ///
    /// If the key was there: with the value that it has, and the one that was not inserted. The given key
    /// is dropped.
    ///
    /// ```
    /// use concurrent_ordered_map::ConcurrentOrderedMap;
    ///
    /// let map = ConcurrentOrderedMap::new();
    /// let session = map.pin();
    /// assert_eq!(session.try_insert(1, "one"), Ok(&"one"));
    /// let refused = session.try_insert(1, "uno").unwrap_err();
    /// assert_eq!((refused.current, refused.value), (&"one", "uno"));
    /// ```
    pub fn try_insert(&self, key: K, value: V) -> Result<&V, OccupiedError<&V, V>> {
        let (current, unused) = self.insert_if_absent(key, value);
        match unused {
            None => Ok(current),
            Some(value) => Err(OccupiedError { current, value }),
        }
    }

    /// The key's value, which is inserted if there is none.
    ///
    /// Linearizable. O(log *n*).
    pub fn get_or_insert(&self, key: K, value: V) -> &V {
        self.insert_if_absent(key, value).0
    }

    /// The key's value, and the given one if it was not needed.
    fn insert_if_absent(&self, key: K, value: V) -> (&V, Option<V>) {
        let mut unused = Some(value);
        let changed = self.raw().change(key, self.guard(), |before, again| {
            let value = again.or_else(|| unused.take());
            if before.is_none() {
                return value.map_or(Change::Keep, Change::Put);
            }
            unused = value;
            Change::Keep
        });
        (present(&changed), unused)
    }

    /// The key's value, which is made and inserted if there is none.
    ///
    /// Linearizable. O(log *n*). The closure runs at most once, and not at all where the key is found. Its
    /// value is dropped if another thread inserts the key while it runs.
    ///
    /// # Panics
    ///
    /// If the closure does. Nothing is inserted then.
    ///
    /// ```
    /// use concurrent_ordered_map::ConcurrentOrderedMap;
    ///
    /// let map = ConcurrentOrderedMap::new();
    /// let session = map.pin();
    /// assert_eq!(session.get_or_insert_with(7, || 7 * 7), &49);
    /// assert_eq!(session.get_or_insert_with(7, || unreachable!()), &49);
    /// ```
    pub fn get_or_insert_with(&self, key: K, make: impl FnOnce() -> V) -> &V {
        let mut make = Some(make);
        let changed = self.raw().change(key, self.guard(), |before, again| {
            if before.is_some() {
                return Change::Keep;
            }
            again.or_else(|| make.take().map(|make| make())).map_or(Change::Keep, Change::Put)
        });
        present(&changed)
    }

    /// Removes the key, and answers its value.
    ///
    /// Of several threads that remove one entry, exactly one is answered its value. Linearizable.
    /// O(log *n*).
    ///
    /// ```
    /// use concurrent_ordered_map::ConcurrentOrderedMap;
    ///
    /// let map = ConcurrentOrderedMap::from([("pear".to_string(), 3)]);
    /// let session = map.pin();
    /// assert_eq!(session.remove("pear"), Some(&3));
    /// assert_eq!(session.remove("pear"), None);
    /// ```
    pub fn remove<Q>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        self.raw().remove_if(key, self.guard(), |_| true).map(|entry| entry.value())
    }

    /// Removes the key, and answers its entry.
    ///
    /// As [`remove`](Self::remove).
    pub fn remove_entry<Q>(&self, key: &Q) -> Option<(&K, &V)>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        self.raw().remove_if(key, self.guard(), |_| true).map(pair)
    }

    /// Removes the key if its entry meets a condition, and answers the entry.
    ///
    /// Exactly the entry that met it is removed. Linearizable. O(log *n*). The closure runs again when the
    /// entry is replaced before it can be removed, so it must not rely on running once.
    ///
    /// # Panics
    ///
    /// If the closure does. Nothing is removed then.
    ///
    /// ```
    /// use concurrent_ordered_map::ConcurrentOrderedMap;
    ///
    /// let map = ConcurrentOrderedMap::from([("a", 1), ("b", 0)]);
    /// let session = map.pin();
    /// assert_eq!(session.remove_if("a", |_, references| *references == 0), None);
    /// assert_eq!(session.remove_if("b", |_, references| *references == 0), Some((&"b", &0)));
    /// ```
    pub fn remove_if<Q>(
        &self,
        key: &Q,
        mut condition: impl FnMut(&K, &V) -> bool,
    ) -> Option<(&K, &V)>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        let condition = |entry| {
            let (key, value) = pair(entry);
            condition(key, value)
        };
        self.raw().remove_if(key, self.guard(), condition).map(pair)
    }

    /// Removes the entry with the least key, and answers it.
    ///
    /// At the moment of the removal there is no lesser key in the map; and `None` means that there was a
    /// moment at which the map was empty. Linearizable. O(log *n*).
    ///
    /// ```
    /// use concurrent_ordered_map::ConcurrentOrderedMap;
    ///
    /// let map = ConcurrentOrderedMap::from([(2, 'b'), (1, 'a')]);
    /// let session = map.pin();
    /// assert_eq!(session.pop_first(), Some((&1, &'a')));
    /// assert_eq!(session.pop_first(), Some((&2, &'b')));
    /// assert_eq!(session.pop_first(), None);
    /// ```
    pub fn pop_first(&self) -> Option<(&K, &V)> {
        self.raw().pop(End::First, self.guard()).map(pair)
    }

    /// Removes the entry with the greatest key, and answers it.
    ///
    /// As [`pop_first`](Self::pop_first), from the other end.
    pub fn pop_last(&self) -> Option<(&K, &V)> {
        self.raw().pop(End::Last, self.guard()).map(pair)
    }
}

/// The value after a change that leaves one.
pub(super) fn present<'p, K, V>(changed: &Changed<'p, K, V>) -> &'p V {
    changed.after.expect("the key was found or inserted").value()
}
