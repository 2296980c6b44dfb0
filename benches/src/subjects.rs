//! The maps, one a file. Each file says which way of calling was taken for the fast one.

mod alone;
mod bplustree;
mod concurrent_map;
mod ferntree;
mod locked;
mod masstree;
mod ours;
mod ours_snapshot;
mod ours_unpinned;
mod skiplist;
mod tree_index;

use self::alone::Alone;
use self::bplustree::BPlus;
use self::concurrent_map::Concurrent;
use self::ferntree::Fern;
use self::locked::Locked;
use self::masstree::Mass;
use self::ours::Ours;
use self::ours_snapshot::OursSnapshot;
use self::ours_unpinned::OursUnpinned;
use self::skiplist::Skiplist;
use self::tree_index::Tree;

use crate::subject::{Key, Subject, Value};

/// Something that is done with each subject in turn.
pub trait Visitor<K, V> {
    /// Does it with `S`.
    fn visit<S: Subject<K, V>>(&mut self);
}

/// Shows `visitor` the subjects that work for all keys and values: ours first.
pub fn general<K: Key, V: Value>(visitor: &mut impl Visitor<K, V>) {
    visitor.visit::<Ours<K, V>>();
    visitor.visit::<OursUnpinned<K, V>>();
    visitor.visit::<Skiplist<K, V>>();
    visitor.visit::<Tree<K, V>>();
    visitor.visit::<Concurrent<K, V>>();
    visitor.visit::<Fern<K, V>>();
    visitor.visit::<BPlus<K, V>>();
    visitor.visit::<Locked<K, V>>();
    visitor.visit::<Alone<K, V>>();
}

/// The same, for rows that ask whether what a scan sees belongs together.
pub fn scanning<K: Key, V: Value>(visitor: &mut impl Visitor<K, V>) {
    general(visitor);
    visitor.visit::<OursSnapshot<K, V>>();
}

/// The same for strings and plain numbers, where masstree takes part.
pub fn strings(visitor: &mut impl Visitor<String, u64>) {
    general(visitor);
    visitor.visit::<Mass>();
}

/// The names in the order of the table.
pub const NAMES: [&str; 13] = [
    ours::NAME,
    ours_unpinned::NAME,
    ours_snapshot::NAME,
    BESIDE_SNAPSHOTS[0],
    BESIDE_SNAPSHOTS[1],
    skiplist::NAME,
    tree_index::NAME,
    concurrent_map::NAME,
    ferntree::NAME,
    bplustree::NAME,
    locked::NAME,
    alone::NAME,
    masstree::NAME,
];

/// Ours beside an old snapshot, and beside one every millisecond.
pub const BESIDE_SNAPSHOTS: [&str; 2] = ["ours-beside-old", "ours-beside-young"];

/// Ours: what all others are divided by.
pub const OURS: &str = ours::NAME;

/// Whether `name` is a concurrent map of somebody else's, and so counts for "the best peer".
#[must_use]
pub fn is_peer(name: &str) -> bool {
    !name.starts_with(OURS) && name != alone::NAME
}

/// Makes crossbeam-epoch free what can be freed: each flush moves at most one epoch and a few bags.
fn flush_epoch() {
    for _ in 0..10_000 {
        crossbeam_epoch::pin().flush();
    }
}
