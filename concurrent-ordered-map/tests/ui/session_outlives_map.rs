//! Dropping a map frees its content at once.

use concurrent_ordered_map::ConcurrentOrderedMap;

fn main() {
    let map = ConcurrentOrderedMap::from([(1, 2)]);
    let session = map.pin();
    drop(map);
    assert_eq!(session.get(&1), Some(&2));
}
