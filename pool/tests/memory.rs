//! What borrowing and waiting allocate. One test, since the allocator counts what all threads do.

mod common;

use std::alloc::System;
use std::pin::Pin;
use std::task::{Context, Waker};

use common::{settings, start};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static COUNTING: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

#[cfg(feature = "rate-limit")]
fn limit(of: pool::Limited) -> pool::RateLimit {
    let per = std::time::Duration::from_secs(1);
    pool::RateLimit { of, permits: 10_000, per, burst: None, when_over: pool::WhenOver::Wait }
}

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

    // The first of a tag opens its account.
    #[cfg(feature = "rate-limit")]
    {
        let rate_limits = vec![limit(pool::Limited::Pool), limit(pool::Limited::EachTag)];
        let rules = pool::Degradation { refuse_hopeless: true, ..Default::default() };
        let parts = pool::Settings {
            rate_limits,
            leaks: Some(pool::Leaks::default()),
            breaker: Some(pool::Breaker::default()),
            degradation: rules,
            ..settings(10, 10)
        };
        let (pool, _server) = start(parts).await;
        let made = pool::Tag::from(String::from("made at run time"));
        for tag in ["report".into(), made.clone()] {
            drop(pool.acquire_with(pool::Ask::new().tag(tag)).await.unwrap());
        }
        let counted = Region::new(COUNTING);
        for _ in 0..1_000 {
            drop(pool.acquire_with(pool::Ask::new().tag("report")).await.unwrap());
            drop(pool.acquire_with(pool::Ask::new().tag(made.clone())).await.unwrap());
        }
        let change = counted.change();
        assert_eq!((change.allocations, change.reallocations), (0, 0), "{change:?}");
        assert_eq!(pool.stats().rate_limits[0].passed, 2_002);
        assert!(pool.stats().tags.iter().all(|tag| tag.used.count == 1_001));
    }

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
