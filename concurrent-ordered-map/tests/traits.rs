//! What is `Send` and `Sync`, and what must not compile.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use concurrent_ordered_map::{
    CompareExchangeError, Compute, Computed, ConcurrentOrderedMap, ConcurrentOrderedSet,
    InsertionOrderedMap, IntoIter, Iter, Keys, OccupiedError, OwnedIter, OwnedKeys, OwnedSetIter,
    OwnedValues, Pinned, PinnedInsertionOrderedMap, PinnedSet, Range, SetIntoIter, SetIter,
    SetRange, SetSnapshot, SetSnapshotIter, Snapshot, SnapshotIter, Values,
};
use static_assertions::{assert_impl_all, assert_not_impl_any};

type Map = ConcurrentOrderedMap<u32, String>;
type Ends = std::ops::Range<u32>;

// A map crosses threads as its content does.
assert_impl_all!(Map: Send, Sync);
assert_impl_all!(ConcurrentOrderedSet<u32>: Send, Sync);
assert_impl_all!(InsertionOrderedMap<u32, String>: Send, Sync);
// `Rc` may not even be dropped on another thread.
assert_not_impl_any!(ConcurrentOrderedMap<u32, Rc<u32>>: Send, Sync);
assert_not_impl_any!(ConcurrentOrderedMap<Rc<u32>, u32>: Send, Sync);
assert_not_impl_any!(ConcurrentOrderedSet<Rc<u32>>: Send, Sync);
assert_not_impl_any!(InsertionOrderedMap<u32, Rc<u32>>: Send, Sync);
// `Cell` may move, but not be shared, and a shared map shares its content.
assert_impl_all!(ConcurrentOrderedMap<u32, Cell<u32>>: Send);
assert_not_impl_any!(ConcurrentOrderedMap<u32, Cell<u32>>: Sync);
assert_impl_all!(ConcurrentOrderedMap<Cell<u32>, u32>: Send);
assert_not_impl_any!(ConcurrentOrderedMap<Cell<u32>, u32>: Sync);
assert_impl_all!(InsertionOrderedMap<u32, Cell<u32>>: Send);
assert_not_impl_any!(InsertionOrderedMap<u32, Cell<u32>>: Sync);
// A lock's guard may be shared, but not move, and a shared map moves what is put into it.
type Guard = std::sync::MutexGuard<'static, u32>;
assert_impl_all!(Guard: Sync);
assert_not_impl_any!(ConcurrentOrderedMap<u32, Guard>: Send, Sync);

