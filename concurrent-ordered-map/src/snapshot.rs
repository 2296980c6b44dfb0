//! Snapshots: the map as it was at one moment.

mod iter;

use std::borrow::Borrow;
use std::fmt;
use std::iter::FusedIterator;
use std::ops::{Bound, RangeBounds};
use std::sync::Arc;

pub use self::iter::SnapshotIter;
use crate::map::ConcurrentOrderedMap;
use crate::pinned::pair;
use crate::raw::View;

/// A [`ConcurrentOrderedMap`] as it was at one moment.
///
/// The moment is within the call that made it. Whatever others write, a snapshot answers as the map stood
/// then: all its answers agree with each other, so that reading several keys, a range or everything by one
/// snapshot is one linearizable read. It can be sent to another thread, shared, and kept for as long as you
/// like.
///
/// # What it costs
///
/// Taking one is O(*s*), for the *s* snapshots that are alive. Writers are not stopped. Afterwards the first
/// write to each block of up to 28 entries (and until all calls that were under way have ended, the first
/// read, too) replaces the block by a copy. So the map's memory grows by what is written while a snapshot is
/// alive, to twice its blocks at most for each; entries are shared, not copied. A copy takes some microseconds:
/// beside one old snapshot upserts were as fast as without, and with a new snapshot every millisecond, so that
/// most writes copied, they took eleven times as long (`cargo bench -p benches --bench compare -- --rows
/// beside-snapshots`).
///
/// While no snapshot is alive, a call loads one pointer more, from a cache line that it reads anyway.
///
/// A snapshot holds back the dropping of what it sees, and nothing else: unlike a session it does not pin
/// its thread. When it is dropped, what it alone has kept is retired as if it had been removed then.
///
/// # Limits
///
/// [`len`](Self::len) counts. A session's own reads are as fast as before; a snapshot's are a little slower,
/// as each call pins.
///
/// ```
/// use concurrent_ordered_map::ConcurrentOrderedMap;
///
/// let accounts = ConcurrentOrderedMap::from([("alice", 70), ("bob", 30)]);
/// let before = accounts.snapshot();
/// accounts.insert("alice", 60);
/// accounts.insert("bob", 40);
/// accounts.remove("alice");
///
/// assert_eq!(before.values().sum::<i32>(), 100);
/// assert_eq!(before.get("alice"), Some(&70));
/// assert_eq!(accounts.get("alice"), None);
/// ```
///
/// How it works, and why it is of one moment, is told in `raw/snapshot.rs`: copy-on-write by blocks, as in
/// Jiffy ([arXiv 2102.01044](https://arxiv.org/abs/2102.01044)), with the freezing of blocks that splits need
/// anyway.
pub struct Snapshot<'m, K, V>(View<'m, K, V>);

impl<K: Ord + Send + 'static, V: Send + 'static> ConcurrentOrderedMap<K, V> {
    /// Takes a snapshot: the map as it is at one moment of this call.
    ///
    /// Linearizable, with all other calls. O(*s*) for *s* snapshots alive; a few hundred nanoseconds, and the
    /// freeing of garbage that is due. See [`Snapshot`] for what it costs later, and [`Snapshot::of`] for one
    /// that does not borrow the map.
    ///
    /// ```
    /// use concurrent_ordered_map::ConcurrentOrderedMap;
    ///
    /// let map = ConcurrentOrderedMap::from([(1, 'a'), (2, 'b')]);
    /// let snapshot = map.snapshot();
    /// map.clear();
    /// assert_eq!(snapshot.iter().collect::<Vec<_>>(), [(&1, &'a'), (&2, &'b')]);
    /// ```
    pub fn snapshot(&self) -> Snapshot<'_, K, V> {
        Snapshot(View::of(self))
    }
}

impl<K: Ord + Send + 'static, V: Send + 'static> Snapshot<'static, K, V> {
    /// Takes a snapshot that keeps the map alive, and borrows nothing.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use std::thread;
    ///
    /// use concurrent_ordered_map::{ConcurrentOrderedMap, Snapshot};
    ///
    /// let map: Arc<ConcurrentOrderedMap<u64, u64>> = Arc::new((0..1_000).map(|n| (n, n)).collect());
    /// let snapshot = Snapshot::of(Arc::clone(&map));
    /// let sum = thread::spawn(move || snapshot.values().sum::<u64>());
    /// map.clear();
    /// assert_eq!(sum.join().unwrap(), 999 * 1_000 / 2);
    /// ```
    pub fn of(map: Arc<ConcurrentOrderedMap<K, V>>) -> Self {
        Self(View::shared(map))
    }
}

