//! Snapshots against copies of the model, while both go on.

use std::collections::BTreeMap;
use std::ops::Bound;

use concurrent_ordered_map::{ConcurrentOrderedMap, Snapshot};

use crate::common::{SHAPES, map_of};
use linearizability::rng::Rng;

type Model = BTreeMap<u32, u32>;

const KEYS: u32 = 60;

fn write(map: &ConcurrentOrderedMap<u32, u32>, model: &mut Model, rng: &mut Rng) {
    let (key, value) = (rng.below(KEYS), rng.next_u32());
    match rng.below(12) {
        0..=5 => assert_eq!(map.insert(key, value), model.insert(key, value)),
        6..=8 => assert_eq!(map.remove(&key), model.remove(&key)),
        9 => assert_eq!(map.pop_first(), model.pop_first()),
        10 => assert_eq!(map.pop_last(), model.pop_last()),
        _ => {
            let range = key..key + rng.below(20);
            map.pin().remove_range(range.clone());
            model.retain(|key, _| !range.contains(key));
        }
    }
}

fn entry((key, value): (&u32, &u32)) -> (u32, u32) {
    (*key, *value)
}

/// A bound at random; the edges of the keys are met.
fn bound(rng: &mut Rng) -> Bound<u32> {
    let key = rng.below(KEYS + 2);
    match rng.below(5) {
        0 => Bound::Unbounded,
        1 | 2 => Bound::Included(key),
        _ => Bound::Excluded(key),
    }
}

/// As `BTreeMap::range`, which panics on ranges that end before they start.
fn within(model: &Model, (from, to): (Bound<u32>, Bound<u32>)) -> Vec<(u32, u32)> {
    let above = |key: u32| match from {
        Bound::Unbounded => true,
        Bound::Included(bound) => key >= bound,
        Bound::Excluded(bound) => key > bound,
    };
    let below = |key: u32| match to {
        Bound::Unbounded => true,
        Bound::Included(bound) => key <= bound,
        Bound::Excluded(bound) => key < bound,
    };
    model.iter().map(entry).filter(|&(key, _)| above(key) && below(key)).collect()
}

fn check(snapshot: &Snapshot<'_, u32, u32>, model: &Model, rng: &mut Rng) {
    assert!(snapshot.iter().eq(model.iter()));
    assert!(snapshot.iter().rev().eq(model.iter().rev()));
    assert!(snapshot.keys().eq(model.keys()) && snapshot.values().rev().eq(model.values().rev()));
    assert_eq!((snapshot.len(), snapshot.is_empty()), (model.len(), model.is_empty()));
    assert_eq!(snapshot.first(), model.first_key_value());
    assert_eq!(snapshot.last(), model.last_key_value());
    for key in 0..KEYS {
        assert_eq!(snapshot.get(&key), model.get(&key));
        assert_eq!(snapshot.get_key_value(&key), model.get_key_value(&key));
        assert_eq!(snapshot.contains_key(&key), model.contains_key(&key));
    }
    let (from, to) = (bound(rng), bound(rng));
    let inside = within(model, (from, to));
    assert_eq!(snapshot.range((from, to)).map(entry).collect::<Vec<_>>(), inside);
    let first = within(model, (from, Bound::Unbounded)).first().copied();
    assert_eq!(snapshot.lower_bound(from.as_ref()).map(entry), first);
    let last = within(model, (Bound::Unbounded, to)).last().copied();
    assert_eq!(snapshot.upper_bound(to.as_ref()).map(entry), last);

    // From both ends towards the middle, in random steps.
    let mut both = snapshot.range((from, to));
    let (mut front, mut back) = (Vec::new(), Vec::new());
    loop {
        let next = if rng.chance(0.5) {
            both.next().map(|found| front.push(entry(found)))
        } else {
            both.next_back().map(|found| back.push(entry(found)))
        };
        if next.is_none() {
            break;
        }
    }
    front.extend(back.into_iter().rev());
    assert_eq!(front, inside);
}

/// `settled`: whether the thread leaves snapshots alone while it is pinned.
fn play(shape: Option<(u8, u8)>, seed: u64, settled: bool) {
    let map = map_of::<u32, u32>(shape);
    let mut model = Model::new();
    let mut rng = Rng::new(seed);
    let mut taken: Vec<(Snapshot<'_, u32, u32>, Model)> = Vec::new();
    let session = (!settled).then(|| map.pin());
    for _ in 0..400 {
        write(&map, &mut model, &mut rng);
        match rng.below(20) {
            0 | 1 if taken.len() < 5 => taken.push((map.snapshot(), model.clone())),
            2 if !taken.is_empty() => {
                let chosen = rng.below(u32::try_from(taken.len()).unwrap());
                drop(taken.swap_remove(usize::try_from(chosen).unwrap()));
            }
            3 if !taken.is_empty() => {
                let (snapshot, model) = rng.pick(&taken);
                check(snapshot, model, &mut rng.clone());
            }
            _ => {}
        }
    }
    for (snapshot, model) in &taken {
        check(snapshot, model, &mut rng);
    }
    drop(session);
    for (snapshot, model) in &taken {
        check(snapshot, model, &mut rng);
    }
    assert!(map.pin().iter().eq(model.iter()), "the map itself is as it should be");
}

#[test]
fn snapshots_stay_as_they_were() {
    for shape in SHAPES {
        for seed in 0..60 {
            play(shape, seed, seed % 2 == 0);
        }
    }
}
