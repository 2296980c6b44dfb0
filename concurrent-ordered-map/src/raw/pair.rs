//! What a slot holds: a code that tells most of its key, and a word that leads to the rest.
//!
//! The word is a pointer to an entry or, in a lane, to a block. Where key and value are numbers of at most
//! eight bytes it is the value, and the code is the key: the pair is *inline*. Such an entry is not
//! allocated, and a hit costs no further cache line. References to key and value then refer into the leaf,
//! whose published slots never change (I1); and there are copies of both wherever the leaf is copied. So only
//! types that cannot tell the difference are inline (`is_plain`).

use std::cmp::Ordering;
use std::ptr::{self, from_ref, null_mut};

use super::entry::Entry;
use super::hint::{bias, hint, is_exact, is_plain};
use crate::reclaim::Guard;

/// A code beside a word, laid out as in a slot.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Pair {
    /// A hint, shifted so that the code of an inline key has the bytes of the key.
    code: u64,
    word: *mut (),
}

/// True if the pairs of a map's leaves are inline. A constant for each K and V.
#[inline]
pub(super) fn is_inline<K, V>() -> bool {
    is_exact::<K>() && is_plain::<V>()
}

/// A key and its value, where they are.
pub(crate) struct Item<'g, K, V> {
    key: &'g K,
    value: &'g V,
}

impl<K, V> Clone for Item<'_, K, V> {
    #[inline]
    fn clone(&self) -> Self {
        *self
    }
}

impl<K, V> Copy for Item<'_, K, V> {}

impl<'g, K, V> Item<'g, K, V> {
    #[inline]
    pub(crate) fn key(self) -> &'g K {
        self.key
    }

    #[inline]
    pub(crate) fn value(self) -> &'g V {
        self.value
    }

    /// True if nothing has been written to the entry between two looks, or nothing that can be told.
    pub(crate) fn is_same(self, other: Item<'_, K, V>) -> bool {
        if is_inline::<K, V>() {
            return bits(self.value) == bits(other.value);
        }
        ptr::eq(self.key, other.key) && ptr::eq(self.value, other.value)
    }
}

impl Pair {
    pub(super) const EMPTY: Self = Self { code: 0, word: null_mut() };

    #[inline]
    pub(super) fn new<K>(hint: u64, word: *mut ()) -> Self {
        Self { code: hint ^ bias::<K>(), word }
    }

    /// A pair for a key and a value; holds an entry, unless it is inline.
    pub(super) fn file<K, V>(key: K, value: V) -> Self {
        if is_inline::<K, V>() {
            return Self::new::<K>(hint(&[], &key), bits(&value));
        }
        let entry = Entry::allocate(key);
        // SAFETY: nobody else has the entry, which has no value.
        unsafe { Entry::put_value(entry, value) };
        Self { code: 0, word: entry.cast() }
    }

    #[inline]
    pub(super) fn code(self) -> u64 {
        self.code
    }

    #[inline]
    pub(super) fn hint<K>(self) -> u64 {
        self.code ^ bias::<K>()
    }

    #[inline]
    pub(super) fn word(self) -> *mut () {
        self.word
    }

    /// The same under another hint.
    pub(super) fn under<K>(self, hint: u64) -> Self {
        Self::new::<K>(hint, self.word)
    }

    /// The key of a leaf's pair.
    ///
    /// # Safety
    /// The entry, if there is one, has an owner for as long as the pair is borrowed.
    #[inline]
    pub(super) unsafe fn key<K, V>(&self) -> &K {
        if is_inline::<K, V>() {
            // SAFETY: the type is inline.
            return unsafe { self.inline_key() };
        }
        // SAFETY: the caller's word.
        unsafe { Entry::<K, V>::key_of(self.word.cast()) }
    }

    /// # Safety
    /// The code is that of a key of type K, which is exact.
    #[inline]
    pub(super) unsafe fn inline_key<K>(&self) -> &K {
        let unused =
            if cfg!(target_endian = "big") { size_of::<u64>() - size_of::<K>() } else { 0 };
        let place = from_ref(&self.code).wrapping_byte_add(unused).cast::<K>();
        // SAFETY: the hint of an exact key, without its bias, is the key extended to eight bytes; they are
        // aligned for all shorter ones.
        unsafe { &*place }
    }

