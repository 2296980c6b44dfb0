//! The descriptor of a batch: what it does, whether it is decided, and by what its leaves are replaced.
//!
//! Harris, Fraser and Pratt, "A practical multi-word compare-and-swap operation" (2002): a descriptor is
//! put into each place, any thread can do the rest, and one word of the descriptor decides for all places.

use std::alloc::Layout;
use std::marker::PhantomData;
use std::mem;
use std::ops::Deref;
use std::ptr::{NonNull, null_mut, without_provenance_mut};

use super::block::{Block, BlockRef};
use super::pair::Pair;
use crate::batch::Tally;
use crate::reclaim::{self, Guard};
use crate::sync::{AtomicPtr, AtomicU32, Ordering, Witness};

/// One write of a batch.
pub(super) enum Op<K, V> {
    /// Insert this, or put it in the place of what has its key. The descriptor is the entry's holder until
    /// the batch is decided, then its slot.
    Put(Pair),
    Remove(K, PhantomData<V>),
}

impl<K, V> Op<K, V> {
    pub(super) fn new(key: K, value: Option<V>) -> Self {
        match value {
            Some(value) => Self::Put(Pair::file(key, value)),
            None => Self::Remove(key, PhantomData),
        }
    }

    /// # Safety
    /// The batch was not decided at some moment since the caller pinned, and the caller stays so (I17).
    pub(super) unsafe fn key(&self) -> &K {
        match self {
            // SAFETY: the descriptor held it at that moment, so that it is released later.
            Self::Put(pair) => unsafe { pair.key::<K, V>() },
            Self::Remove(key, _) => key,
        }
    }
}

/// A leaf of a batch, and the first block of what replaces it.
pub(super) struct Part<K, V> {
    pub(super) leaf: *mut Block<K, V>,
    /// A link to it goes to the leaf (I10).
    pub(super) first: *mut Block<K, V>,
    /// The further ones, in order.
    pub(super) later: Vec<*mut Block<K, V>>,
    /// How many entries are left, if some were removed.
    pub(super) thinned: Option<usize>,
}

/// What a batch comes to.
pub(super) struct Plan<K, V> {
    /// In key order.
    pub(super) parts: Vec<Part<K, V>>,
    /// Which part a leaf is, by the leaves' addresses.
    by_leaf: Vec<(*mut Block<K, V>, usize)>,
    /// The entries that are replaced or removed, in key order.
    pub(super) displaced: Vec<Pair>,
    pub(super) tally: Tally,
}

impl<K, V> Plan<K, V> {
    pub(super) fn new(parts: Vec<Part<K, V>>, displaced: Vec<Pair>, tally: Tally) -> Self {
        let mut by_leaf: Vec<_> = parts.iter().map(|part| part.leaf).zip(0..).collect();
        by_leaf.sort_unstable();
        Self { parts, by_leaf, displaced, tally }
    }

    /// What replaces a leaf, if it is of this batch.
    pub(super) fn replacement(&self, leaf: BlockRef<'_, K, V>) -> Option<*mut Block<K, V>> {
        let place = self.by_leaf.binary_search_by_key(&leaf.as_ptr(), |&(leaf, _)| leaf).ok()?;
        Some(self.parts[self.by_leaf[place].1].first)
    }
}

/// Aligned so that three tag bits fit into a pointer to it.
#[repr(align(8))]
pub(super) struct Descriptor<K, V> {
    /// Until the batch is decided: null, then [`sealed`].
    plan: AtomicPtr<Plan<K, V>>,
    /// The links of leaves, and that of the call that applies the batch.
    links: AtomicU32,
    /// That of the map when the batch began (I15).
    generation: u64,
    /// In key order, no key twice.
    ops: Box<[Op<K, V>]>,
    witness: Witness,
}

/// Stands for a plan while plans are drawn up.
fn sealed<K, V>() -> *mut Plan<K, V> {
    without_provenance_mut(1)
}

