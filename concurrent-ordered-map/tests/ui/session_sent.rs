//! It is the session's thread that is pinned.

use concurrent_ordered_map::ConcurrentOrderedMap;

fn main() {
    let map = ConcurrentOrderedMap::from([(1, 2)]);
    let session = map.pin();
    std::thread::scope(|scope| {
        scope.spawn(move || session.get(&1).copied());
    });
}
