//! The set: the map without values.

mod iter;
mod pinned;
mod snapshot;
mod traits;

use std::borrow::Borrow;
use std::ops::{Bound, RangeBounds};

pub use iter::{OwnedSetIter, SetIntoIter, SetIter, SetRange, SetSnapshotIter};
pub use pinned::PinnedSet;
pub use snapshot::SetSnapshot;

use crate::map::ConcurrentOrderedMap;

/// An ordered set that any number of threads may read and write at the same time, without locks.
///
/// A [`ConcurrentOrderedMap`] without values: what that promises and costs holds here. Its own calls pin the
/// thread while they last and answer owned copies; a session, which [`pin`](Self::pin) starts, answers
/// references.
///
/// ```
/// use concurrent_ordered_map::ConcurrentOrderedSet;
///
/// let primes = ConcurrentOrderedSet::from([7, 2, 5, 3]);
/// assert!(!primes.insert(2));
/// assert_eq!(primes.first(), Some(2));
/// assert_eq!(primes.range(3..).collect::<Vec<_>>(), [3, 5, 7]);
/// ```
pub struct ConcurrentOrderedSet<K> {
    map: ConcurrentOrderedMap<K, ()>,
}

impl<K> ConcurrentOrderedSet<K> {
    /// An empty set.
    pub fn new() -> Self {
        Self { map: ConcurrentOrderedMap::new() }
    }

    /// Starts a session, with the thread pinned until it ends.
    #[inline]
    pub fn pin(&self) -> PinnedSet<'_, K> {
        PinnedSet::new(self)
    }

    pub(crate) fn map(&self) -> &ConcurrentOrderedMap<K, ()> {
        &self.map
    }

    /// How many keys there are. Exact whenever no call is under way. O(1).
    pub fn len(&self) -> usize {
        self.map.len()
    }

    /// Frees what was removed, as far as that is possible now.
    ///
    /// See [`ConcurrentOrderedMap::collect`].
    pub fn collect(&self) -> bool {
        self.map.collect()
    }
}

/// As the map's calls of the same names. All are linearizable, but for [`clear`](Self::clear),
/// [`retain`](Self::retain), [`remove_range`](Self::remove_range) and [`extend`](Self::extend), which take
/// one step a key.
impl<K: Ord + Send + 'static> ConcurrentOrderedSet<K> {
    /// True if the set holds the key. O(log *n*).
    pub fn contains<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        self.map.contains_key(key)
    }

    /// A copy of the key as the set holds it. O(log *n*).
    pub fn get<Q>(&self, key: &Q) -> Option<K>
    where
        K: Borrow<Q> + Clone,
        Q: Ord + ?Sized,
    {
        self.pin().get(key).cloned()
    }

    /// Inserts the key if it is absent, and answers whether it was. A key that is there stays. O(log *n*).
    pub fn insert(&self, key: K) -> bool {
        self.pin().insert(key)
    }

    /// Removes the key, and answers whether it was there. O(log *n*).
    ///
    /// Of several threads that remove one key, exactly one is answered true.
    pub fn remove<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        self.map.delete(key)
    }

    /// Removes the key, and answers a copy of it as the set held it. O(log *n*).
    pub fn take<Q>(&self, key: &Q) -> Option<K>
    where
        K: Borrow<Q> + Clone,
        Q: Ord + ?Sized,
    {
        self.pin().take(key).cloned()
    }

    /// A copy of the least key. O(log *n*).
    pub fn first(&self) -> Option<K>
    where
        K: Clone,
    {
        self.pin().first().cloned()
    }

    /// A copy of the greatest key. O(log *n*).
    pub fn last(&self) -> Option<K>
    where
        K: Clone,
    {
        self.pin().last().cloned()
    }

    /// A copy of the first key at or above a bound. O(log *n*).
    pub fn lower_bound<Q>(&self, bound: Bound<&Q>) -> Option<K>
    where
        K: Borrow<Q> + Clone,
        Q: Ord + ?Sized,
    {
        self.pin().lower_bound(bound).cloned()
    }

    /// A copy of the last key at or below a bound. O(log *n*).
    pub fn upper_bound<Q>(&self, bound: Bound<&Q>) -> Option<K>
    where
        K: Borrow<Q> + Clone,
        Q: Ord + ?Sized,
    {
        self.pin().upper_bound(bound).cloned()
    }

    /// Removes the least key, and answers a copy of it. O(log *n*).
    pub fn pop_first(&self) -> Option<K>
    where
        K: Clone,
    {
        self.pin().pop_first().cloned()
    }

    /// Removes the greatest key, and answers a copy of it. O(log *n*).
    pub fn pop_last(&self) -> Option<K>
    where
        K: Clone,
    {
        self.pin().pop_last().cloned()
    }

    /// True if there are no keys. O(log *n*).
    pub fn is_empty(&self) -> bool {
        self.map.is_empty()
    }

    /// Copies of all keys, in ascending order; from the back, in descending order.
    ///
    /// Holds no session between two batches: see [`OwnedSetIter`].
    pub fn iter(&self) -> OwnedSetIter<&Self, K>
    where
        K: Clone,
    {
        OwnedSetIter::new(self)
    }

    /// Copies of the keys within a range, as [`iter`](Self::iter) yields them.
    pub fn range<Q, R>(&self, range: R) -> OwnedSetIter<&Self, K>
    where
        K: Borrow<Q> + Clone,
        Q: Ord + ToOwned<Owned = K> + ?Sized,
        R: RangeBounds<Q>,
    {
        OwnedSetIter::within(self, range)
    }

    /// Removes all keys that are there throughout the call. O(*n* log *n*).
    pub fn clear(&self) {
        self.map.clear();
    }

    /// Removes the keys that `keep` says no to.
    ///
    /// `keep` runs once for a key that stays as it is during the call, and again for one that is removed and
    /// inserted meanwhile.
    ///
    /// # Panics
    ///
    /// If the closure does. What was removed by then is removed.
    pub fn retain(&self, mut keep: impl FnMut(&K) -> bool) {
        self.map.retain(|key, ()| keep(key));
    }

    /// Removes the keys within a range, and answers how many it has removed.
    pub fn remove_range<Q, R>(&self, range: R) -> usize
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
        R: RangeBounds<Q>,
    {
        self.map.remove_range(range)
    }

    /// Inserts keys one by one, as [`insert`](Self::insert) does.
    ///
    /// Pins for each key anew, so it does not hold back reclamation.
    pub fn extend(&self, keys: impl IntoIterator<Item = K>) {
        for key in keys {
            self.insert(key);
        }
    }
}
