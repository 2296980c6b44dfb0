//! Iterators of a session.
//!
//! Each is a walk from the front and one from the back, and each walk is strictly ordered and misses no key
//! that is there throughout. The ends never pass each other, as each compares with what the other yielded.

use std::borrow::Borrow;
use std::fmt;
use std::iter::FusedIterator;
use std::marker::PhantomData;
use std::ops::RangeBounds;

use crate::bounds::{above, below};
use crate::pinned::{Pinned, pair};
use crate::raw::{Backward, Entry, Forward, RawMap};
use crate::reclaim::Guard;

/// A walk from both ends towards the middle.
struct Span<'p, K, V> {
    map: &'p RawMap<K, V>,
    guard: &'p Guard,
    /// The walks read a block when they are made, so each is made when it is first asked.
    front: Option<Forward<'p, K, V>>,
    back: Option<Backward<'p, K, V>>,
    /// The last entries that the ends have yielded.
    front_last: Option<&'p Entry<K, V>>,
    back_last: Option<&'p Entry<K, V>>,
    /// The ends have met, or one of them has met the other's bound.
    done: bool,
}

impl<'p, K: Ord + Send + 'static, V: Send + 'static> Span<'p, K, V> {
    fn new(session: &'p Pinned<'_, K, V>) -> Self {
        Self {
            map: session.raw(),
            guard: session.guard(),
            front: None,
            back: None,
            front_last: None,
            back_last: None,
            done: false,
        }
    }

    fn next<Q>(&mut self, range: &impl RangeBounds<Q>) -> Option<&'p Entry<K, V>>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        if self.done {
            return None;
        }
        let (map, guard) = (self.map, self.guard);
        let front = self.front.get_or_insert_with(|| Forward::new(map, range.start_bound(), guard));
        let next = front.next().filter(|entry| {
            below(entry.key().borrow(), range.end_bound())
                && self.back_last.is_none_or(|last| entry.key().cmp(last.key()).is_lt())
        });
        self.front_last = next;
        self.done = next.is_none();
        next
    }

    fn next_back<Q>(&mut self, range: &impl RangeBounds<Q>) -> Option<&'p Entry<K, V>>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        if self.done {
            return None;
        }
        let (map, guard) = (self.map, self.guard);
        let back = self.back.get_or_insert_with(|| Backward::new(map, range.end_bound(), guard));
        let next = back.next().filter(|entry| {
            above(entry.key().borrow(), range.start_bound())
                && self.front_last.is_none_or(|last| entry.key().cmp(last.key()).is_gt())
        });
        self.back_last = next;
        self.done = next.is_none();
        next
    }
}

/// The entries within a range, ascending.
pub(crate) fn entries_within<'p, K, V, Q>(
    session: &'p Pinned<'_, K, V>,
    range: &impl RangeBounds<Q>,
) -> impl Iterator<Item = &'p Entry<K, V>>
where
    K: Borrow<Q> + Ord + Send + 'static,
    V: Send + 'static,
    Q: Ord + ?Sized,
{
    Forward::new(session.raw(), range.start_bound(), session.guard())
        .take_while(|entry| below(entry.key().borrow(), range.end_bound()))
}

/// All entries of a map in order: what [`Pinned::iter`] answers.
///
/// Whatever others do meanwhile, from the front the keys ascend strictly, from the back they descend
/// strictly, no key is yielded twice, and every key is yielded that is present from the first call of
/// `next` or `next_back` to the last. Keys that come or go meanwhile may be yielded or not. An entry is
/// what its key had at some moment of the iteration. Entries are read a block at a time, so what is yielded
/// may have been replaced a moment ago.
///
/// O(log *n*) for the first entry of either end, then O(1) each. Allocates a buffer for a block's entries.
///
/// It borrows its session, and holds back reclamation as that does. [`OwnedIter`](crate::OwnedIter) does
/// not.
pub struct Iter<'p, K, V>(Span<'p, K, V>);

/// The entries within a range in order: what [`Pinned::range`] answers.
///
/// As [`Iter`].
pub struct Range<'p, K, V, Q: ?Sized, R> {
    span: Span<'p, K, V>,
    range: R,
    of: PhantomData<fn(&Q)>,
}

/// The keys of a map in order: what [`Pinned::keys`] answers.
///
/// As [`Iter`].
pub struct Keys<'p, K, V>(Span<'p, K, V>);

/// The values of a map in the order of their keys: what [`Pinned::values`] answers.
///
/// As [`Iter`].
pub struct Values<'p, K, V>(Span<'p, K, V>);

impl<'p, K, V, Q, R> Range<'p, K, V, Q, R>
where
    K: Ord + Send + 'static,
    V: Send + 'static,
    Q: ?Sized,
{
    pub(crate) fn new(session: &'p Pinned<'_, K, V>, range: R) -> Self {
        Self { span: Span::new(session), range, of: PhantomData }
    }
}

impl<'p, K, V, Q, R> Iterator for Range<'p, K, V, Q, R>
where
    K: Borrow<Q> + Ord + Send + 'static,
    V: Send + 'static,
    Q: Ord + ?Sized,
    R: RangeBounds<Q>,
{
    type Item = (&'p K, &'p V);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.span.next(&self.range).map(pair)
    }
}

impl<K, V, Q, R> DoubleEndedIterator for Range<'_, K, V, Q, R>
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
}

impl<K, V, Q, R> FusedIterator for Range<'_, K, V, Q, R>
where
    K: Borrow<Q> + Ord + Send + 'static,
    V: Send + 'static,
    Q: Ord + ?Sized,
    R: RangeBounds<Q>,
{
}

impl<K, V, Q: ?Sized, R: fmt::Debug> fmt::Debug for Range<'_, K, V, Q, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Range").field("range", &self.range).finish_non_exhaustive()
    }
}

macro_rules! whole {
    ($name:ident: $item:ty, $show:expr) => {
        impl<'p, K: Ord + Send + 'static, V: Send + 'static> $name<'p, K, V> {
            pub(crate) fn new(session: &'p Pinned<'_, K, V>) -> Self {
                Self(Span::new(session))
            }
        }

        impl<'p, K: Ord + Send + 'static, V: Send + 'static> Iterator for $name<'p, K, V> {
            type Item = $item;

            #[inline]
            fn next(&mut self) -> Option<Self::Item> {
                self.0.next::<K>(&..).map($show)
            }
        }

        impl<K: Ord + Send + 'static, V: Send + 'static> DoubleEndedIterator for $name<'_, K, V> {
            #[inline]
            fn next_back(&mut self) -> Option<Self::Item> {
                self.0.next_back::<K>(&..).map($show)
            }
        }

        impl<K: Ord + Send + 'static, V: Send + 'static> FusedIterator for $name<'_, K, V> {}

        impl<K, V> fmt::Debug for $name<'_, K, V> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    };
}

whole!(Iter: (&'p K, &'p V), pair);
whole!(Keys: &'p K, |entry| entry.key());
whole!(Values: &'p V, |entry| entry.value());
