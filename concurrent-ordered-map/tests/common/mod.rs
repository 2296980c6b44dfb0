//! What the integration tests share.
#![allow(dead_code, reason = "each test file uses a part of this")]

pub(crate) mod crew;
pub(crate) mod keys;
pub(crate) mod ledger;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use concurrent_ordered_map::ConcurrentOrderedMap;

/// How long to wait for what must happen at last. Far more than it takes, for slow and busy machines.
const PATIENCE: Duration = Duration::from_secs(120);

/// A loop's length, scaled by `COM_STRESS_SCALE` per cent. At least one.
pub(crate) fn scaled(loops: u32) -> u32 {
    let percent = match std::env::var("COM_STRESS_SCALE") {
        Ok(percent) => percent.parse().expect("COM_STRESS_SCALE is a whole number of per cent"),
        Err(_) => 100_u32,
    };
    let scaled = u64::from(loops) * u64::from(percent) / 100;
    u32::try_from(scaled).expect("COM_STRESS_SCALE is not that large").max(1)
}

/// One test at a time: each one's sessions would hold back the others' garbage.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Slots of a leaf and of a lane: three shapes that split and join blocks all the time, and the default.
pub(crate) const SHAPES: [Option<(u8, u8)>; 4] = [Some((2, 4)), Some((3, 4)), Some((4, 4)), None];

/// An empty map of a shape.
pub(crate) fn map_of<K, V>(shape: Option<(u8, u8)>) -> ConcurrentOrderedMap<K, V> {
    match shape {
        Some((leaf, lane)) => ConcurrentOrderedMap::with_block_slots(leaf, lane),
        None => ConcurrentOrderedMap::new(),
    }
}

/// Tries until it is so.
pub(crate) fn eventually(what: &str, mut so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !so() {
        assert!(start.elapsed() < PATIENCE, "in {PATIENCE:?} it was never so: {what}");
        std::thread::yield_now();
    }
}

/// Pushes garbage out until it is so.
pub(crate) fn collect_until<K, V>(
    map: &ConcurrentOrderedMap<K, V>,
    what: &str,
    so: impl Fn() -> bool,
) {
    eventually(what, || {
        map.collect();
        so()
    });
}

/// Pushes garbage out until it is so, without a map of the test's own.
pub(crate) fn push_out_until(what: &str, so: impl Fn() -> bool) {
    collect_until(&ConcurrentOrderedMap::<(), ()>::with_block_slots(2, 4), what, so);
}