impl<K, V> Descriptor<K, V> {
    /// What the batch comes to, once it is decided.
    pub(super) fn plan(&self) -> Option<&Plan<K, V>> {
        // Ordering: Acquire (O11), with `decide`: the plan and its blocks are visible, and so is that all
        // leaves of the batch lead here.
        let plan = self.plan.load(Ordering::Acquire);
        if plan == sealed() {
            return None;
        }
        // SAFETY: set once, and freed with the descriptor.
        unsafe { plan.as_ref() }
    }

    /// From now on the batch cannot be abandoned.
    pub(super) fn seal(&self) {
        // Ordering: Relaxed; nothing but this word matters. A failure means that it is done, or decided.
        let _ =
            self.plan.compare_exchange(null_mut(), sealed(), Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Decides the batch, which has been sealed and thereby takes effect. Hands the plan back if it is decided.
    pub(super) fn decide(&self, plan: Box<Plan<K, V>>) -> Result<&Plan<K, V>, Box<Plan<K, V>>> {
        self.set_plan(sealed(), plan)
    }

    fn set_plan(
        &self,
        seen: *mut Plan<K, V>,
        plan: Box<Plan<K, V>>,
    ) -> Result<&Plan<K, V>, Box<Plan<K, V>>> {
        let plan = Box::into_raw(plan);
        // Ordering: Release (O11) publishes the plan, and with it all that this thread has seen of the leaves;
        // Acquire, since what is done next is done to entries that other threads have seen.
        match self.plan.compare_exchange(seen, plan, Ordering::AcqRel, Ordering::Relaxed) {
            // SAFETY: it is freed with the descriptor.
            Ok(_) => Ok(unsafe { &*plan }),
            // SAFETY: nobody else has seen it.
            Err(_) => Err(unsafe { Box::from_raw(plan) }),
        }
    }

    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    pub(super) fn ops(&self) -> &[Op<K, V>] {
        &self.ops
    }
}

impl<K, V> Drop for Descriptor<K, V> {
    fn drop(&mut self) {
        // Ordering: Relaxed; `&mut self` is proof that all other use has ended.
        let plan = self.plan.load(Ordering::Relaxed);
        let decided = !plan.is_null() && plan != sealed();
        if decided {
            // SAFETY: nobody else uses it. Its blocks and entries are the map's.
            drop(unsafe { Box::from_raw(plan) });
        }
        for op in mem::take(&mut self.ops) {
            match op {
                // SAFETY: the batch has not taken effect, so the hold is the descriptor's own.
                Op::Put(pair) if !decided => unsafe { pair.release::<K, V>() },
                Op::Put(_) => {}
                Op::Remove(key, _) => reclaim::contain(|| drop(key)),
            }
        }
    }
}

/// A descriptor that stays allocated for `'g`, because the thread is pinned and the descriptor had a link
/// since (I17).
pub(super) struct DescriptorRef<'g, K, V> {
    descriptor: NonNull<Descriptor<K, V>>,
    guard: PhantomData<&'g Descriptor<K, V>>,
}

impl<K, V> Clone for DescriptorRef<'_, K, V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K, V> Copy for DescriptorRef<'_, K, V> {}

impl<K, V> PartialEq for DescriptorRef<'_, K, V> {
    fn eq(&self, other: &Self) -> bool {
        self.descriptor == other.descriptor
    }
}

impl<K, V> Deref for DescriptorRef<'_, K, V> {
    type Target = Descriptor<K, V>;

    fn deref(&self) -> &Descriptor<K, V> {
        reclaim::check_alive(self.descriptor.as_ptr());
        // SAFETY: I17, it is allocated for 'g.
        let descriptor = unsafe { self.descriptor.as_ref() };
        descriptor.witness.read();
        descriptor
    }
}

