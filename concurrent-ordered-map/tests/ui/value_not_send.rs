//! A value may be dropped on another thread.

use std::rc::Rc;

use concurrent_ordered_map::ConcurrentOrderedMap;

fn main() {
    let map = ConcurrentOrderedMap::new();
    map.pin().insert(1, Rc::new(2));
}
