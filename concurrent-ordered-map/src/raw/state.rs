//! The packed words of a block: its state, and the tags of its pointers.

/// A tag of a lane's slot: the lane is being replaced, this slot takes no more writes.
pub(super) const FROZEN: usize = 1;
/// A tag of a lane's slot: it leads nowhere any more, for ever (I2).
pub(super) const DEAD: usize = 2;
const SLOT_TAGS: usize = FROZEN | DEAD;

/// What a lane's slot held when it was read.
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

/// The state word of a lane. It never holds the same value twice: the count only grows, until it freezes (I4).
///
/// | bits | meaning |
/// |---|---|
/// | 0-7 | how many slots are published |
/// | 8 | frozen: no slot will be published any more |
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct LaneState(pub(super) u64);

impl LaneState {
    const FROZEN: u64 = 1 << 8;

    pub(super) fn with_count(count: usize) -> Self {
        debug_assert!(count <= 0xff);
        Self(count as u64)
    }

    #[inline]
    pub(super) fn count(self) -> usize {
        (self.0 & 0xff) as usize
    }

    /// The same, as searches want it.
    #[inline]
    pub(super) fn shown(self) -> u32 {
        (self.0 & 0xff) as u32
    }

    #[inline]
    pub(super) fn frozen(self) -> bool {
        self.0 & Self::FROZEN != 0
    }

    /// One more slot is published.
    pub(super) fn published(self) -> Self {
        Self(self.0 + 1)
    }

    /// The last state of a lane.
    pub(super) fn freeze(self) -> Self {
        Self(self.0 | Self::FROZEN)
    }
}

/// The state word of a leaf: which of its slots count. Every change of a leaf is a compare-exchange of this word,
/// which never holds the same value twice: bits are only set and the number of slots given out only grows, until
/// it freezes (I4).
///
/// | bits | of an open leaf | of a frozen one |
/// |---|---|---|
/// | 0-27 | published: what the slot holds will not change | live |
/// | 28-55 | dead: published, and removed or overwritten since | 28: all slots were given out |
/// | 56-60 | how many slots were given out to writers | 29-62: by how much the generation of what |
/// | 63 | 0 | replaces it exceeds its own; 63: 1 |
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct LeafState(pub(super) u64);

impl LeafState {
    /// The most slots that a leaf can have.
    pub(super) const SLOTS: usize = 28;
    const ALL: u64 = (1 << Self::SLOTS) - 1;
    const DEAD: usize = 28;
    const GIVEN: u32 = 56;
    const FULL: u64 = 1 << 28;
    const AHEAD: u32 = 29;
    const MOST_AHEAD: u64 = (1 << 34) - 1;
    const FROZEN: u64 = 1 << 63;

    /// The first so many slots are live.
    pub(super) fn born(count: usize) -> Self {
        debug_assert!(count <= Self::SLOTS);
        Self(((1 << count) - 1) | ((count as u64) << Self::GIVEN))
    }

    #[inline]
    pub(super) fn frozen(self) -> bool {
        self.0 & Self::FROZEN != 0
    }

    /// The slots that hold an entry, as a set of bits.
    #[inline]
    pub(super) fn live(self) -> u32 {
        let dead = if self.frozen() { 0 } else { self.0 >> Self::DEAD };
        (self.0 & !dead & Self::ALL) as u32
    }

    #[inline]
    pub(super) fn is_live(self, index: usize) -> bool {
        self.live() >> index & 1 != 0
    }

    /// The slots that were published since the leaf was in this earlier state; both are open.
    pub(super) fn published_since(self, before: Self) -> u32 {
        (self.0 & !before.0 & Self::ALL) as u32
    }

    /// How many slots of an open leaf were given out.
    #[inline]
    pub(super) fn given(self) -> usize {
        debug_assert!(!self.frozen());
        (self.0 >> Self::GIVEN & 0x1f) as usize
    }

