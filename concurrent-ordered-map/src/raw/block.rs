//! A block: a header and a row of slots, the node of the skiplist at every level.
//!
//! At level 0 (a leaf) a slot holds an entry, above (a lane) a block of the level below. A block is
//! born with sorted slots; later ones are appended behind them in the order of their arrival. How leaves change
//! is in `leaf.rs`, how lanes do in `publish.rs`. Behind the slots is the prefix that the hints of strings leave
//! out (`hint.rs`), or, in a lane of keys without hints, the fences of the children (`label.rs`).

use std::alloc::Layout;
use std::marker::PhantomData;
use std::ops::Deref;
use std::ptr::{NonNull, null_mut};

use super::fence::Fence;
use super::hint::{has_labels, is_text};
use super::label;
use super::pair::Pair;
use super::prefetch::prefetch;
use super::slot::Slot;
use super::state::{FROZEN, Fate, LaneState, LeafState, Word, fate, with_fate, without_fate};
use crate::reclaim::{self, Guard};
use crate::sync::{AtomicPtr, AtomicU32, AtomicU64, Ordering, Witness};

/// The header of a block; its slots follow it in the same allocation.
///
/// Aligned for the slots, and not for cache lines: that is what allocators are made for. glibc's splits larger pieces
/// for what is aligned to a line, which takes longer, and more memory. The pages that this saves are worth more than the
/// line that a leaf has more, which is asked for with the others.
#[repr(C, align(16))]
pub(super) struct Block<K, V> {
    /// A [`LeafState`] or a [`LaneState`].
    state: AtomicU64,
    /// The right neighbour, tagged with this block's [`Fate`].
    next: AtomicPtr<Block<K, V>>,
    /// The block that replaces this one, or tagged: see `state.rs`.
    pub(super) forward: AtomicPtr<Block<K, V>>,
    /// The hint of the upper fence at birth after the prefix, `u64::MAX` where there was none. The fence only
    /// ever moves up, so a smaller hint is surely inside (I9). Where hints are labels, the fence's address.
    high_hint: u64,
    /// How many pointers of the structure lead here (I10).
    pub(super) links: AtomicU32,
    level: u8,
    capacity: u8,
    /// How many leading slots are sorted.
    sorted: u8,
    /// The length of the prefix.
    prefix: u8,
    /// Snapshots of lesser numbers were taken before this block was made (I15).
    generation: u64,
    /// The lower fence; none in the first block of a level. Owned (I6).
    low: Fence<K, V>,
    pub(super) witness: Witness,
    slots: [Slot; 0],
}

// The slots of lanes hold blocks, whose tags need their alignment.
const _: () = assert!(align_of::<Block<(), ()>>() > FROZEN + super::state::DEAD);
// A slot lies within one cache line, so that a hit needs no second one.
#[cfg(all(target_pointer_width = "64", not(any(com_loom, com_shuttle))))]
const _: () =
    assert!(size_of::<Slot>() == 16 && std::mem::offset_of!(Block<(), ()>, slots) % 16 == 0);

impl<K, V> Block<K, V> {
    pub(super) fn layout(level: u8, capacity: usize, prefix: usize) -> Layout {
        let slots = Layout::array::<Slot>(capacity).expect("at most 255 slots");
        let fences = if label::has_fences::<K>(level) { capacity } else { 0 };
        let fences = Layout::array::<label::Place<K, V>>(fences).expect("at most 255 slots");
        let prefix = Layout::array::<u8>(prefix).expect("at most 255 bytes");
        Layout::new::<Self>()
            .extend(slots)
            .and_then(|(layout, _)| layout.extend(fences))
            .and_then(|(layout, _)| layout.extend(prefix))
            .map_or_else(|_| unreachable!("a block is small"), |(layout, _)| layout)
    }
}

/// What a block is born with.
pub(super) struct Birth<'a, K, V> {
    pub(super) level: u8,
    pub(super) generation: u64,
    pub(super) capacity: usize,
    /// The lower fence, for which the block becomes an owner; none for the first of a level.
    pub(super) low: Fence<K, V>,
    /// The right neighbour, a link to which is handed over with it.
    pub(super) next: *mut Block<K, V>,
    /// The hint of the upper fence, after the prefix; `u64::MAX` where there is none.
    pub(super) high_hint: u64,
    /// What the hints leave out; only of strings.
    pub(super) prefix: &'a [u8],
    /// In key order. Labels are made anew.
    pub(super) content: &'a [Pair],
}

/// A block that stays allocated for `'g`, because the thread is pinned (I3).
pub(super) struct BlockRef<'g, K, V> {
    block: NonNull<Block<K, V>>,
    guard: PhantomData<&'g Block<K, V>>,
}

impl<K, V> Clone for BlockRef<'_, K, V> {
    #[inline]
    fn clone(&self) -> Self {
        *self
    }
}

impl<K, V> Copy for BlockRef<'_, K, V> {}

impl<K, V> PartialEq for BlockRef<'_, K, V> {
    fn eq(&self, other: &Self) -> bool {
        self.block == other.block
    }
}

