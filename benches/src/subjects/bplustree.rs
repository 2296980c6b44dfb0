//! bplustree's `BPlusTree`: `lookup`, which is optimistic, and raw iterators, as its documentation asks. It
//! has no pop, so that is the first key of a raw iterator, removed; who loses the race tries the next. The
//! session holds a pin of crossbeam-epoch, which makes the inner ones cheap.
//!
//! Its optimistic reads compare keys that a writer may be moving: sound for numbers only. On strings it
//! takes part, as it is compared elsewhere, but nobody should run it so.

use bplustree::BPlusTree;
use crossbeam_epoch::Guard;

use crate::subject::{Key, Session, Subject, Value};

pub(super) const NAME: &str = "bplustree";

/// The B+ tree with optimistic latches.
pub(super) struct BPlus<K, V>(BPlusTree<K, V>);

/// A pinned thread's access.
pub(super) struct Pinned<'m, K, V> {
    map: &'m BPlusTree<K, V>,
    guard: Guard,
}

impl<K: Key, V: Value> Subject<K, V> for BPlus<K, V> {
    const NAME: &'static str = NAME;
    type Session<'m> = Pinned<'m, K, V>;

    fn new() -> Self {
        Self(BPlusTree::new())
    }

    fn session(&self) -> Self::Session<'_> {
        Pinned { map: &self.0, guard: crossbeam_epoch::pin() }
    }

    fn settle(&self) {
        super::flush_epoch();
    }
}

impl<K: Key, V: Value> Session<K, V> for Pinned<'_, K, V> {
    #[inline]
    fn get(&mut self, key: &K) -> Option<u64> {
        self.map.lookup(key, V::number)
    }

    #[inline]
    fn upsert(&mut self, key: K, value: V) {
        self.map.insert(key, value);
    }

    #[inline]
    fn remove(&mut self, key: &K) -> bool {
        self.map.remove(key).is_some()
    }

    #[inline]
    fn scan(&mut self, from: &K, count: usize, mut visit: impl FnMut(u64)) {
        let mut entries = self.map.raw_iter();
        entries.seek(from);
        for _ in 0..count {
            let Some((_, value)) = entries.next() else { return };
            visit(value.number());
        }
    }

    #[inline]
    fn iterate(&mut self, mut visit: impl FnMut(u64)) {
        let mut entries = self.map.raw_iter();
        entries.seek_to_first();
        while let Some((_, value)) = entries.next() {
            visit(value.number());
        }
    }

    #[inline]
    fn pop_first(&mut self) -> Option<u64> {
        loop {
            let key = {
                let mut entries = self.map.raw_iter();
                entries.seek_to_first();
                entries.next()?.0.clone()
            };
            if let Some(value) = self.map.remove(&key) {
                return Some(value.number());
            }
        }
    }

    #[inline]
    fn breathe(&mut self) {
        self.guard.repin();
    }
}
