//! The circuit breaker, in paused time.

mod common;
#[path = "common/events.rs"]
mod events;

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use common::{FROZEN, Fake, Server, assert_whole, millis, settings, start};
use events::Events;
use pool::{Breaker, BreakerStats, CircuitState, Error, Pool, Settings};
use tokio::time::{Instant, sleep};

/// Opens after three failures in a row, for 500 ms, then 1 s, then 2 s.
fn breaker() -> Breaker {
    Breaker {
        failures_in_a_row: Some(3),
        failure_percent: None,
        open_min: millis(500),
        open_max: millis(2_000),
        ..Breaker::default()
    }
}

fn with(breaker: Breaker, min: usize, max: usize) -> Settings {
    Settings { breaker: Some(breaker), ..settings(min, max) }
}

fn circuit(pool: &Pool<Fake>) -> BreakerStats {
    pool.stats().breaker.expect("there is one")
}

/// Calls until the circuit is open.
async fn bring_down(pool: &Pool<Fake>, server: &Server) {
    server.is_down.store(true, SeqCst);
    while circuit(pool).state == CircuitState::Closed {
        assert!(pool.acquire_timeout(millis(200)).await.is_err());
    }
}

fn is_open(error: &Error) -> bool {
    matches!(error, Error::CircuitOpen { .. })
}

