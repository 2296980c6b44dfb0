//! Pushing garbage out.
//!
//! The reclaimer frees in the order in which garbage was handed to it, so a sentinel retired last
//! shows by its drop that all before it has had its turn.

use std::cell::Cell;
use std::thread::{self, ThreadId};

use crate::raw::{Change, RawMap, Shape};
use crate::reclaim::pin;

/// How often at most to ask the reclaimer, which frees up to 512 objects each time. It takes about
/// a millisecond to ask this often in vain.
const ROUNDS: usize = 1 << 14;

thread_local! {
    /// The sentinels this thread has made.
    static MADE: Cell<u64> = const { Cell::new(0) };
    /// The latest of them that was dropped here.
    static DROPPED: Cell<u64> = const { Cell::new(0) };
}

struct Sentinel {
    maker: ThreadId,
    number: u64,
}

impl Sentinel {
    fn new() -> Self {
        let number = MADE.get() + 1;
        MADE.set(number);
        Self { maker: thread::current().id(), number }
    }
}

impl Drop for Sentinel {
    fn drop(&mut self) {
        // Another thread may be the one that frees; then the maker does not learn of it.
        if thread::current().id() == self.maker {
            DROPPED.set(self.number.max(DROPPED.get()));
        }
    }
}

/// Retires a sentinel and answers its number.
fn retire_sentinel() -> u64 {
    let sentinel = Sentinel::new();
    let number = sentinel.number;
    let mut sentinel = Some(sentinel);
    let map = RawMap::new(Shape { leaf: 2, lane: 3 });
    let guard = pin();
    map.change((), &guard, |_, again| {
        again.or_else(|| sentinel.take()).map_or(Change::Keep, Change::Put)
    });
    map.remove_if(&(), &guard, |_| true);
    number
}

/// Frees what was retired before, as far as pinned threads allow. False if that was not seen to end.
pub(crate) fn collect() -> bool {
    let number = retire_sentinel();
    for _ in 0..ROUNDS {
        if DROPPED.get() >= number {
            return true;
        }
        pin().flush();
    }
    DROPPED.get() >= number
}
