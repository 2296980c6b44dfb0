//! A batch takes effect at one moment, whatever else goes on in its blocks, and drops what it displaces once.

use concurrent_ordered_map::{Batch, ConcurrentOrderedMap};

use crate::common::crew::{Foreground, crew};
use crate::common::ledger::{Counted, Ledger};
use crate::common::{SHAPES, alone, map_of, scaled};
use linearizability::rng::Rng;

/// Keys of an account book, spread over the map.
const ACCOUNTS: u32 = 12;
const TELLERS: usize = 2;
const TOTAL: u32 = 1_000;

fn account(number: u32) -> u32 {
    number * 5
}

/// The keys of even numbers have the values, those of odd numbers are absent, or the other way round.
fn book(rng: &mut Rng, round: u32) -> Batch<u32, u32> {
    // All that is there is replaced by the same sum, distributed anew.
    let there = rng.below(2);
    let mut left = TOTAL;
    let last = ACCOUNTS - 2 + there;
    (0..ACCOUNTS)
        .map(|number| {
            if number % 2 != there {
                return (account(number), None);
            }
            let share = if number == last { left } else { (left / 3).min(round) };
            left -= share;
            (account(number), Some(share))
        })
        .collect()
}

/// Writes to keys that lie between, so that leaves split and are absorbed.
fn noise(map: &ConcurrentOrderedMap<u32, u32>, rng: &mut Rng) {
    let key = account(rng.below(ACCOUNTS)) + 1 + rng.below(3);
    match rng.below(4) {
        0 | 1 => _ = map.set(key, 0),
        2 => _ = map.delete(&key),
        _ => _ = map.apply(Batch::new().insert(key, 0).remove(key + 5).remove(key + 10)),
    }
}

#[test]
fn a_snapshot_sees_all_of_a_batch_or_none() {
    let _alone = alone();
    for shape in SHAPES {
        let map = map_of::<u32, u32>(shape);
        map.apply(book(&mut Rng::new(0), 1));
        let writing = Foreground::of(TELLERS);
        let snapshots = crew(TELLERS + 2, |number| {
            let mut rng = Rng::stream(3, number as u64);
            if number < TELLERS {
                let _writing = writing.enter();
                for round in 0..scaled(1_500) {
                    let session = map.pin();
                    let applied = session.apply(book(&mut rng, round));
                    let before: u32 = applied.displaced().map(|(_, value)| *value).sum();
                    assert_eq!(before, TOTAL, "the batch found half of another");
                }
                return 0;
            }
            let mut snapshots = 0;
            while writing.is_busy() {
                if number == TELLERS {
                    noise(&map, &mut rng);
                    continue;
                }
                let snapshot = map.snapshot();
                snapshots += 1;
                for _ in 0..2 {
                    assert_eq!(snapshot.values().sum::<u32>(), TOTAL, "torn: {snapshot:?}");
                    let there = (0..ACCOUNTS).filter(|n| snapshot.contains_key(&account(*n)));
                    assert_eq!(there.count() * 2, (0..ACCOUNTS).count(), "torn: {snapshot:?}");
                }
            }
            snapshots
        });
        assert!(snapshots.iter().sum::<u32>() > 0);
        assert_eq!(map.len(), map.iter().count());
    }
}

/// A writer counts up, and whoever has seen a number on one key sees no lesser one on the others later.
#[test]
fn single_reads_see_a_batch_at_one_moment() {
    let _alone = alone();
    for shape in SHAPES {
        let map = map_of::<u32, u32>(shape);
        let all = |round| (0..ACCOUNTS).map(move |n| (account(n), Some(round))).collect();
        map.apply(all(0));
        let writing = Foreground::of(1);
        crew(3, |number| {
            let mut rng = Rng::stream(4, number as u64);
            if number == 0 {
                let _writing = writing.enter();
                (1..=scaled(2_000)).for_each(|round| _ = map.apply(all(round)));
                return;
            }
            let mut seen = 0;
            while writing.is_busy() {
                let session = map.pin();
                for _ in 0..50 {
                    let key = account(rng.below(ACCOUNTS));
                    let value = match rng.below(3) {
                        0 => session.get(&key),
                        1 => session.range(key..).next().map(|(_, value)| value),
                        _ => session.update(key, |value| *value),
                    };
                    let value = *value.expect("always there");
                    assert!(value >= seen, "{value} after {seen}");
                    seen = value;
                }
            }
        });
    }
}

/// Of several batches that take the same entries, one gets each, and all is dropped once.
#[test]
fn what_a_batch_displaces_is_dropped_once() {
    static KEYS: Ledger = Ledger::new();
    static VALUES: Ledger = Ledger::new();
    let _alone = alone();
    for shape in SHAPES {
        let map = map_of::<Counted, Counted>(shape);
        let flows = crew(3, |number| {
            let mut rng = Rng::stream(9, number as u64);
            let mut flow = (0, 0);
            for _ in 0..scaled(1_500) {
                let write = |rng: &mut Rng| {
                    let n = rng.below(40);
                    (Counted::new(n, &KEYS), (rng.below(2) > 0).then(|| Counted::new(n, &VALUES)))
                };
                match rng.below(8) {
                    0 => drop(map.remove(&rng.below(40)).map(|_| flow.1 += 1)),
                    1 => drop(map.pin().pop_first().map(|_| flow.1 += 1)),
                    2 => drop(map.snapshot().iter().last()),
                    _ => {
                        let count = 1 + rng.below(6);
                        let batch = (0..count).map(|_| write(&mut rng)).collect();
                        let session = map.pin();
                        let applied = session.apply(batch);
                        flow.0 += applied.tally().inserted;
                        flow.1 += applied.tally().removed;
                        for (key, value) in applied.displaced() {
                            assert!(key.token.is_alive() && value.token.is_alive());
                            assert_eq!(key.n, value.n);
                        }
                    }
                }
            }
            flow
        });
        let (came, went) = flows.iter().fold((0, 0), |sum, flow| (sum.0 + flow.0, sum.1 + flow.1));
        assert_eq!(came - went, map.len(), "an entry was taken twice, or lost");
        assert_eq!(map.iter().count(), map.len());
        assert!(map.collect());
        assert_eq!(VALUES.alive(), map.len(), "values are kept for nobody");
        drop(map);
        ConcurrentOrderedMap::<u32, u32>::new().collect();
        KEYS.close();
        VALUES.close();
    }
}