impl<K, V> Deref for BlockRef<'_, K, V> {
    type Target = Block<K, V>;

    #[inline]
    fn deref(&self) -> &Block<K, V> {
        reclaim::check_alive(self.block.as_ptr());
        // SAFETY: I3, the block is allocated for 'g, and its header is only shared.
        let block = unsafe { self.block.as_ref() };
        block.witness.read();
        block
    }
}

impl<'g, K, V> BlockRef<'g, K, V> {
    /// # Safety
    /// A non-null `block` was reachable at some moment since the caller pinned for `'g` (I3).
    #[inline]
    pub(super) unsafe fn new(block: *mut Block<K, V>) -> Option<Self> {
        let block = NonNull::new(block)?;
        Some(Self { block, guard: PhantomData })
    }

    /// Allocates a block with one link, the caller's.
    ///
    /// # Safety
    /// `birth.low` has an owner during this call.
    pub(super) unsafe fn allocate(birth: &Birth<'_, K, V>) -> Self {
        let capacity = birth.capacity;
        let count = birth.content.len();
        debug_assert!(0 < capacity && count <= capacity);
        // SAFETY: the caller's word.
        unsafe { birth.low.share() };
        let memory =
            reclaim::allocate(Block::<K, V>::layout(birth.level, capacity, birth.prefix.len()))
                .cast::<Block<K, V>>();
        let header = Block {
            state: AtomicU64::new(match birth.level {
                0 => LeafState::born(count).0,
                _ => LaneState::with_count(count).0,
            }),
            next: AtomicPtr::new(birth.next),
            forward: AtomicPtr::new(null_mut()),
            high_hint: birth.high_hint,
            low: birth.low,
            generation: birth.generation,
            links: AtomicU32::new(1),
            level: birth.level,
            capacity: u8::try_from(capacity).expect("at most 255 slots"),
            sorted: u8::try_from(count).expect("at most 255 slots"),
            prefix: u8::try_from(birth.prefix.len()).expect("at most 255 bytes"),
            witness: Witness::written(),
            slots: [],
        };
        // SAFETY: fresh memory of this layout.
        unsafe { memory.write(header) };
        let block = Self {
            // SAFETY: `allocate` does not return null.
            block: unsafe { NonNull::new_unchecked(memory) },
            guard: PhantomData,
        };
        let place = |index| block.first_slot().wrapping_add(index);
        for (index, &pair) in birth.content.iter().enumerate() {
            let label = || pair.under::<K>(label::at_birth(index, count));
            let slot = Slot::new(if has_labels::<K>() { label() } else { pair });
            // SAFETY: the layout has room for `capacity` slots behind the header.
            unsafe { place(index).write(slot) };
        }
        for index in count..capacity {
            // SAFETY: as above.
            unsafe { place(index).write(Slot::new(Pair::EMPTY)) };
        }
        if label::has_fences::<K>(birth.level) {
            // SAFETY: the layout has room for the fences behind the slots, and the caller has links to what is
            // in these.
            unsafe { block.write_fences(birth.content) };
        } else {
            let place = block.end_of_slots().cast::<u8>();
            // SAFETY: the layout has room for the prefix behind the slots.
            unsafe { birth.prefix.as_ptr().copy_to_nonoverlapping(place, birth.prefix.len()) };
        }
        block
    }

