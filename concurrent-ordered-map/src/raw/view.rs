//! Reading the map as a snapshot has it.
//!
//! At every moment each key's range as of the snapshot is in one place: in the leaf that has it now, if
//! that is of an early enough generation, or in the snapshot's archive. Either holds its entries as long as
//! the snapshot is alive (I16), so they are answered by references that need no pin.

use std::borrow::Borrow;
use std::ops::{Bound, RangeBounds};
use std::ptr::NonNull;
use std::sync::Arc;

use super::RawMap;
use super::archive::{Archived, Record};
use super::block::BlockRef;
use super::content::gather;
use super::descend::{At, Before, First, Last, Seek};
use super::fence::Fence;
use super::hint::Needle;
use super::order::Order;
use super::pair::{Item, is_inline};
use super::run::{Row, Run};
use super::snapshot::Snap;
use super::walk::Walk;
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
            if is_inline::<K, V>()
                && let Some(copied) = snap.archive().find(goal)
            {
                return Page::Archived(copied);
            }
            let leaf = map.leaf(goal, guard);
            if !snap.wants(leaf) {
                // I15: it was put there before the leaf could be found.
                return Page::Archived(snap.archive().find(goal).expect("an archived leaf (I15)"));
            }
            if !snap.is_settled() {
                map.make_room(leaf, guard);
            } else if !is_inline::<K, V>() {
                return Page::Leaf(leaf);
            } else if !self.copy(leaf) {
                map.help(leaf, guard);
            }
        }
    }

    /// Copies a leaf that the snapshot wants, and that is settled, to the archive. False if it is frozen: it
    /// may have been so before the snapshot was settled, and then what replaces it is wanted, too (I15).
    fn copy(&self, leaf: BlockRef<'_, K, V>) -> bool {
        let high = Fence::before(leaf.next());
        let state = leaf.leaf_state();
        if state.frozen() {
            return false;
        }
        // Open, so that the neighbour was its own, and whoever replaces it will archive the same.
        let mut content = Vec::new();
        gather(leaf, state, &mut content);
        let record = Record { low: *leaf.low(), high, content: &content };
        // SAFETY: inline entries have no holders, nor have exact keys owners.
        unsafe { self.snap().archive().insert(&record) };
        true
    }

    pub(crate) fn get<Q>(&self, key: &Q) -> Option<Item<'_, K, V>>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        let needle = Needle::<K, _>::new(key);
        let guard = reclaim::pin();
        match self.page(&At(&needle), &guard) {
            Page::Archived(leaf) => leaf.find(&needle),
            Page::Leaf(leaf) => leaf.find(&needle).index.map(|index| held(leaf, index)),
        }
    }

    /// How many entries there are.
    pub(crate) fn count(&self) -> usize {
        let mut pages = Ascent::new::<K>(self, &..);
        let mut count = pages.batch.len();
        while pages.turn() {
            count += pages.batch.len();
        }
        count
    }

    /// Reads the part of the snapshot with the goal in it, and answers where it begins and ends.
    fn read<'s>(&'s self, goal: &impl Seek<K>, batch: &mut Batch<'s, K, V>) -> Fences<K, V> {
        if !self.snap().is_settled() {
            reclaim::free_some();
        }
        let guard = reclaim::pin();
        loop {
            match self.page(goal, &guard) {
                Page::Archived(leaf) => {
                    batch.take_in(leaf.items());
                    return Fences { low: leaf.low(), high: leaf.high() };
                }
                Page::Leaf(leaf) => {
                    let next = leaf.next();
                    if leaf.forward().is_some() {
                        // Replaced since, so that the neighbour may be severed.
                        continue;
                    }
                    let mut order = Order::default();
                    leaf.in_order(leaf.leaf_state(), &mut order);
                    batch.take_in(order.iter().map(|index| held(leaf, index)));
                    return Fences { low: *leaf.low(), high: Fence::before(next) };
                }
            }
        }
    }
}

/// An entry of a leaf that a snapshot wants and that is not inline.
fn held<'s, K, V>(leaf: BlockRef<'_, K, V>, index: usize) -> Item<'s, K, V> {
    // SAFETY: I16, the snapshot holds what its leaves hold.
    unsafe { leaf.pair(index).entry_item() }
}

impl<'s, K, V> Row<'s, K, V> for Vec<Item<'s, K, V>> {
    #[inline]
    fn at(&self, place: usize) -> Option<Item<'s, K, V>> {
        self.get(place).copied()
    }

    #[inline]
    fn len(&self) -> usize {
        self.len()
    }
}

/// The entries of one leaf.
type Batch<'s, K, V> = Run<'s, K, V, Vec<Item<'s, K, V>>>;

