//! The hooks before and after loans, in paused time: when they run, how often, and what their answers cost.

mod common;
#[path = "common/hooked.rs"]
mod hooked;

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use common::{FROZEN, Server, millis, settings};
use hooked::{AFTER, BEFORE, BOTH, start_hooked};
use pool::{Condition, Error, Reason, Settings};
use tokio::time::{Instant, sleep};

#[tokio::test(start_paused = true)]
async fn each_loan_runs_each_hook_once_and_in_order() {
    let mut settings = Settings { check_after: Duration::ZERO, ..settings(0, 1) };
    settings.health.on_release = true;
    let (pool, _server, script) = start_hooked(settings, BOTH).await;
    // What is opened for one who waits is handed over as it is.
    let mut guard = pool.acquire().await.unwrap();
    assert_eq!(script.take_log(), [("connect", 0)]);
    guard.condition = Condition::Dirty;
    guard.release().await.unwrap();
    assert_eq!(script.take_log(), [("clean", 0), ("after_release", 0), ("check", 0)]);
    for _ in 0..3 {
        let guard = pool.acquire().await.unwrap();
        assert_eq!(script.take_log(), [("check", 0), ("before_acquire", 0)]);
        guard.release().await.unwrap();
        assert_eq!(script.take_log(), [("after_release", 0), ("check", 0)]);
    }
    // A connection that its borrower closes is not asked about.
    pool.acquire().await.unwrap().close().await.unwrap();
    let log = script.take_log();
    assert_eq!(log, [("check", 0), ("before_acquire", 0), ("close", 0)]);
    let hooks = pool.stats().hooks;
    assert_eq!((hooks.before_acquire.runs, hooks.after_release.runs), (4, 4));
    let health = pool.stats().health;
    assert_eq!((health.on_acquire, health.on_release, health.in_background), (4, 4, 0));
}

#[tokio::test(start_paused = true)]
async fn hooks_are_told_what_they_need_to_decide() {
    let (pool, _server, script) = start_hooked(settings(1, 1), BOTH).await;
    sleep(millis(50)).await;
    let guard = pool.acquire().await.unwrap();
    sleep(millis(7)).await;
    let id = guard.id();
    guard.release().await.unwrap();
    let told = script.take_told();
    assert_eq!(told.iter().map(|told| told.id).collect::<Vec<_>>(), [id, id]);
    assert_eq!((told[0].age, told[0].idle_for, told[0].uses), (millis(50), millis(50), 0));
    assert_eq!((told[1].age, told[1].idle_for, told[1].uses), (millis(57), millis(0), 1));
}

#[tokio::test(start_paused = true)]
async fn what_is_handed_from_one_to_the_next_goes_through_the_hook() {
    let (pool, _server, script) = start_hooked(settings(1, 1), BEFORE).await;
    script.before_ms.store(10, SeqCst);
    let held = pool.acquire().await.unwrap();
    let waiters: Vec<_> = (0..3)
        .map(|n| {
            let pool = pool.clone();
            tokio::spawn(async move {
                sleep(millis(n)).await;
                let _guard = pool.acquire().await.unwrap();
                (n, Instant::now())
            })
        })
        .collect();
    sleep(millis(5)).await;
    script.take_log();
    let begun = Instant::now();
    drop(held);
    for waiter in waiters {
        let (n, at) = waiter.await.unwrap();
        assert_eq!(at - begun, millis(10 * (n + 1)), "in turn, a hook of 10 ms each");
    }
    assert_eq!(script.take_log(), [("before_acquire", 0); 3]);
}

#[tokio::test(start_paused = true)]
async fn what_a_hook_refuses_is_closed_and_another_one_serves() {
    let (pool, server, script) = start_hooked(settings(2, 2), BEFORE).await;
    script.before_refuses.store(1, SeqCst);
    let guard = pool.acquire().await.unwrap();
    assert_ne!(guard.number, 0);
    sleep(millis(1)).await;
    assert_eq!(pool.stats().closed[&Reason::Refused], 1);
    assert_eq!(Server::count(&server.closes), 1, "in good order");
    let counts = pool.stats().hooks.before_acquire;
    assert_eq!((counts.refused, counts.failed), (1, 0));

    let (pool, server, script) = start_hooked(settings(2, 2), BEFORE).await;
    script.before_fails.store(true, SeqCst);
    assert!(pool.acquire().await.unwrap().number >= 2, "a new one");
    sleep(millis(1)).await;
    let stats = pool.stats();
    assert_eq!((stats.hooks.before_acquire.failed, stats.closed[&Reason::Refused]), (2, 2));
    assert_eq!(Server::count(&server.closes), 0, "dropped");
}

