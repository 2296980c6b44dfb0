//! bplustree's `BPlusTree`: `lookup`, which is optimistic, and raw iterators, as its documentation asks. It
//! has no pop, so that is the first key of a raw iterator, removed; who loses the race tries the next.
//!
//! Its optimistic reads compare keys that a writer may be moving: sound for numbers only. On strings it
//! takes part, as it is compared elsewhere, but nobody should run it so.

use bplustree::BPlusTree;

use crate::subject::{Key, Session, Subject, Value};

pub(super) const NAME: &str = "bplustree";

/// The B+ tree with optimistic latches.
pub(super) struct BPlus<K, V>(BPlusTree<K, V>);

impl<K: Key, V: Value> Subject<K, V> for BPlus<K, V> {
    const NAME: &'static str = NAME;
    type Session<'m> = &'m BPlusTree<K, V>;

    fn new() -> Self {
        Self(BPlusTree::new())
    }

    fn session(&self) -> Self::Session<'_> {
        &self.0
    }

    fn settle(&self) {
        super::flush_epoch();
    }
}

impl<K: Key, V: Value> Session<K, V> for &BPlusTree<K, V> {
    #[inline]
    fn get(&mut self, key: &K) -> Option<u64> {
        self.lookup(key, V::number)
    }

    #[inline]
    fn upsert(&mut self, key: K, value: V) {
        self.insert(key, value);
    }

    #[inline]
    fn remove(&mut self, key: &K) -> bool {
        BPlusTree::remove(self, key).is_some()
    }

    #[inline]
    fn scan(&mut self, from: &K, count: usize, mut visit: impl FnMut(u64)) {
        let mut entries = self.raw_iter();
        entries.seek(from);
        for _ in 0..count {
            let Some((_, value)) = entries.next() else { return };
            visit(value.number());
        }
    }

    #[inline]
    fn iterate(&mut self, mut visit: impl FnMut(u64)) {
        let mut entries = self.raw_iter();
        entries.seek_to_first();
        while let Some((_, value)) = entries.next() {
            visit(value.number());
        }
    }

    #[inline]
    fn pop_first(&mut self) -> Option<u64> {
        loop {
            let key = {
                let mut entries = self.raw_iter();
                entries.seek_to_first();
                entries.next()?.0.clone()
            };
            if let Some(value) = BPlusTree::remove(self, &key) {
                return Some(value.number());
            }
        }
    }
}
