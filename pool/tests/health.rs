//! When connections are checked and what failing checks cost, in paused time.

mod common;

use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use common::{FROZEN, Server, assert_whole, millis, settings, start};
use pool::{Error, Reason, Settings, Why};
use tokio::time::{Instant, sleep};

/// Idle connections are checked in the background when nothing was known of them for so long.
fn checking_every(every: Duration, min: usize, max: usize) -> Settings {
    let mut settings = settings(min, max);
    settings.health.idle_every = Some(every);
    settings
}

#[tokio::test(start_paused = true)]
async fn an_acquire_pays_for_one_failed_check_however_many_connections_are_dead() {
    let (pool, server) = start(settings(20, 20)).await;
    sleep(millis(200)).await;
    // As where a firewall has forgotten the connections: what they send is never answered.
    server.check_ms.store(FROZEN, SeqCst);
    server.connect_ms.store(5, SeqCst);
    let begun = Instant::now();
    let guard = pool.acquire().await.unwrap();
    assert_eq!(begun.elapsed(), pool.settings().check_timeout + millis(5));
    assert_eq!(guard.number, 20, "the new one");
    // The others were checked meanwhile, at once and beside each other.
    sleep(pool.settings().check_timeout).await;
    assert_eq!((pool.stats().check_errors, Server::count(&server.checks)), (20, 20));
    let begun = Instant::now();
    drop(pool.acquire().await.unwrap());
    assert_eq!(begun.elapsed(), millis(0), "the next pays nothing");
}

#[tokio::test(start_paused = true)]
async fn who_does_not_wait_is_told_that_the_idle_ones_are_to_be_checked_first() {
    let (pool, _server) = start(settings(2, 4)).await;
    sleep(millis(200)).await;
    let refused = pool.try_acquire().unwrap_err();
    assert!(
        matches!(refused, Error::NoneIdle { why: Why::NotReady { idle: 2, unopened: 2 } }),
        "{refused}"
    );
    let _held = [pool.acquire().await.unwrap(), pool.acquire().await.unwrap()];
    let refused = pool.try_acquire().unwrap_err();
    assert!(
        refused
            .to_string()
            .ends_with("0 idle are to be checked before they are lent, and 2 are not open"),
        "{refused}"
    );
}

#[tokio::test(start_paused = true)]
async fn each_of_a_crowd_pays_for_one_failed_check() {
    let (pool, server) = start(settings(10, 10)).await;
    sleep(millis(200)).await;
    server.check_ms.store(FROZEN, SeqCst);
    server.connect_ms.store(5, SeqCst);
    let begun = Instant::now();
    let callers: Vec<_> = (0..10)
        .map(|_| {
            let pool = pool.clone();
            tokio::spawn(async move { pool.acquire().await.unwrap() })
        })
        .collect();
    let mut held = Vec::new();
    for caller in callers {
        held.push(caller.await.unwrap());
    }
    assert_eq!(begun.elapsed(), pool.settings().check_timeout + millis(5));
    assert_eq!(Server::count(&server.most_open), 10);
}

#[tokio::test(start_paused = true)]
async fn after_one_failed_check_a_connection_that_works_serves_before_a_new_one_is_there() {
    let (pool, server) = start(settings(3, 3)).await;
    sleep(millis(200)).await;
    server.dead_below.store(1, SeqCst);
    server.check_ms.store(1, SeqCst);
    server.connect_ms.store(1_000, SeqCst);
    let begun = Instant::now();
    let guard = pool.acquire().await.unwrap();
    assert_eq!((begun.elapsed(), guard.number), (millis(2), 1));
    drop(guard);
    sleep(millis(2_000)).await;
    server.connect_ms.store(0, SeqCst);
    assert_whole(&pool, &server).await;
}

#[tokio::test(start_paused = true)]
async fn what_comes_back_dead_is_nobodys_if_it_is_checked_on_release() {
    let mut settings = settings(2, 2);
    settings.health.on_release = true;
    let (pool, server) = start(settings).await;
    sleep(millis(1)).await;
    let guard = pool.acquire().await.unwrap();
    server.kill_all();
    let error = guard.release().await.unwrap_err();
    assert!(error.to_string().contains("the fake server says no"), "{error}");
    let stats = pool.stats();
    assert_eq!((stats.health.on_release, stats.closed[&Reason::Unhealthy]), (1, 1));
    // The other one is suspect now, and checked although it was used lately.
    let (first, second) = (pool.acquire().await.unwrap(), pool.acquire().await.unwrap());
    assert!(first.number >= 2 && second.number >= 2, "{} {}", first.number, second.number);
    drop((first, second));
    sleep(millis(1)).await;
    let stats = pool.stats();
    assert_eq!((stats.idle, stats.in_use, Server::count(&server.open)), (2, 0, 2));
}

