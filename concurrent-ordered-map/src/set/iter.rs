//! Iterators of the set.

use std::borrow::Borrow;
use std::fmt;
use std::iter::FusedIterator;
use std::ops::{Deref, RangeBounds, RangeFull};

use super::ConcurrentOrderedSet;
use crate::into_iter::IntoIter;
use crate::iter::{Keys, Range};
use crate::map::ConcurrentOrderedMap;
use crate::owned_iter::OwnedKeys;
use crate::snapshot::SnapshotIter;

/// All keys of a set in order: what [`PinnedSet::iter`](crate::PinnedSet::iter) answers.
///
/// Promises what [`Iter`](crate::Iter) does.
pub struct SetIter<'p, K>(pub(super) Keys<'p, K, ()>);

/// The keys within a range in order: what [`PinnedSet::range`](crate::PinnedSet::range) answers.
///
/// Promises what [`Iter`](crate::Iter) does.
pub struct SetRange<'p, K, Q: ?Sized, R>(pub(super) Range<'p, K, (), Q, R>);

/// A snapshot's keys in order, all or those within a range: what
/// [`SetSnapshot::iter`](crate::SetSnapshot::iter) and [`SetSnapshot::range`](crate::SetSnapshot::range) answer.
///
/// Promises and costs what [`SnapshotIter`] does.
pub struct SetSnapshotIter<'s, K, Q: ?Sized = K, R = RangeFull>(
    pub(super) SnapshotIter<'s, K, (), Q, R>,
);

/// Copies of a set's keys in order, with no session between two batches.
///
/// Promises and costs what [`OwnedIter`](crate::OwnedIter) does. `M` is what leads to the set: a reference
/// to it as [`ConcurrentOrderedSet::iter`] takes it, or an `Arc` of it, which makes an iterator that borrows
/// nothing.
///
/// ```
/// use std::sync::Arc;
///
/// use concurrent_ordered_map::{ConcurrentOrderedSet, OwnedSetIter};
///
/// let set = Arc::new(ConcurrentOrderedSet::from(['b', 'a']));
/// let keys = OwnedSetIter::new(Arc::clone(&set));
/// assert_eq!(keys.collect::<String>(), "ab");
/// ```
pub struct OwnedSetIter<M, K>(OwnedKeys<AsMap<M>, K, ()>);

/// The keys of a set that is no longer shared, in order: what its `into_iter` answers.
///
/// Keys are moved out, not copied, as by [`IntoIter`].
pub struct SetIntoIter<K>(IntoIter<K, ()>);

/// Leads to the map below a set.
struct AsMap<M>(M);

impl<M: Deref<Target = ConcurrentOrderedSet<K>>, K> Deref for AsMap<M> {
    type Target = ConcurrentOrderedMap<K, ()>;

    fn deref(&self) -> &Self::Target {
        self.0.map()
    }
}

impl<M, K> OwnedSetIter<M, K>
where
    M: Deref<Target = ConcurrentOrderedSet<K>>,
    K: Ord + Clone + Send + 'static,
{
    /// All keys of a set. Nothing is read before the first key is asked for.
    pub fn new(set: M) -> Self {
        Self(OwnedKeys::keys_of(AsMap(set)))
    }

    /// The keys of a set that are within a range. The bounds are copied.
    pub fn within<Q, R>(set: M, range: R) -> Self
    where
        K: Borrow<Q>,
        Q: Ord + ToOwned<Owned = K> + ?Sized,
        R: RangeBounds<Q>,
    {
        Self(OwnedKeys::keys_within(AsMap(set), range))
    }
}

impl<K: Ord> SetIntoIter<K> {
    pub(super) fn new(set: ConcurrentOrderedSet<K>) -> Self {
        Self(IntoIter::new(set.map))
    }
}

/// Iteration from both ends, by the iterator inside.
macro_rules! by_inner {
    ([$($parameter:tt)*] $name:ty, $item:ty, $show:expr, where $($bounds:tt)*) => {
        impl<$($parameter)*> Iterator for $name where $($bounds)* {
            type Item = $item;

            #[inline]
            fn next(&mut self) -> Option<$item> {
                self.0.next().map($show)
            }

            #[inline]
            fn size_hint(&self) -> (usize, Option<usize>) {
                self.0.size_hint()
            }
        }

        impl<$($parameter)*> DoubleEndedIterator for $name where $($bounds)* {
            #[inline]
            fn next_back(&mut self) -> Option<$item> {
                self.0.next_back().map($show)
            }
        }

        impl<$($parameter)*> FusedIterator for $name where $($bounds)* {}
    };
}

by_inner!(['p, K] SetIter<'p, K>, &'p K, |key| key, where K: Ord + Send + 'static);
by_inner!(
    ['p, K, Q, R] SetRange<'p, K, Q, R>, &'p K, |(key, ())| key,
    where K: Borrow<Q> + Ord + Send + 'static, Q: Ord + ?Sized, R: RangeBounds<Q>
);
by_inner!(
    ['s, K, Q, R] SetSnapshotIter<'s, K, Q, R>, &'s K, |(key, ())| key,
    where K: Borrow<Q> + Ord + Send + 'static, Q: Ord + ?Sized, R: RangeBounds<Q>
);
by_inner!(
    [M, K] OwnedSetIter<M, K>, K, |key| key,
    where M: Deref<Target = ConcurrentOrderedSet<K>>, K: Ord + Clone + Send + 'static
);
by_inner!([K] SetIntoIter<K>, K, |(key, ())| key, where);

impl<K> ExactSizeIterator for SetIntoIter<K> {}

impl<K> fmt::Debug for SetIter<'_, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SetIter").finish_non_exhaustive()
    }
}

impl<K, Q: ?Sized, R: fmt::Debug> fmt::Debug for SetRange<'_, K, Q, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SetRange").field(&self.0).finish()
    }
}

impl<K, Q: ?Sized, R: fmt::Debug> fmt::Debug for SetSnapshotIter<'_, K, Q, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SetSnapshotIter").field(&self.0).finish()
    }
}

impl<M, K: fmt::Debug> fmt::Debug for OwnedSetIter<M, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OwnedSetIter").field(&self.0).finish()
    }
}

impl<K: fmt::Debug> fmt::Debug for SetIntoIter<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SetIntoIter").field(&self.0).finish()
    }
}
