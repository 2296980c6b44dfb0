//! The two packed words of a block: its state, and the tags of its pointers.

/// A slot's tag: the block is being replaced, this slot takes no more writes.
pub(super) const FROZEN: usize = 1;
/// A slot's tag: nothing lives here any more, for ever (I2). With a pointer beside it the entry was
/// popped, and the popper reads from here what it won.
pub(super) const DEAD: usize = 2;
const SLOT_TAGS: usize = FROZEN | DEAD;

/// What a slot held when it was read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Word(pub(super) *mut ());

impl Word {
    pub(super) const REMOVED: Self = Self(std::ptr::without_provenance_mut(DEAD));

    #[inline]
    pub(super) fn frozen(self) -> bool {
        self.0.addr() & FROZEN != 0
    }

    #[inline]
    pub(super) fn dead(self) -> bool {
        self.0.addr() & DEAD != 0
    }

    /// The pointer without its tags.
    #[inline]
    pub(super) fn pointer<T>(self) -> *mut T {
        self.0.map_addr(|address| address & !SLOT_TAGS).cast()
    }

    pub(super) fn popped(self) -> Self {
        Self(self.0.map_addr(|address| address | DEAD))
    }
}

/// What becomes of a block, decided once by a compare-exchange on its `next` pointer's tag (I8).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fate {
    /// In use.
    Open = 0,
    /// To be replaced by one or two blocks of its own.
    Alone = 1,
    /// To be replaced together with its right neighbour, if that is still open.
    Absorb = 2,
    /// To be replaced together with its left neighbour.
    Absorbed = 3,
}

const FATE: usize = 3;

pub(super) fn fate<T>(next: *mut T) -> Fate {
    match next.addr() & FATE {
        0 => Fate::Open,
        1 => Fate::Alone,
        2 => Fate::Absorb,
        _ => Fate::Absorbed,
    }
}

pub(super) fn with_fate<T>(next: *mut T, fate: Fate) -> *mut T {
    next.map_addr(|address| (address & !FATE) | fate as usize)
}

#[inline]
pub(super) fn without_fate<T>(next: *mut T) -> *mut T {
    next.map_addr(|address| address & !FATE)
}

/// A tag of `forward`: not a replacement, but the left neighbour that means to absorb this block.
pub(super) const ABSORBER: usize = 1;
/// A tag of `forward`: the replacement is agreed, but the left neighbour does not lead to it yet.
pub(super) const PENDING: usize = 2;
/// A tag of `forward`: not a replacement, but the descriptor of a batch that this leaf is of (I17).
pub(super) const BATCH: usize = 4;
pub(super) const FORWARD_TAGS: usize = ABSORBER | PENDING | BATCH;

/// The state word of a block. It never holds the same value twice: the count and the version only
/// grow, until it freezes (I4).
///
/// | bits | meaning |
/// |---|---|
/// | 0-7 | how many slots are published |
/// | 8 | frozen: no slot will be published any more |
/// | 9 | a pop has claimed the slot in bits 16-23 |
/// | 16-23 | the claimed slot |
/// | 24-63 | version: claims settled so far |
/// | 10-63 | of a frozen block: the generation of what replaces it |
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct State(pub(super) u64);

impl State {
    const FROZEN: u64 = 1 << 8;
    const CLAIMED: u64 = 1 << 9;
    const SLOT: u32 = 16;
    const VERSION: u64 = 1 << 24;
    const GENERATION: u32 = 10;

    pub(super) fn with_count(count: usize) -> Self {
        debug_assert!(count <= 0xff);
        Self(count as u64)
    }

    #[inline]
    pub(super) fn count(self) -> usize {
        (self.0 & 0xff) as usize
    }

    #[inline]
    pub(super) fn frozen(self) -> bool {
        self.0 & Self::FROZEN != 0
    }

    #[inline]
    pub(super) fn claimed(self) -> Option<usize> {
        (self.0 & Self::CLAIMED != 0).then_some(((self.0 >> Self::SLOT) & 0xff) as usize)
    }

    /// One more slot is published.
    pub(super) fn published(self) -> Self {
        Self(self.0 + 1)
    }

    /// The last state of a block. A snapshot a nanosecond would take half a year to wear the generations out.
    pub(super) fn freeze(self, generation: u64) -> Self {
        debug_assert!(self.claimed().is_none(), "a claim is settled first (I13)");
        let count = self.0 & ((1 << Self::GENERATION) - 1);
        Self(count | Self::FROZEN | (generation << Self::GENERATION))
    }

    /// The generation of what replaces this block, which is frozen.
    pub(super) fn next_generation(self) -> u64 {
        debug_assert!(self.frozen());
        self.0 >> Self::GENERATION
    }

    pub(super) fn claim(self, slot: usize) -> Self {
        debug_assert!(self.claimed().is_none());
        Self(self.0 | Self::CLAIMED | ((slot as u64) << Self::SLOT))
    }

    /// The claim is settled; the version moves on, wrapping after 2^40 claims on one block.
    pub(super) fn settled(self) -> Self {
        let slot = 0xff << Self::SLOT;
        Self((self.0 & !(Self::CLAIMED | slot)).wrapping_add(Self::VERSION))
    }
}

#[cfg(test)]
mod tests {
    use super::{DEAD, FROZEN, Fate, State, Word, fate, with_fate, without_fate};

    #[test]
    fn a_state_keeps_its_parts_apart() {
        let state = State::with_count(27);
        let claimed = state.claim(26);
        assert_eq!((claimed.count(), claimed.claimed(), claimed.frozen()), (27, Some(26), false));
        let settled = claimed.settled();
        assert_eq!((settled.count(), settled.claimed()), (27, None));
        assert_ne!(settled, state, "a settled claim leaves a trace");
        let frozen = settled.published().freeze(1 << 53);
        assert_eq!((frozen.count(), frozen.frozen(), frozen.claimed()), (28, true, None));
        assert_eq!(frozen.next_generation(), 1 << 53);
    }

    #[test]
    fn tags_come_off_a_pointer_again() {
        let mut value = 7_u64;
        let pointer = std::ptr::from_mut(&mut value);
        for each in [Fate::Open, Fate::Alone, Fate::Absorb, Fate::Absorbed] {
            let tagged = with_fate(pointer, each);
            assert_eq!((fate(tagged), without_fate(tagged)), (each, pointer));
        }
        let word = Word(pointer.cast::<()>().map_addr(|address| address | FROZEN));
        assert!(word.frozen() && !word.dead() && word.popped().dead());
        assert_eq!(word.popped().pointer::<u64>(), pointer);
        assert!(Word::REMOVED.dead() && Word::REMOVED.pointer::<u64>().is_null());
        assert_eq!(Word::REMOVED.0.addr(), DEAD);
    }
}
