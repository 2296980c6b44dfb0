//! The nearest entry to a bound, linearizably: the first, the last, the next above, the next below.
//!
//! One look at a leaf says which of its entries is nearest, but a nearer one may be inserted while it
//! looks. So it looks twice: what was found must still be in its slot, and in no leaf that was seen
//! may anything have been published since. As dead slots stay dead, there was then a moment between
//! the two looks at which everything seen held at once.

use std::borrow::Borrow;
use std::ops::Bound;

use super::RawMap;
use super::block::BlockRef;
use super::descend::{At, Before, First, Last};
use super::entry::Entry;
use super::hint::Needle;
use super::state::{State, Word};
use crate::reclaim::Guard;

/// A leaf in which nothing was found, and its state at that time.
type Barren<'g, K, V> = (BlockRef<'g, K, V>, State);

/// Something was written meanwhile.
struct Disturbed;

/// The nearest entry of a leaf within the bound.
struct Nearest<'g, K, V> {
    index: usize,
    word: Word,
    entry: &'g Entry<K, V>,
}

impl<K: Ord + Send + 'static, V: Send + 'static> RawMap<K, V> {
    /// The entry with the least key within a lower bound.
    pub(crate) fn least<'g, Q>(
        &'g self,
        from: Bound<&Q>,
        guard: &'g Guard,
    ) -> Option<&'g Entry<K, V>>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        loop {
            if let Ok(found) = self.try_least(from, guard) {
                return found;
            }
        }
    }

    /// The entry with the greatest key within an upper bound.
    pub(crate) fn greatest<'g, Q>(
        &'g self,
        to: Bound<&Q>,
        guard: &'g Guard,
    ) -> Option<&'g Entry<K, V>>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        loop {
            if let Ok(found) = self.try_greatest(to, guard) {
                return found;
            }
        }
    }

    fn try_least<'g, Q>(
        &'g self,
        from: Bound<&Q>,
        guard: &'g Guard,
    ) -> Result<Option<&'g Entry<K, V>>, Disturbed>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        let mut leaf = match from {
            Bound::Unbounded => self.leaf(&First, guard),
            Bound::Included(key) | Bound::Excluded(key) => {
                self.leaf(&At(&Needle::new::<K>(key)), guard)
            }
        };
        let mut barren = Vec::new();
        loop {
            let state = self.open_state(leaf, guard)?;
            let nearest = nearest(leaf, state, |key, best| {
                above(key, from) && best.is_none_or(|best| key < best)
            });
            if let Some(nearest) = nearest {
                return confirm(leaf, state, nearest, &barren).map(Some);
            }
            barren.push((leaf, state));
            let Some(next) = leaf.next() else {
                return undisturbed(&barren).map(|()| None);
            };
            leaf = next;
            while let Some(replacement) = leaf.forward() {
                leaf = replacement;
            }
        }
    }

    fn try_greatest<'g, Q>(
        &'g self,
        to: Bound<&Q>,
        guard: &'g Guard,
    ) -> Result<Option<&'g Entry<K, V>>, Disturbed>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        let mut leaf = match to {
            Bound::Unbounded => self.leaf(&Last, guard),
            Bound::Included(key) => self.leaf(&At(&Needle::new::<K>(key)), guard),
            Bound::Excluded(key) => self.leaf(&Before(&Needle::new::<K>(key)), guard),
        };
        let mut barren = Vec::new();
        loop {
            let state = self.open_state(leaf, guard)?;
            let nearest = nearest(leaf, state, |key, best| {
                below(key, to) && best.is_none_or(|best| key > best)
            });
            if let Some(nearest) = nearest {
                return confirm(leaf, state, nearest, &barren).map(Some);
            }
            barren.push((leaf, state));
            let Some(low) = leaf.low_key() else {
                return undisturbed(&barren).map(|()| None);
            };
            leaf = self.leaf(&Before(&Needle::<K>::new::<K>(low)), guard);
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
        Ok(state)
    }
}

fn above<K: Borrow<Q>, Q: Ord + ?Sized>(key: &K, from: Bound<&Q>) -> bool {
    match from {
        Bound::Unbounded => true,
        Bound::Included(bound) => key.borrow() >= bound,
        Bound::Excluded(bound) => key.borrow() > bound,
    }
}

fn below<K: Borrow<Q>, Q: Ord + ?Sized>(key: &K, to: Bound<&Q>) -> bool {
    match to {
        Bound::Unbounded => true,
        Bound::Included(bound) => key.borrow() <= bound,
        Bound::Excluded(bound) => key.borrow() < bound,
    }
}

/// The entry that `better` prefers to all others of a leaf that was open in this state.
fn nearest<'g, K, V>(
    leaf: BlockRef<'g, K, V>,
    state: State,
    better: impl Fn(&K, Option<&K>) -> bool,
) -> Option<Nearest<'g, K, V>> {
    let mut best: Option<Nearest<'g, K, V>> = None;
    for (index, slot) in leaf.slots()[..state.count()].iter().enumerate() {
        let word = slot.load();
        if word.dead() {
            continue;
        }
        // SAFETY: I3: the leaf was open when `state` was read while pinned, so what its slots have
        // held since is retired later.
        let entry = unsafe { Entry::<K, V>::deref(word.pointer()) };
        if better(entry.key(), best.as_ref().map(|best| best.entry.key())) {
            best = Some(Nearest { index, word, entry });
        }
    }
    best
}

/// The second look: the entry is where it was, and nothing nearer has come.
fn confirm<'g, K, V>(
    leaf: BlockRef<'g, K, V>,
    state: State,
    nearest: Nearest<'g, K, V>,
    barren: &[Barren<'g, K, V>],
) -> Result<&'g Entry<K, V>, Disturbed> {
    if leaf.slots()[nearest.index].load() != nearest.word {
        return Err(Disturbed);
    }
    undisturbed(barren)?;
    undisturbed(&[(leaf, state)])?;
    Ok(nearest.entry)
}

/// Nothing has been published in these leaves since, and none has been replaced.
fn undisturbed<K, V>(barren: &[Barren<'_, K, V>]) -> Result<(), Disturbed> {
    let same = barren.iter().all(|(leaf, before)| {
        let now = leaf.state();
        now.count() == before.count() && !now.frozen()
    });
    if same { Ok(()) } else { Err(Disturbed) }
}
