//! What a session has answered may be freed when it pins anew.

use concurrent_ordered_map::ConcurrentOrderedMap;

fn main() {
    let map = ConcurrentOrderedMap::from([(1, 2)]);
    let mut session = map.pin();
    let value = session.remove(&1);
    session.repin();
    assert_eq!(value, Some(&2));
}
