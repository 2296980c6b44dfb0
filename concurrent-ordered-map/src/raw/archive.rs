//! The leaves that a snapshot wants and the map has replaced since.
//!
//! A skiplist (Pugh, "Skip lists: a probabilistic alternative to balanced trees", 1990) that only grows:
//! any thread links leaves in, and they go all together when the snapshot has ended. So one
//! compare-exchange a level links a leaf, and nothing is ever unlinked.

use std::alloc::Layout;
use std::mem;
use std::ptr::{NonNull, null_mut};

use super::descend::{At, First, Seek};
use super::fence::Fence;
use super::hint::Needle;
use super::pair::{Item, Pair};
use crate::reclaim;
use crate::sync::{AtomicPtr, AtomicU64, Ordering, Witness};

/// Levels of the list, few in a loom model. A quarter of the leaves of one level are in the next.
const LEVELS: usize = if cfg!(com_loom) { 2 } else { 10 };

/// Where a leaf leads to, at each level that it is in.
type Row<K, V> = [AtomicPtr<Archived<K, V>>; LEVELS];

/// A leaf as it was at its end: its fences, and its entries in order.
///
/// It holds its entries, and owns the keys of its fences (I6).
pub(super) struct Archived<K, V> {
    low: Fence<K, V>,
    high: Fence<K, V>,
    content: Box<[Pair]>,
    witness: Witness,
    next: Row<K, V>,
}

/// What an archived leaf is made of.
pub(super) struct Record<'a, K, V> {
    pub(super) low: Fence<K, V>,
    pub(super) high: Fence<K, V>,
    /// In key order; only inline hints are looked at.
    pub(super) content: &'a [Pair],
}

/// An archived leaf that is nowhere linked yet.
struct Loose<K, V>(NonNull<Archived<K, V>>);

impl<K, V> Loose<K, V> {
    /// # Safety
    /// The entries have holders and the fences have owners during this call.
    unsafe fn new(record: &Record<'_, K, V>) -> Self {
        let leaf = Archived {
            low: record.low,
            high: record.high,
            content: record.content.into(),
            witness: Witness::written(),
            next: std::array::from_fn(|_| AtomicPtr::new(null_mut())),
        };
        let memory = reclaim::allocate(Layout::new::<Archived<K, V>>()).cast();
        for pair in &leaf.content {
            // SAFETY: the caller's word.
            unsafe { pair.hold::<K, V>() };
        }
        for fence in [leaf.low, leaf.high] {
            // SAFETY: the caller's word.
            unsafe { fence.share() };
        }
        // SAFETY: fresh memory of this layout.
        unsafe { NonNull::write(memory_of(memory), leaf) };
        Self(memory_of(memory))
    }
}

fn memory_of<T>(memory: *mut T) -> NonNull<T> {
    NonNull::new(memory).expect("`allocate` does not answer null")
}

impl<K, V> Drop for Loose<K, V> {
    fn drop(&mut self) {
        // SAFETY: linked nowhere, so nobody else uses it.
        unsafe { Archived::free(self.0.as_ptr()) };
    }
}

impl<K, V> Archived<K, V> {
    /// # Safety
    /// The leaf is in an archive that lives for `'a`, or nowhere.
    unsafe fn deref<'a>(leaf: *mut Self) -> Option<&'a Self> {
        let leaf = NonNull::new(leaf)?;
        reclaim::check_alive(leaf.as_ptr());
        // SAFETY: the caller's word.
        let leaf = unsafe { leaf.as_ref() };
        leaf.witness.read();
        Some(leaf)
    }

    /// Lets go of the entries and fences and frees the leaf.
    ///
    /// # Safety
    /// Nobody uses the leaf any more, nor what it holds by it.
    unsafe fn free(leaf: *mut Self) {
        // SAFETY: allocated by `Loose::new`, and read once.
        let Self { low, high, content, .. } = unsafe { leaf.read() };
        for pair in &content {
            // SAFETY: the leaf's hold, once.
            unsafe { pair.release::<K, V>() };
        }
        for fence in [low, high] {
            // SAFETY: the leaf's ownership, once.
            unsafe { fence.release() };
        }
        // SAFETY: allocated by `Loose::new` with this layout.
        unsafe { reclaim::free(leaf.cast(), Layout::new::<Self>()) };
    }

    /// Where the leaf's range begins.
    pub(super) fn low(&self) -> Fence<K, V> {
        self.low
    }

    /// Where the leaf's range ends.
    pub(super) fn high(&self) -> Fence<K, V> {
        self.high
    }

    fn low_key(&self) -> Option<&K> {
        // SAFETY: I6, the leaf is an owner.
        unsafe { self.low.key() }
    }

    /// The entries in key order.
    pub(super) fn items(&self) -> impl ExactSizeIterator<Item = Item<'_, K, V>> {
        // SAFETY: I6, the leaf holds its entries.
        self.content.iter().map(|pair| unsafe { pair.item() })
    }

    /// The entry that a needle finds.
    pub(super) fn find<Q>(&self, needle: &Needle<'_, K, Q>) -> Option<Item<'_, K, V>>
    where
        K: std::borrow::Borrow<Q>,
        Q: Ord + ?Sized,
    {
        let order = |pair: &Pair| {
            // SAFETY: I6, the leaf holds its entries.
            needle.cmp_key(unsafe { pair.key::<K, V>() }).reverse()
        };
        let place = self.content.binary_search_by(order).ok()?;
        // SAFETY: as above.
        Some(unsafe { self.content[place].item() })
    }

    fn is_reached(&self, goal: &impl Seek<K>) -> bool {
        self.low_key().is_none_or(|low| goal.reaches(self.low.hint(), || low))
    }

    /// True if the goal lies before the leaf's end.
    fn reaches(&self, goal: &impl Seek<K>) -> bool {
        // SAFETY: I6, the leaf is an owner.
        let high = unsafe { self.high.key() };
        high.is_none_or(|high| !goal.reaches(self.high.hint(), || high))
    }
}

