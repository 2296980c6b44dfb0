//! The iterator of a snapshot.

use std::borrow::Borrow;
use std::fmt;
use std::iter::FusedIterator;
use std::marker::PhantomData;
use std::ops::{RangeBounds, RangeFull};

use crate::pinned::pair;
use crate::raw::View;
use crate::span::SnapshotSpan;

/// A snapshot's entries in order, all or those within a range: what [`Snapshot::iter`](crate::Snapshot::iter)
/// and [`Snapshot::range`](crate::Snapshot::range) answer.
///
/// From the front the keys ascend, from the back they descend, and each entry is yielded once. Pins the
/// thread only while it reads a block, so that it can be held across an `.await` and sent to another thread.
pub struct SnapshotIter<'s, K, V, Q: ?Sized = K, R = RangeFull> {
    span: SnapshotSpan<'s, K, V>,
    range: R,
    of: PhantomData<fn(&Q)>,
}

impl<'s, K, V, Q: ?Sized, R> SnapshotIter<'s, K, V, Q, R> {
    pub(super) fn new(view: &'s View<'s, K, V>, range: R) -> Self {
        Self { span: SnapshotSpan::of_view(view), range, of: PhantomData }
    }
}

impl<'s, K, V, Q, R> Iterator for SnapshotIter<'s, K, V, Q, R>
where
    K: Borrow<Q> + Ord + Send + 'static,
    V: Send + 'static,
    Q: Ord + ?Sized,
    R: RangeBounds<Q>,
{
    type Item = (&'s K, &'s V);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.span.next(&self.range).map(pair)
    }

    #[inline]
    fn fold<B, F: FnMut(B, Self::Item) -> B>(self, init: B, mut f: F) -> B {
        self.span.fold(&self.range, init, |done, entry| f(done, pair(entry)))
    }

    fn last(mut self) -> Option<Self::Item> {
        self.next_back()
    }

    fn min(mut self) -> Option<Self::Item> {
        self.next()
    }

    fn max(mut self) -> Option<Self::Item> {
        self.next_back()
    }
}

impl<K, V, Q, R> DoubleEndedIterator for SnapshotIter<'_, K, V, Q, R>
where
    K: Borrow<Q> + Ord + Send + 'static,
    V: Send + 'static,
    Q: Ord + ?Sized,
    R: RangeBounds<Q>,
{
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        self.span.next_back(&self.range).map(pair)
    }

    #[inline]
    fn rfold<B, F: FnMut(B, Self::Item) -> B>(self, init: B, mut f: F) -> B {
        self.span.rfold(&self.range, init, |done, entry| f(done, pair(entry)))
    }
}

impl<K, V, Q, R> FusedIterator for SnapshotIter<'_, K, V, Q, R>
where
    K: Borrow<Q> + Ord + Send + 'static,
    V: Send + 'static,
    Q: Ord + ?Sized,
    R: RangeBounds<Q>,
{
}

impl<K, V, Q: ?Sized, R: fmt::Debug> fmt::Debug for SnapshotIter<'_, K, V, Q, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SnapshotIter").field("range", &self.range).finish_non_exhaustive()
    }
}
