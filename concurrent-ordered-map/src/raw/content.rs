//! What the blocks of a replacement hold: gathered from frozen slots, sorted, and filed anew.

use std::borrow::Cow;
use std::ptr::null_mut;

use super::block::BlockRef;
use super::entry::Entry;
use super::hint::{has_labels, hint, is_text, shared_prefix};

/// A slot's hint and pointer.
type Pair = (u64, *mut ());

/// Of how few strings no prefix is made: the next ones may well differ.
const FEW: usize = 4;

/// What frozen slots hold, in key order.
pub(super) struct Content<'g> {
    pub(super) live: Vec<Pair>,
    /// How many of them are the block's own, and not from the neighbour that it absorbs.
    pub(super) own: usize,
    /// The slots were filled in key order.
    pub(super) ascending: bool,
    /// The prefix after which all the hints are, if it is one.
    pub(super) prefix: Option<&'g [u8]>,
}

/// The content of a new block, filed after a prefix of its own.
pub(super) struct Filed<'g, 'c> {
    pub(super) prefix: &'g [u8],
    pub(super) slots: Cow<'c, [Pair]>,
}

impl<'g, 'c> Filed<'g, 'c> {
    /// Files content whose hints are after the prefix `before`, if that is one.
    ///
    /// Strings are looked at again only if the prefix changes.
    pub(super) fn new<K: 'g, V: 'g>(level: u8, live: &'c [Pair], before: Option<&[u8]>) -> Self {
        if !is_text::<K>() {
            return Self { prefix: &[], slots: Cow::Borrowed(live) };
        }
        let key = |&(_, pointer): &Pair| -> Option<&'g K> {
            let fence = fence::<K, V>(level, pointer);
            // SAFETY: I3 and I6, the slot's entry or child was there when the caller looked, while pinned.
            (!fence.is_null()).then(|| unsafe { Entry::<K, V>::key_of(fence) })
        };
        let prefix = match (live.iter().find_map(key), live.last().and_then(key)) {
            (Some(least), Some(greatest)) if live.len() >= FEW => shared_prefix(least, greatest),
            _ => &[],
        };
        if before == Some(prefix) {
            return Self { prefix, slots: Cow::Borrowed(live) };
        }
        let file = |pair: &Pair| (key(pair).map_or(0, |key| hint(prefix, key)), pair.1);
        Self { prefix, slots: live.iter().map(file).collect() }
    }

    /// The hint of an upper fence, null where there is none.
    ///
    /// # Safety
    /// The entry has an owner.
    pub(super) unsafe fn high_hint<K, V>(&self, high: *mut Entry<K, V>) -> u64 {
        if high.is_null() {
            u64::MAX
        } else if has_labels::<K>() {
            high.addr() as u64
        } else {
            // SAFETY: the caller's word.
            hint(self.prefix, unsafe { Entry::<K, V>::key_of(high) })
        }
    }
}

/// The entry whose key is a slot's: a leaf's slot's own, or the lower fence of a lane's child; null for the
/// first child of a level.
pub(super) fn fence<K, V>(level: u8, first: *mut ()) -> *mut Entry<K, V> {
    if level == 0 {
        return first.cast();
    }
    // SAFETY: I10, the slot's link keeps the child; the caller reads it as I3 allows.
    let child = unsafe { BlockRef::<K, V>::new(first.cast()) };
    child.map_or(null_mut(), BlockRef::low)
}

/// What the frozen blocks hold, and the children to which a lane's slots led twice.
pub(super) fn collect<'g, K: Ord + 'static, V>(
    block: BlockRef<'g, K, V>,
    partner: Option<BlockRef<'g, K, V>>,
) -> (Content<'g>, Vec<BlockRef<'g, K, V>>) {
    let mut live = Vec::with_capacity(block.capacity() * if partner.is_some() { 2 } else { 1 });
    gather(block, &mut live);
    let own = live.len();
    if let Some(partner) = partner {
        gather(partner, &mut live);
    }
    if block.level() > 0 {
        return collect_children(block, live);
    }
    // All that is the partner's comes after all that is the block's.
    let (first, second) = live.split_at_mut(own);
    let ascending = [first, second].map(sort_entries::<K, V>) == [true, true];
    let same = partner.is_none_or(|partner| partner.prefix() == block.prefix());
    let prefix = same.then(|| block.prefix());
    (Content { live, own, ascending, prefix }, Vec::new())
}

/// Adds what is live in a frozen block.
fn gather<K, V>(block: BlockRef<'_, K, V>, live: &mut Vec<Pair>) {
    for slot in &block.slots()[..block.state().count()] {
        let word = slot.load();
        if !word.dead() {
            live.push((slot.hint(), word.pointer::<()>()));
        }
    }
}

/// Sorts what a leaf holds. True if it was sorted.
fn sort_entries<K: Ord, V>(live: &mut [Pair]) -> bool {
    let key = |&(hint, entry): &Pair| {
        // SAFETY: I3, the leaf was not replaced when the caller looked.
        (hint, unsafe { Entry::<K, V>::key_of(entry.cast()) })
    };
    let ascending = live.is_sorted_by_key(key);
    if !ascending {
        live.sort_unstable_by(|one, other| key(one).cmp(&key(other)));
    }
    ascending
}

/// Sorts a lane's children by their fences and drops those that are of no use: of children with the
/// same fence, each is the others' replacement or is replaced by them, so one of them leads on; and of
/// those that start left of the lane, the last one leads to all of its range.
fn collect_children<'g, K: Ord + 'static, V>(
    lane: BlockRef<'g, K, V>,
    mut live: Vec<(u64, *mut ())>,
) -> (Content<'g>, Vec<BlockRef<'g, K, V>>) {
    let child = |pointer: *mut ()| {
        // SAFETY: I3 and I10, as for entries.
        unsafe { BlockRef::<'g, K, V>::new(pointer.cast()) }.expect("a lane's slot holds a block")
    };
    // The child tells its hint itself: a slot's own may be that of a child since absorbed.
    for (hint, pointer) in &mut live {
        *hint = child(*pointer).low_hint();
    }
    let key = |&(hint, pointer): &(u64, *mut ())| (hint, child(pointer).low_key());
    let ascending = live.is_sorted_by_key(key);
    if !ascending {
        live.sort_by(|one, other| key(one).cmp(&key(other)));
    }
    let mut useless = Vec::new();
    let until =
        live.partition_point(|&(_, pointer)| child(pointer).low_key().cmp(&lane.low_key()).is_le());
    useless.extend(live.drain(..until.saturating_sub(1)).map(|(_, pointer)| child(pointer)));
    live.dedup_by(|one, kept| {
        let same = child(one.1).low_key().cmp(&child(kept.1).low_key()).is_eq();
        if same {
            useless.push(child(one.1));
        }
        same
    });
    // Their hints are of the children's own making, after the empty prefix.
    (Content { own: live.len(), live, ascending, prefix: Some(&[]) }, useless)
}
