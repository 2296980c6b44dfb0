//! Single-threaded checks of the core against std's map, with tiny blocks.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::ops::Bound;

use super::block::BlockRef;
use super::descend::{At, First, resolve};
use super::hint::Needle;
use super::join::holdings;
use super::leaf::Unwritten;
use super::pair::Pair;
use super::state::{Fate, with_fate};
use super::{Backward, Change, End, Forward, RawMap, Shape};
use crate::reclaim::{Guard, pin};
use crate::sync::counting::touched_by;

/// A key of which nothing is known but its order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Opaque(u32);

impl From<u32> for Opaque {
    fn from(number: u32) -> Self {
        Self(number)
    }
}

trait Key: Ord + Copy + From<u32> + Debug + Send + 'static {}

impl<K: Ord + Copy + From<u32> + Debug + Send + 'static> Key for K {}

fn put<K: Key>(map: &RawMap<K, u32>, key: u32, value: u32) -> Option<u32> {
    let guard = pin();
    let changed = map.change(key.into(), &guard, |_, again| Change::Put(again.unwrap_or(value)));
    changed.before.map(|entry| *entry.value())
}

fn take<K: Key>(map: &RawMap<K, u32>, key: u32) -> Option<u32> {
    let guard = pin();
    map.remove_if(&K::from(key), &guard, |_| true).map(|entry| *entry.value())
}

fn assert_same<K: Key>(map: &RawMap<K, u32>, model: &BTreeMap<K, u32>) {
    let guard = pin();
    let pairs = |entry: super::Item<'_, K, u32>| (*entry.key(), *entry.value());
    let forward: Vec<_> = Forward::new::<K>(map, &.., &guard).map(pairs).collect();
    assert_eq!(forward, model.iter().map(|(k, v)| (*k, *v)).collect::<Vec<_>>());
    let backward: Vec<_> = Backward::new::<K>(map, &.., &guard).map(pairs).collect();
    assert_eq!(backward, model.iter().rev().map(|(k, v)| (*k, *v)).collect::<Vec<_>>());
    assert_eq!(map.len(), model.len());
}

#[test]
fn agrees_with_a_btree_map_under_random_writes() {
    agrees::<u32>();
}

#[test]
fn agrees_where_slots_have_labels() {
    agrees::<Opaque>();
}

fn agrees<K: Key>() {
    for (leaf, lane, keys) in [(2, 4, 40), (3, 4, 200), (4, 4, 500), (28, 60, 3_000)] {
        let map = RawMap::<K, u32>::new(Shape { leaf, lane });
        let mut model = BTreeMap::<K, u32>::new();
        let mut random = 88_172_645_463_325_252_u64;
        for step in 0..20_000_u32 {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let number = u32::try_from(random % keys).unwrap();
            let key = K::from(number);
            let growing = (step / 2_000) % 2 == 0;
            match (random >> 40) % 10 {
                0..4 => assert_eq!(put(&map, number, step), model.insert(key, step)),
                4..6 if growing => assert_eq!(put(&map, number, step), model.insert(key, step)),
                6 => {
                    let guard = pin();
                    let popped = map.pop(End::First, &guard).map(|e| (*e.key(), *e.value()));
                    assert_eq!(popped, model.pop_first());
                }
                7 => {
                    let guard = pin();
                    let popped = map.pop(End::Last, &guard).map(|e| (*e.key(), *e.value()));
                    assert_eq!(popped, model.pop_last());
                }
                8 => {
                    let guard = pin();
                    let least =
                        map.nearest(End::First, Bound::Excluded(&key), &guard).map(|e| *e.key());
                    let after = (Bound::Excluded(key), Bound::Unbounded);
                    assert_eq!(least, model.range(after).next().map(|(k, _)| *k));
                    let greatest =
                        map.nearest(End::Last, Bound::Excluded(&key), &guard).map(|e| *e.key());
                    assert_eq!(greatest, model.range(..key).next_back().map(|(k, _)| *k));
                    assert_eq!(map.get(&key, &guard).map(|e| *e.value()), model.get(&key).copied());
                }
                _ => assert_eq!(take(&map, number), model.remove(&key)),
            }
            if step % 500 == 0 {
                assert_same(&map, &model);
            }
        }
        assert_same(&map, &model);
    }
}

/// What there is at one level.
#[derive(Default, Debug)]
struct Census {
    blocks: usize,
    /// Slots that hold something.
    live: usize,
    /// Blocks other than the first that hold nothing of their own range.
    empty: usize,
    /// The most replaced blocks that one pointer keeps alive.
    stale: usize,
}

fn versions(mut block: BlockRef<'_, u32, u32>) -> usize {
    let mut count = 0;
    while let Some(replacement) = block.forward() {
        block = replacement;
        count += 1;
    }
    count
}

/// Walks a level, holds that its fences ascend and that its slots lead where they may.
fn census(map: &RawMap<u32, u32>, level: u8, guard: &Guard) -> Census {
    let mut census = Census::default();
    let mut block = map.descend(&First, level, guard);
    let mut below: Option<&u32> = None;
    while let Some(this) = block {
        assert!(this.is_first() == (census.blocks == 0) && this.forward().is_none());
        assert!(census.blocks < 2 || this.low_key() > below, "fences do not ascend");
        below = this.low_key();
        census.blocks += 1;
        census.live += this.live();
        census.empty += usize::from(!this.is_first() && holdings(this) == 0);
        let children = if level > 0 { this.lane_state().count() } else { 0 };
        for child in (0..children).map(|at| this.child_at(at)) {
            census.stale = census.stale.max(child.map_or(0, versions));
        }
        let leads = |child: BlockRef<'_, u32, u32>| child.low_key() <= this.low_key();
        assert!(level == 0 || this.child_at(0).is_some_and(leads), "a key has no way down");
        census.stale = census.stale.max(this.next().map_or(0, versions));
        block = this.next().map(resolve);
    }
    census
}