    /// What the hints of this block's slots leave out.
    #[inline]
    pub(super) fn prefix(self) -> &'g [u8] {
        if !is_text::<K>() {
            return &[];
        }
        let place = self.end_of_slots().cast::<u8>();
        // SAFETY: so many bytes follow the slots and are initialized at birth; I3.
        unsafe { std::slice::from_raw_parts(place, self.prefix_len()) }
    }

    #[inline]
    pub(super) fn prefix_len(self) -> usize {
        usize::from(self.prefix)
    }

    #[inline]
    fn first_slot(self) -> *mut Slot {
        let header = self.block.as_ptr();
        // SAFETY: only an address inside the allocation is made.
        unsafe { (&raw mut (*header).slots).cast::<Slot>() }
    }

    /// Where the prefix is, or the fences.
    #[inline]
    pub(super) fn end_of_slots(self) -> *mut Slot {
        self.first_slot().wrapping_add(self.capacity())
    }

    #[inline]
    pub(super) fn slots(self) -> &'g [Slot] {
        let count = usize::from(self.capacity);
        // SAFETY: `capacity` slots follow the header and are initialized at birth; I3.
        unsafe { std::slice::from_raw_parts(self.first_slot(), count) }
    }

    /// Asks for a block's header.
    pub(super) fn prefetch_header(self) {
        // It may begin within a line.
        prefetch(self.as_ptr());
        prefetch(self.as_ptr().wrapping_add(1).wrapping_byte_sub(1));
    }

    /// Asks for all of a leaf, before anything of it is read. What small leaves do not have is asked for in vain.
    #[inline]
    pub(super) fn prefetch(self) {
        const LINE: usize = 64;
        const SIZE: usize = size_of::<Block<(), ()>>() + LeafState::SLOTS * size_of::<Slot>();
        // One more than it fills, as it may begin within a line; a prefix is seldom longer than what is left.
        for line in 0..SIZE.div_ceil(LINE) + 1 {
            prefetch(self.as_ptr().wrapping_byte_add(line * LINE));
        }
    }

    #[inline]
    pub(super) fn as_ptr(self) -> *mut Block<K, V> {
        self.block.as_ptr()
    }

    /// The block that a slot of this lane led to, unless it was dead. The lane was not replaced when
    /// the caller looked.
    #[inline]
    pub(super) fn child_of(self, word: Word) -> Option<Self> {
        debug_assert!(self.level > 0, "a leaf's slots hold entries");
        // SAFETY: I3, the lane owned a link to the child since it was looked at, or got it later.
        unsafe { Self::new(word.pointer()) }
    }

    /// As `child_of`, of a slot.
    #[inline]
    pub(super) fn child_at(self, index: usize) -> Option<Self> {
        self.child_of(self.slots()[index].load())
    }

    /// The pointer as a slot holds it.
    pub(super) fn as_word(self) -> Word {
        Word(self.as_ptr().cast())
    }

    #[inline]
    pub(super) fn level(self) -> u8 {
        self.level
    }

    #[inline]
    pub(super) fn capacity(self) -> usize {
        usize::from(self.capacity)
    }

    #[inline]
    pub(super) fn sorted(self) -> usize {
        usize::from(self.sorted)
    }

    #[inline]
    pub(super) fn high_hint(self) -> u64 {
        self.high_hint
    }

    #[inline]
    pub(super) fn generation(self) -> u64 {
        self.generation
    }

    /// The lower fence, owned by this block.
    #[inline]
    pub(super) fn low(self) -> &'g Fence<K, V> {
        let block: &Block<K, V> = &self;
        // SAFETY: I3, the block is allocated for 'g; its fence never changes (I9).
        unsafe { &*std::ptr::from_ref(&block.low) }
    }

    /// True for the first block of a level, which has no lower fence.
    #[inline]
    pub(super) fn is_first(self) -> bool {
        self.low().is_none()
    }

    #[inline]
    pub(super) fn low_hint(self) -> u64 {
        self.low().hint()
    }

    /// The key of the lower fence.
    #[inline]
    pub(super) fn low_key(self) -> Option<&'g K> {
        // SAFETY: I6, this block is an owner of its fence.
        unsafe { self.low().key() }
    }

    /// What state a leaf or a lane is in.
    #[inline]
    pub(super) fn state_word(self) -> u64 {
        // Ordering: Acquire (O1), with `change_state`: the published slots are visible.
        self.state.load(Ordering::Acquire)
    }

    pub(super) fn change_state(self, seen: u64, new: u64) -> Result<(), u64> {
        // Ordering: Release (O1) publishes what was written to a slot; Acquire on both outcomes, as for
        // `state_word`.
        self.state.compare_exchange(seen, new, Ordering::AcqRel, Ordering::Acquire).map(drop)
    }

    /// The right neighbour's pointer with this block's fate.
    #[inline]
    pub(super) fn next_word(self) -> *mut Block<K, V> {
        // Ordering: Acquire (O4), with `exchange_next`: the neighbour's content is visible.
        self.next.load(Ordering::Acquire)
    }

    #[inline]
    pub(super) fn next(self) -> Option<Self> {
        // SAFETY: I10, the block had its link to the neighbour when the word was read, while pinned.
        unsafe { Self::new(without_fate(self.next_word())) }
    }

    /// Lets go of the right neighbour of a block that has been replaced.
    ///
    /// Otherwise a stale pointer to this block would keep the neighbour, and with it all that ever
    /// replaced the neighbour. Who reads `next` finds nothing, and then finds `forward`.
    pub(super) fn sever_next(self, guard: &Guard) {
        let word = self.next_word();
        let severed = with_fate(null_mut(), fate(word));
        if let Some(next) = self.next().filter(|_| self.exchange_next(word, severed)) {
            next.unlink(guard);
        }
    }

    pub(super) fn exchange_next(self, seen: *mut Block<K, V>, new: *mut Block<K, V>) -> bool {
        // Ordering: Release (O4) publishes a new neighbour; Acquire because a fate decided here
        // comes before everything that follows from it.
        self.next.compare_exchange(seen, new, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// Decides the block's fate, unless it is decided; answers what it is.
    pub(super) fn decide(self, wanted: Fate) -> Fate {
        loop {
            let next = self.next_word();
            match fate(next) {
                Fate::Open if self.exchange_next(next, with_fate(next, wanted)) => return wanted,
                Fate::Open => {}
                decided => return decided,
            }
        }
    }

    /// How many slots hold something.
    pub(super) fn live(self) -> usize {
        if self.level == 0 {
            return self.leaf_state().live().count_ones() as usize;
        }
        let published = &self.slots()[..self.lane_state().count()];
        published.iter().filter(|slot| !slot.load().dead()).count()
    }
}
