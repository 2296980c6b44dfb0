//! Snapshots of the set.

use std::borrow::Borrow;
use std::fmt;
use std::ops::{Bound, RangeBounds};

use super::pinned::key;
use super::{ConcurrentOrderedSet, SetSnapshotIter};
use crate::snapshot::Snapshot;

/// A [`ConcurrentOrderedSet`] as it was at one moment.
///
/// Promises and costs what a map's [`Snapshot`] does.
///
/// ```
/// use concurrent_ordered_map::ConcurrentOrderedSet;
///
/// let online = ConcurrentOrderedSet::from(["ada", "bob"]);
/// let before = online.snapshot();
/// online.remove("ada");
/// online.insert("eve");
///
/// assert_eq!(before.iter().collect::<Vec<_>>(), [&"ada", &"bob"]);
/// assert!(before.contains("ada") && !online.contains("ada"));
/// ```
pub struct SetSnapshot<'s, K>(Snapshot<'s, K, ()>);

impl<K: Ord + Send + 'static> ConcurrentOrderedSet<K> {
    /// Takes a snapshot: the set as it is at one moment of this call.
    ///
    /// See [`ConcurrentOrderedMap::snapshot`](crate::ConcurrentOrderedMap::snapshot).
    pub fn snapshot(&self) -> SetSnapshot<'_, K> {
        SetSnapshot(self.map().snapshot())
    }
}

/// All calls answer as the set was when the snapshot was taken.
impl<K: Ord + Send + 'static> SetSnapshot<'_, K> {
    /// True if the set held the key. O(log *n*).
    pub fn contains<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        self.0.contains_key(key)
    }

    /// The key as the set held it. O(log *n*).
    pub fn get<Q>(&self, wanted: &Q) -> Option<&K>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        self.0.get_key_value(wanted).map(key)
    }

    /// The least key. O(log *n*).
    pub fn first(&self) -> Option<&K> {
        self.0.first().map(key)
    }

    /// The greatest key. O(log *n*).
    pub fn last(&self) -> Option<&K> {
        self.0.last().map(key)
    }

    /// The first key at or above a bound. O(log *n*).
    pub fn lower_bound<Q>(&self, bound: Bound<&Q>) -> Option<&K>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        self.0.lower_bound(bound).map(key)
    }

    /// The last key at or below a bound. O(log *n*).
    pub fn upper_bound<Q>(&self, bound: Bound<&Q>) -> Option<&K>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        self.0.upper_bound(bound).map(key)
    }

    /// All keys, in ascending order; from the back, in descending order.
    pub fn iter(&self) -> SetSnapshotIter<'_, K> {
        SetSnapshotIter(self.0.iter())
    }

    /// The keys within a range, in ascending order; from the back, in descending order.
    ///
    /// A range that ends before it starts has nothing in it.
    pub fn range<Q, R>(&self, range: R) -> SetSnapshotIter<'_, K, Q, R>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
        R: RangeBounds<Q>,
    {
        SetSnapshotIter(self.0.range(range))
    }

    /// How many keys there were. Exact. O(*n*): counts, a block at a time.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True if there were no keys. O(log *n*).
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Shows the keys.
impl<K: Ord + Send + fmt::Debug + 'static> fmt::Debug for SetSnapshot<'_, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl<'s, K: Ord + Send + 'static> IntoIterator for &'s SetSnapshot<'_, K> {
    type Item = &'s K;
    type IntoIter = SetSnapshotIter<'s, K>;

    fn into_iter(self) -> SetSnapshotIter<'s, K> {
        self.iter()
    }
}
