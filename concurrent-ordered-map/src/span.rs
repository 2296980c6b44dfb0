//! A walk from both ends towards the middle.
//!
//! Each end is strictly ordered and misses no key that is there throughout. The ends never pass each other,
//! as each compares with what the other yielded.

use std::borrow::Borrow;
use std::ops::{Bound, RangeBounds};

use crate::bounds::{above, below};
use crate::pinned::Pinned;
use crate::raw::{Ascent, Backward, Descent, Forward, Item, RawMap, View};
use crate::reclaim::Guard;

/// What a span walks over: the map as it is, or a snapshot of it.
pub(crate) trait Source<'p, K: 'p, V: 'p>: Copy {
    type Ascent: Iterator<Item = Item<'p, K, V>>;
    type Descent: Iterator<Item = Item<'p, K, V>>;

    fn ascend<Q>(self, from: Bound<&Q>) -> Self::Ascent
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized;

    fn descend<Q>(self, to: Bound<&Q>) -> Self::Descent
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized;
}

/// The map as it is, in a session.
pub(crate) struct Present<'p, K, V> {
    map: &'p RawMap<K, V>,
    guard: &'p Guard,
}

impl<K, V> Clone for Present<'_, K, V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K, V> Copy for Present<'_, K, V> {}

impl<'p, K: Ord + Send + 'static, V: Send + 'static> Source<'p, K, V> for Present<'p, K, V> {
    type Ascent = Forward<'p, K, V>;
    type Descent = Backward<'p, K, V>;

    fn ascend<Q>(self, from: Bound<&Q>) -> Forward<'p, K, V>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        Forward::new(self.map, from, self.guard)
    }

    fn descend<Q>(self, to: Bound<&Q>) -> Backward<'p, K, V>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        Backward::new(self.map, to, self.guard)
    }
}

impl<'p, K: Ord + Send + 'static, V: Send + 'static> Source<'p, K, V> for &'p View<'p, K, V> {
    type Ascent = Ascent<'p, K, V>;
    type Descent = Descent<'p, K, V>;

    fn ascend<Q>(self, from: Bound<&Q>) -> Ascent<'p, K, V>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        self.ascend(from)
    }

    fn descend<Q>(self, to: Bound<&Q>) -> Descent<'p, K, V>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        self.descend(to)
    }
}

/// A walk from both ends towards the middle.
pub(crate) struct Span<'p, K, V, S, A, D> {
    source: S,
    /// The walks read a block when they are made, so each is made when it is first asked.
    front: Option<A>,
    back: Option<D>,
    /// The last entries that the ends have yielded.
    front_last: Option<Item<'p, K, V>>,
    back_last: Option<Item<'p, K, V>>,
    /// The ends have met, or one of them has met the other's bound.
    done: bool,
}

/// A walk over the map as it is.
pub(crate) type PresentSpan<'p, K, V> =
    Span<'p, K, V, Present<'p, K, V>, Forward<'p, K, V>, Backward<'p, K, V>>;

/// A walk over a snapshot.
pub(crate) type SnapshotSpan<'p, K, V> =
    Span<'p, K, V, &'p View<'p, K, V>, Ascent<'p, K, V>, Descent<'p, K, V>>;

impl<'p, K, V, S, A, D> Span<'p, K, V, S, A, D> {
    fn over(source: S) -> Self {
        Self { source, front: None, back: None, front_last: None, back_last: None, done: false }
    }
}

impl<'p, K, V> PresentSpan<'p, K, V> {
    pub(crate) fn of_session(session: &'p Pinned<'_, K, V>) -> Self {
        Self::over(Present { map: session.raw(), guard: session.guard() })
    }
}

impl<'p, K, V> SnapshotSpan<'p, K, V> {
    pub(crate) fn of_view(view: &'p View<'p, K, V>) -> Self {
        Self::over(view)
    }
}

impl<'p, K, V, S> Span<'p, K, V, S, S::Ascent, S::Descent>
where
    K: Ord + 'p,
    V: 'p,
    S: Source<'p, K, V>,
{
    #[inline]
    pub(crate) fn next<Q>(&mut self, range: &impl RangeBounds<Q>) -> Option<Item<'p, K, V>>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        if self.done {
            return None;
        }
        let source = self.source;
        let front = self.front.get_or_insert_with(|| source.ascend(range.start_bound()));
        let next = front.next().filter(|entry| {
            below(entry.key().borrow(), range.end_bound())
                && self.back_last.is_none_or(|last| entry.key().cmp(last.key()).is_lt())
        });
        self.front_last = next;
        self.done = next.is_none();
        next
    }

    #[inline]
    pub(crate) fn next_back<Q>(&mut self, range: &impl RangeBounds<Q>) -> Option<Item<'p, K, V>>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        if self.done {
            return None;
        }
        let source = self.source;
        let back = self.back.get_or_insert_with(|| source.descend(range.end_bound()));
        let next = back.next().filter(|entry| {
            above(entry.key().borrow(), range.start_bound())
                && self.front_last.is_none_or(|last| entry.key().cmp(last.key()).is_gt())
        });
        self.back_last = next;
        self.done = next.is_none();
        next
    }
}
