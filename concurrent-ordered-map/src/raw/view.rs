//! Reading the map as a snapshot has it.
//!
//! At every moment each key's range as of the snapshot is in one place: in the leaf that has it now, if
//! that is of an early enough generation, or in the snapshot's archive. Either holds its entries as long as
//! the snapshot is alive (I16), so they are answered by references that need no pin.

use std::borrow::Borrow;
use std::ops::Bound;
use std::ptr::NonNull;
use std::sync::Arc;

use super::archive::Archived;
use super::block::BlockRef;
use super::descend::{At, Before, First, Last, Seek};
use super::hint::Needle;
use super::snapshot::Snap;
use super::walk::Batch;
use super::write::Found;
use super::{Entry, RawMap};
use crate::bounds::{above, below};
use crate::map::ConcurrentOrderedMap;
use crate::reclaim::{self, Guard};

/// What keeps the map while a snapshot of it is alive.
enum Home<'m, K, V> {
    Borrowed(&'m ConcurrentOrderedMap<K, V>),
    Shared(Arc<ConcurrentOrderedMap<K, V>>),
}

/// A snapshot, alive until it is dropped.
pub(crate) struct View<'m, K, V> {
    home: Home<'m, K, V>,
    snap: NonNull<Snap<K, V>>,
}

// SAFETY: it shares keys and values with other threads (Sync), and drops some of them when it ends, or
// leaves them to others (Send).
unsafe impl<K: Send + Sync, V: Send + Sync> Send for View<'_, K, V> {}
// SAFETY: as above; all that it does by a shared reference may be done by several threads at once.
unsafe impl<K: Send + Sync, V: Send + Sync> Sync for View<'_, K, V> {}

/// Where a part of the snapshot is.
enum Page<'s, 'g, K, V> {
    /// In a leaf of the map. It is not written any more.
    Leaf(BlockRef<'g, K, V>),
    Archived(&'s Archived<K, V>),
}

impl<K, V> View<'_, K, V> {
    fn map(&self) -> &RawMap<K, V> {
        match &self.home {
            Home::Borrowed(map) => map.raw(),
            Home::Shared(map) => map.raw(),
        }
    }

    fn snap(&self) -> &Snap<K, V> {
        // SAFETY: it is freed some time after `drop`.
        unsafe { self.snap.as_ref() }
    }
}

impl<K, V> Drop for View<'_, K, V> {
    fn drop(&mut self) {
        // SAFETY: taken of this map, and ended here only; what it has shown borrowed it. K and V are as
        // `end_snapshot` wants them, since `of` and `shared` make all views.
        unsafe { self.map().end_snapshot(self.snap.as_ptr()) };
    }
}

impl<'m, K: Ord + Send + 'static, V: Send + 'static> View<'m, K, V> {
    pub(crate) fn of(map: &'m ConcurrentOrderedMap<K, V>) -> Self {
        Self { snap: map.raw().take_snapshot(), home: Home::Borrowed(map) }
    }

    pub(crate) fn shared(map: Arc<ConcurrentOrderedMap<K, V>>) -> Self {
        Self { snap: map.raw().take_snapshot(), home: Home::Shared(map) }
    }

    /// The part of the snapshot with the goal in it.
    fn page<'s, 'g>(&'s self, goal: &impl Seek<K>, guard: &'g Guard) -> Page<'s, 'g, K, V>
    where
        's: 'g,
    {
        let (map, snap) = (self.map(), self.snap());
        loop {
            let leaf = map.leaf(goal, guard);
            if !snap.wants(leaf) {
                // I15: it was put there before the leaf could be found.
                return Page::Archived(snap.archive().find(goal).expect("an archived leaf (I15)"));
            }
            if snap.is_settled() {
                return Page::Leaf(leaf);
            }
            map.make_room(leaf, guard);
        }
    }

