//! The count is exact when nobody writes, whatever was going on before. Bound: 3 preemptions.
#![cfg(com_loom)]

use loom_tests::{entries, explore};

#[test]
fn is_exact_at_rest() {
    explore(
        3,
        &[1],
        &[|map| map.pin().insert(2, 20).copied(), |map| map.pin().remove(&1).copied()],
        |_, map| {
            assert_eq!(entries(map), [(2, 20)]);
            assert_eq!(map.len(), 1);
        },
    );
}
