//! Snapshots: which are alive, which leaves they want, and what becomes of those.
//!
//! Every block has a *generation*, and every snapshot a number; a snapshot with the number *n* wants the
//! leaves of generations up to *n*, as they are at their end. So a snapshot costs nothing but its own entry
//! in a list, and a leaf that a snapshot wants is replaced by a copy of a later generation before anything
//! is written (I15), whereupon the snapshot keeps the content of the original in its archive.
//!
//! This is copy-on-write by the leaf, done at the first write after the snapshot and not at the snapshot.
//! Versions by the entry (Wei et al., "Constant-time snapshots with applications to concurrent data
//! structures", arXiv 2007.02372) need a stamp in each entry, a read-modify-write to settle it after each
//! write, and a look at it by each read, also while there is no snapshot. Here that costs the load of one
//! pointer beside the root.
//!
//! # Why a snapshot is of one moment
//!
//! Let *t* be the moment at which the snapshot enters the list. A call that begins after *t* knows of it,
//! and so writes only to leaves of later generations. A call that was under way at *t* may not know, and may
//! still write to a leaf that the snapshot wants. Such writes count as before the snapshot, and all others
//! after *t* as after it. For that to be the order of the calls too, no call that begins after *t* may answer
//! what such a write is still to change: so as long as there can be such writes (until a grace period after
//! *t* is over, the snapshot is *unsettled*), reads replace the leaves that the snapshot wants, as writes do.

use std::ptr::NonNull;

use super::RawMap;
use super::archive::{Archive, Record};
use super::block::BlockRef;
use super::descend::Seek;
use crate::reclaim::{self, Grace, Guard};
use crate::sync::Ordering;

/// A tag of the pointer to the list: it is not empty.
const ALIVE: usize = 1;

/// How often the taking of a snapshot tries to see it settled at once; never in a loom model, which must
/// see what comes before.
const NUDGES: usize = if cfg!(com_loom) { 0 } else { 4 };

/// The snapshots alive. Never changed, but replaced as a whole.
pub(super) struct Live<K, V> {
    /// The generation of new blocks, and the number of the next snapshot. Never decreases.
    generation: u64,
    /// In the order of their numbers.
    snapshots: Vec<*const Snap<K, V>>,
}

/// A snapshot of a map.
pub(super) struct Snap<K, V> {
    number: u64,
    /// Over when no call is under way any more that does not know of the snapshot.
    grace: Grace,
    archive: Archive<K, V>,
}

/// What a call means to do with a leaf.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Access {
    Read,
    Write,
}

impl<K, V> Snap<K, V> {
    pub(super) fn archive(&self) -> &Archive<K, V> {
        &self.archive
    }

    /// True if the leaf is the snapshot's, rather than what has replaced it.
    #[inline]
    pub(super) fn wants(&self, leaf: BlockRef<'_, K, V>) -> bool {
        leaf.generation() <= self.number
    }

    /// True once nothing is written any more to the leaves that the snapshot wants.
    #[inline]
    pub(super) fn is_settled(&self) -> bool {
        self.grace.is_over()
    }
}

