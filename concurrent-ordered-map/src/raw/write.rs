//! Single-key reads and writes: one slot is published, killed, or both.

use std::borrow::Borrow;
use std::mem;

use super::RawMap;
use super::block::BlockRef;
use super::descend::At;
use super::entry::Entry;
use super::hint::Needle;
use super::leaf::{Found, Unwritten};
use super::pair::{Item, Pair, bits, is_inline};
use super::snapshot::Access;
use crate::reclaim::Guard;

/// What a decision wants done with a key.
pub(crate) enum Change<V> {
    /// Insert, or replace what is there.
    Put(V),
    /// Remove what is there.
    Remove,
    /// Leave everything as it is.
    Keep,
}

/// What a change came to.
pub(crate) struct Changed<'g, K, V> {
    /// The entry right before the change.
    pub(crate) before: Option<Item<'g, K, V>>,
    /// The entry right after it.
    pub(crate) after: Option<Item<'g, K, V>>,
}

/// A key on its way into the map, with the value proposed for it. Nobody else has seen either.
struct Draft<'g, K, V> {
    stage: Stage<K, V>,
    /// What the key's slot held, or that it had none, when the value was decided on.
    decided_on: Option<Option<*mut ()>>,
    /// A slot that was given out to this thread and not published.
    slot: Option<(BlockRef<'g, K, V>, usize)>,
}

enum Stage<K, V> {
    Key(K),
    /// With a value; where pairs are inline.
    Inline(K, V),
    /// Allocated, without a value.
    Empty(*mut Entry<K, V>),
    /// Allocated, with a value.
    Full(*mut Entry<K, V>),
    /// The map has it.
    Gone,
}

impl<'g, K: Ord, V> Draft<'g, K, V> {
    fn new(key: K) -> Self {
        Self { stage: Stage::Key(key), decided_on: None, slot: None }
    }

    /// Puts a value in.
    #[inline]
    fn put(&mut self, value: V, decided_on: Option<*mut ()>) {
        self.decided_on = Some(decided_on);
        let entry = match mem::replace(&mut self.stage, Stage::Gone) {
            Stage::Key(key) if is_inline::<K, V>() => {
                self.stage = Stage::Inline(key, value);
                return;
            }
            Stage::Key(key) => Entry::allocate(key),
            Stage::Empty(entry) => entry,
            _ => unreachable!("the last value was taken out"),
        };
        // SAFETY: the draft owns the entry, which has no value.
        unsafe { Entry::put_value(entry, value) };
        self.stage = Stage::Full(entry);
    }

    /// Publishes key and value in the place of what was found. Answers the slot.
    #[inline]
    fn publish(&mut self, leaf: BlockRef<'g, K, V>, found: Found) -> Result<usize, Unwritten> {
        let slot = match self.slot {
            Some((of, slot)) if of == leaf => slot,
            _ => leaf.give(found.state)?,
        };
        self.slot = Some((leaf, slot));
        let word = match &self.stage {
            Stage::Inline(_, value) => bits(value),
            Stage::Full(entry) => entry.cast(),
            _ => unreachable!("a value was put in"),
        };
        leaf.publish(found, slot, Pair::new::<K>(0, word), self.key())?;
        // The map has what the word leads to; what is inline was copied, and drops to nothing.
        self.stage = Stage::Gone;
        Ok(slot)
    }
}

impl<K, V> Draft<'_, K, V> {
    #[inline]
    fn key(&self) -> &K {
        match &self.stage {
            Stage::Key(key) | Stage::Inline(key, _) => key,
            // SAFETY: the draft owns the entry.
            Stage::Empty(entry) | Stage::Full(entry) => unsafe { Entry::key_of(*entry) },
            Stage::Gone => unreachable!("a draft is done when the map has its entry"),
        }
    }

    /// The value of an earlier attempt.
    fn take(&mut self) -> Option<V> {
        match mem::replace(&mut self.stage, Stage::Gone) {
            Stage::Inline(key, value) => {
                self.stage = Stage::Key(key);
                Some(value)
            }
            Stage::Full(entry) => {
                self.stage = Stage::Empty(entry);
                // SAFETY: the draft owns the value.
                Some(unsafe { Entry::take_value(entry) })
            }
            other => {
                self.stage = other;
                None
            }
        }
    }
}

impl<K, V> Drop for Draft<'_, K, V> {
    fn drop(&mut self) {
        drop(self.take());
        if let Stage::Empty(entry) = self.stage {
            // SAFETY: the draft is the only holder, and has taken the value out.
            unsafe { Entry::disown_value(entry) };
            // SAFETY: as above, and nobody else has seen it.
            unsafe { Entry::release(entry) };
        }
    }
}