    pub(crate) fn get<Q>(&self, key: &Q) -> Option<&Entry<K, V>>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        let needle = Needle::<K, _>::new(key);
        let guard = reclaim::pin();
        match self.page(&At(&needle), &guard) {
            Page::Archived(leaf) => leaf.find(&needle),
            Page::Leaf(leaf) => match leaf.find(&needle) {
                // SAFETY: I16, the snapshot holds what its leaves hold.
                Found::Live(_, word) => Some(unsafe { Entry::deref(word.pointer()) }),
                Found::Absent(_) => None,
            },
        }
    }

    /// How many entries there are.
    pub(crate) fn count(&self) -> usize {
        let mut pages = Ascent::new(self, Bound::<&K>::Unbounded);
        let mut count = pages.batch.len();
        while pages.turn() {
            count += pages.batch.len();
        }
        count
    }

    pub(crate) fn ascend<Q>(&self, from: Bound<&Q>) -> Ascent<'_, K, V>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        Ascent::new(self, from)
    }

    pub(crate) fn descend<Q>(&self, to: Bound<&Q>) -> Descent<'_, K, V>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        Descent::new(self, to)
    }

    /// Reads the part of the snapshot with the goal in it, and answers where it begins and ends.
    fn read<'s>(&'s self, goal: &impl Seek<K>, batch: &mut Batch<'s, K, V>) -> Fences<'s, K> {
        if !self.snap().is_settled() {
            reclaim::free_some();
        }
        let guard = reclaim::pin();
        loop {
            match self.page(goal, &guard) {
                Page::Archived(leaf) => {
                    batch.take(leaf.entries());
                    return Fences { low: leaf.low_key(), high: leaf.high_key() };
                }
                Page::Leaf(leaf) => {
                    let next = leaf.next();
                    if leaf.forward().is_some() {
                        // Replaced since, so that the neighbour may be severed.
                        continue;
                    }
                    // SAFETY: I16, the snapshot holds what its leaves hold.
                    unsafe { batch.fill(leaf, leaf.state()) };
                    return Fences { low: self.fence(Some(leaf)), high: self.fence(next) };
                }
            }
        }
    }

    /// Where the range of one of the snapshot's leaves begins, or of what has replaced it.
    fn fence(&self, leaf: Option<BlockRef<'_, K, V>>) -> Option<&K> {
        let low = leaf.filter(|leaf| !leaf.is_first())?.low();
        // SAFETY: I16, the snapshot owns the fences of its leaves.
        Some(unsafe { Entry::key_of(low) })
    }
}

/// Where a leaf's range begins and ends; `None`: where the map does.
struct Fences<'s, K> {
    low: Option<&'s K>,
    high: Option<&'s K>,
}

/// A snapshot's entries in ascending order.
pub(crate) struct Ascent<'s, K, V> {
    view: &'s View<'s, K, V>,
    batch: Batch<'s, K, V>,
    /// Where the next batch begins; `None` at the end of the map.
    next: Option<&'s K>,
}

impl<'s, K: Ord + Send + 'static, V: Send + 'static> Ascent<'s, K, V> {
    fn new<Q>(view: &'s View<'s, K, V>, from: Bound<&Q>) -> Self
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        let mut batch = Batch::new();
        let fences = match from {
            Bound::Unbounded => view.read(&First, &mut batch),
            Bound::Included(key) | Bound::Excluded(key) => {
                view.read(&At(&Needle::<K, _>::new(key)), &mut batch)
            }
        };
        batch.retain(|key| above(key.borrow(), from));
        Self { view, batch, next: fences.high }
    }

    /// Goes on to the next leaf. False at the end of the map.
    fn turn(&mut self) -> bool {
        let Some(next) = self.next else { return false };
        self.next = self.view.read(&At(&Needle::<K, K>::new(next)), &mut self.batch).high;
        true
    }
}

impl<'s, K: Ord + Send + 'static, V: Send + 'static> Iterator for Ascent<'s, K, V> {
    type Item = &'s Entry<K, V>;

    #[inline]
    fn next(&mut self) -> Option<&'s Entry<K, V>> {
        loop {
            if let Some(entry) = self.batch.pop_first() {
                return Some(entry);
            }
            if !self.turn() {
                return None;
            }
        }
    }
}

/// A snapshot's entries in descending order.
pub(crate) struct Descent<'s, K, V> {
    view: &'s View<'s, K, V>,
    batch: Batch<'s, K, V>,
    /// Where the next batch ends; `None` at the beginning of the map.
    below: Option<&'s K>,
}

impl<'s, K: Ord + Send + 'static, V: Send + 'static> Descent<'s, K, V> {
    fn new<Q>(view: &'s View<'s, K, V>, to: Bound<&Q>) -> Self
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        let mut batch = Batch::new();
        let fences = match to {
            Bound::Unbounded => view.read(&Last, &mut batch),
            Bound::Included(key) => view.read(&At(&Needle::<K, _>::new(key)), &mut batch),
            Bound::Excluded(key) => view.read(&Before(&Needle::<K, _>::new(key)), &mut batch),
        };
        batch.retain(|key| below(key.borrow(), to));
        Self { view, batch, below: fences.low }
    }
}

impl<'s, K: Ord + Send + 'static, V: Send + 'static> Iterator for Descent<'s, K, V> {
    type Item = &'s Entry<K, V>;

    #[inline]
    fn next(&mut self) -> Option<&'s Entry<K, V>> {
        loop {
            if let Some(entry) = self.batch.pop_last() {
                return Some(entry);
            }
            let goal = Needle::<K, K>::new(self.below?);
            self.below = self.view.read(&Before(&goal), &mut self.batch).low;
        }
    }
}
