//! Many keys at once.

use std::borrow::Borrow;
use std::ops::RangeBounds;

use super::Pinned;
use crate::raw::Forward;

/// # Writing many keys
///
/// These go through the keys in ascending order, and each key is an atomic step of its own. Others may see
/// the map half-way, and what they insert behind the place where such a call is may stay.
impl<K: Ord + Send + 'static, V: Send + 'static> Pinned<'_, K, V> {
    /// Removes all entries that are there throughout the call.
    ///
    /// O(*n* log *n*).
    pub fn clear(&self) {
        for entry in Forward::new::<K>(self.raw(), &.., self.guard()) {
            self.raw().remove_if::<K>(entry.key(), self.guard(), |_| true);
        }
    }

    /// Removes the entries that `keep` says no to.
    ///
    /// Exactly what was judged is removed: an entry that is replaced meanwhile is judged anew. O(*n*), and
    /// O(log *n*) more for each removal. `keep` runs once for an entry that stays as it is during the call,
    /// and may run again for a key whose value is replaced.
    ///
    /// # Panics
    ///
    /// If the closure does. What was removed by then is removed.
    ///
    /// ```
    /// use concurrent_ordered_map::ConcurrentOrderedMap;
    ///
    /// let map: ConcurrentOrderedMap<u32, u32> = (0..10).map(|n| (n, n * n)).collect();
    /// let session = map.pin();
    /// session.retain(|_, square| square % 2 == 1);
    /// assert_eq!(session.keys().collect::<Vec<_>>(), [&1, &3, &5, &7, &9]);
    /// ```
    pub fn retain(&self, mut keep: impl FnMut(&K, &V) -> bool) {
        for judged in Forward::new::<K>(self.raw(), &.., self.guard()) {
            if keep(judged.key(), judged.value()) {
                continue;
            }
            self.raw().remove_if::<K>(judged.key(), self.guard(), |entry| {
                entry.is_same(judged) || !keep(entry.key(), entry.value())
            });
        }
    }

    /// Removes the entries whose keys are within a range, and answers how many it has removed.
    ///
    /// A range that ends before it starts has nothing in it. O(log *n*) for each removal.
    ///
    /// ```
    /// use concurrent_ordered_map::ConcurrentOrderedMap;
    ///
    /// let map: ConcurrentOrderedMap<u32, ()> = (0..100).map(|n| (n, ())).collect();
    /// let session = map.pin();
    /// assert_eq!(session.remove_range(10..), 90);
    /// assert_eq!(session.len(), 10);
    /// ```
    pub fn remove_range<Q, R>(&self, range: R) -> usize
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
        R: RangeBounds<Q>,
    {
        let remove = |key: &K| self.raw().remove_if::<K>(key, self.guard(), |_| true).is_some();
        self.range(range).filter(|(key, _)| remove(key)).count()
    }

    /// Inserts entries one by one, as [`insert`](Self::insert) does. The last of those with one key stays.
    ///
    /// The session lasts until the end, so this holds back reclamation; the map's own
    /// [`extend`](crate::ConcurrentOrderedMap::extend) does not. The iterator may use the map.
    pub fn extend(&self, entries: impl IntoIterator<Item = (K, V)>) {
        for (key, value) in entries {
            self.insert(key, value);
        }
    }
}
