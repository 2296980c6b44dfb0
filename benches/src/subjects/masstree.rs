//! masstree's `MassTree`, whose keys are byte strings: it takes part where keys are strings and values
//! numbers, which it keeps in the leaf. Gets and writes go under the session's guard, scans by the batch
//! scan that its documentation calls the fastest. It has no pop: see `pop_first`.

use masstree::{MassTree, RangeBound};
use seize::{Guard as _, LocalGuard};

use crate::subject::{Session, Subject};

pub(super) const NAME: &str = "masstree";

/// The trie of B+ trees.
pub(super) struct Mass(MassTree<u64>);

/// A thread's access under a guard.
pub(super) struct Guarded<'m> {
    map: &'m MassTree<u64>,
    guard: LocalGuard<'m>,
}

impl Subject<String, u64> for Mass {
    const NAME: &'static str = NAME;
    type Session<'m> = Guarded<'m>;

    fn new() -> Self {
        Self(MassTree::new())
    }

    fn session(&self) -> Self::Session<'_> {
        Guarded { map: &self.0, guard: self.0.guard() }
    }

    fn settle(&self) {
        self.0.maintenance(&mut self.0.guard());
    }
}

impl Session<String, u64> for Guarded<'_> {
    #[inline]
    fn get(&mut self, key: &String) -> Option<u64> {
        self.map.get_with_guard(key.as_bytes(), &self.guard)
    }

    #[inline]
    fn upsert(&mut self, key: String, value: u64) {
        self.map.insert_with_guard(key.as_bytes(), value, &self.guard);
    }

    #[inline]
    fn remove(&mut self, key: &String) -> bool {
        matches!(self.map.remove_with_guard(key.as_bytes(), &self.guard), Ok(Some(_)))
    }

    #[inline]
    fn scan(&mut self, from: &String, count: usize, mut visit: impl FnMut(u64)) {
        let mut left = count;
        let show = |_: &[u8], value: u64| {
            visit(value);
            left -= 1;
            left > 0
        };
        let start = RangeBound::Included(from.as_bytes());
        self.map.scan_intra_leaf_batch(start, RangeBound::Unbounded, show, &self.guard);
    }

    #[inline]
    fn iterate(&mut self, mut visit: impl FnMut(u64)) {
        let show = |_: &[u8], value: u64| {
            visit(value);
            true
        };
        let (start, end) = (RangeBound::Unbounded, RangeBound::Unbounded);
        self.map.scan_intra_leaf_batch(start, end, show, &self.guard);
    }

    /// The first entry of an iterator, removed; who loses the race tries the next.
    #[inline]
    fn pop_first(&mut self) -> Option<u64> {
        loop {
            let first = self.map.first_with_guard(&self.guard)?;
            if let Ok(Some(value)) = self.map.remove_with_guard(&first.key, &self.guard) {
                return Some(value);
            }
        }
    }

    #[inline]
    fn breathe(&mut self) {
        self.guard.refresh();
    }
}
