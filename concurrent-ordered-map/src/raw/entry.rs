//! An entry: a key and a value, allocated once, never moved, dropped in two parts.
//!
//! A key may have to outlive its value: the first key of a block stays the block's lower fence after
//! its entry has been removed, and `K` cannot be cloned. So an entry counts its owners: the slot that
//! holds it is one, each block whose fence it is another (I6).

use std::alloc::Layout;
use std::mem::{MaybeUninit, offset_of};
use std::ptr::drop_in_place;

use crate::reclaim::{self, Guard, contain};
use crate::sync::{AtomicU32, Ordering, Witness};

/// Set when key and value have been dropped early, by the drop of the whole map.
const HOLLOW: u32 = 1 << 31;

/// A key and its value. Aligned so that three tag bits fit into a pointer to it.
#[repr(align(8))]
pub(crate) struct Entry<K, V> {
    /// The owners, and [`HOLLOW`].
    owners: AtomicU32,
    witness: Witness,
    key: MaybeUninit<K>,
    value: MaybeUninit<V>,
}

impl<K, V> Entry<K, V> {
    /// A live entry's key: an `&Entry` is only ever made of an entry that a slot held while pinned.
    #[inline]
    pub(crate) fn key(&self) -> &K {
        // SAFETY: I6, the slot's ownership ends a grace period after the entry left its slot.
        unsafe { self.key.assume_init_ref() }
    }

    /// A live entry's value.
    #[inline]
    pub(crate) fn value(&self) -> &V {
        // SAFETY: as for the key.
        unsafe { self.value.assume_init_ref() }
    }

    /// Fails a loom model in which the entry is freed, or its content not visible yet.
    ///
    /// # Safety
    /// The caller may read the entry.
    #[inline]
    unsafe fn witness(entry: *mut Self) {
        reclaim::check_alive(entry);
        let witness = entry.wrapping_byte_add(offset_of!(Self, witness)).cast::<Witness>();
        // SAFETY: the caller's word.
        unsafe { &*witness }.read();
    }

    fn key_place(entry: *mut Self) -> *mut K {
        entry.wrapping_byte_add(offset_of!(Self, key)).cast()
    }

    /// Where the value is.
    pub(super) fn value_place(entry: *mut Self) -> *mut V {
        entry.wrapping_byte_add(offset_of!(Self, value)).cast()
    }

    /// Allocates an entry whose value is still to come, owned by the caller.
    pub(super) fn allocate(key: K) -> *mut Self {
        let entry = reclaim::allocate(Layout::new::<Self>()).cast::<Self>();
        let fresh = Self {
            owners: AtomicU32::new(1),
            witness: Witness::written(),
            key: MaybeUninit::new(key),
            value: MaybeUninit::uninit(),
        };
        // SAFETY: fresh memory of this layout.
        unsafe { entry.write(fresh) };
        entry
    }

    /// # Safety
    /// The caller alone writes the entry's value, and it holds none.
    pub(super) unsafe fn put_value(entry: *mut Self, value: V) {
        // SAFETY: the entry is allocated; only the value's bytes are written.
        unsafe { Self::value_place(entry).write(value) };
    }

    /// # Safety
    /// The caller alone owns the entry's value, which is there; it is gone afterwards.
    pub(super) unsafe fn take_value(entry: *mut Self) -> V {
        // SAFETY: only the value's bytes are read, and they are not read again.
        unsafe { Self::value_place(entry).read() }
    }

    /// The key of an entry that may have lost its value.
    ///
    /// # Safety
    /// The entry has an owner for all of `'g` (I6).
    #[inline]
    pub(super) unsafe fn key_of<'g>(entry: *mut Self) -> &'g K {
        // SAFETY: the caller's word.
        unsafe { Self::witness(entry) };
        // SAFETY: an owner keeps the key; no reference to the value is made.
        unsafe { &*Self::key_place(entry) }
    }

    /// # Safety
    /// A slot held the entry at some moment since the caller pinned for `'g` (I3).
    #[inline]
    pub(super) unsafe fn deref<'g>(entry: *mut Self) -> &'g Self {
        // SAFETY: I3.
        unsafe { Self::witness(entry) };
        // SAFETY: I3.
        unsafe { &*entry }
    }

    /// # Safety
    /// The entry has an owner.
    unsafe fn owners<'a>(entry: *mut Self) -> &'a AtomicU32 {
        reclaim::check_alive(entry);
        // SAFETY: an owned entry is allocated.
        unsafe { &*entry.wrapping_byte_add(offset_of!(Self, owners)).cast() }
    }