#[tokio::test(start_paused = true)]
async fn it_opens_after_a_run_fails_fast_with_the_last_error_and_closes_by_itself() {
    let events = Events::listen();
    let (pool, server) = start(with(breaker(), 0, 4)).await;
    bring_down(&pool, &server).await;
    assert_eq!(Server::count(&server.attempts), 3);
    let begun = Instant::now();
    for _ in 0..50 {
        let error = pool.acquire().await.unwrap_err();
        assert!(is_open(&error), "{error}");
        let text = error.to_string();
        assert!(text.contains("the fake server says no"), "{text}");
    }
    assert_eq!((begun.elapsed(), Server::count(&server.attempts)), (Duration::ZERO, 3));
    let stats = circuit(&pool);
    assert_eq!((stats.state, stats.opened, stats.refused >= 50), (CircuitState::Open, 1, true));
    assert_eq!(stats.last_error.as_deref(), Some("the fake server says no"));

    // Probes come when they were said to, and never more often: after 500 ms, 1 s, 2 s, 2 s.
    for (pause, attempts) in [(500, 4), (1_000, 5), (2_000, 6), (2_000, 7)] {
        let next = Duration::from_nanos(circuit(&pool).next_probe_ns.unwrap());
        assert!(next <= millis(pause), "{next:?}");
        let Err(Error::CircuitOpen { retry_after, .. }) = pool.acquire().await else { panic!() };
        assert_eq!(retry_after, next);
        sleep(next - millis(1)).await;
        assert_eq!(Server::count(&server.attempts), attempts - 1, "a probe came early");
        sleep(millis(2)).await;
        assert_eq!(Server::count(&server.attempts), attempts, "a probe is late");
        assert_eq!(circuit(&pool).state, CircuitState::Open);
    }

    // Nobody asks, and it closes all the same.
    server.is_down.store(false, SeqCst);
    sleep(millis(2_001)).await;
    let stats = circuit(&pool);
    assert_eq!((stats.state, stats.opened, stats.probes), (CircuitState::Closed, 1, 5));
    drop(pool.acquire().await.unwrap());
    for (event, count) in [("circuit opened", 5), ("circuit half open", 5), ("circuit closed", 1)] {
        assert_eq!(events.with(event).len(), count, "{event}: {:?}", events.with(event));
    }
    assert_whole(&pool, &server).await;
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_while_it_is_open_even_with_borrowed_connections_out() {
    let (pool, server) = start(with(breaker(), 1, 2)).await;
    let held = pool.acquire().await.unwrap();
    server.is_down.store(true, SeqCst);
    let waiters: Vec<_> = (0..10)
        .map(|_| {
            let pool = pool.clone();
            tokio::spawn(async move { pool.acquire().await.map(drop) })
        })
        .collect();
    let begun = Instant::now();
    for waiter in waiters {
        assert!(is_open(&waiter.await.unwrap().unwrap_err()), "they wait for the borrowed one");
    }
    // Three attempts, with pauses of 5 and 10 ms.
    assert!(begun.elapsed() <= millis(20), "{:?}", begun.elapsed());
    let begun = Instant::now();
    assert!(is_open(&pool.acquire().await.unwrap_err()));
    assert_eq!((begun.elapsed(), pool.stats().waiting), (Duration::ZERO, 0));

    // What comes back and is fresh costs nobody a wait, so it is handed out; once it would have to be checked
    // it is not.
    drop(held);
    drop(pool.acquire().await.expect("it was used just now"));
    sleep(pool.settings().check_after).await;
    assert!(is_open(&pool.acquire().await.unwrap_err()));
    assert_eq!(Server::count(&server.checks), 0);
}

/// Connecting works, and what was connected does not: as behind a proxy whose database is down.
#[tokio::test(start_paused = true)]
async fn failing_health_checks_open_it_and_a_probe_has_to_pass_one() {
    let settings = Settings { check_after: millis(1), ..with(breaker(), 0, 4) };
    let (pool, server) = start(settings).await;
    server.dead_below.store(usize::MAX, SeqCst);
    server.connect_ms.store(1, SeqCst);
    for _ in 0..3 {
        assert_eq!(circuit(&pool).state, CircuitState::Closed);
        sleep(millis(2)).await;
        drop(pool.acquire().await.expect("a new one is not checked"));
    }
    sleep(millis(2)).await;
    assert!(is_open(&pool.acquire().await.unwrap_err()));
    assert_eq!((pool.stats().check_errors, pool.stats().connect_errors), (3, 0));
    sleep(millis(510)).await;
    assert_eq!(circuit(&pool).state, CircuitState::Open, "it connects, but does not work");
    server.dead_below.store(0, SeqCst);
    sleep(millis(1_010)).await;
    assert_eq!((circuit(&pool).state, circuit(&pool).opened), (CircuitState::Closed, 1));
    assert_whole(&pool, &server).await;
}

/// A server that was restarted: the dead are replaced, and nobody is refused.
#[tokio::test(start_paused = true)]
async fn the_death_of_all_that_were_idle_does_not_open_it() {
    let (pool, server) = start(with(breaker(), 20, 20)).await;
    server.connect_ms.store(1, SeqCst);
    sleep(millis(200)).await;
    server.kill_all();
    let callers: Vec<_> = (0..40)
        .map(|_| {
            let pool = pool.clone();
            tokio::spawn(async move { pool.acquire().await.map(drop) })
        })
        .collect();
    for caller in callers {
        caller.await.unwrap().expect("connecting works");
    }
    assert_eq!((pool.stats().check_errors, circuit(&pool).opened), (20, 0));
}

#[tokio::test(start_paused = true)]
async fn a_rate_opens_it_that_never_comes_in_a_run() {
    let rate = Breaker {
        failures_in_a_row: None,
        failure_percent: Some(50),
        window: millis(1_000),
        window_min: 6,
        ..breaker()
    };
    let (pool, server) = start(with(rate, 0, 8)).await;
    // Every other attempt fails.
    server.fails_each.store(2, SeqCst);
    let mut held = Vec::new();
    for _ in 0..6 {
        held.extend(pool.acquire_timeout(millis(100)).await);
    }
    let stats = circuit(&pool);
    assert_eq!(stats.state, CircuitState::Open, "{stats:?}");
    assert_eq!((stats.window_total, stats.window_failed), (6, 3), "{stats:?}");

    // The same at a slower pace never has enough within the window.
    let rate = Breaker { failures_in_a_row: None, ..circuit_settings(&pool) };
    let (pool, server) = start(with(rate, 0, 1)).await;
    server.fails_each.store(2, SeqCst);
    for _ in 0..20 {
        if let Ok(guard) = pool.acquire_timeout(millis(100)).await {
            guard.close().await.ok();
        }
        sleep(millis(400)).await;
    }
    assert_eq!(circuit(&pool).opened, 0, "{:?}", circuit(&pool));
}

fn circuit_settings(pool: &Pool<Fake>) -> Breaker {
    pool.settings().breaker.clone().expect("there is one")
}

#[tokio::test(start_paused = true)]
async fn it_closes_after_as_many_probes_as_are_wanted() {
    let (pool, server) = start(with(Breaker { probes: 3, ..breaker() }, 0, 4)).await;
    bring_down(&pool, &server).await;
    server.is_down.store(false, SeqCst);
    server.connect_ms.store(10, SeqCst);
    sleep(millis(501)).await;
    assert_eq!(circuit(&pool).state, CircuitState::HalfOpen);
    let Err(Error::CircuitOpen { retry_after, .. }) = pool.acquire().await else { panic!() };
    assert_eq!(retry_after, Duration::ZERO);
    sleep(millis(15)).await;
    assert_eq!((circuit(&pool).state, Server::count(&server.open)), (CircuitState::HalfOpen, 1));
    sleep(millis(20)).await;
    assert_eq!((circuit(&pool).state, Server::count(&server.open)), (CircuitState::Closed, 3));
    assert_whole(&pool, &server).await;
}

#[tokio::test(start_paused = true)]
async fn while_it_is_open_nothing_is_tried_but_the_probes() {
    let settings = Settings {
        maintenance_every: Some(millis(50)),
        max_lifetime: Some(millis(300)),
        lifetime_jitter_percent: 0,
        ..with(Breaker { open_min: millis(2_000), ..breaker() }, 2, 4)
    };
    let (pool, server) = start(settings).await;
    let held = [pool.acquire().await.unwrap(), pool.acquire().await.unwrap()];
    bring_down(&pool, &server).await;
    let before = Server::count(&server.attempts);
    sleep(millis(500)).await;
    for guard in held {
        guard.close().await.unwrap();
    }
    sleep(millis(1_000)).await;
    assert_eq!(Server::count(&server.attempts), before);
    server.is_down.store(false, SeqCst);
    sleep(millis(600)).await;
    assert_eq!(circuit(&pool).state, CircuitState::Closed);
    assert_eq!(pool.stats().open, 2, "the minimum is there again");
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_hangs_or_panics_leaves_it_open() {
    let settings = Settings { connect_timeout: millis(100), ..with(breaker(), 0, 2) };
    let (pool, server) = start(settings).await;
    bring_down(&pool, &server).await;
    server.is_down.store(false, SeqCst);
    server.panics.store(true, SeqCst);
    sleep(millis(501)).await;
    assert_eq!((circuit(&pool).state, circuit(&pool).probes), (CircuitState::Open, 1));
    server.connect_ms.store(FROZEN, SeqCst);
    sleep(millis(1_050)).await;
    assert_eq!((circuit(&pool).state, circuit(&pool).probes), (CircuitState::HalfOpen, 2));
    sleep(millis(60)).await;
    assert_eq!((circuit(&pool).state, circuit(&pool).probes), (CircuitState::Open, 2));
    server.connect_ms.store(0, SeqCst);
    sleep(millis(2_001)).await;
    assert_whole(&pool, &server).await;
}

#[tokio::test(start_paused = true)]
async fn with_all_places_taken_it_closes_without_a_probe() {
    let (pool, server) = start(with(breaker(), 1, 2)).await;
    let first = pool.acquire().await.unwrap();
    bring_down(&pool, &server).await;
    server.is_down.store(false, SeqCst);
    assert_eq!(pool.renew().await.unwrap(), 1, "whoever asks for an attempt gets it");
    assert_eq!(circuit(&pool).state, CircuitState::Open, "that was no probe");
    sleep(millis(501)).await;
    assert_eq!((circuit(&pool).state, circuit(&pool).probes), (CircuitState::Closed, 0));
    drop(first);
    assert_whole(&pool, &server).await;
}

#[tokio::test(start_paused = true)]
async fn the_task_ends_with_the_pool() {
    let (pool, server) = start(with(breaker(), 0, 2)).await;
    bring_down(&pool, &server).await;
    drop(pool);
    sleep(millis(5_000)).await;
    assert_eq!((Server::count(&server.attempts), Arc::strong_count(&server)), (3, 1));
}

#[tokio::test(start_paused = true)]
async fn settings_that_make_no_sense_are_named() {
    let wrong = [
        (Breaker { failures_in_a_row: None, ..breaker() }, "breaker.failures_in_a_row: without"),
        (Breaker { failures_in_a_row: Some(0), ..breaker() }, "breaker.failures_in_a_row: must"),
        (Breaker { failure_percent: Some(101), ..breaker() }, "breaker.failure_percent: must"),
        (Breaker { window: Duration::ZERO, ..breaker() }, "breaker.window: must"),
        (Breaker { window_min: 0, ..breaker() }, "breaker.window_min: must"),
        (Breaker { open_min: Duration::ZERO, ..breaker() }, "breaker.open_min: must"),
        (Breaker { open_min: millis(3_000), ..breaker() }, "breaker.open_min: is more"),
        (Breaker { probes: 0, ..breaker() }, "breaker.probes: must"),
    ];
    for (breaker, problem) in wrong {
        let error = with(breaker, 0, 1).validate().unwrap_err().to_string();
        assert!(error.starts_with(problem), "{error} for {problem}");
    }
}
