//! What each call does, one thread at a time.
//!
//! Maps here have blocks of two or three slots unless it does not matter, so that a few entries make several levels.
//! A closure that writes to the map while it runs stands for another thread that does: the attempt it
//! belongs to fails, as it would then. Only `contended` has threads, and `snapshot`, which hands snapshots to
//! them.

#[path = "../common/mod.rs"]
mod common;

mod batch;
mod bulk;
mod contended;
mod edge;
mod fold;
mod insertion_order;
mod iterate;
mod owned;
mod panics;
mod read;
#[cfg(feature = "serde")]
mod serde;
mod set;
mod snapshot;
mod update;
mod write;

use concurrent_ordered_map::ConcurrentOrderedMap;

/// A map with tiny blocks.
fn tiny<K, V>(entries: impl IntoIterator<Item = (K, V)>) -> ConcurrentOrderedMap<K, V>
where
    K: Ord + Send + 'static,
    V: Send + 'static,
{
    let map = ConcurrentOrderedMap::with_block_slots(2, 4);
    map.extend(entries);
    map
}

/// The even numbers below `2 * count`, with their squares, from a map with tiny blocks.
fn evens(count: u32) -> ConcurrentOrderedMap<u32, u32> {
    tiny((0..count).map(|n| (2 * n, 4 * n * n)))
}