    /// Adds an owner.
    ///
    /// # Safety
    /// The entry has an owner that stays until this call has returned.
    pub(super) unsafe fn share(entry: *mut Self) {
        // Ordering: Relaxed, as in `Arc::clone`: the caller already has a way to the entry.
        // SAFETY: the caller's word.
        unsafe { Self::owners(entry) }.fetch_add(1, Ordering::Relaxed);
    }

    /// Gives up one ownership; the last one drops the key and frees the memory.
    ///
    /// # Safety
    /// The caller is an owner, readers that came through it are gone, and the value is dropped.
    pub(super) unsafe fn release(entry: *mut Self) {
        // Ordering: AcqRel (O6): the last owner frees after all that the others did with the key.
        // SAFETY: the caller's word.
        let before = unsafe { Self::owners(entry) }.fetch_sub(1, Ordering::AcqRel);
        debug_assert_ne!(before & !HOLLOW, 0, "an entry has lost an owner twice");
        if before & !HOLLOW != 1 {
            return;
        }
        if before & HOLLOW == 0 {
            // SAFETY: the last owner drops the key, once.
            contain(|| unsafe { drop_in_place(Self::key_place(entry)) });
        }
        // SAFETY: allocated by `allocate` with this layout; no owner is left.
        unsafe { reclaim::free(entry.cast(), Layout::new::<Self>()) };
    }

    /// Drops the value now and gives up the slot's ownership.
    ///
    /// # Safety
    /// As for `release`, with the value still there and nobody reading it.
    pub(super) unsafe fn drop_value_and_release(entry: *mut Self) {
        // SAFETY: nobody reads the value and it is dropped once.
        contain(|| unsafe { drop_in_place(Self::value_place(entry)) });
        // SAFETY: the caller's word.
        unsafe { Self::release(entry) };
    }

    /// Gives up the slot's ownership after a grace period, and the value with it.
    ///
    /// # Safety
    /// The caller took the entry out of its slot (I5). K and V are `Send + 'static`.
    pub(super) unsafe fn retire(entry: *mut Self, guard: &Guard) {
        // SAFETY: I5, only the one who took it out retires it; I3, readers were pinned before.
        let job = move || unsafe { Self::drop_value_and_release(entry) };
        // SAFETY: K and V may be dropped on any thread, at any time.
        unsafe { guard.defer(job) };
    }

    /// Frees an entry that never got into the map, after a grace period: others may have read its key
    /// while it was on offer.
    ///
    /// # Safety
    /// The caller owns the entry and has taken its value out. K is `Send + 'static`.
    pub(super) unsafe fn retire_empty(entry: *mut Self, guard: &Guard) {
        // SAFETY: the caller's word; helpers that read the key were pinned before.
        let job = move || unsafe { Self::release(entry) };
        // SAFETY: K may be dropped on any thread, at any time.
        unsafe { guard.defer(job) };
    }

    /// Moves key and value out and gives up the slot's ownership.
    ///
    /// # Safety
    /// The map is being taken apart: nobody else uses it. A slot held the entry and does no more.
    pub(super) unsafe fn take(entry: *mut Self) -> (K, V) {
        // SAFETY: the slot owned the value, and nobody reads it.
        let value = unsafe { Self::take_value(entry) };
        let mut key = None;
        // SAFETY: `hollow` calls this once, and nobody else reads the key any more.
        let mut take = |place: *mut K| key = Some(unsafe { place.read() });
        // SAFETY: the caller's word; the slot is an owner.
        unsafe { Self::hollow(entry, &mut take) };
        // SAFETY: the slot's ownership, once; the value has been taken.
        unsafe { Self::release(entry) };
        (key.expect("an entry in a slot has its key"), value)
    }

    /// Drops the key at once and leaves the memory to the remaining owners.
    ///
    /// # Safety
    /// The map is being dropped: nobody reads the key any more. The entry has an owner.
    pub(super) unsafe fn hollow(entry: *mut Self, drop_key: &mut dyn FnMut(*mut K)) {
        // SAFETY: the caller's word.
        let owners = unsafe { Self::owners(entry) };
        // Ordering: AcqRel (O6), with `release`, which garbage of the map may still run elsewhere.
        if owners.fetch_or(HOLLOW, Ordering::AcqRel) & HOLLOW == 0 {
            drop_key(Self::key_place(entry));
        }
    }
}