#[test]
fn levels_stay_in_order_and_in_proportion() {
    for (leaf, lane) in [(2, 4), (3, 4), (4, 4), (2, 8), (28, 60)] {
        let map = RawMap::new(Shape { leaf, lane });
        let mut random = 88_172_645_463_325_252_u64;
        for step in 0..60_000_u32 {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let key = u32::try_from(random % (60 * u64::from(leaf))).unwrap();
            match (random >> 40) % 16 {
                0..8 => _ = put(&map, key, step),
                8 => _ = map.pop(End::First, &pin()),
                9 => _ = map.pop(End::Last, &pin()),
                _ => _ = take(&map, key),
            }
            if step % 100 != 0 {
                continue;
            }
            let guard = pin();
            let mut held = map.len().max(1);
            let top = map.root(&guard).level();
            for level in 0..=top {
                let census = census(&map, level, &guard);
                let told = format!("step {step} of {leaf}/{lane}, level {level}: {census:?}");
                assert_eq!(census.empty, 0, "{told}");
                assert!(census.blocks <= held, "more blocks than they hold: {told}");
                // Its pointers are swung when their targets are next replaced, at the latest.
                assert!(census.stale <= 3, "{told}");
                assert!(level < top || census.blocks == 1, "{told}");
                held = census.blocks;
            }
            assert!(u64::from(top) <= u64::from(map.len().max(1).ilog2()) + 1, "{top} levels");
        }
    }
}

/// A map with the leaves 1 | 2 3, and a lane above them.
fn two_leaves() -> RawMap<u32, u32> {
    let map = RawMap::new(Shape { leaf: 2, lane: 8 });
    for key in 1..=3 {
        put(&map, key, key);
    }
    map
}

#[test]
fn what_was_replaced_has_no_links_left() {
    let map = two_leaves();
    let guard = pin();
    let leaf = map.leaf(&At(&Needle::<u32, _>::new(&3)), &guard);
    map.make_room(leaf, &guard);
    assert!(leaf.forward().is_some());
    assert!(!leaf.try_link(), "I10: a pointer kept its link, or a retired block gets a new one");
}

#[test]
fn a_neighbour_with_a_fate_of_its_own_is_not_absorbed() {
    let map = two_leaves();
    let guard = pin();
    let left = map.leaf(&First, &guard);
    let right = left.next().expect("there are two");
    let next = left.next_word();
    assert!(left.exchange_next(next, with_fate(next, Fate::Absorb)));
    // Another thread comes first, before the neighbour is told (I8).
    map.make_room(right, &guard);
    map.help(left, &guard);
    assert_same(&map, &(1..=3).map(|key| (key, key)).collect());
}

/// A label says nothing of slots that were dead when it was made, so that among slots that were never live
/// together the labels may be out of order. Who looks for its key among them must find it all the same.
#[test]
fn a_key_that_came_meanwhile_is_found_beside_slots_that_died() {
    let map = RawMap::<Opaque, u32>::new(Shape::DEFAULT);
    put(&map, 5, 0);
    put(&map, 20, 0);
    let guard = pin();
    let key = Opaque(12);
    let needle = Needle::<Opaque, _>::new(&key);
    let leaf = map.leaf(&At(&needle), &guard);
    let found = leaf.find(&needle);
    let slot = leaf.give(found.state).expect("there is room");
    // The label of 10 is above that of 5. Without either, 12 gets a lesser one.
    put(&map, 10, 0);
    take(&map, 10);
    take(&map, 5);
    put(&map, 12, 0);
    let pair = Pair::file(key, 1);
    assert_eq!(leaf.publish(found, slot, pair, &key), Err(Unwritten::Changed));
    // SAFETY: it was not published, so that this thread holds it.
    unsafe { pair.release::<Opaque, u32>() };
    assert_same(&map, &[(Opaque(12), 0), (Opaque(20), 0)].into());
}

/// The table of what a call touches, in the module's documentation.
#[test]
fn calls_write_as_few_lines_as_they_say() {
    touches_as_it_says::<u32>();
    touches_as_it_says::<Opaque>();
}

fn touches_as_it_says<K: Key>() {
    // The calls' own pins do nothing beside this one, so none of them frees garbage, and there is too little
    // to be freed ahead of time.
    let _pinned = pin();
    let map = RawMap::<K, u32>::new(Shape::DEFAULT);
    for key in (0..1_000).step_by(2) {
        put(&map, key, key);
    }
    let key = 501;
    let of = |lines: usize, read_modify_writes: usize, call: &dyn Fn()| {
        let touched = touched_by(call);
        assert_eq!((touched.lines.len(), touched.read_modify_writes), (lines, read_modify_writes));
    };
    of(0, 0, &|| _ = map.get(&K::from(key), &pin()).map(super::Item::value));
    of(0, 0, &|| _ = map.get(&K::from(key - 1), &pin()).map(super::Item::value));
    of(0, 0, &|| _ = map.nearest(End::First, Bound::<&K>::Unbounded, &pin()).map(super::Item::key));
    of(0, 0, &|| _ = map.nearest(End::Last, Bound::<&K>::Unbounded, &pin()).map(super::Item::key));
    of(0, 0, &|| assert_eq!(Forward::new::<K>(&map, &.., &pin()).count(), 500));
    of(3, 3, &|| assert_eq!(put(&map, key, 0), None));
    of(2, 2, &|| assert_eq!(put(&map, key, 1), Some(0)));
    of(2, 2, &|| assert_eq!(take(&map, key), Some(1)));
    of(2, 2, &|| assert!(map.pop(End::First, &pin()).is_some()));
}
