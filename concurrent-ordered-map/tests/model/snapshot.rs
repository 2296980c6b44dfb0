//! Snapshots against copies of the model, while both go on; also while the thread is pinned, so that they
//! stay unsettled.

use std::collections::BTreeMap;
use std::ops::Bound;

use concurrent_ordered_map::{ConcurrentOrderedMap, Snapshot};

use crate::against::snapshot_agrees;
use crate::call::NUMBERS;
use crate::common::{SHAPES, map_of};
use linearizability::rng::Rng;

type Model = BTreeMap<u64, u32>;

fn write(map: &ConcurrentOrderedMap<u64, u32>, model: &mut Model, rng: &mut Rng) {
    let (key, value) = (u64::from(rng.below(NUMBERS)), rng.next_u32());
    match rng.below(12) {
        0..=5 => assert_eq!(map.insert(key, value), model.insert(key, value)),
        6..=8 => assert_eq!(map.remove(&key), model.remove(&key)),
        9 => assert_eq!(map.pop_first(), model.pop_first()),
        10 => assert_eq!(map.pop_last(), model.pop_last()),
        _ => {
            let range = key..key + u64::from(rng.below(20));
            map.pin().remove_range(range.clone());
            model.retain(|key, _| !range.contains(key));
        }
    }
}

/// A bound at random; the edges of the keys are met.
fn bound(rng: &mut Rng) -> Bound<u64> {
    let key = u64::from(rng.below(NUMBERS + 2));
    match rng.below(5) {
        0 => Bound::Unbounded,
        1 | 2 => Bound::Included(key),
        _ => Bound::Excluded(key),
    }
}

fn check(snapshot: &Snapshot<'_, u64, u32>, model: &Model, rng: &mut Rng) {
    let ends: Vec<bool> = (0..7).map(|_| rng.chance(0.5)).collect();
    snapshot_agrees(snapshot, model, (&bound(rng), &bound(rng)), &ends);
}

/// `settled`: whether the thread leaves snapshots alone while it is pinned.
fn play(shape: Option<(u8, u8)>, seed: u64, settled: bool) {
    let map = map_of::<u64, u32>(shape);
    let mut model = Model::new();
    let mut rng = Rng::new(seed);
    let mut taken: Vec<(Snapshot<'_, u64, u32>, Model)> = Vec::new();
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
