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
//! Which slots are live differs from moment to moment, so two threads may find two labels for one slot. The
//! first that is written is the slot's (I1). Either is right: each slot that is live later on was compared.

use std::cmp::Ordering as Order;
use std::ptr::null_mut;

use super::block::BlockRef;
use super::content::fence;
use super::entry::Entry;
use super::hint::{has_labels, hint};
use super::state::{State, Word};
use crate::sync::{AtomicPtr, Ordering};

/// The entry whose key is the lower fence of a lane's child.
pub(super) type Fence<K, V> = AtomicPtr<Entry<K, V>>;

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
pub(super) struct Place<K, V> {
    /// The slot with the greatest key that does not exceed the goal, and what it held.
    pub(super) floor: Option<(usize, Word)>,
    /// That slot's key is the goal.
    pub(super) is_exact: bool,
    /// The entry that has the least key beyond the goal; null if no slot has one.
    pub(super) above: *mut Entry<K, V>,
    /// The hints between which the goal lies.
    low: u64,
    high: u64,
}

impl<K, V> Place<K, V> {
    /// A label for the goal.
    fn label(&self) -> u64 {
        if self.is_exact { self.low } else { (self.low + (self.high - self.low) / 2).max(1) }
    }
}

impl<'g, K, V> BlockRef<'g, K, V> {
    /// Looks for a goal among the slots that are published in this state, given how it is ordered against
    /// a key. The block was not replaced when the caller looked.
    #[inline]
    pub(super) fn search(self, state: State, goal: impl Fn(&K) -> Order) -> Place<K, V> {
        let slots = &self.slots()[..state.count()];
        let mut place =
            Place { floor: None, is_exact: false, above: null_mut(), low: 0, high: u64::MAX };
        let mut low = 0;
        if self.level() > 0 {
            // It leads to where the lane's fence is, or left of it (I14).
            (place.floor, place.low) = (Some((0, slots[0].load())), slots[0].hint());
            low = 1;
        }
        let mut high = self.sorted();
        while low < high && !place.is_exact {
            let middle = low + (high - low) / 2;
            let mut index = middle;
            let mut word = slots[index].load();
            while word.dead() && index > low {
                index -= 1;
                word = slots[index].load();
            }
            if word.dead() || self.compare(&mut place, index, word, &goal) != Order::Less {
                low = middle + 1;
            } else {
                high = index;
            }
        }
        for (index, slot) in slots.iter().enumerate().skip(self.sorted()) {
            if place.low <= slot.hint() && slot.hint() <= place.high && !place.is_exact {
                let word = slot.load();
                if !word.dead() {
                    self.compare(&mut place, index, word, &goal);
                }
            }
        }
        place
    }

    /// Narrows a place by a slot that held this.
    #[inline]
    fn compare(
        self,
        place: &mut Place<K, V>,
        index: usize,
        word: Word,
        goal: &impl Fn(&K) -> Order,
    ) -> Order {
        let entry = match self.fences().get(index) {
            // Ordering: Relaxed; written before the publication (O1) by which the reader got here.
            Some(fence) => fence.load(Ordering::Relaxed),
            None => fence(self.level(), word.pointer()),
        };
        // SAFETY: I3 and I6, by the look of `search`'s caller: the slot held this entry, or a child whose
        // fence it is.
        let order = goal(unsafe { Entry::<K, V>::key_of(entry) });
        let hint = self.slots()[index].hint();
        if order == Order::Less {
            (place.high, place.above) = (hint, entry);
        } else {
            (place.low, place.floor) = (hint, Some((index, word)));
            place.is_exact = order == Order::Equal;
        }
        order
    }

    /// The fences of a lane's children, by their slots, if the lane has them.
    fn fences(self) -> &'g [Fence<K, V>] {
        if !has_fences::<K>(self.level()) {
            return &[];
        }
        let place = self.end_of_slots().cast::<Fence<K, V>>();
        // SAFETY: so many follow the slots and are initialized at birth; I3.
        unsafe { std::slice::from_raw_parts(place, self.capacity()) }
    }

    /// Writes the fence of a child into a slot that is reserved. Every writer writes the same.
    pub(super) fn set_fence(self, index: usize, child: *mut ()) {
        if let Some(place) = self.fences().get(index) {
            // Ordering: Relaxed; the state's exchange publishes it (O1).
            place.store(fence(self.level(), child), Ordering::Relaxed);
        }
    }

    /// Initializes the fences of a lane that nobody else has seen.
    ///
    /// # Safety
    /// The caller has links to the children. The lane is one that has fences.
    pub(super) unsafe fn write_fences(self, content: &[(u64, *mut ())]) {
        let place = self.end_of_slots().cast::<Fence<K, V>>();
        for index in 0..self.capacity() {
            let child = content.get(index).map(|&(_, child)| fence(self.level(), child));
            let fence = AtomicPtr::new(child.unwrap_or(null_mut()));
            // SAFETY: the layout has room for them.
            unsafe { place.wrapping_add(index).write(fence) };
        }
    }
}

impl<K: Ord, V> BlockRef<'_, K, V> {
    /// The hint under which this block files a key in the slot behind those published in this state.
    ///
    /// It compares keys whose order is not known, and a panic in `Ord` comes out.
    #[inline]
    pub(super) fn hint_of(self, state: State, key: &K) -> u64 {
        if has_labels::<K>() {
            self.search(state, |other| key.cmp(other)).label()
        } else {
            hint(self.prefix(), key)
        }
    }
}
