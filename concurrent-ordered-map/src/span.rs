//! A walk from both ends towards the middle.
//!
//! Each end is strictly ordered and misses no key that is there throughout. The ends never pass each other,
//! as each compares with what the other yielded.

use std::borrow::Borrow;
use std::ops::RangeBounds;

use crate::bounds::{above, below};
use crate::pinned::Pinned;
use crate::raw::{Ascent, Backward, Descent, Forward, Item, RawMap, View, Walk};
use crate::reclaim::Guard;

/// What a span walks over: the map as it is, or a snapshot of it.
pub(crate) trait Source<'p, K: 'p, V: 'p>: Copy {
    type Ascent: Walk<'p, K, V>;
    type Descent: Walk<'p, K, V>;

    fn ascend<Q>(self, range: &impl RangeBounds<Q>) -> Self::Ascent
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized;

    fn descend<Q>(self, range: &impl RangeBounds<Q>) -> Self::Descent
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

    fn ascend<Q>(self, range: &impl RangeBounds<Q>) -> Forward<'p, K, V>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        Forward::new(self.map, range, self.guard)
    }

    fn descend<Q>(self, range: &impl RangeBounds<Q>) -> Backward<'p, K, V>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        Backward::new(self.map, range, self.guard)
    }
}

impl<'p, K: Ord + Send + 'static, V: Send + 'static> Source<'p, K, V> for &'p View<'p, K, V> {
    type Ascent = Ascent<'p, K, V>;
    type Descent = Descent<'p, K, V>;

    fn ascend<Q>(self, range: &impl RangeBounds<Q>) -> Ascent<'p, K, V>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        Ascent::new(self, range)
    }

    fn descend<Q>(self, range: &impl RangeBounds<Q>) -> Descent<'p, K, V>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        Descent::new(self, range)
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
    /// The ends have met, or one of them has met the other's bound; then there are no walks.
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
        let last = self.back_last;
        let next = self.front(range).and_then(|front| {
            front
                .step(|key| below(key.borrow(), range.end_bound()))
                .filter(|entry| is_before(entry.key(), last))
        });
        self.front_last = next;
        if next.is_none() {
            self.finish();
        }
        next
    }

    #[inline]
    pub(crate) fn next_back<Q>(&mut self, range: &impl RangeBounds<Q>) -> Option<Item<'p, K, V>>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        let last = self.front_last;
        let next = self.back(range).and_then(|back| {
            back.step(|key| above(key.borrow(), range.start_bound()))
                .filter(|entry| is_behind(entry.key(), last))
        });
        self.back_last = next;
        if next.is_none() {
            self.finish();
        }
        next
    }

    /// Yields all that is left, from the front.
    #[inline]
    pub(crate) fn fold<B, Q>(
        mut self,
        range: &impl RangeBounds<Q>,
        init: B,
        f: impl FnMut(B, Item<'p, K, V>) -> B,
    ) -> B
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        let last = self.back_last;
        let Some(front) = self.front(range) else { return init };
        front.exhaust(|key| below(key.borrow(), range.end_bound()) && is_before(key, last), init, f)
    }

    /// Yields all that is left, from the back.
    #[inline]
    pub(crate) fn rfold<B, Q>(
        mut self,
        range: &impl RangeBounds<Q>,
        init: B,
        f: impl FnMut(B, Item<'p, K, V>) -> B,
    ) -> B
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        let last = self.front_last;
        let Some(back) = self.back(range) else { return init };
        back.exhaust(
            |key| above(key.borrow(), range.start_bound()) && is_behind(key, last),
            init,
            f,
        )
    }

    /// The walk from below, unless all has been yielded.
    #[inline]
    fn front<Q>(&mut self, range: &impl RangeBounds<Q>) -> Option<&mut S::Ascent>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        if self.front.is_none() && !self.done {
            self.front = Some(self.source.ascend(range));
        }
        self.front.as_mut()
    }

    /// The walk from above, unless all has been yielded.
    #[inline]
    fn back<Q>(&mut self, range: &impl RangeBounds<Q>) -> Option<&mut S::Descent>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        if self.back.is_none() && !self.done {
            self.back = Some(self.source.descend(range));
        }
        self.back.as_mut()
    }

    /// The ends have met, or one of them has met the other's bound.
    #[cold]
    fn finish(&mut self) {
        (self.front, self.back, self.done) = (None, None, true);
    }
}

/// True if the front may yield a key, given what the back has yielded last.
#[inline]
fn is_before<K: Ord, V>(key: &K, last: Option<Item<'_, K, V>>) -> bool {
    last.is_none_or(|last| key.cmp(last.key()).is_lt())
}

/// True if the back may yield a key, given what the front has yielded last.
#[inline]
fn is_behind<K: Ord, V>(key: &K, last: Option<Item<'_, K, V>>) -> bool {
    last.is_none_or(|last| key.cmp(last.key()).is_gt())
}
