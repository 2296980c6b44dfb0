//! The workspace's map as a subject, with numbers and with strings as keys.

use std::fmt::Debug;
use std::marker::PhantomData;
use std::ops::Bound;

use concurrent_ordered_map::ConcurrentOrderedMap;

use crate::map_spec::{Op, Ret, SNAPSHOT_KEYS, Subject};

/// What stands for the keys of the calls.
pub trait Keys: Debug + Send + Sync + 'static {
    /// The type of the map's keys.
    type Key: Ord + Debug + Send + Sync + 'static;

    /// The key for a number. Keys are in the order of their numbers.
    fn key(number: u8) -> Self::Key;

    /// The number of a key.
    fn number(key: &Self::Key) -> u8;
}

/// Numbers, which the map compares by their hints alone.
#[derive(Debug)]
pub struct Numbers;

impl Keys for Numbers {
    type Key = u8;

    fn key(number: u8) -> u8 {
        number
    }

    fn number(key: &u8) -> u8 {
        *key
    }
}

/// Strings, most of which begin alike, so that blocks have prefixes, and a few that do not have them.
#[derive(Debug)]
pub struct Strings;

impl Keys for Strings {
    type Key = String;

    fn key(number: u8) -> String {
        match number {
            0 => String::new(),
            1 => String::from("user"),
            2..=6 => format!("user:0000-{number}"),
            _ => format!("user:0001-{number:03}"),
        }
    }

    fn number(key: &String) -> u8 {
        match key.rsplit_once('-') {
            Some((_, number)) => number.parse().expect("made by `key`"),
            None => u8::from(!key.is_empty()),
        }
    }
}

/// Our map, with `LEAF` slots a leaf and `LANE` slots a lane.
#[derive(Debug)]
pub struct Ours<const LEAF: u8, const LANE: u8, S: Keys = Numbers> {
    map: ConcurrentOrderedMap<S::Key, u32>,
    of: PhantomData<S>,
}

fn pair<S: Keys>((key, value): (&S::Key, &u32)) -> (u8, u32) {
    (S::number(key), *value)
}

impl<const LEAF: u8, const LANE: u8, S: Keys> Subject for Ours<LEAF, LANE, S> {
    fn new() -> Self {
        Self { map: ConcurrentOrderedMap::with_block_slots(LEAF, LANE), of: PhantomData }
    }

    fn apply(&self, op: &Op) -> Ret {
        let map = self.map.pin();
        let key = S::key;
        let entry = |found: Option<(&S::Key, &u32)>| Ret::Entry(found.map(pair::<S>));
        match *op {
            Op::Get(k) => Ret::Value(map.get(&key(k)).copied()),
            Op::ContainsKey(k) => Ret::Present(map.contains_key(&key(k))),
            Op::Insert(k, v) => Ret::Value(map.insert(key(k), v).copied()),
            Op::TryInsert(k, v) => {
                Ret::Tried(map.try_insert(key(k), v).map(drop).map_err(|error| *error.current))
            }
            Op::Remove(k) => Ret::Value(map.remove(&key(k)).copied()),
            Op::Add(k, d) => Ret::Value(map.update(key(k), |value| value.wrapping_add(d)).copied()),
            Op::CompareExchange(k, current, new) => {
                let outcome = map.compare_exchange(key(k), current.as_ref(), new);
                Ret::Exchanged(outcome.map(drop).map_err(|error| error.actual.copied()))
            }
            Op::PopFirst => entry(map.pop_first()),
            Op::PopLast => entry(map.pop_last()),
            Op::First => entry(map.first()),
            Op::Last => entry(map.last()),
            Op::LowerBound(k) => entry(map.lower_bound(Bound::Included(&key(k)))),
            Op::UpperBound(k) => entry(map.upper_bound(Bound::Included(&key(k)))),
            Op::After(k) => entry(map.lower_bound(Bound::Excluded(&key(k)))),
            Op::Before(k) => entry(map.upper_bound(Bound::Excluded(&key(k)))),
            Op::Snapshot => {
                drop(map);
                read_snapshot::<S>(&self.map)
            }
            Op::Batch(writes) => {
                let writes = writes.into_iter().map(|(k, v)| (key(k), v));
                Ret::displaced(map.apply(writes.collect()).displaced().map(pair::<S>))
            }
        }
    }
}

/// A snapshot, read in all ways, which must agree.
fn read_snapshot<S: Keys>(map: &ConcurrentOrderedMap<S::Key, u32>) -> Ret {
    let snapshot = map.snapshot();
    let keys = (0..u8::try_from(SNAPSHOT_KEYS).expect("few")).map(S::key);
    let looked_up = Ret::all(keys.filter_map(|key| snapshot.get_key_value(&key).map(pair::<S>)));
    let ascending = Ret::all(snapshot.iter().map(pair::<S>));
    let descending = Ret::all(snapshot.iter().rev().map(pair::<S>));
    assert!(looked_up == ascending && ascending == descending, "a snapshot has changed");
    ascending
}
