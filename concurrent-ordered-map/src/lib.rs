//! A lock-free map whose keys stay in order, for any number of threads at the same time.
//!
//! ```
//! use concurrent_ordered_map::ConcurrentOrderedMap;
//!
//! let stock = ConcurrentOrderedMap::new();
//! std::thread::scope(|scope| {
//!     for _ in 0..2 {
//!         scope.spawn(|| {
//!             // A session pins the thread once. What it answers are references.
//!             let session = stock.pin();
//!             for crate_number in 0..100 {
//!                 let fruit = ["apple", "pear", "quince"][crate_number % 3];
//!                 session.upsert(fruit, 1, |count| count + 1);
//!             }
//!         });
//!     }
//! });
//!
//! let session = stock.pin();
//! assert_eq!(session.get("pear"), Some(&66));
//! assert_eq!(session.keys().collect::<Vec<_>>(), [&"apple", &"pear", &"quince"]);
//! assert_eq!(session.range("b"..).next(), Some((&"pear", &66)));
//!
//! // The same calls on the map itself answer owned copies, and hold nothing.
//! assert_eq!(stock.remove("apple"), Some(68));
//! ```
//!
//! # The parts
//!
//! * [`ConcurrentOrderedMap`] is the map. Its own calls pin the thread for one call and answer owned
//!   copies, for which they need `Clone`. They are as simple as the calls of a map under a lock, and can
//!   be used across an `.await`.
//! * [`Pinned`], from [`ConcurrentOrderedMap::pin`], is a session. It pins once, answers references that
//!   live as long as it is borrowed, needs no `Clone`, and has the whole API. It is the fast way.
//! * [`OwnedIter`] iterates without a session: it can be sent to another thread, held across an `.await`
//!   and kept, and does not hold back reclamation.
//! * [`Snapshot`], from [`ConcurrentOrderedMap::snapshot`] or [`Snapshot::of`], is the map as it was at one
//!   moment. It answers references, pins nothing, and can be sent, shared and kept.
//! * [`Batch`] is a list of insertions and removals, which [`ConcurrentOrderedMap::apply`] or [`Pinned::apply`]
//!   makes at one moment.
//! * [`ConcurrentOrderedSet`] is the same without values; [`SetSnapshot`] is its snapshot.
//! * [`InsertionOrderedMap`] lists its entries in the order in which their keys were first inserted.
//!
//! # What it promises
//!
//! **Every call on a single key is linearizable**: it takes effect at one moment between its beginning and
//! its end. That holds for reads, writes and removals, for [`update`](Pinned::update),
//! [`upsert`](Pinned::upsert), [`compute`](Pinned::compute) and
//! [`compare_exchange`](Pinned::compare_exchange), and also for the calls that go by order:
//! [`first`](Pinned::first), [`last`](Pinned::last), [`lower_bound`](Pinned::lower_bound),
//! [`upper_bound`](Pinned::upper_bound), [`pop_first`](Pinned::pop_first) and
//! [`pop_last`](Pinned::pop_last). So overwriting is atomic, and a key that is always present is never
//! seen absent; and a removal is won by exactly one caller.
//!
//! **An iterator** ascends strictly (or descends, from the back), yields no key twice, and yields every key
//! that is present throughout the iteration. Only a snapshot's is of one moment. That of a session or of the
//! map is not: keys that come or go meanwhile may be yielded or not, and two entries that it yields need never
//! have been in the map together. The calls on many keys ([`clear`](Pinned::clear),
//! [`retain`](Pinned::retain), [`remove_range`](Pinned::remove_range), [`extend`](Pinned::extend)) are made
//! of linearizable steps on one key each.
//!
//! **A [`Snapshot`]** is linearizable: all its answers show the map as it was at one moment of the call that
//! took it, whatever others write meanwhile. Keys that belong together are read by a snapshot.
//!
//! ```
//! use concurrent_ordered_map::ConcurrentOrderedMap;
//!
//! let stock = ConcurrentOrderedMap::from([("apple", 68), ("pear", 66)]);
//! let snapshot = stock.snapshot();
//! stock.set("pear", 0);
//! stock.set("quince", 1);
//! assert_eq!(snapshot.iter().collect::<Vec<_>>(), [(&"apple", &68), (&"pear", &66)]);
//! ```
//!
//! **A [`Batch`]** is applied at one moment, and linearizable: a snapshot shows all of it or nothing, and who has
//! seen one of its writes misses none of the others later.
//!
//! ```
//! use concurrent_ordered_map::{Batch, ConcurrentOrderedMap};
//!
//! let stock = ConcurrentOrderedMap::from([("apple", 68), ("pear", 66)]);
//! stock.apply(Batch::new().insert("pear", 65).insert("quince", 1).remove("apple"));
//! assert_eq!(stock.snapshot().values().sum::<i32>(), 66);
//! ```
//!
//! **[`len`](Pinned::len)** is exact whenever no call is under way.
//!
//! **Each key and value is dropped exactly once.** Dropping the map drops all that it still holds, at once.
//!
//! **A panic** in `Ord`, in a closure or in a `Drop` loses nothing else and leaves the map usable.
//!
//! # Reclamation
//!
//! What was removed or replaced may still be read by others, so it is freed later: when every thread that
//! was in a session at that time has left it (Fraser's epochs, by the default collector of
//! `crossbeam-epoch`). Threads that keep using any map free such garbage as they go, and its amount stays
//! bounded. Four things to know:
//!
//! * A session that lives long holds back the reclamation of everything, in all maps. End it, or call
//!   [`Pinned::repin`] now and then.
//! * A thread that becomes idle may keep up to 64 pieces of garbage to itself until it uses a map again or
//!   ends. [`ConcurrentOrderedMap::collect`] pushes garbage out.
//! * The key of a removed entry may serve on as a boundary inside the map, and is then dropped only when
//!   the entries around it have been rearranged, or with the map. Values are not kept in this way.
//! * A `Drop` may run whenever a session of any map begins or ends, on any thread that uses one, and every
//!   call on a map itself is a session. So make no such call while holding a lock that a `Drop` of a value
//!   takes. Within a session that began before the lock was taken, nothing is dropped.
//!
//! # What a call costs
//!
//! With *n* entries, and *k* of them visited:
//!
//! | call | time | shared cache lines written |
//! |---|---|---|
//! | `get`, `contains_key`, `first`, `last`, `lower_bound`, `upper_bound` | O(log *n*) | none |
//! | `insert` of a new key | O(log *n*) | two of its block, and one of eight counters |
//! | `insert` over an old one, `update` | O(log *n*) | two of its block |
//! | `remove` | O(log *n*) | one of its block, and one of eight counters |
//! | `pop_first`, `pop_last` | O(log *n*) | one of the outermost block, and one of eight counters |
//! | `len` | O(1) | none |
//! | `iter`, `range` | O(log *n*) to start, then O(1) a key, a block at a time | none |
//! | `clear`, `retain`, `remove_range` | O(*k* log *n*) | those of the removals |
//! | `apply` | O(*k* log *n*) for *k* keys in the batch, and a copy of each block that one of them lies in | those of these blocks and of the pointers to them |
//! | `snapshot`, and dropping one | O(*s*) for *s* snapshots alive | the one that all calls read |
//!
//! Starting a session writes one cache line of the thread's own and costs about as much as an uncontended
//! lock that nobody shares. An insertion allocates one entry of key and value. Every insertion and overwrite takes one
//! of the 28 slots of a block, and when they are used up, which is once in some seven to fourteen writes, the block
//! is replaced by one or two new ones.
//!
//! Where both key and value are numbers, the blocks hold them and nothing is allocated for an entry: for keys of the
//! types `u8` to `u64`, `i8` to `i64`, `usize`, `isize`, `char` and `bool`, and values of these, of `f32`, `f64` and
//! `()`. An entry of two `u64` takes 22 to 28 bytes (rows `bytes-ascending` and `bytes-shuffled` of
//! `cargo bench -p benches --bench compare`), and a look-up one cache miss less.
//!
//! A snapshot copies nothing when it is taken. While it is alive, the first write to each block since then
//! replaces the block by a copy, and its reads pin for each call or block: see [`Snapshot`].
//!
//! No call waits for a lock or for another thread: a thread that is stopped in the middle of a call is
//! helped by the others. But an allocation may wait inside the allocator; and now and then a thread that
//! starts a session or retires garbage frees what others have left, and runs the `Drop` of keys and values
//! that it has never seen.
//!
//! # Limits
//!
//! * Keys and values must be `Send + 'static`, as they may be dropped later and on another thread. To share
//!   a map between threads they must be `Sync`, too.
//! * Overwriting replaces the stored key along with the value, unlike `BTreeMap`, because an entry never
//!   changes. For the same reason the calls that may write take the key by value.
//! * A value cannot be changed in place (unless it has interior mutability), only replaced. Values that are
//!   expensive to copy and often updated are best kept in an `Arc`.
//! * Only a [`Batch`] writes several keys at one moment, and it decides nothing by what it finds: it inserts,
//!   replaces and removes without conditions. It answers what it has displaced.
//! * An old snapshot costs memory: up to the map's blocks once more, and every entry that it sees. Where the blocks
//!   hold the entries, it keeps a copy of each block that it reads.
//! * A panic in the `Drop` of a key or value that was removed is caught after the panic hook has reported
//!   it, as it happens in the background. When the map itself is dropped such a panic goes on, after
//!   everything else has been dropped.
//! * As for `BTreeMap`, a key must not change its order while it is in the map, and an `Ord` that is not a
//!   total order makes answers meaningless (but never unsafe).
//!
//! # From the Go original
//!
//! | Go | here |
//! |---|---|
//! | `NewConcurrentOrderedMap` | [`ConcurrentOrderedMap::new`]; for the original's order of listing [`InsertionOrderedMap::new`] |
//! | `NewConcurrentOrderedMapWithCapacity` | [`ConcurrentOrderedMap::with_capacity`] |
//! | `Set` | [`set`](ConcurrentOrderedMap::set), or [`insert`](ConcurrentOrderedMap::insert) for the old value |
//! | `Get` | [`get`](ConcurrentOrderedMap::get) |
//! | `Exists` | [`contains_key`](ConcurrentOrderedMap::contains_key) |
//! | `Update` | [`update`](ConcurrentOrderedMap::update) |
//! | `UpdateWithPointer` | [`update`](ConcurrentOrderedMap::update), whose closure sees the value by reference; [`try_update`](ConcurrentOrderedMap::try_update) where it may fail |
//! | `UpdateGeneric` | [`compute`](ConcurrentOrderedMap::compute), or [`compare_exchange`](ConcurrentOrderedMap::compare_exchange) |
//! | `SetOrUpdate` | [`upsert`](ConcurrentOrderedMap::upsert) |
//! | `Delete` | [`delete`](ConcurrentOrderedMap::delete), or [`remove`](ConcurrentOrderedMap::remove) for the value |
//! | `Len` | [`len`](ConcurrentOrderedMap::len) |
//! | `Keys` | [`InsertionOrderedMap::keys`]; by key order [`keys`](ConcurrentOrderedMap::keys) |
//! | `Values` | [`InsertionOrderedMap::values`]; by key order [`values`](ConcurrentOrderedMap::values) |
//! | `Clear` | [`clear`](ConcurrentOrderedMap::clear) |
//! | `GetOrdered`, `GetOrderedV2` | [`InsertionOrderedMap::entries`]; by key order [`iter`](ConcurrentOrderedMap::iter) |
//! | `GetOrderedByField`, `GetOrderedByMultiField` | sort the collected entries: `examples/ordered_by_field.rs` |
//! | ranking by string similarity | `examples/rank_similar.rs`, with the crate `strsim` |
//!
//! # Features
//!
//! * `serde`: `Serialize` and `Deserialize` for the maps and the set.
//!
//! # Where the ideas are from
//!
//! * Blocks of keys at every level of a skiplist: ["Bridging Cache-Friendliness and Concurrency: A
//!   Locality-Optimized In-Memory B-Skiplist"](https://arxiv.org/abs/2507.21492).
//! * Freezing and replacing blocks: Braginsky and Petrank, "Locality-conscious lock-free linked lists",
//!   ICDCN 2011, [doi:10.1007/978-3-642-17679-1_10](https://doi.org/10.1007/978-3-642-17679-1_10).
//! * Deciding in a tagged pointer: Harris, "A pragmatic implementation of non-blocking linked-lists", DISC
//!   2001, [doi:10.1007/3-540-45414-4_21](https://doi.org/10.1007/3-540-45414-4_21).
//! * Snapshots by copying blocks on their first write: ["Jiffy: A Lock-free Skip List with Batch Updates and
//!   Snapshots"](https://arxiv.org/abs/2102.01044).
//! * One word that decides for many places: Harris, Fraser and Pratt, "A practical multi-word compare-and-swap
//!   operation", DISC 2002, [doi:10.1007/3-540-36108-1_18](https://doi.org/10.1007/3-540-36108-1_18).
//! * Epochs: Fraser, ["Practical lock-freedom"](https://www.cl.cam.ac.uk/techreports/UCAM-CL-TR-579.pdf),
//!   2004.
#![deny(unsafe_code)]

