//! A value may be dropped after what it borrows.

use concurrent_ordered_map::ConcurrentOrderedMap;

fn main() {
    let map = ConcurrentOrderedMap::new();
    let number = 2;
    map.set(1, &number);
}
