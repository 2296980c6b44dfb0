//! Ranges keep to their bounds, while the leaves at their ends are split and absorbed.

use concurrent_ordered_map::ConcurrentOrderedMap;

use crate::common::crew::{Foreground, crew};
use crate::common::keys::{Key, Opaque};
use crate::common::{SHAPES, alone, map_of, scaled};
use linearizability::rng::Rng;

const NUMBERS: u32 = 48;

/// Every fourth is always there, so that the leaf of a bound often holds keys on its wrong side only.
fn is_fixed(number: u32) -> bool {
    number.is_multiple_of(4)
}

fn churn<K: Key>(map: &ConcurrentOrderedMap<K, u32>, rng: &mut Rng) {
    let loose = || (0..NUMBERS).filter(|n| !is_fixed(*n));
    for n in loose() {
        if rng.below(2) == 0 {
            map.set(K::of(n), n);
        }
    }
    for n in loose() {
        map.delete(&K::of(n));
    }
}

fn ranges_keep_to_their_bounds<K: Key>() {
    let _alone = alone();
    for shape in SHAPES {
        let map: ConcurrentOrderedMap<K, u32> = map_of(shape);
        map.extend((0..NUMBERS).filter(|n| is_fixed(*n)).map(|n| (K::of(n), n)));
        let reading = Foreground::of(1);
        crew(2, |me| {
            let mut rng = Rng::stream(9, u64::try_from(me).unwrap());
            if me == 1 {
                while reading.is_busy() {
                    churn(&map, &mut rng);
                }
                return;
            }
            let _reading = reading.enter();
            for _ in 0..scaled(5_000) {
                let bound = rng.below(NUMBERS - 4) + 1;
                let (key, session) = (K::of(bound), map.pin());
                let (_, first) = session.range::<K, _>(&key..).next().expect("the last is fixed");
                // A fixed key is never passed by, either.
                assert!(
                    *first >= bound && *first <= bound.next_multiple_of(4),
                    "{bound}..: {first}"
                );
                let (_, last) = session.range::<K, _>(..&key).next_back().expect("0 is fixed");
                assert!(*last < bound && *last >= (bound - 1) / 4 * 4, "..{bound}: {last}");
            }
        });
    }
}

#[test]
fn a_range_of_numbers_keeps_to_its_bounds() {
    ranges_keep_to_their_bounds::<u64>();
}

#[test]
fn a_range_of_keys_without_hints_keeps_to_its_bounds() {
    ranges_keep_to_their_bounds::<Opaque>();
}

/// What is removed is within the range: keys right below and right above it are there always.
#[test]
fn remove_range_removes_nothing_else() {
    let _alone = alone();
    let fixed = |n: u32| !(20..24).contains(&n);
    for shape in SHAPES {
        let map: ConcurrentOrderedMap<u32, u32> = map_of(shape);
        map.extend((0..50).filter(|n| fixed(*n)).map(|n| (n, n)));
        crew(3, |me| {
            let mut rng = Rng::stream(10, u64::try_from(me).unwrap());
            for _ in 0..scaled(5_000) {
                let n = 20 + rng.below(4);
                map.set(n, n);
                map.remove_range(20..24);
                assert!(map.contains_key(&19) && map.contains_key(&24), "{shape:?}");
            }
        });
        assert!(map.keys().eq((0..50).filter(|n| fixed(*n))), "{shape:?}: keys outside are gone");
        assert_eq!(map.len(), 46);
    }
}
