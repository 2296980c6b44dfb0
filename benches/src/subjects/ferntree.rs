//! ferntree's `Tree`. Gets are optimistic, without the leaf's lock, which its documentation calls the fast
//! path; for strings and `Arc`s that asks for `insert_defer` and `remove_defer`, and for numbers those cost
//! nothing extra. Scans go by the raw iterator, whole iterations leaf by leaf.

use ferntree::Tree;

use crate::subject::{Key, Session, Subject, Value};

pub(super) const NAME: &str = "ferntree";

/// The B+ tree with optimistic latches.
pub(super) struct Fern<K: Key, V: Value>(Tree<K, V>);

impl<K: Key, V: Value> Subject<K, V> for Fern<K, V> {
    const NAME: &'static str = NAME;
    type Session<'m> = &'m Tree<K, V>;

    fn new() -> Self {
        Self(Tree::new())
    }

    fn session(&self) -> Self::Session<'_> {
        &self.0
    }

    fn settle(&self) {
        super::flush_epoch();
    }
}

impl<K: Key, V: Value> Session<K, V> for &Tree<K, V> {
    #[inline]
    fn get(&mut self, key: &K) -> Option<u64> {
        self.lookup_optimistic(key, V::number)
    }

    #[inline]
    fn upsert(&mut self, key: K, value: V) {
        self.insert_defer(key, value);
    }

    #[inline]
    fn remove(&mut self, key: &K) -> bool {
        self.remove_defer(key)
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
        while entries.for_each_in_leaf(|_, value| visit(value.number())) {
            let Some((_, value)) = entries.next() else { return };
            visit(value.number());
        }
    }

    #[inline]
    fn pop_first(&mut self) -> Option<u64> {
        Tree::pop_first(self).map(|(_, value)| value.number())
    }
}
