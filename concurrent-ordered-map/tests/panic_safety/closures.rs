//! Panics in closures, in iterators that are handed in, in `Clone` and in the `PartialEq` of values.

use concurrent_ordered_map::{Compute, InsertionOrderedMap};

use super::fuse::{
    Fused, KEYS, Map, VALUES, Value, blow, blows, burn, check_and_drop, content, light,
};
use crate::common::{SHAPES, alone, map_of, push_out_until};

const NUMBERS: u32 = 20;

fn key(n: u32) -> Fused {
    Fused::new(n)
}

/// Even numbers below `NUMBERS`.
fn evens(shape: Option<(u8, u8)>) -> Map {
    let map: Map = map_of(shape);
    map.extend((0..NUMBERS).step_by(2).map(|n| (key(n), Value::new(n))));
    map
}

/// The call panics and changes nothing.
fn unharmed(name: &str, call: impl Fn(&Map)) {
    for shape in SHAPES {
        let map = evens(shape);
        let before = content(&map);
        assert!(blows(|| call(&map)), "{name} was to panic");
        light(None);
        assert_eq!(content(&map), before, "{name}");
        check_and_drop(map, NUMBERS);
    }
}

#[test]
fn a_closure_that_panics_changes_nothing() {
    let _alone = alone();
    unharmed("update", |m| _ = m.pin().update(key(4), |_| blow()));
    unharmed("try_update", |m| _ = m.pin().try_update(key(4), |_| -> Result<_, ()> { blow() }));
    unharmed("upsert", |m| _ = m.pin().upsert(key(4), Value::new(1), |_| blow()));
    unharmed("upsert_with", |m| _ = m.pin().upsert_with(key(5), || blow(), |_| unreachable!()));
    unharmed("compute", |m| _ = m.pin().compute(key(4), |_| -> Compute<_, ()> { blow() }));
    unharmed("compute absent", |m| _ = m.pin().compute(key(5), |_| -> Compute<_, ()> { blow() }));
    unharmed("get_or_insert_with", |m| _ = m.pin().get_or_insert_with(key(5), || blow()));
    unharmed("remove_if", |m| _ = m.pin().remove_if(&key(4), |_, _| blow()));
    unharmed("retain", |m| m.retain(|_, _| blow()));
    unharmed("extend", |m| m.extend(std::iter::from_fn(|| blow())));
}

/// The first run is overtaken by a write of its own, so that it runs again, and panics then.
#[test]
fn a_closure_that_panics_when_it_runs_again_drops_what_it_had_made() {
    let _alone = alone();
    fn second_run(map: &Map, n: u32, runs: &mut u32) -> Value {
        *runs += 1;
        if *runs == 2 {
            if n % 2 == 1 {
                map.delete(&key(n));
            }
            blow();
        }
        // Makes this run's attempt fail, as the key has another entry by now. The second run leaves the map as it
        // was, but for the value that is set to what it was.
        map.set(key(n), Value::new(n));
        Value::new(n)
    }
    for n in [4, 5] {
        unharmed("compute", |m| {
            let mut runs = 0;
            m.pin().compute(key(n), |_| Compute::<_, ()>::Insert(second_run(m, n, &mut runs)));
        });
    }
    unharmed("update", |m| {
        let mut runs = 0;
        m.pin().update(key(4), |_| second_run(m, 4, &mut runs));
    });
    unharmed("upsert", |m| {
        let mut runs = 0;
        m.pin().upsert(key(4), Value::new(1), |_| second_run(m, 4, &mut runs));
    });
}

#[test]
fn a_panic_in_the_middle_keeps_what_was_done_by_then() {
    let _alone = alone();
    for shape in SHAPES {
        for steps in 0..NUMBERS / 2 {
            let map = evens(shape);
            let mut asked = 0;
            let retain = || {
                map.retain(|_, _| {
                    asked += 1;
                    if asked > steps {
                        blow();
                    }
                    false
                });
            };
            assert!(blows(retain));
            assert!(content(&map).into_keys().eq((steps * 2..NUMBERS).step_by(2)));
            check_and_drop(map, NUMBERS);

            let map = evens(shape);
            let odd = |n| if n / 2 < steps { (key(n), Value::new(n)) } else { blow() };
            assert!(blows(|| map.extend((1..NUMBERS).step_by(2).map(odd))));
            assert_eq!(map.len(), usize::try_from(NUMBERS / 2 + steps).unwrap());
            check_and_drop(map, NUMBERS);
        }
    }
}

