//! Labels: the hints of keys of which nothing is known but that they are in order.
//!
//! Such a key has no bytes to show, so its slot is hinted by where the key lies among those of its block. A
//! block is born with labels at even distances; a slot that is appended gets one half-way between its
//! neighbours' (Dietz and Sleator, "Two algorithms for maintaining order in a list", 1987, without the
//! relabelling: a block is replaced before the distances are used up, and where labels tie, keys decide).
//!
//! So the live slots of a block are sorted, read and split by labels alone. A needle has no label, and is
//! compared with keys: by binary search among the slots of birth, and then with those of the appended whose
//! labels lie between what was found.
//!
//! Which slots are live differs from moment to moment. A label in a leaf is made for the very state in which its
//! slot is published. In a lane two threads may find two labels for one slot; the first that is written is the
//! slot's (I1), and either is right: each slot that is live later on was compared.

use std::cmp::Ordering as Order;
use std::ptr::null_mut;

use super::block::BlockRef;
use super::entry::Entry;
use super::hint::{has_labels, hint};
use super::pair::Pair;
use crate::sync::{AtomicPtr, Ordering};

/// Where a lane keeps the entry whose key is the lower fence of a child.
pub(super) type Place<K, V> = AtomicPtr<Entry<K, V>>;

/// True if blocks of a level keep their children's fences, so that a search does not go to a child for each.
#[inline]
pub(super) fn has_fences<K>(level: u8) -> bool {
    level > 0 && has_labels::<K>()
}

/// The label of a slot of birth, of so many. Never 0, which stands for none.
pub(super) fn at_birth(index: usize, count: usize) -> u64 {
    (index as u64 + 1) * (u64::MAX / (count as u64 + 1))
}

/// Where a goal lies among the live slots of a block.
pub(super) struct Spot<K, V> {
    /// The slot with the greatest key that does not exceed the goal.
    pub(super) floor: Option<usize>,
    /// That slot's key is the goal.
    pub(super) is_exact: bool,
    /// The entry that has the least key beyond the goal; null if no slot has one.
    pub(super) above: *mut Entry<K, V>,
    /// The hints between which the goal lies.
    low: u64,
    high: u64,
}

impl<K, V> Spot<K, V> {
    /// A label for the goal.
    fn label(&self) -> u64 {
        if self.is_exact { self.low } else { (self.low + (self.high - self.low) / 2).max(1) }
    }
}

impl<'g, K, V> BlockRef<'g, K, V> {
    /// Looks for a goal among the slots of a leaf that are `chosen`, or among the first so many of a lane, given
    /// how the goal is ordered against a key. The block was not replaced when the caller looked.
    #[inline]
    pub(super) fn search(self, chosen: u32, goal: impl Fn(&K) -> Order) -> Spot<K, V> {
        let mut spot =
            Spot { floor: None, is_exact: false, above: null_mut(), low: 0, high: u64::MAX };
        let mut low = 0;
        let mut count = chosen as usize;
        if self.level() > 0 {
            // It leads to where the lane's fence is, or left of it (I14).
            (spot.floor, spot.low) = (Some(0), self.slots()[0].hint::<K>());
            low = 1;
        } else {
            count = (u32::BITS - chosen.leading_zeros()) as usize;
        }
        let slots = &self.slots()[..count];
        let key = |index| self.key_at(index, chosen);
        let mut high = self.sorted().min(count);
        while low < high && !spot.is_exact {
            let middle = low + (high - low) / 2;
            let mut index = middle;
            let mut found = key(index);
            while found.is_none() && index > low {
                index -= 1;
                found = key(index);
            }
            match found {
                Some(found) if self.compare(&mut spot, index, found, &goal) == Order::Less => {
                    high = index
                }
                _ => low = middle + 1,
            }
        }
        for (index, slot) in slots.iter().enumerate().skip(self.sorted()) {
            let hint = slot.hint::<K>();
            let is_between = spot.low <= hint && hint <= spot.high;
            if is_between
                && !spot.is_exact
                && let Some(found) = key(index)
            {
                self.compare(&mut spot, index, found, &goal);
            }
        }
        spot
    }

