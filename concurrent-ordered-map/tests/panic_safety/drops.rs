//! Panics in the `Drop` of keys and of values.
//!
//! Of what was removed or replaced, they are contained: the call that happens to free it does not fail, and
//! everything else is freed. Of what the map holds when it is dropped, the first goes on, after all else.

use std::cmp::Ordering as Order;
use std::panic::{AssertUnwindSafe, catch_unwind};

use concurrent_ordered_map::ConcurrentOrderedMap;

use super::fuse::{KEYS, VALUES, blow, blows, expect_blown};
use crate::common::ledger::{Counted, Ledger};
use crate::common::{SHAPES, alone, collect_until, map_of, push_out_until};

/// A number whose `Drop` panics if it is told to. It counts as dropped.
#[derive(Debug)]
struct Bomb {
    counted: Counted,
    armed: bool,
}

impl Bomb {
    fn new(n: u32, armed: bool, ledger: &'static Ledger) -> Self {
        Self { counted: Counted::new(n, ledger), armed }
    }
}

impl PartialEq for Bomb {
    fn eq(&self, other: &Self) -> bool {
        self.counted == other.counted
    }
}

impl Eq for Bomb {}

impl PartialOrd for Bomb {
    fn partial_cmp(&self, other: &Self) -> Option<Order> {
        Some(self.cmp(other))
    }
}

impl Ord for Bomb {
    fn cmp(&self, other: &Self) -> Order {
        self.counted.cmp(&other.counted)
    }
}

impl Drop for Bomb {
    fn drop(&mut self) {
        // A second panic while the first unwinds would abort, as everywhere in Rust.
        if self.armed && !std::thread::panicking() {
            blow();
        }
    }
}

type Map = ConcurrentOrderedMap<Bomb, Bomb>;

const NUMBERS: u32 = 30;

/// Which of the keys and of the values panic.
#[derive(Clone, Copy, Debug)]
struct Armed {
    keys: bool,
    values: bool,
    every: u32,
}

const ARMED: [Armed; 5] = [
    Armed { keys: true, values: false, every: 1 },
    Armed { keys: false, values: true, every: 1 },
    Armed { keys: true, values: true, every: 1 },
    Armed { keys: true, values: true, every: 7 },
    Armed { keys: false, values: true, every: 5 },
];

impl Armed {
    fn entry(self, n: u32) -> (Bomb, Bomb) {
        let armed = n.is_multiple_of(self.every);
        (Bomb::new(n, self.keys && armed, &KEYS), Bomb::new(n, self.values && armed, &VALUES))
    }
}

/// To look keys up by. These do not panic.
fn plain(n: u32) -> Bomb {
    Bomb::new(n, false, &KEYS)
}

fn keys(map: &Map) -> Vec<u32> {
    map.pin().keys().map(|key| key.counted.n).collect()
}

fn close() {
    push_out_until("nothing is left", || KEYS.alive() == 0 && VALUES.alive() == 0);
    KEYS.close();
    VALUES.close();
}

/// `act` on a map of bombs removes or replaces, and leaves these keys; nothing panics before the end.
fn contained(act: impl Fn(&Map, Armed), left: &[u32]) {
    for armed in ARMED {
        for shape in SHAPES {
            let map: Map = map_of(shape);
            map.pin().extend((0..NUMBERS).map(|n| armed.entry(n)));
            act(&map, armed);
            assert_eq!(keys(&map), left);
            assert_eq!(map.len(), left.len(), "len at rest");
            // The garbage is freed here, with its panics.
            collect_until(&map, "the garbage is freed", || VALUES.alive() == left.len());
            // The map goes on.
            map.pin().extend((0..NUMBERS).map(|n| armed.entry(n)));
            assert!(keys(&map).into_iter().eq(0..NUMBERS));
            let held = held(&map);
            let blown = blows(|| drop(map));
            assert_eq!(blown, armed.keys || armed.values, "the map's own drop tells of it");
            let dropped =
                |(key, value): &(usize, usize)| !KEYS.is_alive(*key) && !VALUES.is_alive(*value);
            assert!(held.iter().all(dropped), "all that it held was dropped at once");
            close();
        }
    }
}

