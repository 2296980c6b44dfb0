//! Single-threaded checks of the core against std's map, with tiny blocks.

use std::collections::BTreeMap;
use std::ops::Bound;

use super::{Backward, Change, End, Forward, RawMap, Shape};
use crate::reclaim::pin;

fn put(map: &RawMap<u32, u32>, key: u32, value: u32) -> Option<u32> {
    let guard = pin();
    let changed = map.change(key, &guard, |_, again| Change::Put(again.unwrap_or(value)));
    changed.before.map(|entry| *entry.value())
}

fn take(map: &RawMap<u32, u32>, key: u32) -> Option<u32> {
    let guard = pin();
    map.remove_if(&key, &guard, |_| true).map(|entry| *entry.value())
}

fn assert_same(map: &RawMap<u32, u32>, model: &BTreeMap<u32, u32>) {
    let guard = pin();
    let pairs = |entry: &super::Entry<u32, u32>| (*entry.key(), *entry.value());
    let forward: Vec<_> = Forward::new(map, Bound::<&u32>::Unbounded, &guard).map(pairs).collect();
    assert_eq!(forward, model.iter().map(|(k, v)| (*k, *v)).collect::<Vec<_>>());
    let backward: Vec<_> =
        Backward::new(map, Bound::<&u32>::Unbounded, &guard).map(pairs).collect();
    assert_eq!(backward, model.iter().rev().map(|(k, v)| (*k, *v)).collect::<Vec<_>>());
    assert_eq!(map.len(), model.len());
}

#[test]
fn agrees_with_a_btree_map_under_random_writes() {
    for (leaf, lane, keys) in [(2, 3, 40), (3, 3, 200), (4, 3, 500), (28, 60, 3_000)] {
        let map = RawMap::new(Shape { leaf, lane });
        let mut model = BTreeMap::new();
        let mut random = 88_172_645_463_325_252_u64;
        for step in 0..20_000_u32 {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let key = u32::try_from(random % keys).unwrap();
            let growing = (step / 2_000) % 2 == 0;
            match (random >> 40) % 10 {
                0..4 => assert_eq!(put(&map, key, step), model.insert(key, step)),
                4..6 if growing => assert_eq!(put(&map, key, step), model.insert(key, step)),
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
                    let least = map.least(Bound::Excluded(&key), &guard).map(|e| *e.key());
                    let after = (Bound::Excluded(key), Bound::Unbounded);
                    assert_eq!(least, model.range(after).next().map(|(k, _)| *k));
                    let greatest = map.greatest(Bound::Excluded(&key), &guard).map(|e| *e.key());
                    assert_eq!(greatest, model.range(..key).next_back().map(|(k, _)| *k));
                    assert_eq!(map.get(&key, &guard).map(|e| *e.value()), model.get(&key).copied());
                }
                _ => assert_eq!(take(&map, key), model.remove(&key)),
            }
            if step % 500 == 0 {
                assert_same(&map, &model);
            }
        }
        assert_same(&map, &model);
    }
}
