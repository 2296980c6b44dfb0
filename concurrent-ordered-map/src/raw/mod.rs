//! The core: a skiplist whose nodes are blocks of slots.
//!
//! Level 0 is a list of *leaves*, whose slots hold entries; it alone is the truth. Each level above is
//! a list of *lanes*, whose slots lead to blocks of the level below; they are hints. A block's range
//! goes from its lower fence (its own, a key) to the lower fence of its right neighbour.
//!
//! ```text
//!  level 1   [ -inf: A | h: C ]            lanes: hint of a fence, pointer to a block
//!                |        |
//!  level 0   A [b a c] -> B [f e] -> C [h k i .]    leaves: a key's hint, and its entry
//! ```
//!
//! * A **read** goes down the lanes, right where a lane lags behind (B above is not in its lane yet),
//!   and scans one leaf (`descend.rs`, `pick.rs`, `leaf.rs`).
//! * A **write** has a slot given out to it, fills it, and publishes it by one compare-exchange of the leaf's
//!   state word, which also kills the slot that the key had. So a load of that word is a view of the whole leaf
//!   (`write.rs`, `leaf.rs`, `state.rs`).
//! * **Numbers** are in the slots themselves, key and value; everything else is in an entry of its own (`pair.rs`).
//! * A block that is full, or holds little, is **frozen** and replaced by one or two new ones, alone
//!   or together with its right neighbour (`replace.rs`, `join.rs`). Its `forward` pointer then leads to
//!   them.
//! * A **pop** kills its slot in the very state in which that is the first, so that nothing smaller slips in
//!   (`pop.rs`).
//! * **Strings** often begin alike, and are filed in a block after the prefix that they share (`hint.rs`,
//!   `content.rs`). Keys of types that are not known here are hinted by their place in the block (`label.rs`).
//! * A **snapshot** is a number. Leaves that are older than it are replaced before they are written, and
//!   kept in its archive (`snapshot.rs`, `archive.rs`, `view.rs`).
//! * A **batch** replaces several leaves at once: their `forward` leads to a descriptor first, and one word of
//!   that decides for all (`apply.rs`, `descriptor.rs`, `forward.rs`).
//!
//! Ideas from: Braginsky and Petrank, "Locality-conscious lock-free linked lists" (2011), for freezing
//! and replacing chunks; Harris, "A pragmatic implementation of non-blocking linked-lists" (2001), for
//! deciding in the `next` pointer; Harris, Fraser and Pratt, "A practical multi-word compare-and-swap operation"
//! (2002), for descriptors; the B-skiplist (arXiv 2507.21492) for blocks at every level; Fraser,
//! "Practical lock-freedom" (2004), for epochs.
//!
//! # Invariants
//!
//! Comments name them by number.
//!
//! * **I1** A slot's key never changes. A leaf's slot is written by the one to whom it was given out, before it
//!   is published, and not after that. A lane's slots are reserved in order; a slot's hint is written between its
//!   reservation and its publication, and is the same whoever writes it; of labels, which may differ, the first
//!   one that is written stays. The hints of slots that are live at one moment are in the order of their keys:
//!   whoever makes a label compares with all that are live before it, which in a leaf are all that are live when
//!   it is published. A live slot of a lane, other than the first, has the lower fence of each child that it ever
//!   leads to.
//! * **I2** A dead slot stays dead. Of the live slots of a leaf no two have one key.
//! * **I3** A thread that is pinned may read any block or entry that was reachable since it pinned.
//!   What is read from a leaf's slot that is live in some state, or from a lane's slot, was reachable, if the
//!   block had no `forward` at some moment before that while the thread was pinned: the block owned it then, or
//!   got it later. Every descent has such a moment, `RawMap::advance`, and needs no second look: what a frozen
//!   block holds was the truth at that moment or later.
//! * **I4** A block's state word never holds the same value twice. All that changes a leaf changes its state.
//! * **I5** A live entry is owned by one slot of one block that is not replaced. Who kills
//!   that slot (overwrite, removal, pop; for a batch, who decides it) retires it. A replacement takes over all
//!   content of the blocks it replaces at the moment `forward` is set, and a replaced block owns none.
//! * **I6** An entry is freed by its last owner. Its holders are its slot, until a grace period after it
//!   left it, and every archived leaf that has it; every block and archived leaf whose fence it is owns the
//!   key alone. Its value is dropped with its last holder, its key with the memory. What is inline, and a fence
//!   whose key is exact, is copied and owned by nobody.
//! * **I7** A key is viewed as a type of known order, and a value as a plain number, only if the type ids are
//!   equal.
//! * **I8** A block's fate is decided once, by the tag of its `next` pointer, before it freezes; from
//!   then on `next` is constant, until the block is replaced. A block that is to be absorbed has one
//!   possible absorber, its left neighbour, whose own fate names it.
//! * **I9** A block's lower fence never changes, and a replacement's first block has the same one. Its
//!   upper fence only moves up while it is not replaced.
//! * **I10** Every pointer of the structure to a block (root, `next`, `forward`, a lane's slot) is a
//!   link, counted by the block, and the block is retired when it has none. A pointer is swung only
//!   after its new target has been linked. A thread links only what has links left. A replaced block
//!   lets go of its `next`, so that a stale pointer keeps one line of descent, not all of history; and
//!   of its `forward` when it is retired, since whoever still reads it is pinned.
//! * **I11** Following `forward` and then `next` from any block whose lower fence does not exceed a
//!   key arrives at the leaf of that key. A pointer may be swung past a replaced block only when
//!   everything that the replacement replaces leads to it (its `forward` is not pending).
//! * **I12** Of a block and the neighbour it absorbs, the neighbour's `forward` is set first, then the
//!   absorber's, to the same block. Until a block's `forward` is set, its own slots are the truth of
//!   its own range. So who comes to the replacement through the neighbour sees to the absorber's `forward`
//!   before it goes on: what it changes there may be in the absorber's range.
//! * **I13** A slot that was given out and is not published when its leaf freezes is never published: its writer
//!   has its key and value back.
//! * **I14** A lane's first slot leads to the block that holds the lane's fence, or further left; its other
//!   slots lead to blocks that start in its range. A lane without a block that starts in its range joins
//!   its left neighbour. So whoever replaces a block passes by every slot that leads to it.
//! * **I15** A leaf's generation never changes and exceeds the numbers of the snapshots that were taken
//!   before its content was fixed: the generation of a replacement is decided by the freezing of what it
//!   replaces, and is no less. Before a replacement can be found, what it replaces is in the archive of every
//!   snapshot alive whose number is not below the one's generation, and is below the other's. A call that
//!   begins after a snapshot was taken writes to no leaf whose generation does not exceed its number, and
//!   until the snapshot is settled reads none.
//! * **I16** For each snapshot alive, the leaves whose generation does not exceed its number and the leaves in
//!   its archive divide the keys between them, and hold what the snapshot shows. Once the snapshot is settled
//!   nothing is written to the former, but that they freeze.
//! * **I17** A leaf whose `forward` leads to a descriptor is frozen, its fate is to be replaced alone, and it has
//!   a link to the descriptor, which is retired when it has none. The leaves of a batch are enlisted in
//!   ascending order and stay so until the batch is decided, so that all who see them all see the same ones. It
//!   is decided once, by one plan, which has a replacement for each; at that moment all of them are replaced,
//!   as far as all other invariants go, and not before. A leaf that is not in the plan of a decided batch
//!   was enlisted too late: it has no `forward`. The keys of a batch are read by who has seen, since it
//!   pinned, that the batch was not decided.
//!
//! # Linearization points
//!
//! | call | where |
//! |---|---|
//! | insertion, overwrite | the exchange of the state that publishes the slot |
//! | removal, pop | the exchange of the state that kills the slot |
//! | hit, miss, nearest in one leaf | the load of the leaf's state; of a frozen one, the later of its freezing and the look at `forward` |
//! | nearest, across leaves | the load of the last leaf's state; if there is none, between the two looks |
//! | pop of an empty map | between two equal states |
//! | batch | the exchange that decides it, by whomever |
//! | snapshot | the exchange of the list of those alive; see `snapshot.rs` |
//!
//! # Ordering pairs
//!
//! No step needs sequential consistency; the epoch has its own fences.
//!
//! | pair | release | acquire | what becomes visible |
//! |---|---|---|---|
//! | **O1** | `Block::change_state` (publish, kill, freeze) | `Block::state_word`, its own failures | the published slots, and what they lead to |
//! | **O2** | `Slot::exchange` | `Slot::load`, its own failures | the child's content |
//! | **O3** | `Block::exchange_word`, `settle_forward`; `freeze_lane` (tags) | `Block::forward_word`; `Slot::load` | the replacement's or descriptor's content; after a frozen tag the decision, after a pending tag is gone the absorber's `forward` |
//! | **O4** | `Block::exchange_next` | `Block::next_word` | the neighbour's content; the fate, and of an absorbed block the absorber |
//! | **O5** | `RawMap::swing_root` | `RawMap::root` | the root's content |
//! | **O6** | `Entry::release`, `release_key`, `disown_key`, `disown_value` | the same | all that other owners did with key and value |
//! | **O7** | `Block::drop_link` | the same; a `try_link` that fails | all that other threads wrote to the block; what took the place of its last link |
//! | **O8** | `RawMap::replace_live` | `RawMap::live` | the list of snapshots, and they |
//! | **O9** | `archive::link` | `Archive::place` | the archived leaf |
//! | **O10** | `Flag::change`, by a grace period's end | `Grace::is_over` | all that was done by those who were pinned at its beginning |
//! | **O11** | `Descriptor::decide` | `Descriptor::plan` | the plan's blocks, and that all of its leaves are enlisted |
//!
//! # What a call touches
//!
//! Shared cache lines written and atomic read-modify-writes, on the common path, without the pin:
//!
//! | call | lines | read-modify-writes |
//! |---|---|---|
//! | get, miss, first, last, iteration | 0 | 0 |
//! | insertion of a new key | its leaf's header and slot, the thread's counter | 3 |
//! | overwrite | its leaf's header and slot | 2 |
//! | removal, pop | its leaf's header, the thread's counter | 2 |
//! | batch | for each leaf its header and slots, and those that lead to it; the descriptor | some 20, and one a slot |
//!
//! Held by `calls_write_as_few_lines_as_they_say` in `tests.rs`, which counts. A leaf is replaced when its slots
//! have been given out, that is once in some seven to fourteen insertions and overwrites, at some 20 more, on lines
//! of its own neighbourhood. While no snapshot is alive, every call loads one pointer from the line that the root is in,
//! which only snapshots and new roots write. The first write to a leaf after a snapshot replaces the leaf,
//! and adds a holder to each of its entries.
mod apply;
mod archive;
mod block;
mod content;
mod descend;
mod descriptor;
mod drop;
mod entry;
mod fence;
mod forward;
mod hint;
mod join;
mod label;
mod lane;
mod leaf;
mod link;
mod order;
mod pair;
mod pick;
mod pop;
mod prefetch;
mod publish;
mod replace;
mod run;
mod scout;
mod seek;
mod slot;
mod snapshot;
mod state;
#[cfg(all(test, not(any(com_loom, com_shuttle))))]
mod tests;
mod view;
mod walk;
mod write;