#[tokio::test(start_paused = true)]
async fn a_hook_that_never_ends_costs_its_limit_and_one_connect_however_many_are_idle() {
    let (pool, server, script) = start_hooked(settings(0, 10), BEFORE).await;
    pool.renew().await.unwrap();
    script.before_ms.store(FROZEN, SeqCst);
    server.connect_ms.store(5, SeqCst);
    let begun = Instant::now();
    let guard = pool.acquire().await.unwrap();
    assert_eq!(begun.elapsed(), pool.settings().hooks.before_acquire + millis(5));
    assert_eq!(guard.number, 10, "the new one");
    assert!(pool.stats().hooks.before_acquire.failed >= 1);
}

#[tokio::test(start_paused = true)]
async fn a_hook_that_panics_has_failed() {
    let (pool, _server, script) = start_hooked(settings(2, 2), BEFORE).await;
    script.before_panics.store(true, SeqCst);
    let begun = Instant::now();
    let guard = pool.acquire().await.unwrap();
    assert_eq!((begun.elapsed(), guard.number == 0), (millis(0), false));
    sleep(millis(1)).await;
    let stats = pool.stats();
    assert_eq!((stats.hooks.before_acquire.failed, stats.closed[&Reason::Refused]), (1, 1));
    assert_eq!((stats.open, stats.checking), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn the_callers_deadline_holds_while_a_hook_runs_which_nobody_cancels() {
    let (pool, server, script) = start_hooked(settings(5, 5), BEFORE).await;
    script.before_ms.store(20, SeqCst);
    let mut late = 0;
    for _ in 0..100 {
        let begun = Instant::now();
        // One in twenty comes when a hook that was begun for others has just ended.
        late += usize::from(pool.acquire_timeout(millis(1)).await.is_err());
        assert!(begun.elapsed() <= millis(1));
    }
    assert!(late > 90, "{late}");
    sleep(millis(50)).await;
    let (stats, counts) = (pool.stats(), pool.stats().hooks.before_acquire);
    assert_eq!((stats.idle, stats.closed_total(), Server::count(&server.opened)), (5, 0, 5));
    assert!(counts.runs >= 5 && counts.failed == 0, "{counts:?}");
    drop(pool.acquire().await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn what_comes_back_is_kept_only_if_the_hook_says_so() {
    let (pool, _server, script) = start_hooked(settings(1, 1), AFTER).await;
    script.after_refuses.store(1, SeqCst);
    pool.acquire().await.unwrap().release().await.unwrap();
    assert_eq!(pool.stats().closed[&Reason::Refused], 1);
    assert_eq!(pool.acquire().await.unwrap().number, 1);
    sleep(millis(1)).await;

    script.after_fails.store(true, SeqCst);
    let failed = pool.acquire().await.unwrap().release().await.unwrap_err();
    assert!(failed.to_string().ends_with("the fake server says no"), "{failed}");
    script.after_fails.store(false, SeqCst);

    script.after_ms.store(FROZEN, SeqCst);
    let begun = Instant::now();
    let late = pool.acquire().await.unwrap().release().await.unwrap_err();
    assert!(late.to_string().ends_with("after_release took longer than 1s"), "{late}");
    assert_eq!(begun.elapsed(), pool.settings().hooks.after_release);
    let counts = pool.stats().hooks.after_release;
    assert_eq!((counts.runs, counts.refused, counts.failed), (4, 1, 2));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_to_be_had_at_once_where_a_hook_has_to_be_asked_first() {
    let (pool, _server, _script) = start_hooked(settings(1, 1), BEFORE).await;
    assert!(matches!(pool.try_acquire(), Err(Error::NoneIdle { .. })));
    let (pool, _server, _script) = start_hooked(settings(1, 1), AFTER).await;
    drop(pool.try_acquire().unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_crowd_over_hooks_that_fail_now_and_then_is_served_and_nothing_is_lost() {
    let (pool, server, script) = start_hooked(settings(2, 4), BOTH).await;
    script.before_ms.store(1, SeqCst);
    script.after_ms.store(1, SeqCst);
    server.connect_ms.store(2, SeqCst);
    let callers: Vec<_> = (0..200_u64)
        .map(|n| {
            let (pool, script) = (pool.clone(), Arc::clone(&script));
            tokio::spawn(async move {
                let guard = pool.acquire().await.unwrap();
                sleep(millis(n % 3)).await;
                match n % 10 {
                    0 => script.before_refuses.store(1, SeqCst),
                    5 => script.after_refuses.store(1, SeqCst),
                    // One who gives up while hooks run for it.
                    7 => drop(pool.acquire_timeout(millis(1)).await),
                    _ => {}
                }
                drop(guard);
            })
        })
        .collect();
    for caller in callers {
        caller.await.unwrap();
    }
    sleep(millis(100)).await;
    let stats = pool.stats();
    assert!(stats.closed[&Reason::Refused] > 5, "{stats:?}");
    assert_eq!((stats.waiting, stats.in_use, stats.checking, stats.connecting), (0, 0, 0, 0));
    assert_eq!(stats.open, stats.idle);
    assert!(Server::count(&server.most_open) <= 4);
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(pool.acquire().await.unwrap());
    }
    assert_eq!(Server::count(&server.open), 4);
}