    /// The next slot is given out.
    pub(super) fn give(self) -> Self {
        Self(self.0 + (1 << Self::GIVEN))
    }

    /// A slot is published, and with the same step another one dies.
    pub(super) fn publish(self, index: usize, over: Option<usize>) -> Self {
        let published = Self(self.0 | 1 << index);
        over.map_or(published, |over| published.kill(over))
    }

    pub(super) fn kill(self, index: usize) -> Self {
        Self(self.0 | 1 << (Self::DEAD + index))
    }

    /// All slots are dead.
    pub(super) fn emptied(self) -> Self {
        let live = u64::from(self.live());
        Self(if self.frozen() { self.0 & !live } else { self.0 | live << Self::DEAD })
    }

    /// The last state of a leaf of so many slots. The generation of what replaces it exceeds its own by `ahead`,
    /// or by what can be told of that: a snapshot a nanosecond would take 17 seconds to wear the bits out, and
    /// then the replacement is of an earlier generation, and is replaced once more.
    pub(super) fn freeze(self, capacity: usize, ahead: u64) -> Self {
        let full = if self.given() == capacity { Self::FULL } else { 0 };
        let ahead = ahead.min(Self::MOST_AHEAD) << Self::AHEAD;
        Self(Self::FROZEN | ahead | full | u64::from(self.live()))
    }

    /// By how much the generation of what replaces this leaf, which is frozen, exceeds its own.
    pub(super) fn ahead(self) -> u64 {
        debug_assert!(self.frozen());
        self.0 >> Self::AHEAD & Self::MOST_AHEAD
    }

    /// True if all slots of this leaf, which is frozen, were given out.
    pub(super) fn was_full(self) -> bool {
        debug_assert!(self.frozen());
        self.0 & Self::FULL != 0
    }
}

/// The indices of the bits that are set, in ascending order.
pub(super) fn bits_of(mut set: u32) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let index = set.trailing_zeros();
        set &= set.wrapping_sub(1);
        (index < u32::BITS).then_some(index as usize)
    })
}

#[cfg(test)]
mod tests {
    use super::{
        DEAD, FROZEN, Fate, LaneState, LeafState, Word, bits_of, fate, with_fate, without_fate,
    };

    #[test]
    fn a_leafs_state_keeps_its_parts_apart() {
        let born = LeafState::born(27);
        assert_eq!((born.given(), born.live(), born.frozen()), (27, (1 << 27) - 1, false));
        let given = born.give();
        assert_eq!((given.given(), given.live()), (28, born.live()));
        let written = given.publish(27, Some(3));
        assert_eq!(written.live(), ((1 << 28) - 1) & !(1 << 3));
        assert_eq!(written.published_since(born), 1 << 27);
        assert!(!written.is_live(3) && written.is_live(27) && !written.kill(27).is_live(27));
        let frozen = written.freeze(28, 7);
        assert_eq!((frozen.live(), frozen.frozen()), (written.live(), true));
        assert_eq!((frozen.ahead(), frozen.was_full()), (7, true));
        let frozen = LeafState::born(2).freeze(28, u64::MAX);
        assert_eq!((frozen.live(), frozen.ahead(), frozen.was_full()), (3, (1 << 34) - 1, false));
    }

    #[test]
    fn a_lanes_state_keeps_its_parts_apart() {
        let frozen = LaneState::with_count(254).published().freeze();
        assert_eq!((frozen.count(), frozen.frozen()), (255, true));
    }

    #[test]
    fn the_bits_of_a_set_are_told_in_order() {
        assert_eq!(bits_of(0).count(), 0);
        assert_eq!(bits_of(1 | 1 << 5 | 1 << 31).collect::<Vec<_>>(), [0, 5, 31]);
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
        assert!(word.frozen() && !word.dead());
        assert_eq!(word.pointer::<u64>(), pointer);
        assert!(Word::REMOVED.dead() && Word::REMOVED.pointer::<u64>().is_null());
        assert_eq!(Word::REMOVED.0.addr(), DEAD);
    }
}
