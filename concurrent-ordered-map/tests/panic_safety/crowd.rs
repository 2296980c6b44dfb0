//! Panics in `Ord` while other threads work on the same blocks: what one leaves undone the others finish.

use concurrent_ordered_map::Compute;

use super::fuse::{Fused, Map, Value, blow, blows, check_and_drop, content, light};
use crate::common::crew::crew;
use crate::common::{SHAPES, alone, map_of, scaled};
use linearizability::rng::Rng;

const NUMBERS: u32 = 40;
const THREADS: usize = 4;

fn any_call(map: &Map, rng: &mut Rng) {
    let n = rng.below(NUMBERS);
    let (key, value) = (Fused::new(n), Value::new(n));
    // Also the answers are dropped, and the key and value that are not used.
    light(Some(rng.below(40)));
    let session = map.pin();
    match rng.below(12) {
        0..=2 => _ = session.insert(key, value),
        3 => _ = session.try_insert(key, value),
        4 => _ = session.upsert(key, value, |_| Value::new(n)),
        5 => {
            _ = session.compute(key, |old| match old {
                Some(_) if n.is_multiple_of(2) => Compute::<_, ()>::Remove,
                _ if n.is_multiple_of(3) => blow(),
                _ => Compute::Insert(Value::new(n)),
            })
        }
        6..=7 => _ = session.remove(&key),
        8 => _ = session.pop_first(),
        9 => _ = session.pop_last(),
        10 => _ = session.remove_range(key..Fused::new(n + 3)),
        _ => _ = session.iter().rev().count(),
    }
}

#[test]
fn threads_that_panic_leave_a_map_that_others_can_use() {
    let _alone = alone();
    for shape in SHAPES {
        for round in 0..scaled(30) {
            let map: Map = map_of(shape);
            crew(THREADS, |me| {
                let mut rng = Rng::stream(u64::from(round), u64::try_from(me).unwrap());
                for _ in 0..500 {
                    blows(|| any_call(&map, &mut rng));
                    light(None);
                }
            });
            assert!(content(&map).into_iter().all(|(key, value)| key == value));
            check_and_drop(map, NUMBERS + 3);
        }
    }
}
