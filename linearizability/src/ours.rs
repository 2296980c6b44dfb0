//! The workspace's map as a subject.

use std::ops::Bound;

use concurrent_ordered_map::ConcurrentOrderedMap;

use crate::map_spec::{Op, Ret, SNAPSHOT_KEYS, Subject};

/// Our map, with `LEAF` slots a leaf and `LANE` slots a lane.
#[derive(Debug)]
pub struct Ours<const LEAF: u8, const LANE: u8>(ConcurrentOrderedMap<u8, u32>);

impl<const LEAF: u8, const LANE: u8> Subject for Ours<LEAF, LANE> {
    fn new() -> Self {
        Self(ConcurrentOrderedMap::with_block_slots(LEAF, LANE))
    }

    fn apply(&self, op: &Op) -> Ret {
        let map = self.0.pin();
        let entry = |found: Option<(&u8, &u32)>| Ret::Entry(found.map(|(&k, &v)| (k, v)));
        match *op {
            Op::Get(k) => Ret::Value(map.get(&k).copied()),
            Op::ContainsKey(k) => Ret::Present(map.contains_key(&k)),
            Op::Insert(k, v) => Ret::Value(map.insert(k, v).copied()),
            Op::TryInsert(k, v) => {
                Ret::Tried(map.try_insert(k, v).map(drop).map_err(|error| *error.current))
            }
            Op::Remove(k) => Ret::Value(map.remove(&k).copied()),
            Op::Add(k, d) => Ret::Value(map.update(k, |value| value.wrapping_add(d)).copied()),
            Op::CompareExchange(k, current, new) => {
                let outcome = map.compare_exchange(k, current.as_ref(), new);
                Ret::Exchanged(outcome.map(drop).map_err(|error| error.actual.copied()))
            }
            Op::PopFirst => entry(map.pop_first()),
            Op::PopLast => entry(map.pop_last()),
            Op::First => entry(map.first()),
            Op::Last => entry(map.last()),
            Op::LowerBound(k) => entry(map.lower_bound(Bound::Included(&k))),
            Op::UpperBound(k) => entry(map.upper_bound(Bound::Included(&k))),
            Op::After(k) => entry(map.lower_bound(Bound::Excluded(&k))),
            Op::Before(k) => entry(map.upper_bound(Bound::Excluded(&k))),
            Op::Snapshot => {
                drop(map);
                read_snapshot(&self.0)
            }
        }
    }
}

/// A snapshot, read in all ways, which must agree.
fn read_snapshot(map: &ConcurrentOrderedMap<u8, u32>) -> Ret {
    let snapshot = map.snapshot();
    let pair = |(&k, &v): (&u8, &u32)| (k, v);
    let keys = 0..u8::try_from(SNAPSHOT_KEYS).expect("few");
    let looked_up = Ret::all(keys.filter_map(|k| snapshot.get_key_value(&k).map(pair)));
    let ascending = Ret::all(snapshot.iter().map(pair));
    let descending = Ret::all(snapshot.iter().rev().map(pair));
    assert!(looked_up == ascending && ascending == descending, "a snapshot has changed");
    ascending
}
