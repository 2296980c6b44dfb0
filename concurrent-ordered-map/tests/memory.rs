//! How much memory the map holds: counted by an allocator.
//!
//! One test, as the allocator counts for the whole process.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use concurrent_ordered_map::ConcurrentOrderedMap;
use linearizability::rng::Rng;

/// The bytes that are allocated now.
static BYTES: AtomicUsize = AtomicUsize::new(0);

struct Counting;

// SAFETY: all is done by the system's allocator, whose contract the callers keep.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // Ordering: Relaxed, here and below; a count, read when the threads that change it are joined.
        BYTES.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's word.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        BYTES.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's word.
        unsafe { System.dealloc(memory, layout) };
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

fn bytes() -> usize {
    BYTES.load(Ordering::Relaxed)
}

/// What is allocated beyond `base`.
fn above(base: usize) -> usize {
    bytes().saturating_sub(base)
}

/// What the reclaimer itself may keep: a few bags of 64 deferred calls each.
const RECLAIMER: usize = 16 * 1024;

const ENTRIES: u64 = 100_000;

fn shuffled(count: u64) -> Vec<u64> {
    let mut keys: Vec<u64> = (0..count).collect();
    let mut rng = Rng::new(8);
    for last in (1..keys.len()).rev() {
        let bound = u32::try_from(last + 1).unwrap();
        keys.swap(last, usize::try_from(rng.below(bound)).unwrap());
    }
    keys
}

fn collect<K, V>(map: &ConcurrentOrderedMap<K, V>) {
    // The second time frees what the first one's frees have retired: blocks whose last link has gone.
    for _ in 0..8 {
        assert!(map.collect(), "nobody else has a session");
    }
}

/// The reclaimer has allocated what it keeps for ever, on this thread.
fn warm_up() {
    let map = ConcurrentOrderedMap::new();
    map.extend((0..10_000_u64).map(|n| (n, n)));
    map.clear();
    collect(&map);
}

/// Fills, empties in a way, and pushes out: little is left; and with the map's end, nothing.
fn fill_and_empty(what: &str, keys: &[u64], empty: impl Fn(&ConcurrentOrderedMap<u64, u64>)) {
    let base = bytes();
    let map = ConcurrentOrderedMap::new();
    for key in keys {
        map.set(*key, *key);
    }
    let peak = above(base);
    collect(&map);
    let full = above(base);
    empty(&map);
    assert!(map.is_empty());
    assert_eq!(map.len(), 0);
    collect(&map);
    let left = above(base);
    let each = full / keys.len();
    println!(
        "{what}: {each} bytes an entry ({full} full, {peak} before collecting), {left} emptied"
    );
    assert!(each < 60, "{each} bytes an entry");
    assert!(left < full / 20, "{left} bytes in an empty map that had {full}");
    // Filled again, it takes what it took.
    for key in keys {
        map.set(*key, *key);
    }
    collect(&map);
    assert!(above(base) < full + full / 20, "{} bytes the second time", above(base));
    drop(map);
    let gone = collected(base);
    assert!(gone <= RECLAIMER, "{gone} bytes are left of a map that was dropped");
}

/// What is left above `base` when all garbage has been pushed out.
fn collected(base: usize) -> usize {
    // The pusher itself must be gone when it is counted.
    for _ in 0..20 {
        collect(&ConcurrentOrderedMap::<u64, u64>::new());
        if above(base) == 0 {
            break;
        }
    }
    above(base)
}

/// A queue that stays short takes little, however much goes through it.
fn queue() {
    let base = bytes();
    let map = ConcurrentOrderedMap::new();
    let mut most = 0;
    for n in 0..300_000_u64 {
        map.set(n, n);
        if n >= 100 {
            assert_eq!(map.pop_first(), Some((n - 100, n - 100)));
        }
        most = most.max(above(base));
    }
    collect(&map);
    let left = above(base);
    println!("a queue of 100: at most {most} bytes, {left} at the end, after 300,000 elements");
    // Entries, their blocks and the garbage of three epochs, of some 500 entries each at most.
    assert!(most < 400_000, "{most} bytes");
    assert!(left < 32_000, "{left} bytes");
    drop(map);
    assert!(collected(base) <= RECLAIMER);
}

/// Overwriting in a map of constant size takes no more and more.
fn overwriting() {
    let base = bytes();
    let map = ConcurrentOrderedMap::new();
    map.extend((0..1_000_u64).map(|n| (n, n)));
    // An overwrite takes a slot, so that blocks which were filled in order are split at the first round.
    for n in 0..10_000 {
        map.set(n % 1_000, n);
    }
    collect(&map);
    let full = above(base);
    for n in 0..200_000 {
        map.set(n % 1_000, n);
    }
    collect(&map);
    println!("1,000 entries: {full} bytes, overwritten 200 times more {}", above(base));
    assert!(above(base) < full + RECLAIMER);
    drop(map);
    assert!(collected(base) <= RECLAIMER);
}

/// Threads that fill and empty, at the same time, and end.
fn several_threads() {
    let base = bytes();
    let map: ConcurrentOrderedMap<u64, String> = ConcurrentOrderedMap::new();
    let fill = |part: u64| (0..20_000).for_each(|n| _ = map.set(n * 4 + part, n.to_string()));
    let fill = &fill;
    let full = std::thread::scope(|scope| {
        let handles = [0, 1, 2, 3].map(|part| scope.spawn(move || fill(part)));
        for handle in handles {
            handle.join().unwrap();
        }
        let full = above(base);
        let handles = [0, 1, 2, 3].map(|_| scope.spawn(|| while map.pop_first().is_some() {}));
        for handle in handles {
            handle.join().unwrap();
        }
        full
    });
    collect(&map);
    let left = above(base);
    println!("four threads: {full} bytes full, {left} emptied");
    assert!(left < full / 20, "{left} of {full} bytes in an empty map");
    drop(map);
    let gone = collected(base);
    // A thread's record of the reclaimer, some 2 KB, is freed when later ones have been looked at.
    assert!(gone < 8 * 4_096, "{gone} bytes are left");
}

#[test]
fn memory_is_given_back() {
    warm_up();
    let (random, ordered) = (shuffled(ENTRIES), (0..ENTRIES).collect::<Vec<_>>());
    fill_and_empty("shuffled, cleared", &random, |map| map.clear());
    fill_and_empty("ordered, cleared", &ordered, |map| map.clear());
    fill_and_empty(
        "shuffled, popped at the front",
        &random,
        |map| {
            while map.pop_first().is_some() {}
        },
    );
    fill_and_empty("ordered, popped at the end", &ordered, |map| while map.pop_last().is_some() {});
    fill_and_empty("shuffled, removed at random", &random, |map| {
        for key in shuffled(ENTRIES) {
            assert!(map.delete(&key));
        }
    });
    queue();
    overwriting();
    several_threads();
}
