//! An entry: a key and a value, allocated once, never moved, dropped in two parts.
//!
//! A key may have to outlive its value: the first key of a block stays the block's lower fence after
//! its entry has been removed, and `K` cannot be cloned. And its value may be wanted by snapshots after it
//! has left its slot. So an entry counts its owners of both kinds: those that hold key and value, which are
//! its slot and the archived leaves, and those that hold the key only, which are the blocks whose fence it
//! is (I6).

use std::alloc::Layout;
use std::mem::{MaybeUninit, offset_of};
use std::ptr::drop_in_place;

use crate::reclaim::{self, Guard, contain};
use crate::sync::{AtomicU64, Ordering, Witness};

/// One owner of the key. All holders together are one of them.
const KEY: u64 = 1;
const KEYS: u64 = (1 << 32) - 1;
/// One holder: an owner of key and value.
const HOLDER: u64 = 1 << 32;
const HOLDERS: u64 = ((1 << 30) - 1) << 32;
/// Set when the key has been dropped early, by the end of the whole map.
const KEY_GONE: u64 = 1 << 62;
/// The same of the value.
const VALUE_GONE: u64 = 1 << 63;

/// A key and its value.
pub(super) struct Entry<K, V> {
    /// How many owners of which kind.
    owners: AtomicU64,
    witness: Witness,
    key: MaybeUninit<K>,
    value: MaybeUninit<V>,
}

impl<K, V> Entry<K, V> {
    /// A live entry's key: an `&Entry` is only ever made of an entry that a slot held while pinned.
    #[inline]
    pub(super) fn key(&self) -> &K {
        // SAFETY: I6, the slot's hold ends a grace period after the entry left its slot.
        unsafe { self.key.assume_init_ref() }
    }

    /// A live entry's value.
    #[inline]
    pub(super) fn value(&self) -> &V {
        // SAFETY: as for the key.
        unsafe { self.value.assume_init_ref() }
    }

    /// Fails a loom model in which the entry is freed; what is done to it, one in which the content is not
    /// visible yet, or may be read while it is dropped.
    ///
    /// # Safety
    /// The caller may read the entry.
    #[inline]
    unsafe fn witness<'a>(entry: *mut Self) -> &'a Witness {
        reclaim::check_alive(entry);
        let witness = entry.wrapping_byte_add(offset_of!(Self, witness)).cast::<Witness>();
        // SAFETY: the caller's word.
        unsafe { &*witness }
    }

    /// Where the key is.
    pub(super) fn key_place(entry: *mut Self) -> *mut K {
        entry.wrapping_byte_add(offset_of!(Self, key)).cast()
    }

    /// Where the value is.
    pub(super) fn value_place(entry: *mut Self) -> *mut V {
        entry.wrapping_byte_add(offset_of!(Self, value)).cast()
    }

