//! A key may be dropped after what it borrows.

use concurrent_ordered_map::ConcurrentOrderedSet;

fn main() {
    let set = ConcurrentOrderedSet::new();
    {
        let word = String::from("short-lived");
        set.insert(word.as_str());
    }
}
