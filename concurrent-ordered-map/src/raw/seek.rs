//! The nearest entry to a bound, linearizably: the first, the last, the next above, the next below.
//!
//! One look at a leaf says which of its entries is nearest, but a nearer one may be inserted while it
//! looks. So it looks twice: what was found must still be in its slot, and in no leaf that was seen
//! may anything have been published since. As dead slots stay dead, there was then a moment between
//! the two looks at which everything seen held at once.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::ops::Bound;

use super::block::BlockRef;
use super::entry::Entry;
use super::snapshot::Access;
use super::state::{State, Word};
use super::{End, RawMap};
use crate::bounds::{above, below};
use crate::reclaim::Guard;

/// A leaf in which nothing was found, and its state at that time.
type Barren<'g, K, V> = (BlockRef<'g, K, V>, State);

/// Something was written meanwhile.
struct Disturbed;

/// The outermost entry of a leaf.
pub(super) struct Outermost<'g, K, V> {
    pub(super) index: usize,
    word: Word,
    hint: u64,
    entry: &'g Entry<K, V>,
}

impl<K: Ord + Send + 'static, V: Send + 'static> RawMap<K, V> {
    /// The first entry within a lower bound, or the last within an upper one.
    pub(crate) fn nearest<'g, Q>(
        &'g self,
        end: End,
        bound: Bound<&Q>,
        guard: &'g Guard,
    ) -> Option<&'g Entry<K, V>>
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
    ) -> Result<Option<&'g Entry<K, V>>, Disturbed>
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
            let state = self.open_state(leaf, guard)?;
            if let Some(nearest) = outermost(leaf, state, end, within) {
                return self.confirm(leaf, state, nearest, &barren, guard).map(Some);
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

    /// The state of a leaf that is not about to be replaced.
    fn open_state<'g>(
        &'g self,
        leaf: BlockRef<'g, K, V>,
        guard: &'g Guard,
    ) -> Result<State, Disturbed> {
        let state = leaf.state();
        if state.frozen() {
            self.help(leaf, guard);
            return Err(Disturbed);
        }
        if self.is_wanted(leaf, Access::Read, guard) {
            self.make_room(leaf, guard);
            return Err(Disturbed);
        }
        Ok(state)
    }

    /// The second look: the entry is where it was, and nothing nearer has come.
    fn confirm<'g>(
        &'g self,
        leaf: BlockRef<'g, K, V>,
        state: State,
        nearest: Outermost<'g, K, V>,
        barren: &[Barren<'g, K, V>],
        guard: &'g Guard,
    ) -> Result<&'g Entry<K, V>, Disturbed> {
        if leaf.slots()[nearest.index].load() != nearest.word {
            return Err(Disturbed);
        }
        self.undisturbed(barren, guard)?;
        self.undisturbed(&[(leaf, state)], guard)?;
        Ok(nearest.entry)
    }

    /// Nothing has been published in these leaves since, and none has been replaced, or is wanted by a
    /// snapshot that was taken since: what came after it may have been seen in one leaf, and what came before
    /// may still be to come in another.
    fn undisturbed(&self, barren: &[Barren<'_, K, V>], guard: &Guard) -> Result<(), Disturbed> {
        let same = barren.iter().all(|&(leaf, before)| {
            let now = leaf.state();
            now.count() == before.count()
                && !now.frozen()
                && !self.is_wanted(leaf, Access::Read, guard)
        });
        if same { Ok(()) } else { Err(Disturbed) }
    }
}

/// The first or the last entry that is within a bound, of a leaf that was open in this state.
pub(super) fn outermost<'g, K: Ord, V>(
    leaf: BlockRef<'g, K, V>,
    state: State,
    end: End,
    within: impl Fn(&K) -> bool,
) -> Option<Outermost<'g, K, V>> {
    let wanted = match end {
        End::First => Ordering::Less,
        End::Last => Ordering::Greater,
    };
    let look = |index: usize| {
        let slot = &leaf.slots()[index];
        let word = slot.load();
        (!word.dead()).then(|| {
            // SAFETY: I3: the leaf was open when `state` was read while pinned, so what its slots have
            // held since is retired later.
            let entry = unsafe { Entry::<K, V>::deref(word.pointer()) };
            Outermost { index, word, hint: slot.hint(), entry }
        })
    };
    let is_within = |one: &Outermost<'g, K, V>| within(one.entry.key());
    let mut born = (0..leaf.sorted()).filter_map(look);
    let mut best = match end {
        End::First => born.find(is_within),
        End::Last => born.rev().find(is_within),
    };
    for one in (leaf.sorted()..state.count()).filter_map(look) {
        let further = best.as_ref().is_none_or(|best| {
            one.hint.cmp(&best.hint).then_with(|| one.entry.key().cmp(best.entry.key())) == wanted
        });
        if further && is_within(&one) {
            best = Some(one);
        }
    }
    best
}
