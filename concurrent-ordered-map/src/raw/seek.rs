//! The nearest entry to a bound, linearizably: the first, the last, the next above, the next below.
//!
//! One look at a leaf's state says which of its entries is nearest at that moment. If it has none within the bound,
//! the next leaf is looked at, and something nearer may come meanwhile. So the leaves in which nothing was found
//! are looked at again: if nothing has been published in them, the look at the last leaf was a moment at which
//! everything seen held at once.

use std::borrow::Borrow;
use std::ops::Bound;

use super::block::BlockRef;
use super::pair::Item;
use super::snapshot::Access;
use super::state::{LeafState, bits_of};
use super::{End, RawMap};
use crate::bounds::{above, below};
use crate::reclaim::Guard;

/// A leaf in which nothing was found, and its state at that time.
type Barren<'g, K, V> = (BlockRef<'g, K, V>, LeafState);

/// Something was written meanwhile.
struct Disturbed;

impl<K: Ord + Send + 'static, V: Send + 'static> RawMap<K, V> {
    /// The first entry within a lower bound, or the last within an upper one.
    pub(crate) fn nearest<'g, Q>(
        &'g self,
        end: End,
        bound: Bound<&Q>,
        guard: &'g Guard,
    ) -> Option<Item<'g, K, V>>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        loop {
            if let Ok(found) = self.try_nearest(end, bound, guard) {
                return found;
            }
        }
    }

    fn try_nearest<'g, Q>(
        &'g self,
        end: End,
        bound: Bound<&Q>,
        guard: &'g Guard,
    ) -> Result<Option<Item<'g, K, V>>, Disturbed>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        let within = |key: &K| match end {
            End::First => above(key.borrow(), bound),
            End::Last => below(key.borrow(), bound),
        };
        let mut leaf = self.leaf_from(end, bound, Access::Read, guard);
        let mut barren = Vec::new();
        loop {
            let state = leaf.leaf_state();
            // The first leaf was not wanted when it was found.
            if !barren.is_empty() && self.is_wanted(leaf, Access::Read, guard) {
                self.make_room(leaf, guard);
                return Err(Disturbed);
            }
            if let Some(index) = outermost(leaf, state, end, |index| within(leaf.key(index))) {
                return self.undisturbed(&barren, guard).map(|()| Some(leaf.item(index)));
            }
            if state.frozen() {
                self.help(leaf, guard);
                return Err(Disturbed);
            }
            barren.push((leaf, state));
            let further = match end {
                End::First => leaf.next().map(BlockRef::latest),
                End::Last => self.left_of(leaf, guard),
            };
            let Some(further) = further else {
                return self.undisturbed(&barren, guard).map(|()| None);
            };
            leaf = further;
        }
    }

    /// The second look: nothing has been published in these leaves since, and none has been replaced, or is
    /// wanted by a snapshot that was taken since: what came after it may have been seen in one leaf, and what
    /// came before may still be to come in another.
    fn undisturbed(&self, barren: &[Barren<'_, K, V>], guard: &Guard) -> Result<(), Disturbed> {
        let same = barren.iter().all(|&(leaf, before)| {
            let now = leaf.leaf_state();
            !now.frozen()
                && now.published_since(before) == 0
                && !self.is_wanted(leaf, Access::Read, guard)
        });
        if same { Ok(()) } else { Err(Disturbed) }
    }
}

/// The first or the last slot that is live in this state and within a bound.
#[inline]
pub(super) fn outermost<K: Ord, V>(
    leaf: BlockRef<'_, K, V>,
    state: LeafState,
    end: End,
    within: impl Fn(usize) -> bool,
) -> Option<usize> {
    let live = state.live();
    let born = live & ((1 << leaf.sorted()) - 1);
    let mut best = match end {
        End::First => bits_of(born).find(|&index| within(index)),
        End::Last => {
            (0..leaf.sorted()).rev().find(|&index| born >> index & 1 != 0 && within(index))
        }
    };
    for index in bits_of(live & !born) {
        let further = best.is_none_or(|best| {
            // SAFETY: I3: the leaf was not replaced when the caller looked, before this state.
            let order = unsafe { leaf.pair(index).order::<K, V>(leaf.pair(best)) };
            if end == End::First { order.is_lt() } else { order.is_gt() }
        });
        if further && within(index) {
            best = Some(index);
        }
    }
    best
}