    /// Key and value of a leaf's pair.
    ///
    /// # Safety
    /// The entry, if there is one, has a holder for all of `'g`.
    #[inline]
    pub(super) unsafe fn item<'g, K, V>(&'g self) -> Item<'g, K, V> {
        if is_inline::<K, V>() {
            // SAFETY: `file` and `bits` have put a value of this type there.
            let value = unsafe { &*from_ref(&self.word).cast::<V>() };
            // SAFETY: the type is inline.
            return Item { key: unsafe { self.inline_key() }, value };
        }
        // SAFETY: the caller's word.
        unsafe { self.entry_item() }
    }

    /// As `item`, of a pair that is not inline: the entry is somewhere else, and may outlive the pair.
    ///
    /// # Safety
    /// As for `item`, and the pair is not inline.
    #[inline]
    pub(super) unsafe fn entry_item<'g, K, V>(self) -> Item<'g, K, V> {
        debug_assert!(!is_inline::<K, V>());
        // SAFETY: the caller's word.
        let entry = unsafe { Entry::<K, V>::deref(self.word.cast()) };
        Item { key: entry.key(), value: entry.value() }
    }

    /// Orders two pairs of one leaf, or of leaves with the same prefix.
    ///
    /// # Safety
    /// Entries have owners during this call.
    #[inline]
    pub(super) unsafe fn order<K: Ord, V>(&self, other: &Self) -> Ordering {
        let by_hint = self.hint::<K>().cmp(&other.hint::<K>());
        if is_exact::<K>() {
            return by_hint;
        }
        by_hint.then_with(|| {
            // SAFETY: the caller's word.
            let [one, other] = [self, other].map(|pair| unsafe { pair.key::<K, V>() });
            one.cmp(other)
        })
    }

    /// Adds a holder of the entry, if there is one.
    ///
    /// # Safety
    /// As for [`Entry::hold`].
    pub(super) unsafe fn hold<K, V>(self) {
        if !is_inline::<K, V>() {
            // SAFETY: the caller's word.
            unsafe { Entry::<K, V>::hold(self.word.cast()) };
        }
    }

    /// Gives up a hold of the entry, if there is one.
    ///
    /// # Safety
    /// As for [`Entry::release`].
    pub(super) unsafe fn release<K, V>(self) {
        if !is_inline::<K, V>() {
            // SAFETY: the caller's word.
            unsafe { Entry::<K, V>::release(self.word.cast()) };
        }
    }

    /// Gives up the slot's hold of the entry, if there is one, after a grace period.
    ///
    /// # Safety
    /// As for [`Entry::retire`].
    #[inline]
    pub(super) unsafe fn retire<K, V>(self, guard: &Guard) {
        if !is_inline::<K, V>() {
            // SAFETY: the caller's word.
            unsafe { Entry::<K, V>::retire(self.word.cast(), guard) };
        }
    }

    /// Moves key and value out, and gives up the slot's hold.
    ///
    /// # Safety
    /// As for [`Entry::take`].
    pub(super) unsafe fn take<K, V>(&self) -> (K, V) {
        if is_inline::<K, V>() {
            // SAFETY: the type is inline, so that reading it is copying it.
            let item = unsafe { self.item::<K, V>() };
            // SAFETY: as above.
            let key = unsafe { from_ref(item.key).read() };
            // SAFETY: as above.
            return (key, unsafe { from_ref(item.value).read() });
        }
        // SAFETY: the caller's word.
        unsafe { Entry::take(self.word.cast()) }
    }
}

/// A plain value as a word.
pub(super) fn bits<V>(value: &V) -> *mut () {
    debug_assert!(is_plain::<V>());
    let mut word = null_mut::<()>();
    let place = (&raw mut word).cast::<u8>();
    // SAFETY: a plain value is no larger than a word and has no padding.
    unsafe { from_ref(value).cast::<u8>().copy_to_nonoverlapping(place, size_of::<V>()) };
    word
}