use std::ptr::null_mut;

use block::{Birth, BlockRef};
use fence::Fence;
pub(crate) use pair::Item;
pub(crate) use view::{Ascent, Descent, View};
pub(crate) use walk::{Backward, Forward, Walk};
pub(crate) use write::{Change, Changed};

use state::LeafState;

use crate::sync::{AtomicIsize, AtomicPtr, Ordering, STRIPES, stripe};

/// Which end of the map.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum End {
    First,
    Last,
}

/// How many slots blocks have. Fewer make splits, freezes and absorptions frequent, for tests.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Shape {
    pub(crate) leaf: u8,
    pub(crate) lane: u8,
}

impl Shape {
    /// A leaf of half a KiB, a lane of one.
    pub(crate) const DEFAULT: Self = Self { leaf: 28, lane: 60 };

    /// The most slots that a block of this level has.
    fn slots(self, level: u8) -> usize {
        usize::from(if level == 0 { self.leaf } else { self.lane })
    }

    /// The slots that a new block leaves to what arrives later. Few in a lane: they are searched one by
    /// one by all that pass, and a lane is seldom written.
    fn spare(self, level: u8) -> usize {
        if level == 0 { self.slots(0).div_ceil(4) } else { (self.slots(level) / 7).max(1) }
    }

    /// The slots of a new block with so much in it.
    fn capacity(self, level: u8, content: usize) -> usize {
        if level == 0 {
            return self.slots(0);
        }
        self.slots(level).min(content + self.spare(level))
    }
}

