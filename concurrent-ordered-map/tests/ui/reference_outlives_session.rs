//! What a session answers may be freed when it ends.

use concurrent_ordered_map::ConcurrentOrderedMap;

fn main() {
    let map = ConcurrentOrderedMap::from([(1, 2)]);
    let value = map.pin().get(&1).copied();
    let kept = {
        let session = map.pin();
        session.get(&1)
    };
    assert_eq!(kept.copied(), value);
}
