//! Putting what a leaf holds into key order.
//!
//! The slots of birth are in order; what was appended came in any order. Whether an appended key is less than
//! another nothing can predict, so no branch asks: its place is the number of lesser ones, which is counted by
//! comparing it with all. What is compared is 32 bits of each hint, behind the bits that all of them share: then
//! the compiler compares several at once. Where those tie, and only there, keys are compared one by one.

use super::block::BlockRef;
use super::state::{LeafState, bits_of};

/// At least as many as a leaf has slots, so that what is taken modulo it needs no check.
const PLACES: usize = LeafState::SLOTS.next_power_of_two();

/// How many slots are compared with one at once.
const GROUP: usize = 8;

impl<K: Ord, V> BlockRef<'_, K, V> {
    /// Puts the live slots of a state into key order. True if they were filled in that order.
    #[inline]
    pub(super) fn in_order(self, state: LeafState, order: &mut Order) -> bool {
        let slots = self.slots();
        let born = (state.live() & ((1 << self.sorted()) - 1)).count_ones() as usize;
        order.fill(state.live());
        if born == order.count {
            return true;
        }
        let hint = |place| slots[order.get(place)].hint::<K>();
        let mut last = hint(0);
        // Those that are none tell nothing.
        let mut hints = [last; PLACES];
        for place in 1..born {
            last = hint(place);
            hints[place % PLACES] = last;
        }
        let mut ascending = true;
        for place in born.max(1)..order.count {
            let next = hint(place);
            ascending &= last < next;
            last = next;
            hints[place % PLACES] = next;
        }
        if ascending || order.rank(&hints, born) {
            return ascending;
        }
        // SAFETY: I3, by the caller's look.
        let is_less = |one: usize, other: usize| unsafe {
            slots[one].pair().order::<K, V>(slots[other].pair()).is_lt()
        };
        order.insert_from(born, is_less)
    }
}

/// Slots of a leaf in some order.
#[derive(Default)]
pub(super) struct Order {
    indices: [u8; PLACES],
    count: usize,
}

impl Order {
    /// Takes slots as they come.
    #[inline]
    fn fill(&mut self, chosen: u32) {
        const ALL: [u8; PLACES] = {
            let mut all = [0; PLACES];
            let mut place = 0_u8;
            while (place as usize) < PLACES {
                all[place as usize] = place;
                place += 1;
            }
            all
        };
        self.indices = ALL;
        self.count = chosen.trailing_ones() as usize;
        // Others died.
        for index in bits_of(chosen & chosen.wrapping_add(1)) {
            self.indices[self.count % PLACES] = ALL[index];
            self.count += 1;
        }
    }

    /// Puts slots into the order of their hints, of which the first so many are in order. False if what is compared
    /// of them ties: then nothing is done.
    #[inline]
    fn rank(&mut self, hints: &[u64; PLACES], born: usize) -> bool {
        let briefs = briefs(hints);
        let lesser = lesser(&briefs, born, self.count);
        let mut sorted = [0; PLACES];
        let mut placed = [i32::MIN; PLACES + 1];
        let mut free = u32::MAX;
        for from in born..self.count {
            let place = lesser[from % PLACES] as usize % PLACES;
            free &= !(1 << place);
            sorted[place] = self.indices[from % PLACES];
            placed[place] = briefs[from % PLACES];
        }
        for from in 0..born {
            let place = free.trailing_zeros() as usize % PLACES;
            free &= free.wrapping_sub(1);
            sorted[place] = self.indices[from % PLACES];
            placed[place] = briefs[from % PLACES];
        }
        let ascents: u32 = placed.array_windows().map(|[one, next]| u32::from(one < next)).sum();
        let told = ascents as usize + 1 == self.count;
        if told {
            self.indices = sorted;
        }
        told
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

/// Of each hint as many bits as are compared at once, from the first one in which hints differ; in their order.
#[inline]
fn briefs(hints: &[u64; PLACES]) -> [i32; PLACES] {
    let differing = hints.iter().fold(0, |all, hint| all | (hint ^ hints[0]));
    let shift = i32::BITS.saturating_sub(differing.leading_zeros());
    hints.map(|hint| {
        let [.., a, b, c, d] = (hint >> shift).to_be_bytes();
        i32::from_be_bytes([a, b, c, d]) ^ i32::MIN
    })
}

/// For each place from `from` to `to`, how many of the places up to `to` have less.
#[inline]
fn lesser(briefs: &[i32; PLACES], from: usize, to: usize) -> [u32; PLACES] {
    let mut lesser = [0; PLACES];
    let mut start = from;
    while start < to {
        start = start.min(PLACES - GROUP);
        let own: &[i32; GROUP] = briefs[start..].first_chunk().expect("there is room");
        let mut counts = [0; GROUP];
        for other in &briefs[..to.min(PLACES)] {
            for (count, own) in counts.iter_mut().zip(own) {
                *count += u32::from(other < own);
            }
        }
        lesser[start..start + GROUP].copy_from_slice(&counts);
        start += GROUP;
    }
    lesser
}