impl<K: Ord + Send + 'static, V: Send + 'static> RawMap<K, V> {
    /// The key's entry. Writes nothing, unless it meets a stale pointer of the lanes.
    #[inline]
    pub(crate) fn get<'g, Q>(&'g self, key: &Q, guard: &'g Guard) -> Option<Item<'g, K, V>>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        let needle = Needle::<K, _>::new(key);
        let leaf = self.leaf_for(&At(&needle), Access::Read, guard);
        leaf.find(&needle).index.map(|index| leaf.item(index))
    }

    /// The one write by an owned key: asks `decide` what to do with the entry that is there, and does
    /// it if the entry is still there. Otherwise asks again, handing back the value of before.
    pub(crate) fn change<'g>(
        &'g self,
        key: K,
        guard: &'g Guard,
        mut decide: impl FnMut(Option<Item<'g, K, V>>, Option<V>) -> Change<V>,
    ) -> Changed<'g, K, V> {
        let mut draft = Draft::new(key);
        loop {
            let (leaf, found) = {
                let needle = Needle::<K, _>::new(draft.key());
                let leaf = self.leaf_for(&At(&needle), Access::Write, guard);
                (leaf, leaf.find(&needle))
            };
            if found.state.frozen() {
                self.help(leaf, guard);
            } else if let Some(done) = self.change_in(leaf, found, &mut draft, &mut decide, guard) {
                return done;
            }
        }
    }

    /// `change`, given what was found in an open leaf. `None`: something else came first.
    #[inline]
    fn change_in<'g>(
        &'g self,
        leaf: BlockRef<'g, K, V>,
        found: Found,
        draft: &mut Draft<'g, K, V>,
        decide: &mut impl FnMut(Option<Item<'g, K, V>>, Option<V>) -> Change<V>,
        guard: &'g Guard,
    ) -> Option<Changed<'g, K, V>> {
        let before = found.index.map(|index| leaf.item(index));
        let word = found.index.map(|index| leaf.pair(index).word());
        if draft.decided_on != Some(word) {
            match (decide(before, draft.take()), found.index) {
                (Change::Put(value), _) => draft.put(value, word),
                (Change::Keep, _) => return Some(Changed { before, after: before }),
                (Change::Remove, None) => return Some(Changed { before, after: None }),
                (Change::Remove, Some(index)) => {
                    draft.decided_on = None;
                    leaf.kill(found, index).ok()?;
                    self.removed(leaf, index, guard);
                    return Some(Changed { before, after: None });
                }
            }
        }
        match draft.publish(leaf, found) {
            Ok(slot) => {
                match found.index {
                    // SAFETY: I5, this thread took the entry out of its slot.
                    Some(index) => unsafe { leaf.pair(index).retire::<K, V>(guard) },
                    None => self.count(1),
                }
                Some(Changed { before, after: Some(leaf.item(slot)) })
            }
            Err(Unwritten::Full) => {
                self.make_room(leaf, guard);
                None
            }
            Err(Unwritten::Changed | Unwritten::Frozen) => None,
        }
    }

    /// Removes the key's entry if `condition` says so.
    pub(crate) fn remove_if<'g, Q>(
        &'g self,
        key: &Q,
        guard: &'g Guard,
        mut condition: impl FnMut(Item<'g, K, V>) -> bool,
    ) -> Option<Item<'g, K, V>>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        let needle = Needle::<K, _>::new(key);
        let goal = At(&needle);
        loop {
            let leaf = self.leaf_for(&goal, Access::Write, guard);
            let found = leaf.find(&needle);
            let index = found.index?;
            if found.state.frozen() {
                self.help(leaf, guard);
                continue;
            }
            let item = leaf.item(index);
            if !condition(item) {
                return None;
            }
            if leaf.kill(found, index).is_ok() {
                self.removed(leaf, index, guard);
                return Some(item);
            }
        }
    }

    /// Retires the entry of a slot that this thread has killed, counts the removal, and joins the leaf with a
    /// neighbour when little is left in it.
    pub(super) fn removed<'g>(&'g self, leaf: BlockRef<'g, K, V>, index: usize, guard: &'g Guard) {
        // SAFETY: I5, this thread took the entry out of its slot.
        unsafe { leaf.pair(index).retire::<K, V>(guard) };
        self.count(-1);
        let live = leaf.live();
        if live == 0 || live == leaf.capacity() / 4 {
            self.join(leaf, live, guard);
        }
    }
}
