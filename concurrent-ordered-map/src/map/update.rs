//! Atomic updates, with owned answers.

use super::ConcurrentOrderedMap;
use crate::compute::{Compute, Computed};
use crate::error::CompareExchangeError;

/// # Atomic updates
///
/// As a session's calls of the same names do, with copies of what those refer to. All are linearizable and
/// O(log *n*). **A closure may run any number of times**, when others write the key or what is around it at
/// the same time; [`Pinned`](crate::Pinned#atomic-updates) tells more. Closures run in a session: while one
/// does, reclamation waits.
impl<K: Ord + Send + 'static, V: Clone + Send + 'static> ConcurrentOrderedMap<K, V> {
    /// Replaces the key's value by what `f` makes of it, and answers a copy of the new value; `None` if the
    /// key is absent, and stays so.
    ///
    /// `f` may run any number of times, and does not run if the key is absent.
    ///
    /// ```
    /// use concurrent_ordered_map::ConcurrentOrderedMap;
    ///
    /// let map = ConcurrentOrderedMap::from([("visits", 1)]);
    /// assert_eq!(map.update("visits", |count| count + 1), Some(2));
    /// assert_eq!(map.update("visitors", |count| count + 1), None);
    /// ```
    pub fn update(&self, key: K, f: impl FnMut(&V) -> V) -> Option<V> {
        self.pin().update(key, f).cloned()
    }

    /// As [`update`](Self::update), with a closure that may fail.
    ///
    /// `f` may run any number of times until it fails.
    ///
    /// # Errors
    ///
    /// What the closure fails with. The map is as it was.
    ///
    /// ```
    /// use concurrent_ordered_map::ConcurrentOrderedMap;
    ///
    /// let map = ConcurrentOrderedMap::from([("balance", 3_u32)]);
    /// let withdraw = |balance: &u32| balance.checked_sub(7).ok_or("not enough");
    /// assert_eq!(map.try_update("balance", withdraw), Err("not enough"));
    /// assert_eq!(map.get("balance"), Some(3));
    /// ```
    pub fn try_update<E>(&self, key: K, f: impl FnMut(&V) -> Result<V, E>) -> Result<Option<V>, E> {
        self.pin().try_update(key, f).map(Option::<&V>::cloned)
    }

    /// Inserts a value if the key is absent, or replaces the one that is there by what `update` makes of it.
    /// Answers a copy of the new value.
    ///
    /// `update` may run any number of times.
    ///
    /// ```
    /// use concurrent_ordered_map::ConcurrentOrderedMap;
    ///
    /// let map = ConcurrentOrderedMap::new();
    /// assert_eq!(map.upsert("rose", 1, |count| count + 1), 1);
    /// assert_eq!(map.upsert("rose", 1, |count| count + 1), 2);
    /// ```
    pub fn upsert(&self, key: K, value: V, update: impl FnMut(&V) -> V) -> V {
        self.pin().upsert(key, value, update).clone()
    }

    /// As [`upsert`](Self::upsert), with a value that is made only if the key is absent.
    ///
    /// `insert` runs at most once; `update` may run any number of times.
    pub fn upsert_with(
        &self,
        key: K,
        insert: impl FnOnce() -> V,
        update: impl FnMut(&V) -> V,
    ) -> V {
        self.pin().upsert_with(key, insert, update).clone()
    }

    /// Lets `f` decide, with the key's value before it, whether to insert, replace, remove or leave it.
    ///
    /// `f` may run any number of times until it aborts.
    ///
    /// ```
    /// use concurrent_ordered_map::{Compute, Computed, ConcurrentOrderedMap};
    ///
    /// let map = ConcurrentOrderedMap::from([("file", 1)]);
    /// let release = |count: Option<&u32>| match count {
    ///     None => Compute::Abort("not there"),
    ///     Some(1) => Compute::Remove,
    ///     Some(count) => Compute::Insert(count - 1),
    /// };
    /// assert_eq!(map.compute("file", release), Computed::Removed(Some(1)));
    /// assert_eq!(map.compute("file", release), Computed::Aborted("not there"));
    /// ```
    pub fn compute<T>(&self, key: K, f: impl FnMut(Option<&V>) -> Compute<V, T>) -> Computed<V, T> {
        self.pin().compute(key, f).map(V::clone)
    }

    /// Gives the key the value `new`, if it has the value `current`, and answers a copy of what it had. On
    /// either side `None` stands for an absent key.
    ///
    /// See [`Pinned::compare_exchange`](crate::Pinned::compare_exchange). `==` may run any number of times.
    ///
    /// # Errors
    ///
    /// If the key has another value: with a copy of it, and with `new`.
    ///
    /// ```
    /// use concurrent_ordered_map::ConcurrentOrderedMap;
    ///
    /// let map = ConcurrentOrderedMap::from([("lamp", "off")]);
    /// assert_eq!(map.compare_exchange("lamp", Some(&"off"), Some("on")), Ok(Some("off")));
    /// assert_eq!(map.compare_exchange("lamp", Some(&"off"), None).unwrap_err().actual, Some("on"));
    /// ```
    pub fn compare_exchange(
        &self,
        key: K,
        current: Option<&V>,
        new: Option<V>,
    ) -> Result<Option<V>, CompareExchangeError<V, V>>
    where
        V: PartialEq,
    {
        match self.pin().compare_exchange(key, current, new) {
            Ok(old) => Ok(old.cloned()),
            Err(CompareExchangeError { actual, new }) => {
                Err(CompareExchangeError { actual: actual.cloned(), new })
            }
        }
    }
}