// A session and all that borrows it belong to the pinned thread.
assert_not_impl_any!(Pinned<'static, u32, String>: Send, Sync);
assert_not_impl_any!(PinnedSet<'static, u32>: Send, Sync);
assert_not_impl_any!(PinnedInsertionOrderedMap<'static, u32, String>: Send, Sync);
assert_not_impl_any!(Iter<'static, u32, String>: Send, Sync);
assert_not_impl_any!(Keys<'static, u32, String>: Send, Sync);
assert_not_impl_any!(Values<'static, u32, String>: Send, Sync);
assert_not_impl_any!(Range<'static, u32, String, u32, Ends>: Send, Sync);
assert_not_impl_any!(SetIter<'static, u32>: Send, Sync);
assert_not_impl_any!(SetRange<'static, u32, u32, Ends>: Send, Sync);

// An iterator without a session crosses threads as map and content do.
assert_impl_all!(OwnedIter<&'static Map, u32, String>: Send, Sync, Unpin);
assert_impl_all!(OwnedIter<Arc<Map>, u32, String>: Send, Sync, Unpin);
assert_impl_all!(OwnedKeys<Arc<Map>, u32, String>: Send, Sync, Unpin);
assert_impl_all!(OwnedValues<Arc<Map>, u32, String>: Send, Sync, Unpin);
assert_impl_all!(OwnedSetIter<Arc<ConcurrentOrderedSet<u32>>, u32>: Send, Sync, Unpin);
assert_impl_all!(IntoIter<u32, Cell<u32>>: Send);
assert_impl_all!(SetIntoIter<u32>: Send, Sync);
type Unshared = ConcurrentOrderedMap<u32, Cell<u32>>;
assert_not_impl_any!(OwnedIter<Arc<Unshared>, u32, Cell<u32>>: Send, Sync);
assert_not_impl_any!(OwnedIter<Rc<Map>, u32, String>: Send, Sync);
assert_not_impl_any!(IntoIter<u32, Rc<u32>>: Send, Sync);

// So do a snapshot and its iterators. It shares its entries with the map, so both traits need both.
assert_impl_all!(Snapshot<'static, u32, String>: Send, Sync, Unpin);
assert_impl_all!(SetSnapshot<'static, u32>: Send, Sync, Unpin);
assert_impl_all!(SnapshotIter<'static, u32, String>: Send, Sync, Unpin);
assert_impl_all!(SnapshotIter<'static, String, u32, str, std::ops::RangeFrom<&'static str>>: Send, Sync);
assert_impl_all!(SetSnapshotIter<'static, u32>: Send, Sync, Unpin);
assert_not_impl_any!(Snapshot<'static, u32, Rc<u32>>: Send, Sync);
assert_not_impl_any!(Snapshot<'static, u32, Cell<u32>>: Send, Sync);
assert_not_impl_any!(Snapshot<'static, Cell<u32>, u32>: Send, Sync);
assert_not_impl_any!(Snapshot<'static, u32, Guard>: Send, Sync);
assert_not_impl_any!(SetSnapshot<'static, Cell<u32>>: Send, Sync);
assert_not_impl_any!(SnapshotIter<'static, u32, Cell<u32>>: Send, Sync);
assert_not_impl_any!(SnapshotIter<'static, u32, String, u32, Rc<u32>>: Send, Sync);

// Answers are plain data.
assert_impl_all!(Compute<u32, u32>: Send, Sync, Copy);
assert_impl_all!(Computed<&'static u32, u32>: Send, Sync, Copy);
assert_impl_all!(OccupiedError<&'static u32, u32>: Send, Sync, std::error::Error);
assert_impl_all!(CompareExchangeError<&'static u32, u32>: Send, Sync, std::error::Error);

// A panic under a call leaves the map usable.
assert_impl_all!(Map: std::panic::UnwindSafe, std::panic::RefUnwindSafe, Unpin);

/// Messages differ between compilers: those in `ui` are of the version that Cargo.toml documents.
fn speaks_as_documented() -> bool {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = std::process::Command::new(rustc).arg("--version").output().unwrap().stdout;
    version.starts_with(concat!("rustc ", env!("CARGO_PKG_RUST_VERSION"), ".").as_bytes())
}

#[test]
fn what_would_be_unsound_does_not_compile() {
    if !speaks_as_documented() {
        println!("SKIPPED: this compiler's messages are not those in tests/ui");
        return;
    }
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/ui/*.rs");
}

/// What is awaited between two steps of an iteration must be `Send` for most executors.
#[test]
fn an_owned_iterator_is_held_across_an_await() {
    fn assert_send<F: Future + Send>(future: F) -> F {
        future
    }
    async fn sum(map: Arc<Map>) -> usize {
        let mut sum = 0;
        for (_, text) in OwnedIter::new(Arc::clone(&map)) {
            std::future::ready(()).await;
            sum += text.len();
        }
        for (key, _) in &*map {
            std::future::ready(()).await;
            sum += usize::try_from(key).unwrap();
        }
        sum
    }
    let map = Map::from([(1, "one".to_string()), (2, "two".to_string())]);
    let future = std::pin::pin!(assert_send(sum(Arc::new(map))));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert_eq!(future.poll(&mut context), std::task::Poll::Ready(9));
}
