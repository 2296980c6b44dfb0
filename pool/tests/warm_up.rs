//! Connections that are opened ahead of load, in paused time.

mod common;

use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::{Server, millis, settings, start};
use pool::{Error, Pool, Reason, Settings, StartError, WarmUp};
use tokio::time::{Instant, sleep};

const SECOND: Duration = Duration::from_secs(1);

/// Everything beyond the minimum goes when it was idle for a second.
fn shrinking(min: usize, max: usize) -> Settings {
    let mut settings = settings(min, max);
    settings.idle_timeout = Some(SECOND);
    settings.warm.keep = 10 * SECOND;
    settings
}

#[tokio::test(start_paused = true)]
async fn at_the_start_it_is_as_warm_as_it_is_to_be_and_stays_so_for_the_time_said() {
    let mut settings = shrinking(1, 8);
    settings.warm.at_start = 5;
    let (pool, server) = start(settings).await;
    assert_eq!((pool.stats().idle, Server::count(&server.opened)), (5, 5));
    sleep(9 * SECOND).await;
    pool.maintain().await;
    assert_eq!((pool.stats().open, pool.stats().warm.kept), (5, 5));
    // What is lost meanwhile is opened again.
    pool.acquire().await.unwrap().close().await.unwrap();
    sleep(millis(1)).await;
    assert_eq!(pool.stats().open, 5);
    sleep(SECOND).await;
    pool.maintain().await;
    assert_eq!((pool.stats().open, pool.stats().warm.kept), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn warming_up_opens_what_is_missing_and_says_how_many() {
    let (pool, server) = start(shrinking(2, 8)).await;
    server.connect_ms.store(20, SeqCst);
    let held = pool.acquire().await.unwrap();
    let begun = Instant::now();
    assert_eq!(pool.warm_up(6).await.unwrap(), 4, "borrowed ones count");
    assert_eq!(begun.elapsed(), millis(20), "beside each other");
    assert_eq!((pool.warm_up(6).await.unwrap(), pool.warm_up(3).await.unwrap()), (0, 0));
    drop(held);
    // A smaller warm-up takes nothing back; a longer one outlives it.
    assert_eq!(pool.warm_up_for(4, 30 * SECOND).await.unwrap(), 0);
    sleep(9 * SECOND).await;
    pool.maintain().await;
    assert_eq!(pool.stats().open, 6);
    sleep(2 * SECOND).await;
    pool.maintain().await;
    assert_eq!((pool.stats().open, pool.stats().warm.kept), (4, 4));
    sleep(30 * SECOND).await;
    pool.maintain().await;
    let stats = pool.stats();
    assert_eq!((stats.open, stats.warm.opened, stats.closed[&Reason::Idle]), (2, 4, 4));
}

#[tokio::test(start_paused = true)]
async fn what_keeps_it_cold_is_an_error() {
    let (pool, server) = start(settings(0, 4)).await;
    let more = pool.warm_up(5).await.unwrap_err();
    assert_eq!(more.to_string(), "warm_up: 5 is more than max, which is 4");
    assert!(matches!(more, Error::Invalid(_)));

    server.is_down.store(true, SeqCst);
    server.connect_ms.store(10, SeqCst);
    let (first, second) = tokio::join!(pool.warm_up(4), async {
        sleep(millis(15)).await;
        pool.warm_up(4).await
    });
    // The second has nothing to do while one attempt at a time is made, and says why.
    for failed in [first, second] {
        let failed = failed.unwrap_err();
        assert_eq!(failed.to_string(), "cannot connect: the fake server says no");
    }
    server.is_down.store(false, SeqCst);
    sleep(SECOND).await;
    assert_eq!(pool.warm_up(4).await.unwrap(), 4);
    pool.close(SECOND).await.unwrap();
    assert!(matches!(pool.warm_up(1).await, Err(Error::Closed)));

    let mut settings = settings(0, 4);
    settings.warm.at_start = 5;
    let wrong = Pool::start(common::Fake::default(), settings).await.unwrap_err();
    assert!(matches!(wrong, StartError::Config(_)));
    assert_eq!(wrong.to_string(), "warm.at_start: 5 is more than max, which is 4");
}

#[tokio::test(start_paused = true)]
async fn a_schedule_is_followed_entry_by_entry_and_survives_what_fails() {
    let (pool, server) = start(shrinking(1, 8)).await;
    let begun = Instant::now();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let mut plan = [
        WarmUp::at(begun + 10 * SECOND, 4).keep(5 * SECOND),
        WarmUp::at(begun + 20 * SECOND, 9),
        WarmUp::at(begun + 30 * SECOND, 6).keep(5 * SECOND),
        // Its time is over when it is asked for.
        WarmUp::at(begun, 8).keep(5 * SECOND),
    ]
    .into_iter();
    pool.warm_on({
        let asked = Arc::clone(&asked);
        move || {
            asked.lock().unwrap().push(begun.elapsed().as_secs());
            plan.next()
        }
    });
    let mut open = Vec::new();
    for _ in 0..8 {
        sleep(5 * SECOND).await;
        sleep(millis(10)).await;
        pool.maintain().await;
        open.push(pool.stats().open);
    }
    // 5, 10, 15, ... seconds after the start. Nine are too many.
    assert_eq!(open, [1, 4, 1, 1, 1, 8, 1, 1]);
    assert_eq!(*asked.lock().unwrap(), [0, 10, 20, 30, 30]);
    assert_eq!(Server::count(&server.most_open), 8);
}

#[tokio::test(start_paused = true)]
async fn a_schedule_that_lives_in_the_past_keeps_nobody_busy_and_ends_with_the_pool() {
    let (pool, _server) = start(settings(1, 2)).await;
    let asked = Arc::new(Mutex::new(0));
    pool.warm_on({
        let (asked, past) = (Arc::clone(&asked), Instant::now());
        move || {
            *asked.lock().unwrap() += 1;
            Some(WarmUp::at(past, 2))
        }
    });
    sleep(millis(100)).await;
    let so_far = *asked.lock().unwrap();
    assert!((90..=102).contains(&so_far), "{so_far}");
    pool.close(SECOND).await.unwrap();
    sleep(millis(100)).await;
    assert!(*asked.lock().unwrap() <= so_far + 2, "it goes on");
}