#[allow(unsafe_code)]
mod raw;
#[allow(unsafe_code)]
mod reclaim;
mod sync;

mod batch;
mod bounds;
mod compute;
mod error;
mod insertion_order;
mod into_iter;
mod iter;
mod map;
mod owned_iter;
mod pinned;
#[cfg(feature = "serde")]
mod serde;
mod set;
mod snapshot;
mod span;

pub use batch::{Applied, Batch, Tally};
pub use compute::{Compute, Computed};
pub use error::{CompareExchangeError, OccupiedError};
pub use insertion_order::{InsertionOrderedMap, PinnedInsertionOrderedMap};
pub use into_iter::IntoIter;
pub use iter::{Iter, Keys, Range, Values};
pub use map::ConcurrentOrderedMap;
pub use owned_iter::{OwnedIter, OwnedKeys, OwnedValues};
pub use pinned::Pinned;
pub use set::{
    ConcurrentOrderedSet, OwnedSetIter, PinnedSet, SetIntoIter, SetIter, SetRange, SetSnapshot,
    SetSnapshotIter,
};
pub use snapshot::{Snapshot, SnapshotIter};

/// Ends one execution of a model: everything deferred runs, and nothing may be left.
///
/// # Panics
/// When a block or an entry is still allocated.
#[cfg(any(com_loom, com_shuttle))]
#[doc(hidden)]
pub fn end_of_model() {
    reclaim::end_of_model();
}
