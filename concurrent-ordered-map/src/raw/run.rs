//! Sorted runs: the entries of one leaf, handed out from either end.

use std::marker::PhantomData;
use std::mem::take;
use std::ops::Range;

use super::pair::Item;

/// Entries in ascending order, each at a place.
pub(super) trait Row<'g, K, V> {
    /// Never called for a place that is not in the row.
    fn at(&self, place: usize) -> Option<Item<'g, K, V>>;

    fn len(&self) -> usize;
}

/// A row, and those of its entries that are not yet handed out.
pub(super) struct Run<'g, K, V, R> {
    row: R,
    left: Range<usize>,
    of: PhantomData<Item<'g, K, V>>,
}

impl<'g, K, V, R: Row<'g, K, V>> Run<'g, K, V, R> {
    pub(super) fn new(row: R) -> Self {
        Self { row, left: 0..0, of: PhantomData }
    }

    /// Fills the row anew, all of it to be handed out, if that succeeds. A panic leaves nothing to be handed out
    /// twice.
    #[inline]
    pub(super) fn fill(&mut self, fill: impl FnOnce(&mut R) -> bool) -> bool {
        self.left = 0..0;
        let filled = fill(&mut self.row);
        if filled {
            self.left = 0..self.row.len();
        }
        filled
    }

    /// How many entries are left.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.left.len()
    }

    #[inline]
    pub(super) fn pop_first(&mut self) -> Option<Item<'g, K, V>> {
        self.row.at(self.left.next()?)
    }

    #[inline]
    pub(super) fn pop_last(&mut self) -> Option<Item<'g, K, V>> {
        self.row.at(self.left.next_back()?)
    }

    /// Hands out all that is left, in ascending order.
    #[inline]
    pub(super) fn fold<B>(&mut self, init: B, f: &mut impl FnMut(B, Item<'g, K, V>) -> B) -> B {
        take(&mut self.left).filter_map(|place| self.row.at(place)).fold(init, f)
    }

    /// The same in descending order.
    #[inline]
    pub(super) fn rfold<B>(&mut self, init: B, f: &mut impl FnMut(B, Item<'g, K, V>) -> B) -> B {
        take(&mut self.left).rev().filter_map(|place| self.row.at(place)).fold(init, f)
    }

    /// Leaves out what lies before a range that ends behind what is left. True if there was none.
    #[inline]
    pub(super) fn start_within(&mut self, within: impl Fn(&K) -> bool) -> bool {
        // A panic in `within` leaves nothing.
        let left = take(&mut self.left);
        let all = left.is_empty() || self.is_at(left.start, &within);
        let start = if all { left.start } else { self.split(&left, |key| !within(key)) };
        self.left = start..left.end;
        all
    }

    /// Leaves out what lies behind a range that starts before what is left. True if there was none.
    #[inline]
    pub(super) fn end_within(&mut self, within: impl Fn(&K) -> bool) -> bool {
        let left = take(&mut self.left);
        let all = left.is_empty() || self.is_at(left.end - 1, &within);
        let end = if all { left.end } else { self.split(&left, within) };
        self.left = left.start..end;
        all
    }

    #[inline]
    fn is_at(&self, place: usize, within: impl Fn(&K) -> bool) -> bool {
        self.row.at(place).is_some_and(|entry| within(entry.key()))
    }

    /// The first place whose key is not early, given that the early ones come first.
    fn split(&self, places: &Range<usize>, is_early: impl Fn(&K) -> bool) -> usize {
        let (mut low, mut high) = (places.start, places.end);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.is_at(middle, &is_early) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }
}