/// All calls answer as the map was when the snapshot was taken.
impl<K: Ord + Send + 'static, V: Send + 'static> Snapshot<'_, K, V> {
    /// The key's value. O(log *n*).
    pub fn get<Q>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        self.0.get(key).map(|entry| entry.value())
    }

    /// The key as the map held it, and its value. O(log *n*).
    pub fn get_key_value<Q>(&self, key: &Q) -> Option<(&K, &V)>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        self.0.get(key).map(pair)
    }

    /// True if the map held the key. O(log *n*).
    pub fn contains_key<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        self.0.get(key).is_some()
    }

    /// The entry with the least key. O(log *n*).
    pub fn first(&self) -> Option<(&K, &V)> {
        self.iter().next()
    }

    /// The entry with the greatest key. O(log *n*).
    pub fn last(&self) -> Option<(&K, &V)> {
        self.iter().next_back()
    }

    /// The first entry at or above a bound, as [`Pinned::lower_bound`](crate::Pinned::lower_bound). O(log *n*).
    ///
    /// ```
    /// use std::ops::Bound::Excluded;
    ///
    /// use concurrent_ordered_map::ConcurrentOrderedMap;
    ///
    /// let map = ConcurrentOrderedMap::from([(10, 'a'), (20, 'b')]);
    /// let snapshot = map.snapshot();
    /// assert_eq!(snapshot.lower_bound(Excluded(&10)), Some((&20, &'b')));
    /// assert_eq!(snapshot.upper_bound(Excluded(&10)), None);
    /// ```
    pub fn lower_bound<Q>(&self, bound: Bound<&Q>) -> Option<(&K, &V)>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        self.range((bound, Bound::Unbounded)).next()
    }

    /// The last entry at or below a bound, as [`Pinned::upper_bound`](crate::Pinned::upper_bound). O(log *n*).
    pub fn upper_bound<Q>(&self, bound: Bound<&Q>) -> Option<(&K, &V)>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        self.range((Bound::Unbounded, bound)).next_back()
    }

    /// All entries, in ascending order of their keys; from the back, in descending order.
    ///
    /// O(log *n*) for the first entry of either end, then O(1) each, a block at a time.
    ///
    /// ```
    /// use concurrent_ordered_map::ConcurrentOrderedMap;
    ///
    /// let map = ConcurrentOrderedMap::from([(3, 'c'), (1, 'a'), (2, 'b')]);
    /// let snapshot = map.snapshot();
    /// map.insert(4, 'd');
    /// assert_eq!(snapshot.iter().rev().map(|(key, _)| *key).collect::<Vec<_>>(), [3, 2, 1]);
    /// ```
    pub fn iter(&self) -> SnapshotIter<'_, K, V> {
        self.range(..)
    }

    /// The entries whose keys are within a range, in ascending order; from the back, in descending order.
    ///
    /// A range that ends before it starts has nothing in it. Costs what [`iter`](Self::iter) does.
    pub fn range<Q, R>(&self, range: R) -> SnapshotIter<'_, K, V, Q, R>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
        R: RangeBounds<Q>,
    {
        SnapshotIter::new(&self.0, range)
    }

    /// All keys, in ascending order; from the back, in descending order.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &K> + FusedIterator {
        self.iter().map(|(key, _)| key)
    }

    /// All values, in ascending order of their keys; from the back, in descending order.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &V> + FusedIterator {
        self.iter().map(|(_, value)| value)
    }

    /// How many entries there were. Exact. O(*n*): counts, a block at a time.
    pub fn len(&self) -> usize {
        self.0.count()
    }

    /// True if there were no entries. O(log *n*).
    pub fn is_empty(&self) -> bool {
        self.first().is_none()
    }
}

/// Shows the entries.
impl<K, V> fmt::Debug for Snapshot<'_, K, V>
where
    K: Ord + Send + fmt::Debug + 'static,
    V: Send + fmt::Debug + 'static,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl<'s, K: Ord + Send + 'static, V: Send + 'static> IntoIterator for &'s Snapshot<'_, K, V> {
    type Item = (&'s K, &'s V);
    type IntoIter = SnapshotIter<'s, K, V>;

    fn into_iter(self) -> SnapshotIter<'s, K, V> {
        self.iter()
    }
}