impl<K: Send + 'static, V: Send + 'static> Descriptor<K, V> {
    /// Decides that the batch comes to nothing, unless it is decided or sealed, and lets go of its entries.
    pub(super) fn abandon(&self, guard: &Guard) {
        let nothing = Plan::new(Vec::new(), Vec::new(), Tally::default());
        if self.set_plan(null_mut(), Box::new(nothing)).is_err() {
            return;
        }
        for op in &self.ops {
            if let Op::Put(pair) = op {
                // SAFETY: the batch will not take effect, so the hold is the descriptor's own. Who helps it, and
                // reads keys, is pinned.
                unsafe { pair.retire::<K, V>(guard) };
            }
        }
    }
}

impl<'g, K, V> DescriptorRef<'g, K, V> {
    /// # Safety
    /// A non-null `descriptor` had a link at some moment since the caller pinned for `'g`.
    pub(super) unsafe fn new(descriptor: *mut Descriptor<K, V>) -> Option<Self> {
        Some(Self { descriptor: NonNull::new(descriptor)?, guard: PhantomData })
    }

    /// Allocates a descriptor with one link, the caller's. The operations are in key order, no key twice.
    pub(super) fn allocate(ops: Vec<Op<K, V>>, generation: u64) -> Self {
        let memory =
            reclaim::allocate(Layout::new::<Descriptor<K, V>>()).cast::<Descriptor<K, V>>();
        let descriptor = Descriptor {
            plan: AtomicPtr::new(null_mut()),
            links: AtomicU32::new(1),
            generation,
            ops: ops.into_boxed_slice(),
            witness: Witness::written(),
        };
        // SAFETY: fresh memory of this layout.
        unsafe { memory.write(descriptor) };
        let descriptor = NonNull::new(memory).expect("`allocate` does not answer null");
        Self { descriptor, guard: PhantomData }
    }

    pub(super) fn as_ptr(self) -> *mut Descriptor<K, V> {
        self.descriptor.as_ptr()
    }

    /// Adds a link, unless the last one has gone: then the batch was decided.
    pub(super) fn try_link(self) -> bool {
        // Ordering: Relaxed; the caller has a way to the descriptor, and the link is told to others by a
        // release (O3).
        let mut links = self.links.load(Ordering::Relaxed);
        while links != 0 {
            // Ordering: Relaxed, as above.
            let linked =
                self.links.compare_exchange(links, links + 1, Ordering::Relaxed, Ordering::Relaxed);
            match linked {
                Ok(_) => return true,
                Err(now) => links = now,
            }
        }
        false
    }

    /// Takes a link away; the last one retires the descriptor.
    pub(super) fn unlink(self) {
        if self.drop_link() {
            let descriptor = self.as_ptr();
            // SAFETY: no leaf leads here any more, so whoever uses it was pinned before now.
            let job = move || unsafe { free(descriptor) };
            // SAFETY: K and V may be dropped on any thread, at any time.
            unsafe { reclaim::pin().defer(job) };
        }
    }

    /// Takes a link away; the last one frees the descriptor at once.
    ///
    /// # Safety
    /// Nobody else uses the descriptor.
    pub(super) unsafe fn unlink_last(self) {
        if self.drop_link() {
            // SAFETY: the caller's word.
            unsafe { free(self.as_ptr()) };
        }
    }

    fn drop_link(self) -> bool {
        // Ordering: AcqRel (O7), as for a block: the one who takes the last link sees what the others did.
        let before = self.links.fetch_sub(1, Ordering::AcqRel);
        debug_assert_ne!(before, 0, "a descriptor has lost a link twice");
        before == 1
    }
}

/// # Safety
/// No link is left, and nobody uses the descriptor.
unsafe fn free<K, V>(descriptor: *mut Descriptor<K, V>) {
    // SAFETY: allocated by `allocate`, and read once.
    drop(unsafe { descriptor.read() });
    // SAFETY: allocated by `allocate` with this layout.
    unsafe { reclaim::free(descriptor.cast(), Layout::new::<Descriptor<K, V>>()) };
}
