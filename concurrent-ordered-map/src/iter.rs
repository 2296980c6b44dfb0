//! Iterators of a session.

use std::borrow::Borrow;
use std::fmt;
use std::iter::FusedIterator;
use std::marker::PhantomData;
use std::ops::RangeBounds;

use crate::pinned::{Pinned, pair};
use crate::raw::Item;
use crate::span::PresentSpan;

/// All entries of a map in order: what [`Pinned::iter`] answers.
///
/// Whatever others do meanwhile, from the front the keys ascend strictly, from the back they descend
/// strictly, no key is yielded twice, and every key is yielded that is present from the first call of
/// `next` or `next_back` to the last. Keys that come or go meanwhile may be yielded or not. An entry is
/// what its key had at some moment of the iteration. Entries are read a block at a time, so what is yielded
/// may have been replaced a moment ago.
///
/// O(log *n*) for the first entry of either end, then O(1) each; `last`, `min` and `max` are O(log *n*). Allocates
/// nothing. What takes all that is left by one call, such as `for_each`, `sum` and `count`, goes through a block's
/// entries by a plain loop.
///
/// It borrows its session, and holds back reclamation as that does. [`OwnedIter`](crate::OwnedIter) does
/// not.
pub struct Iter<'p, K, V>(PresentSpan<'p, K, V>);

/// The entries within a range in order: what [`Pinned::range`] answers.
///
/// As [`Iter`].
pub struct Range<'p, K, V, Q: ?Sized, R> {
    span: PresentSpan<'p, K, V>,
    range: R,
    of: PhantomData<fn(&Q)>,
}

/// The keys of a map in order: what [`Pinned::keys`] answers.
///
/// As [`Iter`].
pub struct Keys<'p, K, V>(PresentSpan<'p, K, V>);

/// The values of a map in the order of their keys: what [`Pinned::values`] answers.
///
/// As [`Iter`].
pub struct Values<'p, K, V>(PresentSpan<'p, K, V>);

impl<'p, K, V, Q, R> Range<'p, K, V, Q, R>
where
    K: Ord + Send + 'static,
    V: Send + 'static,
    Q: ?Sized,
{
    pub(crate) fn new(session: &'p Pinned<'_, K, V>, range: R) -> Self {
        Self { span: PresentSpan::of_session(session), range, of: PhantomData }
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

    #[inline]
    fn rfold<B, F: FnMut(B, Self::Item) -> B>(self, init: B, mut f: F) -> B {
        self.span.rfold(&self.range, init, |done, entry| f(done, pair(entry)))
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
    ($name:ident: $item:ty, $show:expr, $($ordered:item)*) => {
        impl<'p, K: Ord + Send + 'static, V: Send + 'static> $name<'p, K, V> {
            pub(crate) fn new(session: &'p Pinned<'_, K, V>) -> Self {
                Self(PresentSpan::of_session(session))
            }
        }

        impl<'p, K: Ord + Send + 'static, V: Send + 'static> Iterator for $name<'p, K, V> {
            type Item = $item;

            #[inline]
            fn next(&mut self) -> Option<Self::Item> {
                self.0.next::<K>(&..).map($show)
            }

            #[inline]
            fn fold<B, F: FnMut(B, Self::Item) -> B>(self, init: B, mut f: F) -> B {
                self.0.fold::<B, K>(&.., init, |done, entry| f(done, $show(entry)))
            }

            fn last(mut self) -> Option<Self::Item> {
                self.next_back()
            }

            $($ordered)*
        }

        impl<K: Ord + Send + 'static, V: Send + 'static> DoubleEndedIterator for $name<'_, K, V> {
            #[inline]
            fn next_back(&mut self) -> Option<Self::Item> {
                self.0.next_back::<K>(&..).map($show)
            }

            #[inline]
            fn rfold<B, F: FnMut(B, Self::Item) -> B>(self, init: B, mut f: F) -> B {
                self.0.rfold::<B, K>(&.., init, |done, entry| f(done, $show(entry)))
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

macro_rules! whole_in_order {
    ($name:ident: $item:ty, $show:expr) => {
        whole!($name: $item, $show,
            fn min(mut self) -> Option<Self::Item> {
                self.next()
            }

            fn max(mut self) -> Option<Self::Item> {
                self.next_back()
            }
        );
    };
}

whole_in_order!(Iter: (&'p K, &'p V), pair);
whole_in_order!(Keys: &'p K, Item::key);
whole!(Values: &'p V, Item::value,);
