//! An iterator of a session reads what is kept alive by the session.

use concurrent_ordered_map::ConcurrentOrderedSet;

fn main() {
    let set = ConcurrentOrderedSet::from([1, 2]);
    let keys = set.pin().iter();
    assert_eq!(keys.count(), 2);
}
