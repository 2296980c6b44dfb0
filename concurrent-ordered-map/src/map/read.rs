//! Reading, with owned answers.

use std::borrow::Borrow;
use std::ops::{Bound, RangeBounds};

use super::ConcurrentOrderedMap;
use crate::owned_iter::{OwnedIter, OwnedKeys, OwnedValues};

/// An entry's owned copy.
pub(super) fn cloned<K: Clone, V: Clone>((key, value): (&K, &V)) -> (K, V) {
    (key.clone(), value.clone())
}

/// # Reading
///
/// As a session's calls of the same names do, with copies of what those refer to.
impl<K: Ord + Send + 'static, V: Send + 'static> ConcurrentOrderedMap<K, V> {
    /// A copy of the key's value.
    ///
    /// Linearizable. O(log *n*), and the copy. A value that is expensive to copy is best looked at in a
    /// [session](Self::pin).
    ///
    /// ```
    /// use concurrent_ordered_map::ConcurrentOrderedMap;
    ///
    /// let map = ConcurrentOrderedMap::from([("pear".to_string(), 3)]);
    /// assert_eq!(map.get("pear"), Some(3));
    /// ```
    #[inline]
    pub fn get<Q>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
        V: Clone,
    {
        self.pin().get(key).cloned()
    }

    /// A copy of the key as the map holds it, and of its value.
    ///
    /// Linearizable. O(log *n*).
    pub fn get_key_value<Q>(&self, key: &Q) -> Option<(K, V)>
    where
        K: Borrow<Q> + Clone,
        Q: Ord + ?Sized,
        V: Clone,
    {
        self.pin().get_key_value(key).map(cloned)
    }

    /// True if the map holds the key.
    ///
    /// Linearizable. O(log *n*).
    #[inline]
    pub fn contains_key<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        self.pin().contains_key(key)
    }

    /// A copy of the entry with the least key.
    ///
    /// Linearizable. O(log *n*).
    pub fn first(&self) -> Option<(K, V)>
    where
        K: Clone,
        V: Clone,
    {
        self.pin().first().map(cloned)
    }

    /// A copy of the entry with the greatest key.
    ///
    /// Linearizable. O(log *n*).
    pub fn last(&self) -> Option<(K, V)>
    where
        K: Clone,
        V: Clone,
    {
        self.pin().last().map(cloned)
    }

    /// A copy of the first entry at or above a bound.
    ///
    /// See [`Pinned::lower_bound`](crate::Pinned::lower_bound). Linearizable. O(log *n*).
    pub fn lower_bound<Q>(&self, bound: Bound<&Q>) -> Option<(K, V)>
    where
        K: Borrow<Q> + Clone,
        Q: Ord + ?Sized,
        V: Clone,
    {
        self.pin().lower_bound(bound).map(cloned)
    }

    /// A copy of the last entry at or below a bound.
    ///
    /// See [`Pinned::upper_bound`](crate::Pinned::upper_bound). Linearizable. O(log *n*).
    pub fn upper_bound<Q>(&self, bound: Bound<&Q>) -> Option<(K, V)>
    where
        K: Borrow<Q> + Clone,
        Q: Ord + ?Sized,
        V: Clone,
    {
        self.pin().upper_bound(bound).map(cloned)
    }

    /// True if there are no entries.
    ///
    /// Linearizable, unlike `len() == 0`. O(log *n*).
    pub fn is_empty(&self) -> bool {
        self.pin().is_empty()
    }

    /// Copies of all entries, in ascending order of their keys; from the back, in descending order.
    ///
    /// The thread is pinned only while a batch of entries is fetched; see [`OwnedIter`], which can also own
    /// its map. To see the entries without copying them, iterate over a [session](Self::pin).
    ///
    /// ```
    /// use concurrent_ordered_map::ConcurrentOrderedMap;
    ///
    /// let map = ConcurrentOrderedMap::from([(2, 'b'), (1, 'a')]);
    /// assert_eq!(map.iter().collect::<Vec<_>>(), [(1, 'a'), (2, 'b')]);
    /// ```
    pub fn iter(&self) -> OwnedIter<&Self, K, V>
    where
        K: Clone,
        V: Clone,
    {
        OwnedIter::new(self)
    }

    /// Copies of the entries whose keys are within a range, as [`iter`](Self::iter) yields them.
    ///
    /// A range that ends before it starts has nothing in it. The bounds are copied into the iterator.
    ///
    /// ```
    /// use std::ops::Bound::{Included, Unbounded};
    ///
    /// use concurrent_ordered_map::ConcurrentOrderedMap;
    ///
    /// let map: ConcurrentOrderedMap<u32, u32> = (0..100).map(|n| (n, n * n)).collect();
    /// assert_eq!(map.range(8..10).collect::<Vec<_>>(), [(8, 64), (9, 81)]);
    ///
    /// let map = ConcurrentOrderedMap::from([("pear".to_string(), 1), ("plum".to_string(), 2)]);
    /// assert_eq!(map.range::<str, _>((Included("pl"), Unbounded)).count(), 1);
    /// ```
    pub fn range<Q, R>(&self, range: R) -> OwnedIter<&Self, K, V>
    where
        K: Borrow<Q> + Clone,
        Q: Ord + ToOwned<Owned = K> + ?Sized,
        R: RangeBounds<Q>,
        V: Clone,
    {
        OwnedIter::within(self, range)
    }

    /// Copies of all keys, in ascending order; from the back, in descending order.
    ///
    /// As [`iter`](Self::iter).
    pub fn keys(&self) -> OwnedKeys<&Self, K, V>
    where
        K: Clone,
    {
        OwnedKeys::keys_of(self)
    }

    /// Copies of all values, in ascending order of their keys; from the back, in descending order.
    ///
    /// As [`iter`](Self::iter).
    pub fn values(&self) -> OwnedValues<&Self, K, V>
    where
        K: Clone,
        V: Clone,
    {
        OwnedValues::values_of(self)
    }
}