impl<'s, K, V> Batch<'s, K, V> {
    fn empty() -> Self {
        Self::new(Vec::new())
    }

    fn take_in(&mut self, items: impl Iterator<Item = Item<'s, K, V>>) {
        self.fill(|row| {
            row.clear();
            row.extend(items);
            true
        });
    }
}

/// Where a leaf's range begins and ends. The snapshot owns them (I16).
struct Fences<K, V> {
    low: Fence<K, V>,
    high: Fence<K, V>,
}

/// A snapshot's entries in ascending order.
pub(crate) struct Ascent<'s, K, V> {
    view: &'s View<'s, K, V>,
    batch: Batch<'s, K, V>,
    /// Where the next batch begins; none at the end of the map.
    next: Fence<K, V>,
}

impl<'s, K: Ord + Send + 'static, V: Send + 'static> Ascent<'s, K, V> {
    /// Starts at a range's lower bound, and is trimmed to the range so far.
    pub(crate) fn new<Q>(view: &'s View<'s, K, V>, range: &impl RangeBounds<Q>) -> Self
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        let mut batch = Batch::empty();
        let from = range.start_bound();
        let fences = match from {
            Bound::Unbounded => view.read(&First, &mut batch),
            Bound::Included(key) | Bound::Excluded(key) => {
                view.read(&At(&Needle::<K, _>::new(key)), &mut batch)
            }
        };
        batch.start_within(|key| above(key.borrow(), from));
        let mut walk = Self { view, batch, next: fences.high };
        walk.trim(|key| below(key.borrow(), range.end_bound()));
        walk
    }
}

impl<'s, K: Ord + Send + 'static, V: Send + 'static> Walk<'s, K, V> for Ascent<'s, K, V> {
    #[inline]
    fn pop(&mut self) -> Option<Item<'s, K, V>> {
        self.batch.pop_first()
    }

    #[inline]
    fn drain<B>(&mut self, init: B, f: &mut impl FnMut(B, Item<'s, K, V>) -> B) -> B {
        self.batch.fold(init, f)
    }

    fn turn(&mut self) -> bool {
        let next = self.next;
        // SAFETY: I16, the snapshot owns it.
        let Some(key) = (unsafe { next.key() }) else { return false };
        self.next = self.view.read(&At(&Needle::<K, K>::new(key)), &mut self.batch).high;
        true
    }

    #[inline]
    fn trim(&mut self, within: impl Fn(&K) -> bool) {
        if !self.batch.end_within(within) {
            self.next = Fence::none();
        }
    }
}

/// A snapshot's entries in descending order.
pub(crate) struct Descent<'s, K, V> {
    view: &'s View<'s, K, V>,
    batch: Batch<'s, K, V>,
    /// Where the next batch ends; none at the beginning of the map.
    below: Fence<K, V>,
}

impl<'s, K: Ord + Send + 'static, V: Send + 'static> Descent<'s, K, V> {
    /// Starts at a range's upper bound, and is trimmed to the range so far.
    pub(crate) fn new<Q>(view: &'s View<'s, K, V>, range: &impl RangeBounds<Q>) -> Self
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        let mut batch = Batch::empty();
        let to = range.end_bound();
        let fences = match to {
            Bound::Unbounded => view.read(&Last, &mut batch),
            Bound::Included(key) => view.read(&At(&Needle::<K, _>::new(key)), &mut batch),
            Bound::Excluded(key) => view.read(&Before(&Needle::<K, _>::new(key)), &mut batch),
        };
        batch.end_within(|key| below(key.borrow(), to));
        let mut walk = Self { view, batch, below: fences.low };
        walk.trim(|key| above(key.borrow(), range.start_bound()));
        walk
    }
}

impl<'s, K: Ord + Send + 'static, V: Send + 'static> Walk<'s, K, V> for Descent<'s, K, V> {
    #[inline]
    fn pop(&mut self) -> Option<Item<'s, K, V>> {
        self.batch.pop_last()
    }

    #[inline]
    fn drain<B>(&mut self, init: B, f: &mut impl FnMut(B, Item<'s, K, V>) -> B) -> B {
        self.batch.rfold(init, f)
    }

    fn turn(&mut self) -> bool {
        let below = self.below;
        // SAFETY: I16, the snapshot owns it.
        let Some(key) = (unsafe { below.key() }) else { return false };
        self.below = self.view.read(&Before(&Needle::<K, K>::new(key)), &mut self.batch).low;
        true
    }

    #[inline]
    fn trim(&mut self, within: impl Fn(&K) -> bool) {
        if !self.batch.start_within(within) {
            self.below = Fence::none();
        }
    }
}
