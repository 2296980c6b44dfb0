//! Atomic updates: reading a key's value and writing another as one step.

use super::Pinned;
use super::write::present;
use crate::compute::{Compute, Computed};
use crate::error::CompareExchangeError;
use crate::raw::Change;

/// # Atomic updates
///
/// Each of these reads the key's value and decides what it is to be, as one atomic step: nothing is written
/// to the key between the value that the closure saw and the one that it answered. That is done by trying
/// again: when another thread writes the key while the closure runs, or what is around it, the closure runs
/// again, with what is there then. **So a closure may run any number of times**, and should have no effects
/// that add up. One of several threads always gets on, but a slow closure on a busy key may be
/// overtaken again and again.
///
/// Closures take `&V` and answer a new `V`, as others may be reading the old one. The key is taken by value
/// because each new value gets an entry, and that owns a key.
///
/// A closure that panics leaves the map as it was.
impl<K: Ord + Send + 'static, V: Send + 'static> Pinned<'_, K, V> {
    /// Replaces the key's value by what `f` makes of it, and answers the new value; `None` if the key is
    /// absent, and stays so.
    ///
    /// Linearizable. O(log *n*). `f` may run any number of times, and does not run if the key is absent.
    ///
    /// ```
    /// use concurrent_ordered_map::ConcurrentOrderedMap;
    ///
    /// let map = ConcurrentOrderedMap::from([("visits", 1)]);
    /// let session = map.pin();
    /// assert_eq!(session.update("visits", |count| count + 1), Some(&2));
    /// assert_eq!(session.update("visitors", |count| count + 1), None);
    /// ```
    pub fn update(&self, key: K, mut f: impl FnMut(&V) -> V) -> Option<&V> {
        let changed = self.raw().change(key, self.guard(), |before, _| {
            before.map_or(Change::Keep, |entry| Change::Put(f(entry.value())))
        });
        changed.after.map(|entry| entry.value())
    }

    /// As [`update`](Self::update), with a closure that may fail.
    ///
    /// Linearizable. O(log *n*). `f` may run any number of times until it fails, and does not run if the
    /// key is absent.
    ///
    /// # Errors
    ///
    /// What the closure fails with. The map is as it was.
    ///
    /// ```
    /// use concurrent_ordered_map::ConcurrentOrderedMap;
    ///
    /// let map = ConcurrentOrderedMap::from([("balance", 10_u32)]);
    /// let session = map.pin();
    /// let withdraw = |amount| {
    ///     move |balance: &u32| balance.checked_sub(amount).ok_or("not enough")
    /// };
    /// assert_eq!(session.try_update("balance", withdraw(7)), Ok(Some(&3)));
    /// assert_eq!(session.try_update("balance", withdraw(7)), Err("not enough"));
    /// assert_eq!(session.get("balance"), Some(&3));
    /// ```
    pub fn try_update<E>(
        &self,
        key: K,
        mut f: impl FnMut(&V) -> Result<V, E>,
    ) -> Result<Option<&V>, E> {
        let mut failure = None;
        let changed = self.raw().change(key, self.guard(), |before, _| {
            let Some(entry) = before else { return Change::Keep };
            match f(entry.value()) {
                Ok(value) => Change::Put(value),
                Err(error) => {
                    failure = Some(error);
                    Change::Keep
                }
            }
        });
        match failure {
            None => Ok(changed.after.map(|entry| entry.value())),
            Some(error) => Err(error),
        }
    }

    /// Inserts a value if the key is absent, or replaces the one that is there by what `update` makes of
    /// it. Answers the new value.
    ///
    /// Linearizable. O(log *n*). `update` may run any number of times, also when in the end the key is
    /// absent and `value` is inserted.
    ///
    /// ```
    /// use concurrent_ordered_map::ConcurrentOrderedMap;
    ///
    /// let words = ConcurrentOrderedMap::new();
    /// let session = words.pin();
    /// for word in "a rose is a rose".split(' ') {
    ///     session.upsert(word, 1, |count| count + 1);
    /// }
    /// assert_eq!(session.get("rose"), Some(&2));
    /// assert_eq!(session.get("is"), Some(&1));
    /// ```
    pub fn upsert(&self, key: K, value: V, update: impl FnMut(&V) -> V) -> &V {
        self.upsert_with(key, || value, update)
    }

    /// As [`upsert`](Self::upsert), with a value that is made only if the key is absent.
    ///
    /// `insert` runs at most once; what it made is dropped if in the end it was not needed. `update` may
    /// run any number of times.
    ///
    /// ```
    /// use concurrent_ordered_map::ConcurrentOrderedMap;
    ///
    /// let map = ConcurrentOrderedMap::<_, Vec<u32>>::new();
    /// let session = map.pin();
    /// for n in 1..=3 {
    ///     session.upsert_with("list", || vec![n], |list| [&list[..], &[n]].concat());
    /// }
    /// assert_eq!(session.get("list"), Some(&vec![1, 2, 3]));
    /// ```
    pub fn upsert_with(
        &self,
        key: K,
        insert: impl FnOnce() -> V,
        mut update: impl FnMut(&V) -> V,
    ) -> &V {
        let mut insert = Some(insert);
        let mut made = None;
        let mut inserting = false;
        let changed = self.raw().change(key, self.guard(), |before, again| {
            if inserting {
                made = again;
            }
            inserting = before.is_none();
            match before {
                Some(entry) => Change::Put(update(entry.value())),
                None => made
                    .take()
                    .or_else(|| insert.take().map(|insert| insert()))
                    .map_or(Change::Keep, Change::Put),
            }
        });
        present(&changed)
    }

    /// Lets `f` decide, with the key's value before it, whether to insert, replace, remove or leave it.
    ///
    /// The most general of the updates. Linearizable: also an abort is true of the moment at which the
    /// closure's value was the key's. O(log *n*). `f` may run any number of times until it aborts.
    ///
    /// ```
    /// use concurrent_ordered_map::{Compute, Computed, ConcurrentOrderedMap};
    ///
    /// // Counts down, and removes what has reached zero.
    /// fn release(count: Option<&u32>) -> Compute<u32, &'static str> {
    ///     match count {
    ///         None => Compute::Abort("not there"),
    ///         Some(1) => Compute::Remove,
    ///         Some(count) => Compute::Insert(count - 1),
    ///     }
    /// }
    ///
    /// let map = ConcurrentOrderedMap::from([("file", 2)]);
    /// let session = map.pin();
    /// assert_eq!(session.compute("file", release), Computed::Updated { old: &2, new: &1 });
    /// assert_eq!(session.compute("file", release), Computed::Removed(Some(&1)));
    /// assert_eq!(session.compute("file", release), Computed::Aborted("not there"));
    /// ```
    pub fn compute<T>(
        &self,
        key: K,
        mut f: impl FnMut(Option<&V>) -> Compute<V, T>,
    ) -> Computed<&V, T> {
        let mut aborted = None;
        let changed = self.raw().change(key, self.guard(), |before, _| {
            match f(before.map(|entry| entry.value())) {
                Compute::Insert(value) => Change::Put(value),
                Compute::Remove => Change::Remove,
                Compute::Abort(answer) => {
                    aborted = Some(answer);
                    Change::Keep
                }
            }
        });
        if let Some(answer) = aborted {
            return Computed::Aborted(answer);
        }
        match (changed.before, changed.after) {
            (None, Some(new)) => Computed::Inserted(new.value()),
            (Some(old), Some(new)) => Computed::Updated { old: old.value(), new: new.value() },
            (old, None) => Computed::Removed(old.map(|entry| entry.value())),
        }
    }

    /// Gives the key the value `new`, if it has the value `current`, and answers what it had, as the
    /// compare-and-exchange of std's atomics does. On either side `None` stands for an absent key.
    ///
    /// | `current` | `new` | does |
    /// |---|---|---|
    /// | `Some` | `Some` | replaces that value |
    /// | `Some` | `None` | removes the key if it has that value |
    /// | `None` | `Some` | inserts the key if it is absent |
    /// | `None` | `None` | tells whether the key is absent |
    ///
    /// Values are compared by `==`, so a value that was replaced and put back meanwhile passes. `==` may
    /// run any number of times. Linearizable. O(log *n*).
    ///
    /// # Errors
    ///
    /// If the key has another value: with that value, and with `new`.
    ///
    /// ```
    /// use concurrent_ordered_map::ConcurrentOrderedMap;
    ///
    /// let map = ConcurrentOrderedMap::new();
    /// let session = map.pin();
    /// assert_eq!(session.compare_exchange("lamp", None, Some("off")), Ok(None));
    /// assert_eq!(session.compare_exchange("lamp", Some(&"off"), Some("on")), Ok(Some(&"off")));
    ///
    /// let refused = session.compare_exchange("lamp", Some(&"off"), None).unwrap_err();
    /// assert_eq!(refused.actual, Some(&"on"));
    /// assert_eq!(session.compare_exchange("lamp", Some(&"on"), None), Ok(Some(&"on")));
    /// assert_eq!(session.get("lamp"), None);
    /// ```
    pub fn compare_exchange(
        &self,
        key: K,
        current: Option<&V>,
        new: Option<V>,
    ) -> Result<Option<&V>, CompareExchangeError<&V, V>>
    where
        V: PartialEq,
    {
        let removal = new.is_none();
        let mut new = new;
        let mut equal = false;
        let changed = self.raw().change(key, self.guard(), |before, again| {
            new = again.or_else(|| new.take());
            equal = before.map(|entry| entry.value()) == current;
            match (equal, removal) {
                (false, _) => Change::Keep,
                (true, true) => Change::Remove,
                (true, false) => new.take().map_or(Change::Keep, Change::Put),
            }
        });
        let before = changed.before.map(|entry| entry.value());
        if equal { Ok(before) } else { Err(CompareExchangeError { actual: before, new }) }
    }
}
