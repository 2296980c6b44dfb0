//! What the blocks of a replacement hold: gathered from frozen slots, sorted, and filed anew.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::block::BlockRef;
use super::fence::Fence;
use super::hint::{has_labels, hint, is_exact, is_text, shared_prefix};
use super::order::Order;
use super::pair::Pair;
use super::state::LeafState;

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
    pub(super) fn new<K: 'g, V: 'g>(level: u8, live: &'c [Pair], before: Option<&[u8]>) -> Self
    where
        'c: 'g,
    {
        if !is_text::<K>() {
            return Self { prefix: &[], slots: Cow::Borrowed(live) };
        }
        let key = |pair: &'c Pair| -> Option<&'g K> { key_of::<K, V>(level, pair) };
        let prefix = match (live.iter().find_map(key), live.last().and_then(key)) {
            (Some(least), Some(greatest)) if live.len() >= FEW => shared_prefix(least, greatest),
            _ => &[],
        };
        if before == Some(prefix) {
            return Self { prefix, slots: Cow::Borrowed(live) };
        }
        let file = |pair: &'c Pair| pair.under::<K>(key(pair).map_or(0, |key| hint(prefix, key)));
        Self { prefix, slots: live.iter().map(file).collect() }
    }

    /// The hint of an upper fence.
    ///
    /// # Safety
    /// The fence has an owner.
    pub(super) unsafe fn high_hint<K, V>(&self, high: &Fence<K, V>) -> u64 {
        if high.is_none() {
            return u64::MAX;
        }
        if has_labels::<K>() {
            return high.address();
        }
        // SAFETY: the caller's word.
        unsafe { high.key() }.map_or(u64::MAX, |key| hint(self.prefix, key))
    }
}

/// The key of a leaf's pair, or the lower fence of a lane's child; none for the first child of a level.
///
/// I3 and I6: the slot's entry or child was there when the caller looked, while pinned.
fn key_of<'g, K: 'g, V: 'g>(level: u8, pair: &'g Pair) -> Option<&'g K> {
    if level == 0 {
        // SAFETY: the caller's look.
        return Some(unsafe { pair.key::<K, V>() });
    }
    child::<K, V>(*pair).low_key()
}

/// As `key_of`, the fence itself, for a block that begins with the pair.
pub(super) fn fence_of<K, V>(level: u8, pair: Pair) -> Fence<K, V> {
    if level == 0 {
        // SAFETY: as for `key_of`.
        return unsafe { Fence::of_pair(pair) };
    }
    *child::<K, V>(pair).low()
}

fn child<'g, K, V>(pair: Pair) -> BlockRef<'g, K, V> {
    // SAFETY: I3 and I10, as for `key_of`.
    unsafe { BlockRef::new(pair.word().cast()) }.expect("a lane's slot holds a block")
}

/// What the frozen blocks hold, and the children to which a lane's slots led twice.
pub(super) fn collect<'g, K: Ord + 'static, V>(
    block: BlockRef<'g, K, V>,
    partner: Option<BlockRef<'g, K, V>>,
) -> (Content<'g>, Vec<BlockRef<'g, K, V>>) {
    let mut live = Vec::with_capacity(block.capacity() * if partner.is_some() { 2 } else { 1 });
    if block.level() > 0 {
        gather_children(block, &mut live);
        if let Some(partner) = partner {
            gather_children(partner, &mut live);
        }
        return collect_children(block, live);
    }
    let mut ascending = gather(block, block.leaf_state(), &mut live);
    let own = live.len();
    if let Some(partner) = partner {
        // All that is the partner's comes after all that is the block's.
        ascending &= gather(partner, partner.leaf_state(), &mut live);
    }
    let same = partner.is_none_or(|partner| partner.prefix() == block.prefix());
    let prefix = same.then(|| block.prefix());
    (Content { live, own, ascending, prefix }, Vec::new())
}

/// Adds what is live in a leaf in this state, in key order. True if the slots were filled in that order.
pub(super) fn gather<K: Ord, V>(
    leaf: BlockRef<'_, K, V>,
    state: LeafState,
    live: &mut Vec<Pair>,
) -> bool {
    let mut order = Order::default();
    let ascending = leaf.in_order(state, &mut order);
    live.extend(order.iter().map(|index| *leaf.pair(index)));
    ascending
}

/// Adds what is live in a frozen lane, by the children's fences.
fn gather_children<K, V>(lane: BlockRef<'_, K, V>, live: &mut Vec<Pair>) {
    for (index, slot) in lane.slots()[..lane.lane_state().count()].iter().enumerate() {
        let word = slot.load();
        if word.dead() {
            continue;
        }
        let pair = Pair::new::<K>(0, word.pointer());
        // The first slot's hint may not be its child's. The others are left alone, if that is possible: they are in
        // no cache.
        let is_told = is_exact::<K>() && index > 0;
        let hint = if is_told { slot.hint::<K>() } else { child::<K, V>(pair).low_hint() };
        live.push(pair.under::<K>(hint));
    }
}

/// Sorts a lane's children by their fences and drops those that are of no use: of children with the
/// same fence, each is the others' replacement or is replaced by them, so one of them leads on; and of
/// those that start left of the lane, the last one leads to all of its range.
fn collect_children<'g, K: Ord + 'static, V>(
    lane: BlockRef<'g, K, V>,
    mut live: Vec<Pair>,
) -> (Content<'g>, Vec<BlockRef<'g, K, V>>) {
    let child = |pair: &Pair| child::<'g, K, V>(*pair);
    let order = |one: &Pair, other: &Pair| {
        let by_hint = one.hint::<K>().cmp(&other.hint::<K>());
        if is_exact::<K>() {
            return by_hint;
        }
        by_hint.then_with(|| child(one).low_key().cmp(&child(other).low_key()))
    };
    let ascending = live.is_sorted_by(|one, other| order(one, other).is_le());
    if !ascending {
        live.sort_by(order);
    }
    // No fence has the least hint, if that is a whole key: there are lesser ones to its left.
    let starts_left = |pair: &Pair| match pair.hint::<K>().cmp(&lane.low_hint()) {
        Ordering::Equal if !is_exact::<K>() => child(pair).low_key().cmp(&lane.low_key()).is_le(),
        order => order.is_le(),
    };
    let mut useless = Vec::new();
    let until = live.partition_point(starts_left);
    useless.extend(live.drain(..until.saturating_sub(1)).map(|pair| child(&pair)));
    live.dedup_by(|one, kept| {
        let same = order(one, kept).is_eq();
        if same {
            useless.push(child(one));
        }
        same
    });
    // Their hints are of the children's own making, after the empty prefix.
    (Content { own: live.len(), live, ascending, prefix: Some(&[]) }, useless)
}
