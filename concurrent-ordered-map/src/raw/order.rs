//! Putting what a leaf holds into key order.
//!
//! The slots of birth are in order; what was appended came in any order. Hints tell the order of nearly all keys,
//! and are compared all with all, without a branch: there are few, and whether the next one is less than the
//! last nothing can predict.

use super::block::BlockRef;
use super::hint::is_exact;
use super::state::{LeafState, bits_of};

impl<K: Ord, V> BlockRef<'_, K, V> {
    /// Puts the live slots of a state into key order. True if they were filled in that order.
    #[inline]
    pub(super) fn in_order(self, state: LeafState, order: &mut Order) -> bool {
        let slots = self.slots();
        let live = state.live();
        let born = (live & ((1 << self.sorted()) - 1)).count_ones() as usize;
        let mut hints = Hints { of: [0; PLACES], count: 0 };
        order.count = 0;
        for index in bits_of(live) {
            order.push(index);
            hints.push(slots[index].hint::<K>());
        }
        if hints.ascend_from(born) {
            return true;
        }
        if !order.rank(&hints, born, is_exact::<K>()) {
            // SAFETY: I3, by the caller's look.
            let is_less = |one: usize, other: usize| unsafe {
                slots[one].pair().order::<K, V>(slots[other].pair()).is_lt()
            };
            return order.insert_from(born, is_less);
        }
        false
    }
}

/// An index of a leaf's slot.
#[inline]
fn small(index: usize) -> u8 {
    u8::try_from(index).expect("a leaf has few slots")
}

/// At least as many as a leaf can have slots, so that what has been masked needs no check.
const PLACES: usize = LeafState::SLOTS.next_power_of_two();

/// The hints of some slots.
struct Hints {
    of: [u64; PLACES],
    count: usize,
}

impl Hints {
    #[inline]
    fn push(&mut self, hint: u64) {
        self.of[self.count % PLACES] = hint;
        self.count += 1;
    }

    #[inline]
    fn all(&self) -> &[u64] {
        &self.of[..self.count.min(PLACES)]
    }

    /// True if each from `from` on is greater than the one before.
    #[inline]
    fn ascend_from(&self, from: usize) -> bool {
        self.all()[from.saturating_sub(1)..].array_windows().all(|[one, next]| one < next)
    }
}

/// Slots of a leaf in some order.
#[derive(Default)]
pub(super) struct Order {
    indices: [u8; PLACES],
    count: usize,
}

impl Order {
    #[inline]
    fn push(&mut self, index: usize) {
        self.indices[self.count % PLACES] = small(index);
        self.count += 1;
    }

    /// Puts slots into the order of their hints, of which the first so many are in order. False if hints tie,
    /// and so do not tell the order; then nothing is done. Distinct ones never tie.
    ///
    /// Each appended slot goes to the place that is the number of lesser hints, and the others fill the places that
    /// remain: no branch depends on a comparison, whose outcomes nothing could predict.
    #[inline]
    fn rank(&mut self, hints: &Hints, sorted: usize, distinct: bool) -> bool {
        let all = hints.all();
        let mut indices = [0; PLACES];
        let (mut taken, mut same) = (0_u32, 0);
        for (place, own) in all.iter().enumerate().skip(sorted) {
            let rank = all.iter().filter(|&hint| hint < own).count();
            if !distinct {
                same += all.iter().filter(|&hint| hint == own).count() - 1;
            }
            indices[rank % PLACES] = self.indices[place % PLACES];
            taken |= 1 << (rank % PLACES);
        }
        if same > 0 {
            return false;
        }
        for (place, index) in bits_of(!taken).zip(&self.indices[..sorted]) {
            indices[place % PLACES] = *index;
        }
        self.indices = indices;
        true
    }

    /// Inserts the slots from `from` on among those before, which are in order. True if all were in order.
    fn insert_from(&mut self, from: usize, is_less: impl Fn(usize, usize) -> bool) -> bool {
        let mut ascending = true;
        for mut place in from..self.count {
            while place > 0 && is_less(self.get(place), self.get(place - 1)) {
                self.indices.swap(place, place - 1);
                place -= 1;
                ascending = false;
            }
        }
        ascending
    }

    #[inline]
    pub(super) fn get(&self, place: usize) -> usize {
        usize::from(self.indices[place % PLACES])
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.count
    }

    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = usize> + '_ {
        self.indices[..self.count].iter().map(|&index| usize::from(index))
    }
}
