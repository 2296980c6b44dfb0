//! Calls on the map, and what it takes to make them.

use std::ops::Bound;

use super::keys::Key;

/// Numbers of keys are below this. Few, so that calls meet.
pub(crate) const NUMBERS: u32 = 48;

/// A call, with numbers in the place of keys.
#[derive(Clone, Debug)]
pub(crate) enum Call {
    Read(u32),
    Ends,
    LowerBound(Bound<u32>),
    UpperBound(Bound<u32>),
    Iter(Vec<bool>),
    Range(Bound<u32>, Bound<u32>, Vec<bool>),
    Owned(Bound<u32>, Bound<u32>, Vec<bool>),
    Copy,
    Insert(u32, u32),
    TryInsert(u32, u32),
    GetOrInsert(u32, u32),
    GetOrInsertWith(u32, u32),
    Remove(u32),
    RemoveEntry(u32),
    RemoveIf(u32, u32),
    PopFirst,
    PopLast,
    Update(u32, u32),
    TryUpdate(u32, u32),
    Upsert(u32, u32),
    UpsertWith(u32, u32),
    Compute(u32, u32),
    CompareExchange(u32, Option<u32>, Option<u32>),
    /// Swaps the value that is there.
    Exchange(u32, Option<u32>),
    Clear,
    Retain(u32),
    RemoveRange(Bound<u32>, Bound<u32>),
    Extend(Vec<(u32, u32)>),
    /// A batch; `None` removes.
    Apply(Vec<(u32, Option<u32>)>),
    /// Takes a snapshot; the oldest ends when there are too many.
    Snapshot,
    /// Ends one of the snapshots.
    EndSnapshot(u32),
    /// Reads one of the snapshots.
    Look(u32, Bound<u32>, Bound<u32>, Vec<bool>),
}

pub(crate) fn key_bound<K: Key>(bound: Bound<u32>) -> Bound<K> {
    bound.map(K::of)
}

/// Whether a key is within both bounds. Nothing is within bounds that are the wrong way round.
pub(crate) fn within<K: Ord>(key: &K, from: &Bound<K>, to: &Bound<K>) -> bool {
    (match from {
        Bound::Unbounded => true,
        Bound::Included(from) => key >= from,
        Bound::Excluded(from) => key > from,
    }) && (match to {
        Bound::Unbounded => true,
        Bound::Included(to) => key <= to,
        Bound::Excluded(to) => key < to,
    })
}

/// Draws from both ends, as told, until one has nothing more, and holds that the other has nothing either.
pub(crate) fn drawn<T>(mut items: impl DoubleEndedIterator<Item = T>, ends: &[bool]) -> Vec<T> {
    let mut drawn = Vec::new();
    for front in ends.iter().cycle() {
        match if *front { items.next() } else { items.next_back() } {
            Some(item) => drawn.push(item),
            None => break,
        }
    }
    assert!(items.next().is_none() && items.next_back().is_none(), "goes on after its end");
    drawn
}