/// The n-th copy panics. The answer is lost; what the call was to do is done, or not begun.
#[test]
fn a_panic_in_clone_loses_the_answer_only() {
    let _alone = alone();
    let calls: [fn(&Map); 9] = [
        |m| _ = m.get_key_value(&key(4)),
        |m| _ = m.iter().collect::<Vec<_>>(),
        |m| _ = m.iter().rev().collect::<Vec<_>>(),
        |m| _ = m.keys().zip(m.values().rev()).collect::<Vec<_>>(),
        |m| _ = m.clone(),
        |m| _ = m.insert(key(4), Value::new(4)),
        |m| _ = m.compare_exchange(key(4), Some(&Value::new(4)), Some(Value::new(4))),
        |m| _ = m.upsert(key(4), Value::new(4), Value::clone),
        |m| _ = m.try_insert(key(4), Value::new(7)),
    ];
    for (number, call) in calls.iter().enumerate() {
        for shape in SHAPES {
            for steps in 0.. {
                let map = evens(shape);
                let before = content(&map);
                light(Some(steps));
                let blown = blows(|| call(&map));
                light(None);
                assert_eq!(content(&map), before, "call {number}");
                check_and_drop(map, NUMBERS);
                if !blown {
                    break;
                }
            }
        }
    }
}

/// An owned iterator goes on after a copy of a batch has failed.
#[test]
fn an_owned_iterator_survives_a_panic_in_clone() {
    let _alone = alone();
    let map = evens(None);
    let mut entries = map.iter();
    light(Some(7));
    assert!(blows(|| _ = entries.next()));
    let keys: Vec<_> = entries.map(|(key, _)| key.0.n).collect();
    assert!(keys.into_iter().eq((0..NUMBERS).step_by(2)));
    check_and_drop(map, NUMBERS);
}

#[test]
fn a_panic_in_the_comparison_of_values_changes_nothing() {
    let _alone = alone();
    for (current, new) in [(4, Some(9)), (4, None)] {
        unharmed("compare_exchange", |m| {
            let (key, current) = (key(4), Value::new(current));
            let new = new.map(Value::new);
            let session = m.pin();
            // The keys' comparisons are steps, too; so the fuse is lit when the values are compared.
            _ = session.compute(key, |value| {
                light(Some(0));
                let equal = value == Some(&current);
                assert!(!equal, "the comparison was to panic");
                Compute::<Value, ()>::Remove
            });
            drop(new);
        });
        // The same by the call itself: every step panics in turn, and one of them is the values'.
        for steps in 0.. {
            let map = evens(SHAPES[0]);
            let before = content(&map);
            let (key, current, new) = (key(4), Value::new(current), new.map(Value::new));
            light(Some(steps));
            let blown = blows(|| _ = map.pin().compare_exchange(key, Some(&current), new));
            light(None);
            if blown {
                let now = content(&map);
                assert!(now == before || new_content(&now, &before));
            }
            drop(current);
            check_and_drop(map, NUMBERS);
            if !blown {
                break;
            }
        }
    }
}

/// The exchange was made, and something after it panicked.
fn new_content(now: &super::fuse::Model, before: &super::fuse::Model) -> bool {
    let mut expected = before.clone();
    match now.get(&4) {
        None => _ = expected.remove(&4),
        Some(new) => _ = expected.insert(4, *new),
    }
    *now == expected
}

#[test]
fn the_map_by_order_of_insertion_survives_closures_that_panic() {
    let _alone = alone();
    let map = InsertionOrderedMap::new();
    for n in [3, 1, 2] {
        map.set(key(n), Value::new(n));
    }
    assert!(blows(|| _ = map.pin().update(key(1), |_| blow())));
    assert!(blows(|| _ = map.pin().upsert(key(1), Value::new(9), |_| blow())));
    assert!(blows(|| _ = map.pin().get_or_insert_with(key(7), || blow())));
    assert!(blows(|| map.retain(|_, _| blow())));
    for steps in 0..5 {
        light(Some(steps));
        blows(|| _ = map.pin().get(&key(2)));
        light(None);
        burn();
    }
    let session = map.pin();
    let numbers: Vec<_> = session.entries().into_iter().map(|(k, v)| (k.0.n, v.0.n)).collect();
    assert_eq!(numbers, [(3, 3), (1, 1), (2, 2)]);
    assert_eq!(session.len(), 3);
    drop(session);
    drop(map);
    push_out_until("nothing is left", || KEYS.alive() == 0 && VALUES.alive() == 0);
    KEYS.close();
    VALUES.close();
}