/// A counter on its own pair of cache lines (processors fetch lines in pairs).
#[repr(align(128))]
struct Stripe(AtomicIsize);

/// The map without its public face. See the module's documentation for how it works.
pub(crate) struct RawMap<K, V> {
    /// The first block of the top level, or one that it has replaced.
    root: AtomicPtr<block::Block<K, V>>,
    /// The snapshots alive, tagged if there are any; null before the first one.
    live: AtomicPtr<snapshot::Live<K, V>>,
    shape: Shape,
    /// The entries counted by the threads that inserted and removed them.
    stripes: Box<[Stripe]>,
}

impl<K, V> RawMap<K, V> {
    pub(crate) fn new(shape: Shape) -> Self {
        assert!(shape.leaf >= 2, "a leaf must have room for a split");
        assert!(shape.slots(0) <= LeafState::SLOTS, "a leaf's state has no bits for more slots");
        assert!(shape.lane >= 4, "the levels must get shorter upwards");
        let birth = Birth::<K, V> {
            level: 0,
            generation: 0,
            capacity: shape.capacity(0, 0),
            low: Fence::none(),
            next: null_mut(),
            high_hint: u64::MAX,
            prefix: &[],
            content: &[],
        };
        // SAFETY: it has no fence.
        let leaf = unsafe { BlockRef::allocate(&birth) };
        Self {
            root: AtomicPtr::new(leaf.as_ptr()),
            live: AtomicPtr::new(null_mut()),
            shape,
            stripes: (0..STRIPES).map(|_| Stripe(AtomicIsize::new(0))).collect(),
        }
    }

    /// The entries, exact while nobody writes.
    pub(crate) fn len(&self) -> usize {
        // Ordering: Relaxed; a statistic while others write, and when nobody does, whoever knows that
        // knows it by a synchronization that ordered the counts too.
        let sum: isize = self.stripes.iter().map(|each| each.0.load(Ordering::Relaxed)).sum();
        // A removal may be counted before the insertion it follows.
        usize::try_from(sum).unwrap_or(0)
    }

    fn count(&self, change: isize) {
        // Ordering: Relaxed, as for `len`.
        self.stripes[stripe()].0.fetch_add(change, Ordering::Relaxed);
    }
}

// SAFETY: the map owns its keys and values and hands shared references of them to the threads that
// share it; garbage is dropped by any thread, which `Send` allows. Raw pointers are all its own.
unsafe impl<K: Send, V: Send> Send for RawMap<K, V> {}
// SAFETY: as above; `&RawMap` gives `&K` and `&V` (Sync) and moves keys and values in and to the
// thread that drops them (Send).
unsafe impl<K: Send + Sync, V: Send + Sync> Sync for RawMap<K, V> {}