/// The instances that the map holds.
fn held(map: &Map) -> Vec<(usize, usize)> {
    let session = map.pin();
    let numbers =
        |(key, value): (&Bomb, &Bomb)| (key.counted.token.number(), value.counted.token.number());
    session.iter().map(numbers).collect()
}

#[test]
fn what_was_overwritten_may_panic_when_it_is_dropped() {
    let _alone = alone();
    let all: Vec<u32> = (0..NUMBERS).collect();
    contained(|map, armed| map.pin().extend((0..NUMBERS).map(|n| armed.entry(n))), &all);
    contained(
        |map, armed| {
            for n in 0..NUMBERS {
                let (key, value) = armed.entry(n);
                let mut value = Some(value);
                map.pin().update(key, |_| value.take().unwrap());
            }
        },
        &all,
    );
}

#[test]
fn what_was_removed_may_panic_when_it_is_dropped() {
    let _alone = alone();
    let odd: Vec<u32> = (1..NUMBERS).step_by(2).collect();
    contained(
        |map, _| {
            for n in (0..NUMBERS).step_by(2) {
                assert!(map.delete(&plain(n)));
            }
        },
        &odd,
    );
    contained(|map, _| map.retain(|key, _| !key.counted.n.is_multiple_of(2)), &odd);
    contained(|map, _| map.clear(), &[]);
    contained(|map, _| assert_eq!(map.remove_range(plain(3)..), 27), &[0, 1, 2]);
    contained(
        |map, _| {
            for _ in 0..10 {
                assert!(map.pin().pop_first().is_some() && map.pin().pop_last().is_some());
            }
        },
        &(10..20).collect::<Vec<_>>(),
    );
}

/// Panics do not stop others' garbage from being freed, by threads that know nothing of it.
#[test]
fn calls_that_free_others_garbage_do_not_fail() {
    let _alone = alone();
    let map: Map = map_of(None);
    let armed = ARMED[2];
    let bystander: ConcurrentOrderedMap<u32, u32> = ConcurrentOrderedMap::new();
    for _ in 0..20 {
        map.pin().extend((0..NUMBERS).map(|n| armed.entry(n)));
        for n in 0..500 {
            bystander.set(n, n);
            bystander.delete(&n);
        }
    }
    collect_until(&map, "the garbage is freed", || VALUES.alive() == map.len());
    assert!(blows(|| drop(map)));
    close();
}

/// A map that is dropped by a panic drops all it holds, and does not abort.
#[test]
fn a_map_of_bombs_can_be_dropped_by_a_panic() {
    let _alone = alone();
    for armed in ARMED {
        for shape in SHAPES {
            let unwound = catch_unwind(AssertUnwindSafe(|| {
                let map: Map = map_of(shape);
                map.pin().extend((0..NUMBERS).map(|n| armed.entry(n)));
                blow();
            }));
            expect_blown(unwound.unwrap_err());
            assert_eq!((KEYS.alive(), VALUES.alive()), (0, 0), "at once");
            close();
        }
    }
}

/// What a call is handed and does not use is dropped by the call or by the caller, who gets the panic; the
/// map is as it was.
#[test]
fn what_was_not_inserted_may_panic_in_the_callers_face() {
    let _alone = alone();
    for shape in SHAPES {
        let map: Map = map_of(shape);
        let calm = Armed { keys: false, values: false, every: 1 };
        map.pin().extend((0..NUMBERS).map(|n| calm.entry(n)));
        for armed in &ARMED[..2] {
            let entry = || armed.entry(7);
            assert!(blows(|| {
                let (key, value) = entry();
                drop(map.pin().try_insert(key, value));
            }));
            assert!(blows(|| {
                let (key, value) = entry();
                map.pin().get_or_insert(key, value);
            }));
            assert!(blows(|| {
                let (key, value) = entry();
                drop(map.pin().compare_exchange(key, None, Some(value)));
            }));
        }
        assert!(keys(&map).into_iter().eq(0..NUMBERS));
        assert_eq!(map.len(), keys(&map).len());
        collect_until(&map, "the garbage is freed", || VALUES.alive() == map.len());
        drop(map);
        assert_eq!(VALUES.alive(), 0);
        close();
    }
}
