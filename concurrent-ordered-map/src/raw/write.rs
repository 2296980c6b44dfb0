//! Single-key reads and writes: one compare-exchange on one slot, or one publication.

use std::borrow::Borrow;
use std::mem;

use super::RawMap;
use super::block::BlockRef;
use super::descend::At;
use super::entry::Entry;
use super::hint::Needle;
use super::publish::Append;
use super::slot::Slot;
use super::snapshot::Access;
use super::state::{State, Word};
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
    pub(crate) before: Option<&'g Entry<K, V>>,
    /// The entry right after it.
    pub(crate) after: Option<&'g Entry<K, V>>,
}

/// What a leaf says of a key.
pub(super) enum Found {
    /// The key's slot and what it held.
    Live(usize, Word),
    /// No slot below the state's count holds the key, and none did when the state was read.
    Absent(State),
}

impl<K, V> BlockRef<'_, K, V> {
    /// Looks for a key in a leaf whose range holds it and that was not replaced when the caller looked.
    ///
    /// If it has been replaced since, this is what it held last, at a moment since that look.
    #[inline]
    pub(super) fn find<Q>(self, needle: &Needle<'_, K, Q>) -> Found
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        let state = self.state();
        let Some(hint) = needle.hint(self.prefix()) else {
            let place = self.search(state, |key| needle.cmp_key(key));
            return match place.floor.filter(|_| place.is_exact) {
                Some((index, word)) => Found::Live(index, word),
                None => Found::Absent(state),
            };
        };
        let slots = &self.slots()[..state.count()];
        let mut from = 0;
        while let Some(index) = candidate(slots, from, hint) {
            from = index + 1;
            let word = slots[index].load();
            if word.dead() {
                continue;
            }
            // SAFETY: I3, by the caller's look.
            let key = || unsafe { Entry::<K, V>::key_of(word.pointer()) };
            if needle.is(key) {
                return Found::Live(index, word);
            }
        }
        Found::Absent(state)
    }
}

/// The next slot, from `from` on, that can hold a key with this hint. A linear scan: its loads do not
/// wait for each other, as a binary search's do.
#[inline]
fn candidate(slots: &[Slot], from: usize, hint: u64) -> Option<usize> {
    let rest = &slots[from..];
    let is_it = |slot: &Slot| slot.hint() == hint;
    // Four at a time cost half as much as one by one.
    let (fours, last) = rest.as_chunks::<4>();
    let four = fours.iter().position(|four| four.iter().any(is_it)).unwrap_or(fours.len());
    let skipped = 4 * four;
    let index = fours.get(four).map_or(last, |four| &four[..]).iter().position(is_it)?;
    Some(from + skipped + index)
}

/// A key on its way into the map, with the value proposed for it.
struct Draft<'g, K, V> {
    stage: Stage<K, V>,
    /// The entry has been on offer in a slot: others may still read its key.
    exposed: bool,
    guard: &'g Guard,
}

enum Stage<K, V> {
    Key(K),
    /// Allocated, without a value.
    Empty(*mut Entry<K, V>),
    /// Allocated, with a value.
    Full(*mut Entry<K, V>),
    /// The map has it.
    Gone,
}

impl<K, V> Draft<'_, K, V> {
    fn key(&self) -> &K {
        match &self.stage {
            Stage::Key(key) => key,
            // SAFETY: the draft owns the entry.
            Stage::Empty(entry) | Stage::Full(entry) => unsafe { Entry::key_of(*entry) },
            Stage::Gone => unreachable!("a draft is done when the map has its entry"),
        }
    }

    /// The value of an earlier attempt.
    fn take(&mut self) -> Option<V> {
        let Stage::Full(entry) = self.stage else { return None };
        self.stage = Stage::Empty(entry);
        // SAFETY: the draft owns the value, and helpers read keys only.
        Some(unsafe { Entry::take_value(entry) })
    }

    /// Puts a value into the entry, which is allocated at the first.
    fn put(&mut self, value: V) -> *mut Entry<K, V> {
        let entry = match mem::replace(&mut self.stage, Stage::Gone) {
            Stage::Key(key) => Entry::allocate(key),
            Stage::Empty(entry) => entry,
            Stage::Full(_) | Stage::Gone => unreachable!("the last value was taken out"),
        };
        // SAFETY: the draft owns the entry, which has no value.
        unsafe { Entry::put_value(entry, value) };
        self.stage = Stage::Full(entry);
        entry
    }

    fn handed_over(&mut self) {
        self.stage = Stage::Gone;
    }
}

