//! The pool over a database that is not there, in paused time.

mod common;

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use common::{FROZEN, Fake, Server, assert_whole, millis, settings, start};
use pool::{Condition, Error, Pool, Priority, Reason, Settings, StartError, Why};
use tokio::time::{Instant, sleep};

#[tokio::test(start_paused = true)]
async fn fifty_over_twenty_are_all_served_and_exactly_twenty_opened() {
    let (pool, server) = start(settings(10, 20)).await;
    server.connect_ms.store(5, SeqCst);
    let begun = Instant::now();
    let tasks: Vec<_> = (0..50)
        .map(|_| {
            let pool = pool.clone();
            tokio::spawn(async move {
                let _guard = pool.acquire().await.unwrap();
                sleep(millis(10)).await;
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    // Ten start at once and ten after 5 ms, each a hold of 10 ms: the last of five tens end at 30 ms.
    assert_eq!(begun.elapsed(), millis(30));
    assert_eq!((Server::count(&server.opened), Server::count(&server.most_open)), (20, 20));
    let stats = pool.stats();
    assert_eq!(
        (stats.created, stats.wait.count, stats.used.count, stats.closed_total()),
        (20, 50, 50, 0)
    );
    assert_eq!(stats.wait.max_ns, 20_000_000);
}

#[tokio::test(start_paused = true)]
async fn no_attempt_is_wasted_when_callers_give_up() {
    let (pool, server) = start(settings(0, 5)).await;
    server.connect_ms.store(20, SeqCst);
    for _ in 0..100 {
        // Six time out, and then what the first has started is there.
        let _ = pool.acquire_timeout(millis(3)).await;
    }
    sleep(millis(50)).await;
    assert_eq!((Server::count(&server.attempts), Server::count(&server.open)), (1, 1));
    assert_eq!(pool.stats().timeouts, 6);
}

#[tokio::test(start_paused = true)]
async fn no_connection_is_destroyed_when_callers_give_up_during_its_check() {
    let settings = Settings { check_after: Duration::ZERO, ..settings(5, 5) };
    let (pool, server) = start(settings).await;
    server.check_ms.store(20, SeqCst);
    for _ in 0..100 {
        let _ = pool.acquire_timeout(millis(1)).await;
    }
    sleep(millis(50)).await;
    assert_eq!((Server::count(&server.opened), Server::count(&server.open)), (5, 5));
    assert!(Server::count(&server.checks) > 0);
}

#[tokio::test(start_paused = true)]
async fn checks_are_skipped_for_what_was_used_lately() {
    let (pool, server) = start(settings(1, 1)).await;
    for _ in 0..10 {
        drop(pool.acquire().await.unwrap());
        sleep(millis(99)).await;
    }
    assert_eq!(Server::count(&server.checks), 0);
    sleep(millis(1)).await;
    drop(pool.acquire().await.unwrap());
    assert_eq!(Server::count(&server.checks), 1);
}

#[tokio::test(start_paused = true)]
async fn nobody_sees_an_error_when_all_idle_connections_were_killed() {
    let (pool, server) = start(settings(20, 20)).await;
    // One of them is used so lately that it is not checked; the others are, and found dead.
    sleep(millis(200)).await;
    server.kill_all();
    let tasks: Vec<_> = (0..40)
        .map(|_| {
            let (pool, server) = (pool.clone(), Arc::clone(&server));
            tokio::spawn(async move {
                let guard = pool.acquire().await.unwrap();
                sleep(millis(1)).await;
                assert!(guard.number >= Server::count(&server.dead_below), "handed out dead");
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(Server::count(&server.most_open), 20);
    assert_eq!(pool.stats().closed[&Reason::Unhealthy], 20);
}

#[tokio::test(start_paused = true)]
async fn one_found_dead_makes_all_idle_ones_suspect() {
    let (pool, server) = start(settings(2, 2)).await;
    let (first, second) = (pool.acquire().await.unwrap(), pool.acquire().await.unwrap());
    drop(first);
    sleep(millis(90)).await;
    drop(second);
    server.kill_all();
    sleep(millis(20)).await;
    // The first was idle for 110 ms and is checked; the second, for 20 ms only, is handed out unchecked
    // if the death of the first teaches nothing.
    let (first, second) = (pool.acquire().await.unwrap(), pool.acquire().await.unwrap());
    assert_eq!((first.number, second.number), (2, 3));
}

#[tokio::test(start_paused = true)]
async fn while_the_database_is_down_callers_learn_it_fast_and_one_attempt_at_a_time_is_made() {
    let (pool, server) = start(settings(0, 10)).await;
    server.connect_ms.store(2, SeqCst);
    server.is_down.store(true, SeqCst);
    let begun = Instant::now();
    let callers = |count: usize| -> Vec<_> {
        let call = |pool: Pool<Fake>| async move { pool.acquire().await.map(drop) };
        (0..count).map(|_| tokio::spawn(call(pool.clone()))).collect()
    };
    for caller in callers(50) {
        let error = caller.await.unwrap().unwrap_err();
        assert!(matches!(error, Error::Connect { .. }), "{error}");
        assert_eq!(error.to_string(), "cannot connect: the fake server says no");
    }
    assert!(begun.elapsed() < millis(20), "{:?}", begun.elapsed());
    server.most_attempting.store(0, SeqCst);
    let before = Server::count(&server.attempts);
    for caller in callers(50) {
        assert!(caller.await.unwrap().is_err());
    }
    assert_eq!(Server::count(&server.most_attempting), 1);
    assert_eq!(
        Server::count(&server.attempts) - before,
        1,
        "one attempt is enough for 50 to learn it"
    );
    assert_eq!(pool.stats().last_connect_error.as_deref(), Some("the fake server says no"));

    let waiting = callers(1);
    sleep(millis(1)).await;
    server.is_down.store(false, SeqCst);
    let back = Instant::now();
    for caller in waiting.into_iter().chain(callers(20)) {
        caller.await.unwrap().expect("it is back");
    }
    assert!(back.elapsed() <= pool.settings().retry_max + millis(10), "{:?}", back.elapsed());
    assert_eq!(pool.stats().last_connect_error, None);
    assert_whole(&pool, &server).await;
}

#[tokio::test(start_paused = true)]
async fn a_failed_start_is_an_error_and_leaves_nothing_open() {
    let fake = Fake::default();
    fake.0.fails_each.store(3, SeqCst);
    let error = Pool::start(fake.clone(), settings(4, 4)).await.unwrap_err();
    assert!(matches!(error, StartError::Connect(Error::Connect { .. })), "{error}");
    assert_eq!(Server::count(&fake.0.open), 0);
    let error = Pool::start(fake, settings(5, 4)).await.unwrap_err();
    assert_eq!(error.to_string(), "min: 5 is more than max, which is 4");
}

#[tokio::test(start_paused = true)]
async fn every_call_ends_by_its_deadline_when_the_server_is_frozen() {
    let (pool, server) = start(settings(1, 2)).await;
    for step in [&server.connect_ms, &server.check_ms, &server.clean_ms, &server.close_ms] {
        step.store(FROZEN, SeqCst);
    }
    sleep(millis(500)).await;
    let begun = Instant::now();
    let error = pool.acquire_timeout(millis(300)).await.unwrap_err();
    assert!(
        matches!(&error, Error::Timeout { why: Why::Checking { checking: 1, .. }, .. }),
        "{error}"
    );
    assert_eq!(begun.elapsed(), millis(300));

    sleep(pool.settings().check_timeout).await;
    let begun = Instant::now();
    let error = pool.acquire_timeout(millis(300)).await.unwrap_err();
    assert!(matches!(&error, Error::Timeout { why: Why::Connecting { .. }, .. }), "{error}");
    assert_eq!(begun.elapsed(), millis(300));

    let begun = Instant::now();
    let error = pool.acquire_timeout(Duration::from_secs(60)).await.unwrap_err();
    assert_eq!(error.to_string(), "cannot connect: connecting took longer than 5s");
    assert!(begun.elapsed() < Duration::from_secs(11), "{:?}", begun.elapsed());

    let begun = Instant::now();
    let _ = pool.close(millis(700)).await;
    assert!(begun.elapsed() <= millis(700));
}

#[tokio::test(start_paused = true)]
async fn cleaning_and_closing_that_never_end_are_cut_off() {
    let (pool, server) = start(settings(2, 2)).await;
    server.clean_ms.store(FROZEN, SeqCst);
    server.close_ms.store(FROZEN, SeqCst);
    let mut dirty = pool.acquire().await.unwrap();
    dirty.condition = Condition::Dirty;
    let error = dirty.release().await.unwrap_err();
    assert!(error.to_string().ends_with("cleaning took longer than 5s"), "{error}");
    let error = pool.acquire().await.unwrap().close().await.unwrap_err();
    assert!(error.to_string().ends_with("closing took longer than 1s"), "{error}");
    sleep(millis(1)).await;
    assert_eq!((pool.stats().open, Server::count(&server.open)), (2, 2), "replaced");
}

#[tokio::test(start_paused = true)]
async fn a_timeout_while_exhausted_names_who_holds_what_and_for_how_long() {
    let (pool, _server) = start(settings(1, 1)).await;
    let held = pool.acquire().await.unwrap();
    let line = line!() - 1;
    sleep(millis(70)).await;
    let error = pool.acquire_timeout(millis(30)).await.unwrap_err();
    let Error::Timeout { waited, why: Why::Exhausted { max: 1, waiting: 0, holders } } = &error
    else {
        panic!("{error}");
    };
    assert_eq!(*waited, millis(30));
    assert_eq!((holders[0].id, holders[0].held_ns), (held.id(), 100_000_000));
    assert!(holders[0].by.contains(&format!("engine.rs:{line}:")), "{}", holders[0].by);
    let text = error.to_string();
    assert!(text.contains(&held.id().to_string()) && text.contains("100ms"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn each_waits_for_its_own_time_whatever_that_of_others_is() {
    let (pool, _server) = start(settings(1, 1)).await;
    let held = pool.acquire().await.unwrap();
    let begun = Instant::now();
    let waiters: Vec<_> = [50, 20, 90, 70]
        .into_iter()
        .map(|limit| {
            let pool = pool.clone();
            tokio::spawn(async move {
                let error = pool.acquire_timeout(millis(limit)).await.unwrap_err();
                assert!(matches!(error, Error::Timeout { waited, .. } if waited == millis(limit)));
                assert_eq!(begun.elapsed(), millis(limit));
            })
        })
        .collect();
    for waiter in waiters {
        waiter.await.unwrap();
    }
    drop(held);
    assert_eq!((pool.stats().timeouts, pool.stats().waiting, pool.stats().idle), (4, 0, 1));
}

#[test]
fn when_its_runtime_ends_a_pool_is_closed_and_nobody_waits_for_ever() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let first = runtime();
    let (pool, server) = first.block_on(start(settings(2, 2)));
    let held = [pool.try_acquire().unwrap(), pool.try_acquire().unwrap()];
    let second = runtime();
    let waiter = second.spawn({
        let pool = pool.clone();
        async move { pool.acquire().await.map(drop) }
    });
    second.block_on(tokio::task::yield_now());
    assert_eq!(pool.stats().waiting, 1);
    drop(first);
    assert!(matches!(second.block_on(waiter).unwrap(), Err(Error::Closed)));
    assert!(pool.is_closed());
    drop(held);
    assert_eq!((pool.stats().open, Server::count(&server.open)), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn high_goes_before_normal_and_normal_before_low() {
    let (pool, _server) = start(settings(1, 1)).await;
    let held = pool.acquire().await.unwrap();
    let (order, mut served) = tokio::sync::mpsc::unbounded_channel();
    for priority in [Priority::Low, Priority::Normal, Priority::High] {
        let (pool, order) = (pool.clone(), order.clone());
        tokio::spawn(async move {
            let _guard = pool.acquire_with(priority).await.unwrap();
            order.send(priority).unwrap();
        });
        sleep(millis(1)).await;
    }
    drop(held);
    for expected in [Priority::High, Priority::Normal, Priority::Low] {
        assert_eq!(served.recv().await, Some(expected));
    }
}

#[tokio::test(start_paused = true)]
async fn lifetimes_end_with_jitter_and_nobody_waits_for_the_renewal() {
    let lifetime = Duration::from_secs(100);
    let settings = Settings {
        max_lifetime: Some(lifetime),
        renew_before: Duration::from_secs(20),
        maintenance_every: Some(Duration::from_secs(1)),
        ..settings(10, 20)
    };
    let (pool, server) = start(settings).await;
    server.connect_ms.store(500, SeqCst);
    // With up to a tenth off, lifetimes end from 90 s on, and are renewed from 70 s on.
    sleep(Duration::from_secs(71)).await;
    assert!(Server::count(&server.opened) < 20, "all lifetimes end together, or too early");
    sleep(Duration::from_secs(8)).await;
    assert!(Server::count(&server.opened) > 10, "no lifetime is shortened");
    for _ in 0..200 {
        let begun = Instant::now();
        drop(pool.acquire().await.unwrap());
        assert_eq!(begun.elapsed(), Duration::ZERO, "a caller has waited for a renewal");
        sleep(millis(99)).await;
    }
    let stats = pool.stats();
    assert!(stats.closed[&Reason::Expired] >= 10, "{stats:?}");
    assert_eq!((stats.open, stats.idle), (10, 10));
}

#[tokio::test(start_paused = true)]
async fn a_borrowed_connection_whose_time_is_over_is_closed_when_it_comes_back() {
    let lifetime = Some(Duration::from_secs(1));
    let settings =
        Settings { max_lifetime: lifetime, lifetime_jitter_percent: 0, ..settings(1, 1) };
    let (pool, _server) = start(settings).await;
    let held = pool.acquire().await.unwrap();
    let id = held.id();
    sleep(Duration::from_secs(2)).await;
    pool.maintain().await;
    assert_eq!(held.number, 0, "it is not disturbed");
    drop(held);
    sleep(millis(1)).await;
    assert_eq!(pool.stats().closed[&Reason::Expired], 1);
    let next = pool.acquire().await.unwrap();
    assert!(next.id() > id && next.id().index() == 2);
}

#[tokio::test(start_paused = true)]
async fn idle_connections_beyond_the_minimum_are_closed_and_the_lowest_kept() {
    let settings = Settings { idle_timeout: Some(Duration::from_secs(10)), ..settings(2, 8) };
    let (pool, _server) = start(settings).await;
    assert_eq!(pool.renew().await.unwrap(), 6);
    sleep(Duration::from_secs(5)).await;
    let kept_busy = pool.acquire().await.unwrap().id();
    sleep(Duration::from_secs(6)).await;
    pool.maintain().await;
    let stats = pool.stats();
    assert_eq!((stats.open, stats.closed[&Reason::Idle]), (2, 6));
    assert_eq!(stats.connections.iter().map(|row| row.slot).collect::<Vec<_>>(), [0, 1]);
    assert_eq!(stats.connections[0].id, Some(kept_busy));
}

#[tokio::test(start_paused = true)]
async fn the_lowest_place_is_kept_even_if_it_alone_was_idle_for_too_long() {
    let settings = Settings { idle_timeout: Some(Duration::from_secs(10)), ..settings(1, 2) };
    let (pool, _server) = start(settings).await;
    sleep(Duration::from_secs(5)).await;
    pool.renew().await.unwrap();
    sleep(Duration::from_secs(6)).await;
    pool.maintain().await;
    assert_eq!(pool.stats().open, 2, "the one beyond the minimum is not due yet");
    sleep(Duration::from_secs(6)).await;
    pool.maintain().await;
    let stats = pool.stats();
    assert_eq!((stats.open, stats.connections[0].slot), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_quiet_pool_uses_one_connection_only() {
    let (pool, _server) = start(settings(5, 5)).await;
    let mut ids = std::collections::BTreeSet::new();
    for _ in 0..20 {
        ids.insert(pool.acquire().await.unwrap().id());
    }
    assert_eq!(ids.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_reset_interrupts_nobody_and_the_count_is_back_at_the_minimum() {
    let (pool, server) = start(settings(5, 10)).await;
    let held = [pool.acquire().await.unwrap(), pool.acquire().await.unwrap()];
    pool.renew().await.unwrap();
    pool.reset().await.unwrap();
    assert_eq!((pool.stats().in_use, pool.stats().idle), (2, 3));
    assert!(held.iter().all(|guard| guard.number < 2), "the borrowed ones work on");
    drop(held);
    sleep(millis(1)).await;
    let stats = pool.stats();
    assert_eq!((stats.open, stats.idle, stats.closed[&Reason::Reset]), (5, 5, 10));
    assert!(pool.acquire().await.unwrap().number >= 10, "an old one was handed out");
    assert_eq!(Server::count(&server.most_open), 10);
}

#[tokio::test(start_paused = true)]
async fn expire_now_closes_the_idle_and_then_the_borrowed() {
    let (pool, server) = start(settings(3, 3)).await;
    let held = pool.acquire().await.unwrap();
    pool.expire_now().await;
    assert_eq!(Server::count(&server.closes), 2);
    drop(held);
    sleep(millis(1)).await;
    assert_eq!((Server::count(&server.closes), pool.stats().closed[&Reason::ExpiredNow]), (3, 3));
    assert_eq!(pool.stats().idle, 3, "the minimum is opened anew");
}

#[tokio::test(start_paused = true)]
async fn closing_sends_waiters_away_waits_for_the_borrowed_and_closes_everything() {
    let (pool, server) = start(settings(2, 2)).await;
    let (first, second) = (pool.acquire().await.unwrap(), pool.acquire().await.unwrap());
    let waiter = tokio::spawn({
        let pool = pool.clone();
        async move { pool.acquire().await.map(drop) }
    });
    sleep(millis(1)).await;
    drop(second);
    waiter.await.unwrap().unwrap();
    let second = pool.acquire().await.unwrap();
    let waiter = tokio::spawn({
        let pool = pool.clone();
        async move { pool.acquire().await.map(drop) }
    });
    sleep(millis(1)).await;
    let error = pool.close(millis(50)).await.unwrap_err();
    assert!(matches!(&error, Error::StillBorrowed { holders } if holders.len() == 2), "{error}");
    assert!(matches!(waiter.await.unwrap(), Err(Error::Closed)));
    assert!(matches!(pool.acquire().await, Err(Error::Closed)));
    tokio::spawn(async move {
        sleep(millis(20)).await;
        drop((first, second));
    });
    pool.close(millis(50)).await.unwrap();
    assert_eq!((Server::count(&server.open), Server::count(&server.closes)), (0, 2));
    assert_eq!((pool.stats().open, pool.stats().closed[&Reason::Shutdown]), (0, 2));
}

#[tokio::test(start_paused = true)]
async fn the_maintenance_and_everything_else_end_with_the_last_handle() {
    let settings = Settings { maintenance_every: Some(millis(10)), ..settings(3, 3) };
    let (pool, server) = start(settings).await;
    let held = pool.acquire().await.unwrap();
    sleep(millis(35)).await;
    drop(pool);
    assert_eq!(Server::count(&server.open), 3, "a guard keeps its pool");
    drop(held);
    sleep(millis(35)).await;
    assert_eq!(Server::count(&server.open), 0);
    assert_eq!(Arc::strong_count(&server), 1, "somebody still holds the connector");
}

#[tokio::test(start_paused = true)]
async fn a_panic_while_connecting_costs_no_place() {
    let (pool, server) = start(settings(0, 1)).await;
    server.panics.store(true, SeqCst);
    let error = pool.acquire().await.unwrap_err();
    assert_eq!(error.to_string(), "cannot connect: connecting panicked");
    sleep(millis(10)).await;
    assert_whole(&pool, &server).await;
}

#[tokio::test(start_paused = true)]
async fn a_detached_connection_makes_room_for_another() {
    let (pool, server) = start(settings(1, 1)).await;
    let detached = pool.acquire().await.unwrap().detach();
    let other = pool.acquire().await.unwrap();
    assert_eq!((detached.number, other.number), (0, 1));
    assert_eq!(pool.stats().closed[&Reason::Detached], 1);
    drop(detached);
    assert_eq!(Server::count(&server.closes), 0);
}

#[tokio::test(start_paused = true)]
async fn a_dirty_connection_is_cleaned_before_the_next_has_it_or_closed() {
    let (pool, server) = start(settings(1, 1)).await;
    for condition in [Condition::Dirty, Condition::CutShort] {
        let mut guard = pool.acquire().await.unwrap();
        guard.condition = condition;
        drop(guard);
        let guard = pool.acquire().await.unwrap();
        assert_eq!((guard.condition, guard.number), (Condition::Clean, 0));
    }
    let mut guard = pool.acquire().await.unwrap();
    guard.call_begins();
    guard.release().await.unwrap();
    assert_eq!(Server::count(&server.cleans), 3);
    server.cleaning_fails.store(true, SeqCst);
    let mut guard = pool.acquire().await.unwrap();
    guard.condition = Condition::Dirty;
    assert!(matches!(guard.release().await, Err(Error::Unclean { .. })));
    assert_eq!(pool.acquire().await.unwrap().number, 1);
    assert_eq!(pool.stats().closed[&Reason::Unclean], 1);
}

#[tokio::test(start_paused = true)]
async fn statistics_serialize_and_come_back() {
    let (pool, _server) = start(settings(2, 2)).await;
    let held = pool.acquire().await.unwrap();
    let json = serde_json::to_value(pool.stats()).unwrap();
    assert_eq!((json["in_use"].as_u64(), json["closed"]["expired"].as_u64()), (Some(1), Some(0)));
    assert_eq!(json["connections"][0]["id"], held.id().to_string());
    let stats: pool::Stats = serde_json::from_value(json).unwrap();
    assert_eq!(stats.connections, pool.stats().connections);
}