    /// The key of a slot, unless the slot is dead; of a lane of labels also the entry that has it.
    #[inline]
    fn key_at(self, index: usize, chosen: u32) -> Option<(&'g K, *mut Entry<K, V>)> {
        if self.level() == 0 {
            return (chosen >> index & 1 != 0).then(|| (self.key(index), null_mut()));
        }
        let word = self.slots()[index].load();
        let child = self.child_of(word)?;
        if !has_labels::<K>() {
            // Only the first slot's child can be without a fence.
            return Some((child.low_key()?, null_mut()));
        }
        // Ordering: Relaxed; written before the publication (O1) by which the reader got here.
        let fence = self.fences()[index].load(Ordering::Relaxed);
        // SAFETY: I6, by the look of `search`'s caller: the slot held a child whose fence it is.
        Some((unsafe { Entry::key_of(fence) }, fence))
    }

    /// Narrows a spot by a slot that has this key.
    #[inline]
    fn compare(
        self,
        spot: &mut Spot<K, V>,
        index: usize,
        (key, entry): (&K, *mut Entry<K, V>),
        goal: &impl Fn(&K) -> Order,
    ) -> Order {
        let order = goal(key);
        let hint = self.slots()[index].hint::<K>();
        if order == Order::Less {
            (spot.high, spot.above) = (hint, entry);
        } else {
            (spot.low, spot.floor) = (hint, Some(index));
            spot.is_exact = order == Order::Equal;
        }
        order
    }

    /// The fences of a lane's children, by their slots, if the lane has them.
    fn fences(self) -> &'g [Place<K, V>] {
        if !has_fences::<K>(self.level()) {
            return &[];
        }
        let place = self.end_of_slots().cast::<Place<K, V>>();
        // SAFETY: so many follow the slots and are initialized at birth; I3.
        unsafe { std::slice::from_raw_parts(place, self.capacity()) }
    }

    /// Writes the fence of a child into a slot that is reserved. Every writer writes the same.
    pub(super) fn set_fence(self, index: usize, child: *mut ()) {
        if let Some(place) = self.fences().get(index) {
            // Ordering: Relaxed; the state's exchange publishes it (O1).
            place.store(fence_entry(child), Ordering::Relaxed);
        }
    }

    /// Initializes the fences of a lane that nobody else has seen.
    ///
    /// # Safety
    /// The caller has links to the children. The lane is one that has fences.
    pub(super) unsafe fn write_fences(self, content: &[Pair]) {
        let place = self.end_of_slots().cast::<Place<K, V>>();
        for index in 0..self.capacity() {
            let child = content.get(index).map(|child| fence_entry(child.word()));
            let fence = AtomicPtr::new(child.unwrap_or(null_mut()));
            // SAFETY: the layout has room for them.
            unsafe { place.wrapping_add(index).write(fence) };
        }
    }
}

impl<K: Ord, V> BlockRef<'_, K, V> {
    /// The hint under which this block files a key, given which slots count, as for `search`.
    ///
    /// It compares keys whose order is not known, and a panic in `Ord` comes out.
    #[inline]
    pub(super) fn hint_of(self, chosen: u32, key: &K) -> u64 {
        if has_labels::<K>() {
            self.search(chosen, |other| key.cmp(other)).label()
        } else {
            hint(self.prefix(), key)
        }
    }
}

/// The entry whose key is the lower fence of a lane's child; null for the first one of a level. Only where keys
/// are of unknown types.
fn fence_entry<K, V>(child: *mut ()) -> *mut Entry<K, V> {
    // SAFETY: I10, the caller has a link to the child, or the slot has that it was read from.
    let child = unsafe { BlockRef::<K, V>::new(child.cast()) };
    child.and_then(|child| child.low().entry()).unwrap_or(null_mut())
}
