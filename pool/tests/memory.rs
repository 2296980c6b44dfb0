//! What borrowing and waiting allocate. One test, since the allocator counts what all threads do.

mod common;

use std::alloc::System;
use std::pin::Pin;
use std::task::{Context, Waker};

use common::{settings, start};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static COUNTING: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

#[tokio::test(start_paused = true)]
async fn borrowing_allocates_nothing_and_a_waiter_takes_less_than_400_bytes() {
    let (pool, _server) = start(settings(10, 10)).await;
    // The test harness allocates in its own thread, most often while this begins: so more than once.
    let mut fewest = usize::MAX;
    for _ in 0..5 {
        let counted = Region::new(COUNTING);
        for _ in 0..1_000 {
            drop(pool.acquire().await.unwrap());
            drop(pool.try_acquire().unwrap());
        }
        let change = counted.change();
        fewest = fewest.min(change.allocations + change.reallocations);
    }
    assert_eq!(fewest, 0);

    const WAITERS: usize = 1_000;
    let mut held = Vec::new();
    for _ in 0..10 {
        held.push(pool.acquire().await.unwrap());
    }
    let mut waiters: Vec<_> = (0..WAITERS).map(|_| Box::pin(pool.acquire())).collect();
    let counted = Region::new(COUNTING);
    for waiter in &mut waiters {
        let polled = waiter.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(polled.is_pending());
    }
    let change = counted.change();
    assert_eq!(pool.stats().waiting, WAITERS);
    let future = std::mem::size_of_val(&*Pin::as_ref(&waiters[0]));
    let bytes = future + (change.bytes_allocated - change.bytes_deallocated) / WAITERS;
    println!("a waiter takes {bytes} bytes, of which {future} in its future");
    assert!(bytes < 400, "a waiter takes {bytes} bytes, of which {future} in its future");
    // One for each, and those of the queue as it grows.
    let allocations = change.allocations + change.reallocations;
    assert!(allocations < WAITERS + 20, "{change:?}");
}