impl<K, V> RawMap<K, V> {
    fn live<'g>(&'g self, _: &'g Guard) -> (*mut Live<K, V>, Option<&'g Live<K, V>>) {
        // Ordering: Acquire (O8), with `replace_live`: the list and its snapshots are visible.
        let word = self.live.load(Ordering::Acquire);
        let list = word.map_addr(|address| address & !ALIVE);
        // SAFETY: a list is freed a grace period after it has been replaced, and the caller is pinned.
        (word, unsafe { list.as_ref() })
    }

    /// The generation of blocks that are made now.
    pub(super) fn generation(&self, guard: &Guard) -> u64 {
        self.live(guard).1.map_or(0, |live| live.generation)
    }

    /// True if there are snapshots.
    #[inline]
    pub(super) fn has_snapshots(&self) -> bool {
        // Ordering: Relaxed; the list is not read by this look. A call that begins after a snapshot was
        // taken, or that has seen a block of its generation, sees it here by coherence.
        self.live.load(Ordering::Relaxed).addr() & ALIVE != 0
    }

    /// True if the leaf must be replaced before it is written or read.
    #[inline]
    pub(super) fn is_wanted(
        &self,
        leaf: BlockRef<'_, K, V>,
        access: Access,
        guard: &Guard,
    ) -> bool {
        self.has_snapshots() && self.is_wanted_by_one(leaf, access, guard)
    }

    #[inline(never)]
    fn is_wanted_by_one(&self, leaf: BlockRef<'_, K, V>, access: Access, guard: &Guard) -> bool {
        let Some(last) = self.live(guard).1.and_then(|live| live.last()) else { return false };
        last.wants(leaf) && (access == Access::Write || !last.is_settled())
    }

    /// Puts another list in the place of the one that was seen. False if that was done before.
    fn replace_live(
        &self,
        (seen, old): (*mut Live<K, V>, Option<&Live<K, V>>),
        new: Live<K, V>,
        guard: &Guard,
    ) -> bool {
        let tag = if new.snapshots.is_empty() { 0 } else { ALIVE };
        let new = Box::into_raw(Box::new(new));
        let word = new.map_addr(|address| address | tag);
        // Ordering: Release (O8) publishes the list; Acquire, as whoever adds a snapshot is after those who
        // added and removed others.
        if self.live.compare_exchange(seen, word, Ordering::AcqRel, Ordering::Relaxed).is_err() {
            // SAFETY: nobody else has seen it.
            drop(unsafe { Box::from_raw(new) });
            return false;
        }
        if let Some(old) = old {
            let old = std::ptr::from_ref(old).cast_mut();
            // SAFETY: it was made by this function and can be reached no more, so it is freed once.
            let job = move || drop(unsafe { Box::from_raw(old) });
            // SAFETY: it holds numbers and pointers, and does nothing to what they lead to.
            unsafe { guard.defer(job) };
        }
        true
    }

    /// Takes a snapshot, which is alive until `end_snapshot`.
    pub(super) fn take_snapshot(&self) -> NonNull<Snap<K, V>> {
        let guard = reclaim::pin();
        let snap = Snap { number: 0, grace: Grace::new(), archive: Archive::new() };
        let snap = NonNull::from(Box::leak(Box::new(snap)));
        loop {
            let seen = self.live(&guard);
            let number = seen.1.map_or(0, |live| live.generation);
            // SAFETY: nobody else has seen it.
            unsafe { (*snap.as_ptr()).number = number };
            let mut snapshots = seen.1.map_or_else(Vec::new, |live| live.snapshots.clone());
            snapshots.push(snap.as_ptr().cast_const());
            if self.replace_live(seen, Live { generation: number + 1, snapshots }, &guard) {
                break;
            }
        }
        // SAFETY: it lives until it is ended.
        let grace = unsafe { &snap.as_ref().grace };
        grace.begin(&guard);
        drop(guard);
        for _ in 0..NUDGES {
            if grace.is_over() {
                break;
            }
            reclaim::free_some();
        }
        snap
    }

    /// Ends a snapshot, and frees what it alone has kept, after a grace period.
    ///
    /// # Safety
    /// The snapshot is of this map, has not been ended, and nobody uses what it has shown any more. K and V
    /// are `Send + 'static`.
    pub(super) unsafe fn end_snapshot(&self, snap: *mut Snap<K, V>) {
        let guard = reclaim::pin();
        loop {
            let seen = self.live(&guard);
            let live = seen.1.expect("there is a list since the first snapshot was taken");
            let others = live.snapshots.iter().copied().filter(|&other| other != snap.cast_const());
            let live = Live { generation: live.generation, snapshots: others.collect() };
            if self.replace_live(seen, live, &guard) {
                break;
            }
        }
        // SAFETY: whoever still archives leaves for it has found it in an older list, while pinned.
        let job = move || drop(unsafe { Box::from_raw(snap) });
        // SAFETY: K and V may be dropped on any thread, at any time.
        unsafe { guard.defer(job) };
    }

    /// Frees the list of a map that nobody else uses.
    pub(super) fn drop_live(&mut self) {
        // Ordering: Relaxed; `&mut self` is proof that all other use has ended, and is visible.
        let list = self.live.load(Ordering::Relaxed).map_addr(|address| address & !ALIVE);
        if !list.is_null() {
            // SAFETY: made by `replace_live`. What is still in it was forgotten, and is leaked as that says.
            drop(unsafe { Box::from_raw(list) });
        }
    }
}

impl<K, V> Live<K, V> {
    /// The snapshot that wants the most.
    fn last(&self) -> Option<&Snap<K, V>> {
        // SAFETY: a snapshot is freed a grace period after the last list with it has gone; whoever has the
        // list is pinned.
        self.snapshots.last().map(|&snap| unsafe { &*snap })
    }
}

impl<K: Ord + Send + 'static, V: Send + 'static> RawMap<K, V> {
    /// Gives a frozen leaf, whose replacement will be of the generation `next`, to the snapshots that want
    /// it and not the replacement.
    ///
    /// # Safety
    /// As for `Archive::insert`.
    pub(super) unsafe fn archive(
        &self,
        generation: u64,
        next: u64,
        record: &Record<'_, K, V>,
        guard: &Guard,
    ) {
        for &snap in self.live(guard).1.map_or(&[][..], |live| &live.snapshots) {
            // SAFETY: as for `Live::last`.
            let snap = unsafe { &*snap };
            if (generation..next).contains(&snap.number) {
                // SAFETY: the caller's word.
                unsafe { snap.archive.insert(record) };
            }
        }
    }

    /// The goal's leaf, in which the call may take effect as far as snapshots go.
    #[inline]
    pub(super) fn leaf_for<'g, S: Seek<K>>(
        &'g self,
        goal: &S,
        access: Access,
        guard: &'g Guard,
    ) -> BlockRef<'g, K, V> {
        loop {
            let near = self.leaf_at_finger(goal, guard);
            let leaf = near.unwrap_or_else(|| self.leaf(goal, guard));
            if !self.is_wanted(leaf, access, guard) {
                return leaf;
            }
            self.make_room(leaf, guard);
        }
    }
}