    /// Allocates an entry whose value is still to come, held by the caller.
    pub(super) fn allocate(key: K) -> *mut Self {
        let entry = reclaim::allocate(Layout::new::<Self>()).cast::<Self>();
        let fresh = Self {
            owners: AtomicU64::new(HOLDER + KEY),
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
        unsafe { Self::witness(entry) }.read();
        // SAFETY: an owner keeps the key; no reference to the value is made.
        unsafe { &*Self::key_place(entry) }
    }

    /// # Safety
    /// A slot held the entry at some moment since the caller pinned for `'g` (I3).
    #[inline]
    pub(super) unsafe fn deref<'g>(entry: *mut Self) -> &'g Self {
        // SAFETY: I3.
        unsafe { Self::witness(entry) }.read();
        // SAFETY: I3.
        unsafe { &*entry }
    }

    /// # Safety
    /// The entry has an owner.
    unsafe fn owners<'a>(entry: *mut Self) -> &'a AtomicU64 {
        reclaim::check_alive(entry);
        // SAFETY: an owned entry is allocated.
        unsafe { &*entry.wrapping_byte_add(offset_of!(Self, owners)).cast() }
    }

    /// Adds an owner of the key.
    ///
    /// # Safety
    /// The entry has an owner that stays until this call has returned.
    pub(super) unsafe fn share_key(entry: *mut Self) {
        // Ordering: Relaxed, as in `Arc::clone`: the caller already has a way to the entry.
        // SAFETY: the caller's word.
        unsafe { Self::owners(entry) }.fetch_add(KEY, Ordering::Relaxed);
    }

    /// Adds a holder.
    ///
    /// # Safety
    /// The entry has a holder that stays until this call has returned.
    pub(super) unsafe fn hold(entry: *mut Self) {
        // Ordering: Relaxed, as for `share_key`.
        // SAFETY: the caller's word.
        unsafe { Self::owners(entry) }.fetch_add(HOLDER, Ordering::Relaxed);
    }

    /// Gives up one ownership of the key; the last one drops the key and frees the memory.
    ///
    /// # Safety
    /// The caller is an owner, and readers that came through it are gone.
    pub(super) unsafe fn release_key(entry: *mut Self) {
        // Ordering: AcqRel (O6): the last owner frees after all that the others did with the key.
        // SAFETY: the caller's word.
        let before = unsafe { Self::owners(entry) }.fetch_sub(KEY, Ordering::AcqRel);
        debug_assert_ne!(before & KEYS, 0, "an entry has lost an owner twice");
        if before & KEYS == KEY {
            // SAFETY: no owner is left.
            unsafe { Self::free(entry, before & KEY_GONE == 0) };
        }
    }

    /// Drops the key, if it is there, and frees the memory.
    ///
    /// # Safety
    /// No owner is left, and the value is gone.
    unsafe fn free(entry: *mut Self, has_key: bool) {
        // SAFETY: the caller alone has it.
        unsafe { Self::witness(entry) }.end();
        if has_key {
            // SAFETY: the last owner drops the key, once.
            contain(|| unsafe { drop_in_place(Self::key_place(entry)) });
        }
        // SAFETY: allocated by `allocate` with this layout; no owner is left.
        unsafe { reclaim::free(entry.cast(), Layout::new::<Self>()) };
    }

    /// Gives up one hold; the last one drops the value, and the key unless a block wants it.
    ///
    /// # Safety
    /// The caller is a holder, the value is there unless it is marked as gone, and readers that came through
    /// this hold are gone.
    pub(super) unsafe fn release(entry: *mut Self) {
        // SAFETY: the caller's word.
        let owners = unsafe { Self::owners(entry) };
        // Ordering: Acquire (O6), as for the subtraction, which need not be made by the only owner: nobody
        // else is left who could add one.
        let mut before = owners.load(Ordering::Acquire);
        let alone = before & (HOLDERS | KEYS) == HOLDER + KEY;
        if !alone {
            // Ordering: AcqRel (O6): the last holder drops after all that the others did with the value.
            before = owners.fetch_sub(HOLDER, Ordering::AcqRel);
            debug_assert_ne!(before & HOLDERS, 0, "an entry has lost a holder twice");
            if before & HOLDERS != HOLDER {
                return;
            }
        }
        if before & VALUE_GONE == 0 {
            // SAFETY: the last holder drops the value, once.
            contain(|| unsafe { drop_in_place(Self::value_place(entry)) });
        }
        if alone {
            // SAFETY: the caller was the only owner.
            unsafe { Self::free(entry, before & KEY_GONE == 0) };
        } else {
            // SAFETY: the ownership that all holders had together.
            unsafe { Self::release_key(entry) };
        }
    }

    /// Gives up the slot's hold after a grace period.
    ///
    /// # Safety
    /// The caller took the entry out of its slot (I5). K and V are `Send + 'static`.
    pub(super) unsafe fn retire(entry: *mut Self, guard: &Guard) {
        // SAFETY: I5, only the one who took it out retires it; I3, readers were pinned before.
        let job = move || unsafe { Self::release(entry) };
        // SAFETY: K and V may be dropped on any thread, at any time.
        unsafe { guard.defer(job) };
    }

    /// Marks the value as gone, before it is taken out or dropped early. False if it is gone already.
    ///
    /// # Safety
    /// The entry has an owner. Nobody reads the value any more, and nobody else may find itself its last
    /// holder meanwhile.
    pub(super) unsafe fn disown_value(entry: *mut Self) -> bool {
        // Ordering: AcqRel (O6), with `release`, which garbage of the map may still run elsewhere.
        // SAFETY: the caller's word.
        unsafe { Self::owners(entry) }.fetch_or(VALUE_GONE, Ordering::AcqRel) & VALUE_GONE == 0
    }

    /// The same for the key.
    ///
    /// # Safety
    /// As for the value.
    pub(super) unsafe fn disown_key(entry: *mut Self) -> bool {
        // Ordering: AcqRel (O6), as for the value.
        // SAFETY: the caller's word.
        unsafe { Self::owners(entry) }.fetch_or(KEY_GONE, Ordering::AcqRel) & KEY_GONE == 0
    }

    /// Moves key and value out and gives up the slot's hold.
    ///
    /// # Safety
    /// The map is being taken apart: nobody else uses it. A slot held the entry and does no more.
    pub(super) unsafe fn take(entry: *mut Self) -> (K, V) {
        // SAFETY: the slot has not given up its hold, so that nobody else is the last.
        let has_value = unsafe { Self::disown_value(entry) };
        // SAFETY: as above.
        let has_key = unsafe { Self::disown_key(entry) };
        assert!(has_key && has_value, "an entry in a slot has both");
        // SAFETY: nobody reads the key any more, and it is not dropped elsewhere.
        let key = unsafe { Self::key_place(entry).read() };
        // SAFETY: the same of the value.
        let value = unsafe { Self::take_value(entry) };
        // SAFETY: the slot's hold, once; both are marked as gone.
        unsafe { Self::release(entry) };
        (key, value)
    }
}
