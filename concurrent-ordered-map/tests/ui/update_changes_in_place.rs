//! Others may be reading the value that an update replaces.

use concurrent_ordered_map::ConcurrentOrderedMap;

fn main() {
    let map = ConcurrentOrderedMap::from([(1, 2)]);
    map.update(1, |value| {
        *value += 1;
        *value
    });
}
