//! Sessions of the set.

use std::borrow::Borrow;
use std::fmt;
use std::ops::{Bound, RangeBounds};

use super::{ConcurrentOrderedSet, SetIter, SetRange};
use crate::pinned::Pinned;

/// A session on a [`ConcurrentOrderedSet`]: the whole API, by reference.
///
/// It holds back reclamation, belongs to its thread and promises what a map's session does: see [`Pinned`].
///
/// ```
/// use concurrent_ordered_map::ConcurrentOrderedSet;
///
/// let words = ConcurrentOrderedSet::new();
/// let session = words.pin();
/// session.extend(["to", "be", "or", "not", "to", "be"].map(String::from));
/// assert_eq!(session.len(), 4);
/// assert_eq!(session.iter().next().map(String::as_str), Some("be"));
/// ```
pub struct PinnedSet<'s, K> {
    set: &'s ConcurrentOrderedSet<K>,
    map: Pinned<'s, K, ()>,
}

impl<'s, K> PinnedSet<'s, K> {
    #[inline]
    pub(super) fn new(set: &'s ConcurrentOrderedSet<K>) -> Self {
        Self { set, map: set.map().pin() }
    }

    /// The set that the session is on.
    pub fn set(&self) -> &'s ConcurrentOrderedSet<K> {
        self.set
    }

    pub(crate) fn map(&self) -> &Pinned<'s, K, ()> {
        &self.map
    }

    /// Ends the session and starts a new one in its place, so that what it has held back can be freed.
    ///
    /// See [`Pinned::repin`].
    pub fn repin(&mut self) {
        self.map.repin();
    }

    /// How many keys there are. Exact whenever no call is under way. O(1).
    pub fn len(&self) -> usize {
        self.map.len()
    }
}

/// The key of an entry of the map below.
pub(super) fn key<'p, K>((key, ()): (&'p K, &'p ())) -> &'p K {
    key
}

/// As the map's calls of the same names. All are linearizable, but for [`clear`](Self::clear),
/// [`retain`](Self::retain), [`remove_range`](Self::remove_range) and [`extend`](Self::extend), which take
/// one step a key.
impl<K: Ord + Send + 'static> PinnedSet<'_, K> {
    /// True if the set holds the key. O(log *n*).
    #[inline]
    pub fn contains<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        self.map.contains_key(key)
    }

    /// The key as the set holds it. O(log *n*).
    #[inline]
    pub fn get<Q>(&self, wanted: &Q) -> Option<&K>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        self.map.get_key_value(wanted).map(key)
    }

    /// Inserts the key if it is absent, and answers whether it was. A key that is there stays. O(log *n*).
    pub fn insert(&self, key: K) -> bool {
        self.map.try_insert(key, ()).is_ok()
    }

    /// Inserts the key, or puts it in the place of an equal one, and answers whether there was one.
    /// O(log *n*).
    ///
    /// ```
    /// use concurrent_ordered_map::ConcurrentOrderedSet;
    ///
    /// let set = ConcurrentOrderedSet::new();
    /// let session = set.pin();
    /// assert!(!session.replace("key".to_string()));
    /// assert!(session.replace("key".to_string()));
    /// ```
    pub fn replace(&self, key: K) -> bool {
        self.map.insert(key, ()).is_some()
    }

    /// Removes the key, and answers whether it was there. O(log *n*).
    ///
    /// Of several threads that remove one key, exactly one is answered true.
    pub fn remove<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        self.map.remove(key).is_some()
    }

    /// Removes the key, and answers it as the set held it. O(log *n*).
    pub fn take<Q>(&self, wanted: &Q) -> Option<&K>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        self.map.remove_entry(wanted).map(key)
    }

    /// The least key. O(log *n*).
    pub fn first(&self) -> Option<&K> {
        self.map.first().map(key)
    }

    /// The greatest key. O(log *n*).
    pub fn last(&self) -> Option<&K> {
        self.map.last().map(key)
    }

    /// The first key at or above a bound. O(log *n*).
    pub fn lower_bound<Q>(&self, bound: Bound<&Q>) -> Option<&K>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        self.map.lower_bound(bound).map(key)
    }

    /// The last key at or below a bound. O(log *n*).
    pub fn upper_bound<Q>(&self, bound: Bound<&Q>) -> Option<&K>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        self.map.upper_bound(bound).map(key)
    }

    /// Removes the least key, and answers it. O(log *n*).
    pub fn pop_first(&self) -> Option<&K> {
        self.map.pop_first().map(key)
    }

    /// Removes the greatest key, and answers it. O(log *n*).
    pub fn pop_last(&self) -> Option<&K> {
        self.map.pop_last().map(key)
    }

    /// True if there are no keys. O(log *n*).
    pub fn is_empty(&self) -> bool {
        self.map.is_empty()
    }

    /// All keys, in ascending order; from the back, in descending order.
    pub fn iter(&self) -> SetIter<'_, K> {
        SetIter(self.map.keys())
    }

    /// The keys within a range, in ascending order; from the back, in descending order.
    ///
    /// A range that ends before it starts has nothing in it.
    pub fn range<Q, R>(&self, range: R) -> SetRange<'_, K, Q, R>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
        R: RangeBounds<Q>,
    {
        SetRange(self.map.range(range))
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
    pub fn extend(&self, keys: impl IntoIterator<Item = K>) {
        for key in keys {
            self.insert(key);
        }
    }
}

/// Shows the keys.
impl<K: Ord + Send + fmt::Debug + 'static> fmt::Debug for PinnedSet<'_, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl<'p, K: Ord + Send + 'static> IntoIterator for &'p PinnedSet<'_, K> {
    type Item = &'p K;
    type IntoIter = SetIter<'p, K>;

    fn into_iter(self) -> SetIter<'p, K> {
        self.iter()
    }
}