impl<K, V> Drop for Draft<'_, K, V> {
    fn drop(&mut self) {
        drop(self.take());
        let Stage::Empty(entry) = self.stage else { return };
        // SAFETY: the draft is the only holder, and has taken the value out.
        unsafe { Entry::disown_value(entry) };
        if self.exposed {
            // SAFETY: the draft holds the entry; whoever reads its key is pinned.
            unsafe { Entry::retire(entry, self.guard) };
        } else {
            // SAFETY: as above, and nobody else has seen it.
            unsafe { Entry::release(entry) };
        }
    }
}

impl<K: Ord + Send + 'static, V: Send + 'static> RawMap<K, V> {
    /// The key's entry. Writes nothing, unless it meets a stale pointer of the lanes.
    #[inline]
    pub(crate) fn get<'g, Q>(&'g self, key: &Q, guard: &'g Guard) -> Option<&'g Entry<K, V>>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        let needle = Needle::<K, _>::new(key);
        match self.leaf_for(&At(&needle), Access::Read, guard).find(&needle) {
            // SAFETY: I3, `find` saw it in its slot.
            Found::Live(_, word) => Some(unsafe { Entry::deref(word.pointer()) }),
            Found::Absent(_) => None,
        }
    }

    /// The one write by an owned key: asks `decide` what to do with the entry that is there, and does
    /// it if the entry is still there. Otherwise asks again, handing back the value of before.
    pub(crate) fn change<'g>(
        &'g self,
        key: K,
        guard: &'g Guard,
        mut decide: impl FnMut(Option<&'g Entry<K, V>>, Option<V>) -> Change<V>,
    ) -> Changed<'g, K, V> {
        let mut draft = Draft { stage: Stage::Key(key), exposed: false, guard };
        loop {
            let (leaf, found) = {
                let needle = Needle::<K, _>::new(draft.key());
                let leaf = self.leaf_for(&At(&needle), Access::Write, guard);
                (leaf, leaf.find(&needle))
            };
            let done = match found {
                Found::Live(_, word) if word.frozen() => {
                    self.help(leaf, guard);
                    None
                }
                Found::Live(index, word) => {
                    self.change_live(leaf, index, word, &mut draft, &mut decide)
                }
                Found::Absent(state) if !self.has_room(leaf, state, guard) => None,
                Found::Absent(state) => self.change_absent(leaf, state, &mut draft, &mut decide),
            };
            if let Some(done) = done {
                return done;
            }
        }
    }

    /// `change`, for a key that is there. `None`: the slot changed first.
    fn change_live<'g>(
        &'g self,
        leaf: BlockRef<'g, K, V>,
        index: usize,
        word: Word,
        draft: &mut Draft<'g, K, V>,
        decide: &mut impl FnMut(Option<&'g Entry<K, V>>, Option<V>) -> Change<V>,
    ) -> Option<Changed<'g, K, V>> {
        let slot = &leaf.slots()[index];
        // SAFETY: I3, `find` saw it in its slot.
        let before = unsafe { Entry::<K, V>::deref(word.pointer()) };
        let after = match decide(Some(before), draft.take()) {
            Change::Keep => return Some(Changed { before: Some(before), after: Some(before) }),
            Change::Remove => {
                slot.exchange(word, Word::REMOVED).ok()?;
                None
            }
            Change::Put(value) => {
                let entry = draft.put(value);
                slot.exchange(word, Word(entry.cast())).ok()?;
                draft.handed_over();
                // SAFETY: I3, it has just been put into its slot.
                Some(unsafe { Entry::deref(entry) })
            }
        };
        // SAFETY: I5, this thread took the entry out of its slot.
        unsafe { Entry::<K, V>::retire(word.pointer(), draft.guard) };
        if after.is_none() {
            self.removed_from(leaf, draft.guard);
        }
        Some(Changed { before: Some(before), after })
    }

    /// `change`, for a key that is not there. `None`: the leaf changed first.
    fn change_absent<'g>(
        &'g self,
        leaf: BlockRef<'g, K, V>,
        state: State,
        draft: &mut Draft<'g, K, V>,
        decide: &mut impl FnMut(Option<&'g Entry<K, V>>, Option<V>) -> Change<V>,
    ) -> Option<Changed<'g, K, V>> {
        let Change::Put(value) = decide(None, draft.take()) else {
            return Some(Changed { before: None, after: None });
        };
        let entry = draft.put(value);
        // Before the entry can be seen: a panic in `Ord` frees it.
        let hint = leaf.hint_of(state, draft.key());
        match leaf.append(state, hint, entry.cast()) {
            Append::Reserved(other) => {
                leaf.publish_other(state, other);
                None
            }
            Append::Refused => {
                draft.exposed = true;
                None
            }
            Append::Done => {
                draft.handed_over();
                self.count(1);
                // SAFETY: I3, it has just been put into its slot.
                Some(Changed { before: None, after: Some(unsafe { Entry::deref(entry) }) })
            }
        }
    }

    /// True if a slot may be appended to the leaf as it was in this state; makes it so otherwise.
    fn has_room<'g>(&'g self, leaf: BlockRef<'g, K, V>, state: State, guard: &'g Guard) -> bool {
        if state.frozen() {
            self.help(leaf, guard);
        } else if state.claimed().is_some() {
            leaf.settle_claim(state);
        } else if state.count() == leaf.capacity() {
            self.make_room(leaf, guard);
        } else {
            return true;
        }
        false
    }

    /// Removes the key's entry if `condition` says so.
    pub(crate) fn remove_if<'g, Q>(
        &'g self,
        key: &Q,
        guard: &'g Guard,
        mut condition: impl FnMut(&'g Entry<K, V>) -> bool,
    ) -> Option<&'g Entry<K, V>>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        let needle = Needle::<K, _>::new(key);
        let goal = At(&needle);
        loop {
            let leaf = self.leaf_for(&goal, Access::Write, guard);
            match leaf.find(&needle) {
                Found::Absent(_) => return None,
                Found::Live(_, word) if word.frozen() => self.help(leaf, guard),
                Found::Live(index, word) => {
                    // SAFETY: I3, `find` saw it in its slot.
                    let entry = unsafe { Entry::<K, V>::deref(word.pointer()) };
                    if !condition(entry) {
                        return None;
                    }
                    if leaf.slots()[index].exchange(word, Word::REMOVED).is_ok() {
                        // SAFETY: I5, this thread took the entry out of its slot.
                        unsafe { Entry::<K, V>::retire(word.pointer(), guard) };
                        self.removed_from(leaf, guard);
                        return Some(entry);
                    }
                }
            }
        }
    }

    /// Counts a removal, and joins a leaf with a neighbour when little is left in it.
    pub(super) fn removed_from<'g>(&'g self, leaf: BlockRef<'g, K, V>, guard: &'g Guard) {
        self.count(-1);
        let few = leaf.capacity() / 4;
        let live = leaf.live_up_to(few);
        if live == 0 || live == few {
            self.join(leaf, live, guard);
        }
    }
}
