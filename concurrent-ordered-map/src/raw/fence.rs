//! Fences: the keys between which the ranges of blocks lie.

use std::marker::PhantomData;
use std::ptr::{dangling_mut, null_mut};

use super::block::BlockRef;
use super::entry::Entry;
use super::hint::{hint, is_exact};
use super::pair::{Pair, is_inline};

/// A key at which a range begins or ends; or none, where the level does.
///
/// Whoever keeps one owns the key (I6). An exact key is in the fence itself, and owned by nobody.
pub(super) struct Fence<K, V> {
    /// The key's hint after the empty prefix, and its entry: dangling for an exact key, null for no fence.
    pair: Pair,
    of: PhantomData<*mut Entry<K, V>>,
}

// SAFETY: all that it shows to safe code is a shared key.
unsafe impl<K: Send + Sync, V> Send for Fence<K, V> {}
// SAFETY: as above.
unsafe impl<K: Send + Sync, V> Sync for Fence<K, V> {}

impl<K, V> Clone for Fence<K, V> {
    #[inline]
    fn clone(&self) -> Self {
        *self
    }
}

impl<K, V> Copy for Fence<K, V> {}

impl<K, V> PartialEq for Fence<K, V> {
    /// True if they are of one entry; where keys are exact, if they are equal.
    fn eq(&self, other: &Self) -> bool {
        self.pair == other.pair
    }
}

impl<K, V> Fence<K, V> {
    /// No fence, whose hint is the least.
    pub(super) fn none() -> Self {
        Self { pair: Pair::new::<K>(0, null_mut()), of: PhantomData }
    }

    /// Where a range ends that has this right neighbour.
    pub(super) fn before(next: Option<BlockRef<'_, K, V>>) -> Self {
        next.map_or_else(Self::none, |next| *next.low())
    }

    /// The key of a leaf's pair, whose hint is after some prefix.
    ///
    /// # Safety
    /// The entry, if there is one, has an owner.
    pub(super) unsafe fn of_pair(pair: Pair) -> Self {
        let (hint, entry) = if is_inline::<K, V>() {
            (pair.hint::<K>(), dangling_mut())
        } else {
            // SAFETY: the caller's word.
            let key = unsafe { pair.key::<K, V>() };
            (hint(&[], key), if is_exact::<K>() { dangling_mut() } else { pair.word() })
        };
        Self { pair: Pair::new::<K>(hint, entry), of: PhantomData }
    }

    #[inline]
    pub(super) fn is_none(&self) -> bool {
        self.pair.word().is_null()
    }

    /// The hint after the empty prefix.
    #[inline]
    pub(super) fn hint(&self) -> u64 {
        self.pair.hint::<K>()
    }

    /// What tells a fence from all others that are owned at the same time; 0 for none. Only where keys are not
    /// exact.
    #[inline]
    pub(super) fn address(&self) -> u64 {
        debug_assert!(!is_exact::<K>());
        self.pair.word().addr() as u64
    }

    /// # Safety
    /// The fence is owned for as long as it is borrowed.
    #[inline]
    pub(super) unsafe fn key(&self) -> Option<&K> {
        if self.is_none() {
            return None;
        }
        Some(if is_exact::<K>() {
            // SAFETY: the type is exact.
            unsafe { self.pair.inline_key() }
        } else {
            // SAFETY: the caller's word.
            unsafe { Entry::<K, V>::key_of(self.pair.word().cast()) }
        })
    }

    /// The entry whose key the fence keeps; an exact key needs none.
    pub(super) fn entry(&self) -> Option<*mut Entry<K, V>> {
        (!self.is_none() && !is_exact::<K>()).then(|| self.pair.word().cast())
    }

    /// Adds an owner.
    ///
    /// # Safety
    /// The fence has an owner that stays until this call has returned.
    pub(super) unsafe fn share(&self) {
        if let Some(entry) = self.entry() {
            // SAFETY: the caller's word.
            unsafe { Entry::share_key(entry) };
        }
    }

    /// Gives up one ownership.
    ///
    /// # Safety
    /// The caller is an owner, and readers that came through it are gone.
    pub(super) unsafe fn release(&self) {
        if let Some(entry) = self.entry() {
            // SAFETY: the caller's word.
            unsafe { Entry::release_key(entry) };
        }
    }
}