#[tokio::test(start_paused = true)]
async fn in_the_background_a_part_is_checked_at_a_time() {
    let (pool, server) = start(checking_every(millis(500), 8, 8)).await;
    server.check_ms.store(10, SeqCst);
    sleep(millis(499)).await;
    pool.maintain().await;
    assert_eq!(Server::count(&server.checks), 0, "they were opened 499 ms ago");
    sleep(millis(1)).await;
    let begun = Instant::now();
    pool.maintain().await;
    // Two at a time, a quarter of eight.
    assert_eq!((Server::count(&server.checks), begun.elapsed()), (8, millis(40)));
    pool.maintain().await;
    assert_eq!(Server::count(&server.checks), 8, "they were checked just now");
    assert_eq!(pool.stats().health.in_background, 8);
    // Nor is one that was checked lately checked again before it is lent.
    sleep(millis(50)).await;
    drop(pool.try_acquire().unwrap());
}

#[tokio::test(start_paused = true)]
async fn the_last_idle_connection_is_never_taken_for_a_check() {
    let (pool, server) = start(checking_every(millis(500), 2, 2)).await;
    sleep(millis(500)).await;
    let held = pool.acquire().await.unwrap();
    let checks = Server::count(&server.checks);
    pool.maintain().await;
    assert_eq!(Server::count(&server.checks), checks);
    drop(held);
    pool.maintain().await;
    assert_eq!(Server::count(&server.checks), checks + 1, "it is not the last any more");
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_a_check_in_the_background_while_another_one_is_idle() {
    let (pool, server) = start(checking_every(millis(500), 2, 2)).await;
    sleep(millis(500)).await;
    server.check_ms.store(900, SeqCst);
    let maintained = tokio::spawn({
        let pool = pool.clone();
        async move { pool.maintain().await }
    });
    tokio::task::yield_now().await;
    sleep(millis(1)).await;
    assert_eq!((pool.stats().checking, pool.stats().idle), (1, 1));
    server.check_ms.store(3, SeqCst);
    let begun = Instant::now();
    let guard = pool.acquire().await.unwrap();
    assert_eq!(begun.elapsed(), millis(3), "its own check");
    // One who comes now has the one that is checked in the background, once that is over.
    let second = pool.acquire().await.unwrap();
    assert_eq!(begun.elapsed(), millis(899));
    drop((guard, second));
    maintained.await.unwrap();
    assert_whole(&pool, &server).await;
}

#[tokio::test(start_paused = true)]
async fn what_died_while_idle_is_found_and_replaced_in_the_background() {
    let (pool, server) = start(checking_every(millis(500), 4, 4)).await;
    sleep(millis(500)).await;
    server.kill_all();
    pool.maintain().await;
    sleep(millis(1)).await;
    let stats = pool.stats();
    assert_eq!((stats.closed[&Reason::Unhealthy], stats.idle), (4, 4), "{stats:?}");
    assert_whole(&pool, &server).await;
}

#[tokio::test(start_paused = true)]
async fn a_check_in_the_background_is_no_use_so_idle_connections_still_go() {
    let settings = Settings {
        idle_timeout: Some(Duration::from_secs(5)),
        ..checking_every(Duration::from_secs(1), 1, 4)
    };
    let (pool, _server) = start(settings).await;
    pool.renew().await.unwrap();
    for _ in 0..6 {
        sleep(Duration::from_secs(1)).await;
        pool.maintain().await;
    }
    let stats = pool.stats();
    assert_eq!((stats.open, stats.closed[&Reason::Idle]), (1, 3));
    assert!(stats.health.in_background >= 8, "{stats:?}");
}

#[test]
fn wrong_settings_are_named() {
    let mut settings = Settings::default();
    settings.health.idle_share = 0;
    assert_eq!(
        settings.validate().unwrap_err().to_string(),
        "health.idle_share: must be at least 1"
    );
    let mut settings = Settings::default();
    settings.health.idle_every = Some(Duration::ZERO);
    let error = settings.validate().unwrap_err();
    assert_eq!(error.to_string(), "health.idle_every: must be more than zero");
    let mut settings = Settings::default();
    settings.hooks.before_acquire = Duration::ZERO;
    let error = settings.validate().unwrap_err();
    assert_eq!(error.to_string(), "hooks.before_acquire: must be more than zero");
}
