//! Reading.

use std::borrow::Borrow;
use std::ops::{Bound, RangeBounds};

use super::{Pinned, pair};
use crate::iter::{Iter, Keys, Range, Values};
use crate::raw::End;

/// # Reading
///
/// These write nothing that is shared with other threads.
impl<K: Ord + Send + 'static, V: Send + 'static> Pinned<'_, K, V> {
    /// The key's value.
    ///
    /// Linearizable. O(log *n*).
    ///
    /// ```
    /// use concurrent_ordered_map::ConcurrentOrderedMap;
    ///
    /// let map = ConcurrentOrderedMap::from([("pear".to_string(), 3)]);
    /// let session = map.pin();
    /// assert_eq!(session.get("pear"), Some(&3));
    /// assert_eq!(session.get("quince"), None);
    /// ```
    #[inline]
    pub fn get<Q>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        self.raw().get(key, self.guard()).map(|entry| entry.value())
    }

    /// The key as the map holds it, and its value.
    ///
    /// Linearizable. O(log *n*).
    #[inline]
    pub fn get_key_value<Q>(&self, key: &Q) -> Option<(&K, &V)>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        self.raw().get(key, self.guard()).map(pair)
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
        self.raw().get(key, self.guard()).is_some()
    }

    /// The entry with the least key.
    ///
    /// Linearizable. O(log *n*), and looks again when something is inserted at the front meanwhile.
    ///
    /// ```
    /// use concurrent_ordered_map::ConcurrentOrderedMap;
    ///
    /// let map = ConcurrentOrderedMap::from([(3, 'c'), (1, 'a'), (2, 'b')]);
    /// let session = map.pin();
    /// assert_eq!(session.first(), Some((&1, &'a')));
    /// assert_eq!(session.last(), Some((&3, &'c')));
    /// ```
    pub fn first(&self) -> Option<(&K, &V)> {
        self.raw().nearest(End::First, Bound::<&K>::Unbounded, self.guard()).map(pair)
    }

    /// The entry with the greatest key.
    ///
    /// Linearizable. O(log *n*), and looks again when something is inserted at the end meanwhile.
    pub fn last(&self) -> Option<(&K, &V)> {
        self.raw().nearest(End::Last, Bound::<&K>::Unbounded, self.guard()).map(pair)
    }

    /// The first entry at or above a bound: of all entries within the lower bound, the one with the least
    /// key.
    ///
    /// With `Included` the key may equal the bound, with `Excluded` it is greater, with `Unbounded` it is
    /// the first of the map. The name is that of `crossbeam-skiplist` and of std's cursors.
    ///
    /// Linearizable. O(log *n*), and looks again when something is inserted near by meanwhile.
    ///
    /// ```
    /// use std::ops::Bound::{Excluded, Included};
    ///
    /// use concurrent_ordered_map::ConcurrentOrderedMap;
    ///
    /// let map = ConcurrentOrderedMap::from([(10, 'a'), (20, 'b')]);
    /// let session = map.pin();
    /// assert_eq!(session.lower_bound(Included(&10)), Some((&10, &'a')));
    /// assert_eq!(session.lower_bound(Excluded(&10)), Some((&20, &'b')));
    /// assert_eq!(session.lower_bound(Included(&21)), None);
    /// ```
    pub fn lower_bound<Q>(&self, bound: Bound<&Q>) -> Option<(&K, &V)>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        self.raw().nearest(End::First, bound, self.guard()).map(pair)
    }

    /// The last entry at or below a bound: of all entries within the upper bound, the one with the
    /// greatest key.
    ///
    /// With `Included` the key may equal the bound, with `Excluded` it is less, with `Unbounded` it is the
    /// last of the map. (This is not C++'s `upper_bound`, which is `lower_bound(Excluded(..))` here.)
    ///
    /// Linearizable. O(log *n*), and looks again when something is inserted near by meanwhile.
    ///
    /// ```
    /// use std::ops::Bound::{Excluded, Included};
    ///
    /// use concurrent_ordered_map::ConcurrentOrderedMap;
    ///
    /// let map = ConcurrentOrderedMap::from([(10, 'a'), (20, 'b')]);
    /// let session = map.pin();
    /// assert_eq!(session.upper_bound(Included(&20)), Some((&20, &'b')));
    /// assert_eq!(session.upper_bound(Excluded(&20)), Some((&10, &'a')));
    /// assert_eq!(session.upper_bound(Included(&9)), None);
    /// ```
    pub fn upper_bound<Q>(&self, bound: Bound<&Q>) -> Option<(&K, &V)>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        self.raw().nearest(End::Last, bound, self.guard()).map(pair)
    }

    /// True if there are no entries.
    ///
    /// Linearizable, unlike `len() == 0`. O(log *n*).
    pub fn is_empty(&self) -> bool {
        self.first().is_none()
    }

    /// All entries, in ascending order of their keys; from the back, in descending order.
    ///
    /// See [`Iter`] for what it promises while others write.
    ///
    /// ```
    /// use concurrent_ordered_map::ConcurrentOrderedMap;
    ///
    /// let map = ConcurrentOrderedMap::from([(3, 'c'), (1, 'a'), (2, 'b')]);
    /// let session = map.pin();
    /// let mut entries = session.iter();
    /// assert_eq!(entries.next(), Some((&1, &'a')));
    /// assert_eq!(entries.next_back(), Some((&3, &'c')));
    /// assert_eq!(entries.next_back(), Some((&2, &'b')));
    /// assert_eq!(entries.next(), None);
    /// ```
    pub fn iter(&self) -> Iter<'_, K, V> {
        Iter::new(self)
    }

    /// The entries whose keys are within a range, in ascending order; from the back, in descending order.
    ///
    /// Promises what [`iter`](Self::iter) does. A range that ends before it starts, like `5..3`, has
    /// nothing in it, and neither has `(Excluded(5), Excluded(5))`. (`BTreeMap` panics.)
    ///
    /// ```
    /// use std::ops::Bound::{Included, Unbounded};
    ///
    /// use concurrent_ordered_map::ConcurrentOrderedMap;
    ///
    /// let map: ConcurrentOrderedMap<u32, u32> = (0..100).map(|n| (n, n * n)).collect();
    /// let session = map.pin();
    /// assert_eq!(session.range(8..=10).map(|(_, square)| *square).sum::<u32>(), 64 + 81 + 100);
    /// assert_eq!(session.range(98..).rev().next(), Some((&99, &9_801)));
    /// assert_eq!(session.range(10..8).count(), 0);
    ///
    /// // Keys that can be borrowed as something unsized take a pair of bounds.
    /// let map = ConcurrentOrderedMap::from([("pear".to_string(), 1), ("plum".to_string(), 2)]);
    /// let session = map.pin();
    /// assert_eq!(session.range::<str, _>((Included("pl"), Unbounded)).count(), 1);
    /// ```
    pub fn range<Q, R>(&self, range: R) -> Range<'_, K, V, Q, R>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
        R: RangeBounds<Q>,
    {
        Range::new(self, range)
    }

    /// All keys, in ascending order; from the back, in descending order.
    ///
    /// Promises what [`iter`](Self::iter) does.
    pub fn keys(&self) -> Keys<'_, K, V> {
        Keys::new(self)
    }

    /// All values, in ascending order of their keys; from the back, in descending order.
    ///
    /// Promises what [`iter`](Self::iter) does.
    pub fn values(&self) -> Values<'_, K, V> {
        Values::new(self)
    }
}

impl<K, V> Pinned<'_, K, V> {
    /// How many entries there are.
    ///
    /// Exact whenever no call is under way. While others write, it may be off by as many entries as there
    /// are writes under way, and is true of no single moment. O(1): adds up a few counters.
    pub fn len(&self) -> usize {
        self.raw().len()
    }
}