/// A row, and where it led at one level.
type Step<'a, K, V> = (&'a Row<K, V>, *mut Archived<K, V>);

/// Where a goal is in the list.
struct Place<'a, K, V> {
    /// The last row at each level that does not lie beyond the goal.
    rows: [Step<'a, K, V>; LEVELS],
    /// The last leaf that does not start beyond the goal.
    floor: Option<&'a Archived<K, V>>,
}

/// The archive of one snapshot: disjoint leaves, by their lower fences.
pub(super) struct Archive<K, V> {
    head: Row<K, V>,
    /// How many leaves have been linked.
    linked: AtomicU64,
}

impl<K, V> Archive<K, V> {
    pub(super) fn new() -> Self {
        Self {
            head: std::array::from_fn(|_| AtomicPtr::new(null_mut())),
            linked: AtomicU64::new(0),
        }
    }

    /// The leaf whose range has the goal in it, if the archive has it.
    pub(super) fn find(&self, goal: &impl Seek<K>) -> Option<&Archived<K, V>> {
        self.place(goal).floor.filter(|leaf| leaf.reaches(goal))
    }

    fn place<'a>(&'a self, goal: &impl Seek<K>) -> Place<'a, K, V> {
        let mut place = Place { rows: [(&self.head, null_mut()); LEVELS], floor: None };
        let mut row = &self.head;
        for level in (0..LEVELS).rev() {
            loop {
                // Ordering: Acquire (O9), with `link`: the leaf's content is visible.
                let next = row[level].load(Ordering::Acquire);
                place.rows[level] = (row, next);
                // SAFETY: it is in this archive.
                match unsafe { Archived::deref(next) }.filter(|leaf| leaf.is_reached(goal)) {
                    Some(leaf) => (row, place.floor) = (&leaf.next, Some(leaf)),
                    None => break,
                }
            }
        }
        place
    }
}

impl<K: Ord, V> Archive<K, V> {
    /// Takes in a leaf, unless that has been done: then the two are the same.
    ///
    /// # Safety
    /// The entries have holders and the fences have owners during this call.
    pub(super) unsafe fn insert(&self, record: &Record<'_, K, V>) {
        // SAFETY: the caller's word.
        match unsafe { record.low.key() } {
            // SAFETY: the caller's word.
            None => unsafe { self.insert_at(&First, record) },
            // SAFETY: the caller's word.
            Some(low) => unsafe { self.insert_at(&At(&Needle::<K, K>::new(low)), record) },
        }
    }

    /// # Safety
    /// As for `insert`; the goal is the lower fence.
    unsafe fn insert_at(&self, goal: &impl Seek<K>, record: &Record<'_, K, V>) {
        // SAFETY: the caller's word.
        let low = unsafe { record.low.key() };
        let mut loose = None;
        loop {
            let place = self.place(goal);
            if place.floor.is_some_and(|floor| floor.low_key().cmp(&low).is_eq()) {
                return;
            }
            // SAFETY: the caller's word.
            let leaf = loose.get_or_insert_with(|| unsafe { Loose::new(record) }).0;
            if link(&place, 0, leaf) {
                mem::forget(loose);
                return self.raise(goal, leaf);
            }
        }
    }

    /// Links a leaf that is in the list at further levels.
    fn raise(&self, goal: &impl Seek<K>, leaf: NonNull<Archived<K, V>>) {
        // Ordering: Relaxed; any number will do. Fibonacci hashing mixes the upper bits well.
        let number = self.linked.fetch_add(1, Ordering::Relaxed);
        let height = (number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1).leading_zeros() / 2;
        for level in 1..LEVELS.min(height as usize + 1) {
            while !link(&self.place(goal), level, leaf) {}
        }
    }
}

/// Links a leaf in at one level. False if something else was linked there first.
fn link<K, V>(place: &Place<'_, K, V>, level: usize, leaf: NonNull<Archived<K, V>>) -> bool {
    let (row, next) = place.rows[level];
    // SAFETY: the leaf is loose, or in the same archive as the rows.
    let Some(own) = (unsafe { Archived::deref(leaf.as_ptr()) }) else { return false };
    // Ordering: Relaxed; the exchange publishes it.
    own.next[level].store(next, Ordering::Relaxed);
    // Ordering: Release (O9) publishes the leaf; a failure looks again.
    row[level].compare_exchange(next, leaf.as_ptr(), Ordering::Release, Ordering::Relaxed).is_ok()
}

impl<K, V> Drop for Archive<K, V> {
    fn drop(&mut self) {
        // Ordering: Relaxed; `&mut self` is proof that all other use has ended.
        let mut leaf = self.head[0].load(Ordering::Relaxed);
        // SAFETY: it is in this archive.
        while let Some(archived) = unsafe { Archived::deref(leaf) } {
            // Ordering: Relaxed, as above.
            let next = archived.next[0].load(Ordering::Relaxed);
            // SAFETY: nobody else uses the archive.
            unsafe { Archived::free(leaf) };
            leaf = next;
        }
    }
}
